#ifndef DOPPIO_WIDTH_TABLE_H_
#define DOPPIO_WIDTH_TABLE_H_

// How many outputs the layers of published nets have. A predict net says how large a kernel is but
// not how many kernels there are: where its init net is lost, that can only be read in the paper.
//
//   # a comment
//   net SqueezeNet 1.1                the title of a section
//   source https://...                where its numbers were read
//   name squeezenet*                  nets of these names (one is enough); none: any name
//   where fire2/squeeze1x1_w          nets that read this blob (all are asked for) ...
//   where conv1_w kernel=3            ... in an operator with this argument
//   width fire2/squeeze1x1_w 16       outputs of the operator that has this blob as its weights
//   guess last_w 1280                 the same where nobody has published it
//   layers 7:64 max 2*(1:64 3:64)     nets that have these layers, whatever their blobs are called
//
// Layers are the convolutions (by their kernel, with "g" behind it where they have groups),
// products (fc) and max pools (max) of the net, all of them, in its order, each with its outputs;
// `out` is an fc or a convolution of kernel 1; N*(...) is a group that comes N times. The lines of
// a section are one sequence.
//
// Names and blobs are patterns, in which * stands for anything; the first pattern that fits counts.
//
// Threads: a table may be asked by many at once.

#include <optional>
#include <string>
#include <vector>

#include "doppio/net.pb.h"
#include "doppio/status.h"

namespace doppio {

// A section of the table.
struct PublishedWidths {
  struct Condition {
    std::string blob;
    std::string argument;  // empty: it is enough that the net reads the blob
    std::string value;
  };
  struct Width {
    std::string blob;
    int64_t outputs = 0;
    bool is_guess = false;
  };

  struct Layer {
    std::string kind;  // as in the table
    int64_t outputs = 0;
  };

  std::string title;
  std::string source;
  std::vector<std::string> names;
  std::vector<Condition> conditions;
  std::vector<Layer> layers;
  std::vector<Width> widths;

  bool IsFor(const NetDef& net) const;
  // The entry for that blob, or null.
  const Width* Find(absl::string_view blob) const;
};

// InvalidArgument with the number of the line that can not be read.
absl::StatusOr<std::vector<PublishedWidths>> ParseWidthTable(absl::string_view text);

// The first section that is for `net`, if there is one. What it says of layers is stated as widths
// of the blobs that `net` has for their weights.
std::optional<PublishedWidths> FindPublishedWidths(const std::vector<PublishedWidths>& table,
                                                   const NetDef& net);

}  // namespace doppio

#endif  // DOPPIO_WIDTH_TABLE_H_
