#include "doppio/predictor.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/memory/memory.h"
#include "absl/strings/str_join.h"
#include "absl/synchronization/mutex.h"
#include "doppio/check.h"
#include "doppio/optimize.h"
#include "doppio/registry.h"
#include "src/graph/net_text.h"
#include "src/runtime/predictor_blobs.h"
#include "src/runtime/predictor_instance.h"

namespace doppio {

struct Predictor::State {
  bool optimize = true;
  std::vector<std::string> inputs;
  std::vector<std::string> outputs;
  int operators_before = 0;
  Workspace weights;  // once the predictor is made, only read
  std::shared_ptr<const NetDef> net;

  absl::Mutex mutex;
  std::shared_ptr<const NetDef> planned ABSL_GUARDED_BY(mutex);  // null: not yet
  int64_t bytes_before ABSL_GUARDED_BY(mutex) = 0;
  int64_t bytes_after ABSL_GUARDED_BY(mutex) = 0;
  int instances ABSL_GUARDED_BY(mutex) = 0;
  std::vector<std::unique_ptr<PredictorInstance>> idle ABSL_GUARDED_BY(mutex);

  std::string Place() const { return absl::StrCat("predictor of ", NetPlace(*net)); }

  absl::Status Prepare(Model model);
  absl::Status Optimize(const NetDef& predict);
  absl::Status RunPrepare(const NetDef& prepare);

  void Plan(absl::Span<const Tensor> fed) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);
  absl::StatusOr<std::unique_ptr<PredictorInstance>> Acquire(absl::Span<const Tensor> fed);
  void Release(std::unique_ptr<PredictorInstance> instance, bool has_failed);
  absl::StatusOr<std::vector<Tensor>> Run(absl::Span<const Tensor> fed, NetObserver* observer);
};

// --- Making a predictor. ---

absl::Status Predictor::State::Prepare(Model model) {
  const std::set<std::string> placeholders = PlaceholdersOf(model.inits);
  for (auto& [name, tensor] : model.weights) {
    DOPPIO_RETURN_IF_ERROR(weights.Feed(name, std::move(tensor)));
  }
  model.weights.clear();
  for (NetDef& init : model.inits) DOPPIO_RETURN_IF_ERROR(RunAndFree(std::move(init), &weights));
  model.inits.clear();

  const NetBlobs blobs = BlobsOfWholeNet(model.predict);
  inputs = std::move(model.inputs);
  if (inputs.empty()) inputs = ChooseInputs(model.predict, blobs, weights, placeholders);
  outputs = model.outputs.empty() ? OutputsOfNet(model.predict) : std::move(model.outputs);
  operators_before = model.predict.op_size();

  CheckOptions check;
  for (const std::string& name : weights.Blobs()) check.known_blobs.insert(name);
  check.known_blobs.insert(inputs.begin(), inputs.end());
  DOPPIO_RETURN_IF_ERROR(ProblemsToStatus(CheckNet(model.predict, check)));
  absl::Status status = CheckForPrediction(model.predict, blobs, weights, inputs, outputs);
  if (!status.ok()) return Annotate(status, NetPlace(model.predict));

  for (const std::string& name : weights.LocalBlobs()) {
    const bool is_input = std::find(inputs.begin(), inputs.end(), name) != inputs.end();
    if (is_input) DOPPIO_RETURN_IF_ERROR(weights.RemoveBlob(name));
  }
  if (optimize) return Optimize(model.predict);
  net = std::make_shared<const NetDef>(std::move(model.predict));
  return RunPrepare(NetDef());
}

absl::Status Predictor::State::Optimize(const NetDef& predict) {
  absl::StatusOr<OptimizedNet> optimized = OptimizeNet(predict, {inputs, outputs}, &weights);
  if (!optimized.ok()) return Annotate(optimized.status(), NetPlace(predict));
  net = std::make_shared<const NetDef>(std::move(optimized->net));
  return RunPrepare(optimized->prepare);
}

// Makes other forms of weights (packed, folded). Each weight goes as soon as nothing reads it any
// more, so that not all are there in both forms at once.
absl::Status Predictor::State::RunPrepare(const NetDef& prepare) {
  std::set<std::string> read_by_net(outputs.begin(), outputs.end());
  for (std::string& name : BlobsOfWholeNet(*net).needed) read_by_net.insert(std::move(name));
  std::map<std::string, int> last_reader;
  std::vector<OpBlobs> blobs;
  for (int k = 0; k < prepare.op_size(); ++k) {
    blobs.push_back(BlobsOfOp(prepare.op(k)));
    for (const std::string& name : blobs.back().reads) last_reader[name] = k;
    for (const std::string& name : blobs.back().writes) last_reader[name] = k;
  }
  for (const std::string& name : weights.LocalBlobs()) {
    if (read_by_net.count(name) > 0 || last_reader.count(name) > 0) continue;
    DOPPIO_RETURN_IF_ERROR(weights.RemoveBlob(name));
  }
  for (int k = 0; k < prepare.op_size(); ++k) {
    const absl::Status status = weights.RunOperatorOnce(prepare.op(k));
    if (!status.ok()) return Annotate(status, NetPlace(prepare));
    for (const std::vector<std::string>& names : {blobs[k].reads, blobs[k].writes}) {
      for (const std::string& name : names) {
        const bool is_done = last_reader[name] == k && read_by_net.count(name) == 0;
        if (is_done && weights.HasBlob(name)) DOPPIO_RETURN_IF_ERROR(weights.RemoveBlob(name));
      }
    }
  }
  return absl::OkStatus();
}

// --- Running it. ---

static TensorInfo InfoOf(const Tensor& tensor) {
  return {tensor.dtype(), Dims(tensor.dims().begin(), tensor.dims().end()), tensor};
}

// Gives blobs shared buffers, by the shapes of what is fed. Where that fails, so does the run with
// these inputs, most likely, and says better why; the next one may be right.
void Predictor::State::Plan(absl::Span<const Tensor> fed) {
  BlobInfos known;
  for (const std::string& name : weights.LocalBlobs()) {
    const absl::StatusOr<Tensor> weight = weights.Fetch(name);
    if (weight.ok()) known[name] = InfoOf(*weight);
  }
  for (size_t i = 0; i < fed.size(); ++i) {
    known[inputs[i]] = InfoOf(fed[i]);
    known[inputs[i]].value.reset();  // the next run may feed another one
  }
  std::vector<std::string> keep = inputs;
  keep.insert(keep.end(), outputs.begin(), outputs.end());
  absl::StatusOr<MemoryPlan> plan = PlanMemory(*net, known, keep);
  if (!plan.ok()) return;
  planned = std::make_shared<const NetDef>(std::move(plan->net));
  bytes_before = plan->bytes_before;
  bytes_after = plan->bytes_after;
}

absl::StatusOr<std::unique_ptr<PredictorInstance>> Predictor::State::Acquire(
    absl::Span<const Tensor> fed) {
  std::shared_ptr<const NetDef> def;
  {
    absl::MutexLock lock(&mutex);
    if (!idle.empty()) {
      std::unique_ptr<PredictorInstance> instance = std::move(idle.back());
      idle.pop_back();
      return instance;
    }
    if (optimize && planned == nullptr) Plan(fed);
    def = planned != nullptr ? planned : net;
  }
  DOPPIO_ASSIGN_OR_RETURN(std::unique_ptr<PredictorInstance> instance,
                          PredictorInstance::Create(def, &weights, inputs, outputs));
  absl::MutexLock lock(&mutex);
  ++instances;
  return instance;
}

void Predictor::State::Release(std::unique_ptr<PredictorInstance> instance, bool has_failed) {
  absl::MutexLock lock(&mutex);
  const bool is_outdated = planned != nullptr ? instance->def() != planned : optimize && has_failed;
  if (is_outdated) {
    --instances;
  } else {
    idle.push_back(std::move(instance));
  }
}

absl::StatusOr<std::vector<Tensor>> Predictor::State::Run(absl::Span<const Tensor> fed,
                                                          NetObserver* observer) {
  if (fed.size() != inputs.size()) {
    return absl::InvalidArgumentError(absl::StrCat(Place(), ": ", fed.size(), " tensors for ",
                                                   inputs.size(), " inputs (",
                                                   absl::StrJoin(inputs, ", "), ")"));
  }
  for (size_t i = 0; i < fed.size(); ++i) {
    if (fed[i].dtype() == DataType::kUndefined) {
      return absl::InvalidArgumentError(
          absl::StrCat(Place(), ": the tensor for input \"", inputs[i], "\" has no value"));
    }
  }
  DOPPIO_ASSIGN_OR_RETURN(std::unique_ptr<PredictorInstance> instance, Acquire(fed));
  absl::StatusOr<std::vector<Tensor>> results = instance->Run(fed, observer);
  Release(std::move(instance), !results.ok());
  return results;
}

// --- The class. ---

Predictor::Predictor(std::unique_ptr<State> state) : state_(std::move(state)) {}
Predictor::~Predictor() = default;

absl::StatusOr<std::unique_ptr<Predictor>> Predictor::Create(Model model,
                                                             const PredictorOptions& options) {
  auto state = std::make_unique<State>();
  state->optimize = options.optimize;
  DOPPIO_RETURN_IF_ERROR(state->Prepare(std::move(model)));
  return absl::WrapUnique(new Predictor(std::move(state)));
}

absl::StatusOr<std::unique_ptr<Predictor>> Predictor::Create(NetDef init, NetDef predict,
                                                             const PredictorOptions& options) {
  Model model;
  model.inits.push_back(std::move(init));
  model.predict = std::move(predict);
  return Create(std::move(model), options);
}

const std::vector<std::string>& Predictor::inputs() const { return state_->inputs; }
const std::vector<std::string>& Predictor::outputs() const { return state_->outputs; }

absl::StatusOr<std::vector<Tensor>> Predictor::Run(absl::Span<const Tensor> inputs,
                                                   NetObserver* observer) const {
  return state_->Run(inputs, observer);
}

absl::StatusOr<std::map<std::string, Tensor>> Predictor::Run(
    const std::map<std::string, Tensor>& inputs, NetObserver* observer) const {
  std::vector<Tensor> fed(state_->inputs.size());
  for (const auto& [name, tensor] : inputs) {
    const auto found = std::find(state_->inputs.begin(), state_->inputs.end(), name);
    if (found == state_->inputs.end()) {
      return absl::NotFoundError(absl::StrCat(state_->Place(), ": there is no input \"", name, "\"",
                                              DidYouMean(name, state_->inputs),
                                              "; inputs: ", absl::StrJoin(state_->inputs, ", ")));
    }
    fed[static_cast<size_t>(found - state_->inputs.begin())] = tensor;
  }
  for (const std::string& name : state_->inputs) {
    if (inputs.count(name) == 0) {
      return absl::InvalidArgumentError(
          absl::StrCat(state_->Place(), ": input \"", name, "\" is missing"));
    }
  }
  DOPPIO_ASSIGN_OR_RETURN(std::vector<Tensor> results, state_->Run(fed, observer));
  std::map<std::string, Tensor> named;
  for (size_t i = 0; i < results.size(); ++i) {
    named[state_->outputs[i]] = std::move(results[i]);
  }
  return named;
}

std::shared_ptr<const NetDef> Predictor::net() const {
  absl::MutexLock lock(&state_->mutex);
  return state_->planned != nullptr ? state_->planned : state_->net;
}

PredictorStats Predictor::Stats() const {
  PredictorStats stats;
  stats.operators_before = state_->operators_before;
  stats.weight_bytes = state_->weights.Stats().live_bytes;
  absl::MutexLock lock(&state_->mutex);
  stats.operators_after = (state_->planned != nullptr ? state_->planned : state_->net)->op_size();
  stats.bytes_before = state_->bytes_before;
  stats.bytes_after = state_->bytes_after;
  stats.instances = state_->instances;
  return stats;
}

}  // namespace doppio
