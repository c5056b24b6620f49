// Pools, of windows and of whole images.

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "src/onnx/import/window.h"

namespace doppio {
namespace onnx {
namespace {

// What makes the number of places round up: Caffe's rule where it gives the same whatever the size
// of the image, else pads behind the image. `rounds` becomes whether there may be a difference.
absl::Status RoundUp(NodeImport& node, ImageWindow* window, bool* rounds) {
  *rounds = false;
  if (node.Int("ceil_mode", 0) == 0 || window->auto_pad == "SAME_UPPER" ||
      window->auto_pad == "SAME_LOWER") {
    return absl::OkStatus();
  }
  if (window->auto_pad == "VALID") return NodeImport::Unsupported("ceil_mode with auto_pad VALID");
  bool is_caffes = true;
  for (size_t d = 0; d < window->rank(); ++d) {
    is_caffes = is_caffes && window->head[d] == window->tail[d] && window->dilation[d] == 1 &&
                window->head[d] + window->stride[d] <= window->kernel[d];
  }
  DOPPIO_ASSIGN_OR_RETURN(const Ints in, SpatialSizes(node, 0, window->rank()));
  if (in.empty()) {
    if (!is_caffes) {
      return NodeImport::Unsupported("such a window with ceil_mode over an image of unknown size");
    }
    *rounds = true;
  }
  Ints tail = window->tail;
  for (size_t d = 0; d < in.size(); ++d) {
    const int64_t over = in[d] + window->head[d] + tail[d] - window->reach(d);
    if (over < 0 || over % window->stride[d] == 0) continue;
    *rounds = true;
    tail[d] += window->stride[d] - over % window->stride[d];
    if (over / window->stride[d] * window->stride[d] + window->stride[d] >=
        in[d] + window->head[d]) {
      return NodeImport::Unsupported(
          "ceil_mode makes a window that sees nothing of the image, of which versions of ONNX say "
          "different things");
    }
  }
  if (!*rounds) return absl::OkStatus();
  if (is_caffes) {
    window->legacy_pad = 3;
  } else {
    window->tail = tail;
  }
  return absl::OkStatus();
}

absl::StatusOr<ImageWindow> ReadPool(NodeImport& node, bool* rounds) {
  DOPPIO_ASSIGN_OR_RETURN(ImageWindow window, ReadWindow(node));
  DOPPIO_RETURN_IF_ERROR(PadToSame(node, 0, &window));
  DOPPIO_RETURN_IF_ERROR(RoundUp(node, &window, rounds));
  return window;
}

bool IsPlain(NodeImport& node, const ImageWindow& window) {
  const DataType dtype = node.dtype(0);
  if (node.HasOutput(1) || dtype == DataType::kInt8 || dtype == DataType::kUInt8) return false;
  for (size_t d = 0; d < window.rank(); ++d) {
    if (window.dilation[d] != 1 || window.head[d] >= window.kernel[d] ||
        window.tail[d] >= window.kernel[d]) {
      return false;
    }
  }
  return true;
}

absl::Status ImportMaxPool(NodeImport& node) {
  DOPPIO_RETURN_IF_ERROR(RequireTypes(
      node, 0, {DataType::kFloat, DataType::kDouble, DataType::kInt8, DataType::kUInt8}));
  bool rounds;
  DOPPIO_ASSIGN_OR_RETURN(const ImageWindow window, ReadPool(node, &rounds));
  std::vector<Argument> args = window.Arguments();
  const int64_t storage_order = node.Int("storage_order", 0);  // of Indices alone
  if (IsPlain(node, window)) {
    node.Op("MaxPool", {node.Input(0)}, {node.Output(0)}, args);
    return absl::OkStatus();
  }
  std::vector<std::string> outputs = {node.Output(0)};
  if (node.HasOutput(1)) outputs.push_back(node.Output(1));
  if (storage_order != 0) args.push_back(MakeArgument("storage_order", storage_order));
  node.Op("OnnxMaxPool", {node.Input(0)}, outputs, args);
  return absl::OkStatus();
}
DOPPIO_ONNX_IMPORT(MaxPool, ImportMaxPool);

absl::Status ImportAveragePool(NodeImport& node) {
  DOPPIO_RETURN_IF_ERROR(RequireTypes(node, 0, {DataType::kFloat, DataType::kDouble}));
  bool rounds;
  DOPPIO_ASSIGN_OR_RETURN(const ImageWindow window, ReadPool(node, &rounds));
  std::vector<Argument> args = window.Arguments();
  if (node.Int("count_include_pad", 0) != 0) {
    if (rounds) {
      return NodeImport::Unsupported(
          "count_include_pad with ceil_mode, of which it is not said what counts as padding");
    }
    args.push_back(MakeArgument("count_include_pad", 1));
  }
  node.Op("AveragePool", {node.Input(0)}, {node.Output(0)}, args);
  return absl::OkStatus();
}
DOPPIO_ONNX_IMPORT(AveragePool, ImportAveragePool);

absl::Status ImportGlobal(NodeImport& node, absl::string_view type) {
  DOPPIO_RETURN_IF_ERROR(RequireTypes(node, 0, {DataType::kFloat, DataType::kDouble}));
  node.Op(type, {node.Input(0)}, {node.Output(0)}, {MakeArgument("global_pooling", 1)});
  return absl::OkStatus();
}

absl::Status ImportGlobalMaxPool(NodeImport& node) { return ImportGlobal(node, "MaxPool"); }
DOPPIO_ONNX_IMPORT(GlobalMaxPool, ImportGlobalMaxPool);
absl::Status ImportGlobalAveragePool(NodeImport& node) { return ImportGlobal(node, "AveragePool"); }
DOPPIO_ONNX_IMPORT(GlobalAveragePool, ImportGlobalAveragePool);

absl::StatusOr<int64_t> ReadPower(NodeImport& node) {
  const int64_t p = node.Int("p", 2);
  if (p >= 1) return p;
  return absl::InvalidArgumentError(absl::StrCat("p is ", p, ", must be positive"));
}

// |x|^p.
std::string PowerOf(NodeImport& node, const std::string& x, int64_t p) {
  const std::string power = node.NewBlob("power");
  if (p == 2) {
    node.Op("Sqr", {x}, {power});
    return power;
  }
  node.Op("Abs", {x}, {power});
  if (p == 1) return power;
  const std::string higher = node.NewBlob("power");
  node.Op("Pow", {power}, {higher}, {MakeArgument("exponent", static_cast<float>(p))});
  return higher;
}

// y = x^(1 / p).
void AddRoot(NodeImport& node, const std::string& x, int64_t p, const std::string& y) {
  if (p == 2) {
    node.Op("Sqrt", {x}, {y});
  } else {
    node.Op("Pow", {x}, {y}, {MakeArgument("exponent", 1.0f / static_cast<float>(p))});
  }
}

// The sum is a mean, padding included, times the size of the window.
absl::Status ImportLpPool(NodeImport& node) {
  DOPPIO_RETURN_IF_ERROR(RequireTypes(node, 0, {DataType::kFloat, DataType::kDouble}));
  DOPPIO_ASSIGN_OR_RETURN(const int64_t p, ReadPower(node));
  DOPPIO_ASSIGN_OR_RETURN(ImageWindow window, ReadWindow(node));
  DOPPIO_RETURN_IF_ERROR(PadToSame(node, 0, &window));
  std::vector<Argument> args = window.Arguments();
  args.push_back(MakeArgument("count_include_pad", 1));
  float taps = 1;
  for (int64_t size : window.kernel) taps *= static_cast<float>(size);
  const std::string mean = node.NewBlob("mean");
  const std::string sum = p == 1 ? node.Output(0) : node.NewBlob("sum");
  node.Op("AveragePool", {PowerOf(node, node.Input(0), p)}, {mean}, args);
  node.Op("Scale", {mean}, {sum}, {MakeArgument("scale", taps)});
  if (p != 1) AddRoot(node, sum, p, node.Output(0));
  return absl::OkStatus();
}
DOPPIO_ONNX_IMPORT(LpPool, ImportLpPool);

absl::Status ImportGlobalLpPool(NodeImport& node) {
  DOPPIO_RETURN_IF_ERROR(RequireTypes(node, 0, {DataType::kFloat, DataType::kDouble}));
  DOPPIO_ASSIGN_OR_RETURN(const int64_t p, ReadPower(node));
  const std::optional<int> rank = node.Rank(0);
  if (!rank.has_value()) return NodeImport::Unsupported("the rank of the image is not known");
  Ints axes;
  for (int d = 2; d < *rank; ++d) axes.push_back(d);
  if (axes.empty()) return absl::InvalidArgumentError("the image has no spatial dimensions");
  const std::vector<Argument> args = {MakeArgument("axes", axes)};
  if (p == 1 || p == 2) {
    node.Op(p == 1 ? "ReduceL1" : "ReduceL2", {node.Input(0)}, {node.Output(0)}, args);
    return absl::OkStatus();
  }
  const std::string sum = node.NewBlob("sum");
  node.Op("ReduceSum", {PowerOf(node, node.Input(0), p)}, {sum}, args);
  AddRoot(node, sum, p, node.Output(0));
  return absl::OkStatus();
}
DOPPIO_ONNX_IMPORT(GlobalLpPool, ImportGlobalLpPool);

}  // namespace
}  // namespace onnx
}  // namespace doppio
