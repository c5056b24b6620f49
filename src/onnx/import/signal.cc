// Windows of signals, their transforms and spectra.

#include <cmath>

#include "src/onnx/import/node_import.h"
#include "src/onnx/onnx_tensor.h"

namespace doppio {
namespace onnx {
namespace {

using Ints = std::vector<int64_t>;

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

absl::Status ImportDFT(NodeImport& node) {
  std::vector<std::string> inputs = {node.Input(0)};
  if (node.HasInput(1)) inputs.push_back(node.Input(1));
  node.Op("DFT", inputs, {node.Output(0)},
          {MakeArgument("axis", node.Int("axis", 1)),
           MakeArgument("inverse", node.Int("inverse", 0) != 0),
           MakeArgument("onesided", node.Int("onesided", 0) != 0)});
  return absl::OkStatus();
}
DOPPIO_ONNX_IMPORT(DFT, ImportDFT);

// Without a window all numbers of a frame count as they are.
absl::Status ImportSTFT(NodeImport& node) {
  const bool has_window = node.HasInput(2);
  const bool has_length = node.HasInput(3);
  if (has_window == has_length) {
    if (!has_window) return absl::InvalidArgumentError("neither window nor frame_length is given");
    const TensorInfo& window = node.Info(node.Input(2));
    const std::optional<std::vector<int64_t>> length = node.KnownInts(3);
    if (!window.dims.has_value() || !length.has_value() || *length != Ints{(*window.dims)[0]}) {
      return node.Unsupported("a window of another length than frame_length, or of an unknown one");
    }
  }
  std::string window;
  if (has_window) {
    window = node.Input(2);
  } else {
    if (node.dtype(0) == DataType::kUndefined) {
      return node.Unsupported("no window, and a signal whose type is not known");
    }
    const std::string length = node.NewBlob("frame_length");
    window = node.NewBlob("window");
    node.Op("Reshape", {node.Input(3)}, {length}, {MakeArgument("shape", Ints{1})});
    node.Op("ConstantFill", {length}, {window},
            {MakeArgument("input_as_shape", true), MakeArgument("value", 1.0f),
             MakeArgument("dtype", static_cast<int>(node.dtype(0)))});
  }
  node.Op("STFT", {node.Input(0), node.Input(1), window}, {node.Output(0)},
          {MakeArgument("onesided", node.Int("onesided", 1) != 0)});
  return absl::OkStatus();
}
DOPPIO_ONNX_IMPORT(STFT, ImportSTFT);

absl::Status ImportMelWeightMatrix(NodeImport& node) {
  DOPPIO_ASSIGN_OR_RETURN(const DataType dtype,
                          DataTypeFromOnnx(static_cast<int32_t>(node.Int("output_datatype", 1))));
  const std::string weights = dtype == DataType::kFloat ? node.Output(0) : node.NewBlob("weights");
  const std::vector<std::string> inputs = node.Inputs();
  node.Op("MelWeightMatrix", inputs, {weights});
  if (dtype != DataType::kFloat) {
    node.Op("Cast", {weights}, {node.Output(0)}, {MakeArgument("to", static_cast<int>(dtype))});
  }
  return absl::OkStatus();
}
DOPPIO_ONNX_IMPORT(MelWeightMatrix, ImportMelWeightMatrix);

}  // namespace
}  // namespace onnx
}  // namespace doppio
