#ifndef DOPPIO_RUNTIME_PREDICTOR_STATE_H_
#define DOPPIO_RUNTIME_PREDICTOR_STATE_H_

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "doppio/predictor.h"
#include "src/graph/net_text.h"
#include "src/runtime/given_names.h"
#include "src/runtime/predictor_instance.h"

namespace doppio {

struct Predictor::State {
  bool optimize = true;
  bool winograd = true;
  std::vector<std::string> inputs;
  std::vector<std::string> outputs;
  int operators_before = 0;
  Workspace weights;  // once the predictor is made, only read
  BlobInfos shapes;   // of the weights, without values
  std::shared_ptr<const NetDef> net;
  GivenNames names;  // of the blobs of `net`

  std::mutex mutex;                       // of what follows
  std::shared_ptr<const NetDef> planned;  // null: not yet
  std::vector<TensorInfo> planned_for;    // the inputs, where the plan is for their shapes alone
  int64_t bytes_before = 0;
  int64_t bytes_after = 0;
  int instances = 0;
  std::vector<std::unique_ptr<PredictorInstance>> idle;

  std::string Place() const { return absl::StrCat("predictor of ", NetPlace(*net)); }

  absl::Status Prepare(Model model);
  absl::Status Optimize(const NetDef& predict);
  void RememberShapes(const NetDef& prepare);
  absl::Status RunPrepare(const NetDef& prepare);
  BlobInfos WeightInfos() const;

  void Plan(absl::Span<const Tensor> fed);  // with `mutex` held, as is the next one
  bool IsPlannedFor(absl::Span<const Tensor> fed) const;
  absl::StatusOr<std::unique_ptr<PredictorInstance>> Acquire(absl::Span<const Tensor> fed);
  void Release(std::unique_ptr<PredictorInstance> instance, bool has_failed);
  absl::StatusOr<std::vector<Tensor>> Run(absl::Span<const Tensor> fed, NetObserver* observer);
};

}  // namespace doppio

#endif  // DOPPIO_RUNTIME_PREDICTOR_STATE_H_
