#include "tools/command/optimize_report.h"

#include <map>
#include <utility>

#include "doppio/optimize.h"
#include "doppio/predictor.h"
#include "tools/command/net_input.h"
#include "tools/command/table.h"

namespace doppio::tools {
namespace {

// Weights that nothing fills, as far as their shapes are known.
absl::Status MakeUpWeights(const NetDef& net, const BlobInfos& shapes,
                           const PublishedWidths& widths, Workspace* workspace) {
  BlobInfos known = InfosOf(*workspace);
  known.insert(shapes.begin(), shapes.end());
  DOPPIO_ASSIGN_OR_RETURN(const NetShapes inferred, InferWeightShapes(net, known, &widths));
  for (const WeightShape& weight : inferred.weights) {
    if (!weight.info.IsKnown() || workspace->HasBlob(weight.blob)) continue;
    DOPPIO_RETURN_IF_ERROR(
        workspace->Feed(weight.blob, Tensor::Create(weight.info.dtype, *weight.info.dims)));
  }
  return absl::OkStatus();
}

std::string CountOrNone(int count) { return count == 0 ? "-" : absl::StrCat(count); }

}  // namespace

absl::StatusOr<std::string> ReportOptimization(const Model& model, const BlobInfos& shapes,
                                               const PublishedWidths& widths, Workspace* workspace,
                                               JsonWriter* json) {
  const NetDef& net = model.predict;
  if (!shapes.empty()) DOPPIO_RETURN_IF_ERROR(MakeUpWeights(net, shapes, widths, workspace));
  BlobInfos known = InfosOf(*workspace);
  for (const auto& [name, info] : shapes) known[name] = info;
  const int64_t weight_bytes = workspace->Stats().live_bytes;

  Model rewritten = model;
  for (const std::string& name : workspace->LocalBlobs()) {
    absl::StatusOr<Tensor> tensor = workspace->Fetch(name);
    if (tensor.ok()) rewritten.weights[name] = *std::move(tensor);
    DOPPIO_RETURN_IF_ERROR(workspace->RemoveBlob(name));
  }
  if (rewritten.inputs.empty()) {
    for (const NeededInput& input : NeededInputs(net)) {
      if (shapes.count(input.blob) > 0) rewritten.inputs.push_back(input.blob);
    }
  }
  DOPPIO_ASSIGN_OR_RETURN(const std::unique_ptr<Predictor> predictor,
                          Predictor::Create(std::move(rewritten)));
  const NetDef after = *predictor->net();

  std::map<std::string, std::pair<int, int>> counts;
  for (const OperatorDef& op : net.op()) ++counts[op.type()].first;
  for (const OperatorDef& op : after.op()) ++counts[op.type()].second;
  Table types({"operators", ">before", ">after"});
  json->Key("optimized").BeginObject().Key("types").BeginObject();
  for (const auto& [type, count] : counts) {
    types.Add({Printable(type), CountOrNone(count.first), CountOrNone(count.second)});
    json->Key(type).BeginArray().Value(count.first).Value(count.second).EndArray();
  }
  types.Add({"all", absl::StrCat(net.op_size()), absl::StrCat(after.op_size())});
  json->EndObject().Field("operators_before", net.op_size());
  json->Field("operators_after", after.op_size());

  Table bytes({"bytes", ">before", ">after"});
  const int64_t prepared_bytes = predictor->Stats().weight_bytes;
  bytes.Add({"weights", HumanBytes(weight_bytes), HumanBytes(prepared_bytes)});
  json->Field("weight_bytes_before", weight_bytes).Field("weight_bytes_after", prepared_bytes);
  if (!shapes.empty()) {
    std::vector<std::string> keep = predictor->inputs();
    keep.insert(keep.end(), predictor->outputs().begin(), predictor->outputs().end());
    DOPPIO_ASSIGN_OR_RETURN(const MemoryPlan before, PlanMemory(net, known, keep));
    BlobInfos known_after = predictor->WeightInfos();
    for (const auto& [name, info] : shapes) known_after[name] = info;
    DOPPIO_ASSIGN_OR_RETURN(const MemoryPlan plan, PlanMemory(after, known_after, keep));
    const auto known_bytes = [](int64_t b) { return b > 0 ? HumanBytes(b) : std::string("?"); };
    bytes.Add({"results", known_bytes(before.bytes_before), known_bytes(plan.bytes_after)});
    json->Field("result_bytes_before", before.bytes_before);
    json->Field("result_bytes_after", plan.bytes_after);
  }
  json->EndObject();
  return absl::StrCat(
      types.ToString("  "), "\n", bytes.ToString("  "),
      shapes.empty() ? "  how many bytes results take, --shape BLOB=SIZES tells\n" : "");
}

}  // namespace doppio::tools
