// Losses.

#include "absl/strings/str_cat.h"
#include "src/onnx/import/node_import.h"

namespace doppio {
namespace onnx {
namespace {

absl::Status AddLoss(NodeImport& node, const std::string& log_prob) {
  std::vector<std::string> inputs = {log_prob, node.Input(1)};
  if (node.HasInput(2)) inputs.push_back(node.Input(2));
  std::vector<Argument> args = {MakeArgument("reduction", node.String("reduction", "mean"))};
  if (node.HasAttribute("ignore_index")) {
    args.push_back(MakeArgument("ignore_index", node.Int("ignore_index", 0)));
  }
  node.Op("NegativeLogLikelihoodLoss", inputs, {node.Output(0)}, args);
  return absl::OkStatus();
}

absl::Status ImportNegativeLogLikelihoodLoss(NodeImport& node) {
  DOPPIO_RETURN_IF_ERROR(RequireTypes(node, 0, {DataType::kFloat, DataType::kDouble}));
  return AddLoss(node, node.Input(0));
}
DOPPIO_ONNX_IMPORT(NegativeLogLikelihoodLoss, ImportNegativeLogLikelihoodLoss);

absl::Status ImportSoftmaxCrossEntropyLoss(NodeImport& node) {
  DOPPIO_RETURN_IF_ERROR(RequireTypes(node, 0, {DataType::kFloat, DataType::kDouble}));
  const std::string log_prob = node.Output(1);
  node.Op("LogSoftmax", {node.Input(0)}, {log_prob}, {MakeArgument("axis", 1)});
  return AddLoss(node, log_prob);
}
DOPPIO_ONNX_IMPORT(SoftmaxCrossEntropyLoss, ImportSoftmaxCrossEntropyLoss);

}  // namespace
}  // namespace onnx
}  // namespace doppio
