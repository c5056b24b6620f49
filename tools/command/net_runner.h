#ifndef DOPPIO_TOOLS_COMMAND_NET_RUNNER_H_
#define DOPPIO_TOOLS_COMMAND_NET_RUNNER_H_

// How commands run a net: rewritten, by a Predictor, where that is asked for and possible, else as
// it is, in a workspace.

#include <memory>
#include <string>
#include <vector>

#include "doppio/infer.h"
#include "doppio/predictor.h"
#include "tools/command/command.h"

namespace doppio::tools {

class NetRunner {
 public:
  struct Options {
    bool optimize = true;
    bool winograd = true;              // where it is optimized
    std::vector<std::string> fed;      // what may be another value in every run
    std::vector<std::string> outputs;  // what must be there after a run
  };
  // `workspace` holds what the net reads. A Predictor takes over the tensors in it; so when the net
  // has run, the workspace holds fewer blobs.
  static absl::StatusOr<NetRunner> Create(const NetDef& net, Options options, Workspace* workspace);

  bool is_optimized() const { return predictor_ != nullptr; }
  // What is run; the first run may change it.
  std::shared_ptr<const NetDef> net() const;
  // Shapes of what the net reads.
  BlobInfos Inputs() const;

  // Of expanded tensors that the last run did not write out.
  int64_t UnwrittenBytes() const;

  void AddObserver(NetObserver* observer) { observers_.push_back(observer); }
  absl::Status Run();
  // Puts the outputs of the last run where Workspace::Fetch finds them.
  absl::Status KeepOutputs();

 private:
  Options options_;
  Workspace* workspace_ = nullptr;
  Net* net_ = nullptr;  // of the workspace, where there is no predictor
  std::unique_ptr<Predictor> predictor_;
  std::vector<Tensor> inputs_;
  std::vector<Tensor> outputs_;
  std::vector<NetObserver*> observers_;
};

// Why a net has to be run as it is, in a workspace: it keeps something from run to run, or reads
// what is no tensor. Empty where a Predictor may run it.
std::string WhyNoPredictor(const NetDef& net, const Workspace& workspace);

}  // namespace doppio::tools

#endif  // DOPPIO_TOOLS_COMMAND_NET_RUNNER_H_
