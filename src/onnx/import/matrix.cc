// Sums of products, and determinants.

#include "src/onnx/import/node_import.h"
#include "src/onnx/import/wider_type.h"

namespace doppio {
namespace onnx {
namespace {

absl::Status ImportDet(NodeImport& node) {
  InWiderType(
      node, {node.Input(0)}, node.Output(0),
      [&](const auto& inputs, const std::string& output) { node.Op("Det", inputs, {output}); });
  return absl::OkStatus();
}
DOPPIO_ONNX_IMPORT(Det, ImportDet);

absl::Status ImportEinsum(NodeImport& node) {
  const std::vector<Argument> args = {MakeArgument("equation", node.String("equation", ""))};
  if (node.InputSize() == 0) return absl::InvalidArgumentError("there are no inputs");
  InWiderType(node, node.Inputs(), node.Output(0),
              [&](const auto& inputs, const std::string& output) {
                node.Op("Einsum", inputs, {output}, args);
              });
  return absl::OkStatus();
}
DOPPIO_ONNX_IMPORT(Einsum, ImportEinsum);

}  // namespace
}  // namespace onnx
}  // namespace doppio
