// Windows of signals.

#include <cmath>

#include "src/onnx/import/node_import.h"
#include "src/onnx/onnx_tensor.h"

namespace doppio {
namespace onnx {
namespace {

absl::StatusOr<std::string> Number(NodeImport& node, double value) {
  DOPPIO_ASSIGN_OR_RETURN(const Tensor scalar, Tensor::Scalar<double>(value));
  return node.Constant("number", scalar);
}

// What an operator makes of those blobs.
std::string Made(NodeImport& node, absl::string_view type, const std::vector<std::string>& inputs) {
  const std::string made = node.NewBlob("step");
  node.Op(type, inputs, {made});
  return made;
}

// constant - first cos(2 pi n / N) + second cos(4 pi n / N), where N is the size, or the size - 1
// of a window that is symmetric.
absl::Status AddWindow(NodeImport& node, double constant, double first, double second) {
  DOPPIO_ASSIGN_OR_RETURN(const DataType dtype,
                          DataTypeFromOnnx(static_cast<int32_t>(node.Int("output_datatype", 1))));
  const bool is_periodic = node.Int("periodic", 1) != 0;
  const std::string size = node.NewBlob("size");
  node.Op("Cast", {node.Input(0)}, {size},
          {MakeArgument("to", static_cast<int>(DataType::kDouble))});
  DOPPIO_ASSIGN_OR_RETURN(const std::string zero, Number(node, 0));
  DOPPIO_ASSIGN_OR_RETURN(const std::string one, Number(node, 1));
  const std::string length = is_periodic ? size : Made(node, "Sub", {size, one});
  const std::string turn = Made(node, "Div", {Made(node, "Range", {zero, size, one}), length});
  DOPPIO_ASSIGN_OR_RETURN(std::string sum, Number(node, constant));
  const double factors[] = {-first, second};
  for (int i = 0; i < 2; ++i) {
    if (factors[i] == 0) continue;
    DOPPIO_ASSIGN_OR_RETURN(const std::string circle, Number(node, 2 * M_PI * (i + 1)));
    DOPPIO_ASSIGN_OR_RETURN(const std::string factor, Number(node, factors[i]));
    const std::string cosine = Made(node, "Cos", {Made(node, "Mul", {turn, circle})});
    sum = Made(node, "Add", {Made(node, "Mul", {cosine, factor}), sum});
  }
  node.Op("Cast", {sum}, {node.Output(0)}, {MakeArgument("to", static_cast<int>(dtype))});
  return absl::OkStatus();
}

absl::Status ImportHannWindow(NodeImport& node) { return AddWindow(node, 0.5, 0.5, 0); }
DOPPIO_ONNX_IMPORT(HannWindow, ImportHannWindow);
absl::Status ImportHammingWindow(NodeImport& node) {
  return AddWindow(node, 25.0 / 46, 21.0 / 46, 0);
}
DOPPIO_ONNX_IMPORT(HammingWindow, ImportHammingWindow);
absl::Status ImportBlackmanWindow(NodeImport& node) { return AddWindow(node, 0.42, 0.5, 0.08); }
DOPPIO_ONNX_IMPORT(BlackmanWindow, ImportBlackmanWindow);

}  // namespace
}  // namespace onnx
}  // namespace doppio
