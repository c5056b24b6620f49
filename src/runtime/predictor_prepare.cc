#include <algorithm>
#include <iterator>
#include <map>
#include <set>
#include <utility>

#include "doppio/check.h"
#include "doppio/optimize.h"
#include "src/runtime/predictor_blobs.h"
#include "src/runtime/predictor_state.h"

namespace doppio {

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
  OptimizeOptions options;
  options.inputs = inputs;
  options.winograd = winograd;
  const std::set<std::string> written = BlobsOfWholeNet(predict).written;
  for (const std::string& name : outputs) {
    if (written.count(name) > 0) options.outputs.push_back(name);  // not an input, nor a weight
  }
  absl::StatusOr<OptimizedNet> optimized = OptimizeNet(predict, options, &weights);
  if (!optimized.ok()) return Annotate(optimized.status(), NetPlace(predict));
  net = std::make_shared<const NetDef>(std::move(optimized->net));
  names = GivenNames(predict, std::move(optimized->made_from));
  return RunPrepare(optimized->prepare);
}

namespace {

TensorInfo InfoOf(const Tensor& tensor) {
  return {tensor.dtype(), Dims(tensor.dims().begin(), tensor.dims().end()), tensor};
}

}  // namespace

// Of all weights, and of what they are prepared to. No values: they would keep what is to go.
void Predictor::State::RememberShapes(const NetDef& prepare) {
  shapes = WeightInfos();
  absl::StatusOr<NetInference> inference = InferNet(prepare, shapes);
  if (inference.ok()) shapes = std::move(inference->blobs);
  for (auto& [name, info] : shapes) info.value.reset();
}

BlobInfos Predictor::State::WeightInfos() const {
  BlobInfos infos = shapes;
  for (const std::string& name : weights.LocalBlobs()) {
    const absl::StatusOr<Tensor> weight = weights.Fetch(name);
    if (weight.ok()) infos[name] = InfoOf(*weight);
  }
  return infos;
}

// Makes other forms of weights (packed, folded). Each weight goes as soon as nothing reads it any
// more, so that not all are there in both forms at once.
absl::Status Predictor::State::RunPrepare(const NetDef& prepare) {
  RememberShapes(prepare);
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
    if (!status.ok()) return Annotate(names.Restore(status), NetPlace(*net));
    for (const std::vector<std::string>& names : {blobs[k].reads, blobs[k].writes}) {
      for (const std::string& name : names) {
        const bool is_done = last_reader[name] == k && read_by_net.count(name) == 0;
        if (is_done && weights.HasBlob(name)) DOPPIO_RETURN_IF_ERROR(weights.RemoveBlob(name));
      }
    }
  }
  for (auto it = shapes.begin(); it != shapes.end();) {
    it = weights.HasBlob(it->first) ? std::next(it) : shapes.erase(it);
  }
  return absl::OkStatus();
}

}  // namespace doppio
