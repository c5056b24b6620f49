#ifndef DOPPIO_TOOLS_COMMAND_KNOWN_SHAPES_H_
#define DOPPIO_TOOLS_COMMAND_KNOWN_SHAPES_H_

// What the commands that look at shapes, or make up weights, are told on the command line.

#include <optional>
#include <string>
#include <vector>

#include "doppio/weight_shapes.h"
#include "doppio/workspace.h"
#include "tools/command/command.h"

namespace doppio::tools {

// --shape and --widths.
class KnownShapes {
 public:
  void AddOptions(Options* options);
  // --shape alone.
  void AddShapes(Options* options);

  bool empty() const { return shapes_.empty() && widths_.empty(); }
  // Of the blobs that --shape names, which `net` must read. `may_be_open`: a size may be -1.
  absl::StatusOr<BlobInfos> Load(const NetDef& net, bool may_be_open = false) const;
  // What --widths or else doppio's own table has for that net. Its title is empty where there is
  // nothing.
  absl::StatusOr<PublishedWidths> Widths(const NetDef& net) const;

 private:
  std::vector<std::string> shapes_;
  std::string widths_;
};

// "float[1,3,227,227]", or "?".
std::string InfoToString(const TensorInfo& info);

// Lines that say what of the shapes is not from the net itself: the table, guesses.
std::string WidthSources(const NetShapes& shapes, const PublishedWidths& widths);

// --random-weights, with the above.
class RandomWeights {
 public:
  void AddOptions(Options* options);

  // Fills what `net` reads and the workspace does not have, but for a placeholder of one element:
  // blobs of --shape, and weights. Does nothing without --random-weights. Errors: what is still
  // missing, and why.
  absl::Status Fill(const NetDef& net, Workspace* workspace);
  absl::Status CheckUnused(absl::string_view why) const;
  // The blobs of --shape that it filled: inputs rather than weights.
  const std::vector<std::string>& inputs() const { return inputs_; }
  // What was made up, in whole lines; empty where nothing was.
  const std::string& report() const { return report_; }

 private:
  KnownShapes known_;
  std::optional<uint64_t> seed_;
  std::vector<std::string> inputs_;
  std::string report_;
};

}  // namespace doppio::tools

#endif  // DOPPIO_TOOLS_COMMAND_KNOWN_SHAPES_H_
