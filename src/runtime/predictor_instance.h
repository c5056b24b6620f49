#ifndef DOPPIO_RUNTIME_PREDICTOR_INSTANCE_H_
#define DOPPIO_RUNTIME_PREDICTOR_INSTANCE_H_

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/types/span.h"
#include "doppio/net.h"
#include "doppio/workspace.h"
#include "src/runtime/predictor_blobs.h"

namespace doppio {

// A net that reads the weights of a workspace and writes to blobs of its own. One thread at a time
// runs it.
class PredictorInstance {
 public:
  static absl::StatusOr<std::unique_ptr<PredictorInstance>> Create(
      std::shared_ptr<const NetDef> def, const Workspace* weights,
      const std::vector<std::string>& inputs, const std::vector<std::string>& outputs);

  const std::shared_ptr<const NetDef>& def() const { return def_; }

  const Net& net() const { return *net_; }
  // Of tensors that the last run did not write out.
  int64_t UnwrittenBytes() const { return workspace_.Stats().unwritten_bytes; }

  // One tensor for each input, with a value.
  absl::StatusOr<std::vector<Tensor>> Run(absl::Span<const Tensor> inputs, NetObserver* observer);

 private:
  PredictorInstance(std::shared_ptr<const NetDef> def, const Workspace* weights)
      : def_(std::move(def)), workspace_(weights) {}
  absl::StatusOr<std::vector<Tensor>> Outputs() const;

  std::shared_ptr<const NetDef> def_;
  Workspace workspace_;
  std::unique_ptr<Net> net_;
  struct NamedBlob {
    std::string name;
    std::shared_ptr<Blob> blob;
  };
  std::vector<std::shared_ptr<Blob>> inputs_;
  std::vector<NamedBlob> outputs_;
  // Outputs that a run may leave unmade: emptied before each, so that no run gives an older result.
  std::vector<std::shared_ptr<Blob>> conditional_;
};

}  // namespace doppio

#endif  // DOPPIO_RUNTIME_PREDICTOR_INSTANCE_H_
