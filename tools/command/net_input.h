#ifndef DOPPIO_TOOLS_COMMAND_NET_INPUT_H_
#define DOPPIO_TOOLS_COMMAND_NET_INPUT_H_

// What the commands that take a net have in common: its file, libraries of operators, init nets and
// fed blobs.

#include <string>
#include <vector>

#include "doppio/infer.h"
#include "doppio/model.h"
#include "doppio/net.pb.h"
#include "doppio/npy.h"
#include "doppio/workspace.h"
#include "tools/command/command.h"
#include "tools/command/trust.h"

namespace doppio::tools {

struct NetInput {
  std::string net;
  std::vector<std::string> inits;
  std::vector<std::string> feeds;
  std::vector<std::string> libraries;
  std::string image;   // the recipe for pictures among the feeds
  std::string device;  // where nets are to run, whatever they say; empty: as they say
  Trust trust;

  void AddNet(Options* options);
  void AddInits(Options* options);
  void AddFeeds(Options* options);
  void AddLibraries(Options* options);
  void AddDevice(Options* options);
  // --load, --device and what the net is trusted with: of the commands that run it.
  void AddHow(Options* options);

  // To be called first: loads libraries, and sees to it that pipes can be read more than once.
  absl::Status Prepare();
  // Moves a net to the device that is asked for.
  void Place(NetDef* net) const;
  // Runs the init nets and feeds the blobs, in a workspace that may open the files that are
  // allowed. `fed` gets the names of those blobs.
  absl::Status Fill(Workspace* workspace, std::vector<std::string>* fed = nullptr) const;
  // The fed tensors with the names of their blobs.
  absl::StatusOr<std::vector<NamedTensor>> LoadFeeds() const;
};

// The net of a file; where it has no name, it gets that of the file, without its ending. A net that
// stands alone in a PlanDef or MetaNetDef is not looked for.
absl::StatusOr<NetDef> LoadNamedNet(const std::string& path);
// The same of all that LoadModel reads of `input.net`, on the device that is asked for. Its weights
// and what its init nets fill are put into `workspace`.
absl::StatusOr<Model> LoadNamedModel(const NetInput& input, Workspace* workspace);

// The same for commands that look at a net and do not run it: of an ONNX model the net that it
// becomes, with its weights added to `weights`; else that of LoadNamedNet.
absl::StatusOr<NetDef> LoadNetToLookAt(const NetInput& input, BlobInfos* weights);

// "squeezenet" for "models/squeezenet.pb".
std::string FileStem(const std::string& path);

// A blob that a net reads before it writes it, and the first operator that does.
struct NeededInput {
  std::string blob;
  int op;
};
std::vector<NeededInput> NeededInputs(const NetDef& net);

// The tensors of a workspace.
BlobInfos InfosOf(const Workspace& workspace);

// What is wrong with the net itself.
absl::Status CheckNetItself(const NetDef& net);
// An error that lists what `net` needs and `workspace` does not have, with what to write for it.
absl::Status CheckInputsAreThere(const NetDef& net, const Workspace& workspace);
// Both: what is wrong with the net comes before what is missing around it.
absl::Status CheckBeforeRun(const NetDef& net, const Workspace& workspace);

}  // namespace doppio::tools

#endif  // DOPPIO_TOOLS_COMMAND_NET_INPUT_H_
