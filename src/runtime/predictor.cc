#include "doppio/predictor.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/memory/memory.h"
#include "absl/strings/str_join.h"
#include "doppio/optimize.h"
#include "doppio/registry.h"
#include "src/runtime/predictor_state.h"

namespace doppio {

namespace {

// Without the value: the next run may feed another one.
TensorInfo InfoOf(const Tensor& fed) {
  return {fed.dtype(), Dims(fed.dims().begin(), fed.dims().end()), std::nullopt};
}

}  // namespace

// Gives blobs shared buffers, by the shapes of what is fed; where there is a plan already, which is
// for other shapes alone, they get one for any shapes. Where that fails, so does the run with these
// inputs, most likely, and says better why; the next one may be right.
void Predictor::State::Plan(absl::Span<const Tensor> fed) {
  BlobInfos known = WeightInfos();
  for (size_t i = 0; i < fed.size(); ++i) known[inputs[i]] = InfoOf(fed[i]);
  std::vector<std::string> keep = inputs;
  keep.insert(keep.end(), outputs.begin(), outputs.end());
  absl::StatusOr<MemoryPlan> plan = PlanMemory(*net, known, keep, planned != nullptr);
  if (!plan.ok()) return;
  instances -= static_cast<int>(idle.size());
  idle.clear();
  planned_for.clear();
  if (plan->for_these_shapes) {
    for (const std::string& name : inputs) planned_for.push_back(known[name]);
  }
  planned = std::make_shared<const NetDef>(std::move(plan->net));
  bytes_before = plan->bytes_before;
  bytes_after = plan->bytes_after;
}

bool Predictor::State::IsPlannedFor(absl::Span<const Tensor> fed) const {
  if (planned == nullptr) return false;
  for (size_t i = 0; i < planned_for.size(); ++i) {
    if (fed[i].dtype() != planned_for[i].dtype) return false;
    if (fed[i].dims() != DimsView(*planned_for[i].dims)) return false;
  }
  return true;
}

absl::StatusOr<std::unique_ptr<PredictorInstance>> Predictor::State::Acquire(
    absl::Span<const Tensor> fed) {
  std::shared_ptr<const NetDef> def;
  {
    std::lock_guard<std::mutex> lock(mutex);
    const bool wants_plan = planned == nullptr ? idle.empty() : !IsPlannedFor(fed);
    if (optimize && wants_plan) Plan(fed);
    const bool is_planned = IsPlannedFor(fed);
    if (!idle.empty() && (planned == nullptr || is_planned)) {
      std::unique_ptr<PredictorInstance> instance = std::move(idle.back());
      idle.pop_back();
      return instance;
    }
    def = is_planned ? planned : net;
  }
  absl::StatusOr<std::unique_ptr<PredictorInstance>> instance =
      PredictorInstance::Create(def, &weights, inputs, outputs);
  if (!instance.ok()) return names.Restore(instance.status());
  std::lock_guard<std::mutex> lock(mutex);
  ++instances;
  return instance;
}

void Predictor::State::Release(std::unique_ptr<PredictorInstance> instance, bool has_failed) {
  std::lock_guard<std::mutex> lock(mutex);
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
  if (!results.ok()) results = names.Restore(results.status(), instance->net(), *net);
  Release(std::move(instance), !results.ok());
  return results;
}

Predictor::Predictor(std::unique_ptr<State> state) : state_(std::move(state)) {}
Predictor::~Predictor() = default;

absl::StatusOr<std::unique_ptr<Predictor>> Predictor::Create(Model model,
                                                             const PredictorOptions& options) {
  auto state = std::make_unique<State>();
  state->optimize = options.optimize;
  state->winograd = options.winograd;
  state->weights.SetFileAccess(options.file_access);
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

const Workspace& Predictor::weights() const { return state_->weights; }
BlobInfos Predictor::WeightInfos() const { return state_->WeightInfos(); }

std::shared_ptr<const NetDef> Predictor::net() const {
  std::lock_guard<std::mutex> lock(state_->mutex);
  return state_->planned != nullptr ? state_->planned : state_->net;
}

PredictorStats Predictor::Stats() const {
  PredictorStats stats;
  stats.operators_before = state_->operators_before;
  for (const auto& [name, info] : state_->WeightInfos()) {
    if (!info.IsKnown()) continue;
    stats.weight_bytes +=
        NumElements(*info.dims).value_or(0) * static_cast<int64_t>(DataTypeSize(info.dtype));
  }
  std::lock_guard<std::mutex> lock(state_->mutex);
  stats.operators_after = (state_->planned != nullptr ? state_->planned : state_->net)->op_size();
  stats.bytes_before = state_->bytes_before;
  stats.bytes_after = state_->bytes_after;
  stats.instances = state_->instances;
  if (!state_->idle.empty()) stats.unwritten_bytes = state_->idle.back()->UnwrittenBytes();
  return stats;
}

}  // namespace doppio
