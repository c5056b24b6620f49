#include "src/onnx/export/steps.h"

#include <cmath>
#include <limits>
#include <numeric>

#include "src/onnx/onnx_tensor.h"

namespace doppio {
namespace onnx {
namespace {

// Squeeze and Unsqueeze, whose axes became an input.
std::string WithAxes(OpExport& op, absl::string_view type, const std::string& x,
                     const std::vector<int64_t>& axes, const std::string& output) {
  if (op.opset() >= 13) return op.Node(type, {x, op.Int64s(axes)}, {}, output);
  return op.Node(type, {x}, {MakeAttribute("axes", axes)}, output);
}

}  // namespace

std::string Reshape(OpExport& op, const std::string& x, const std::vector<int64_t>& dims,
                    const std::string& output) {
  return op.Node("Reshape", {x, op.Int64s(dims)}, {}, output);
}

std::string ReshapeLike(OpExport& op, const std::string& x, const std::string& like,
                        const std::string& output) {
  // A size of 0 otherwise stands for the one that x has there.
  std::vector<AttributeProto> attributes;
  if (op.opset() >= 14) attributes.push_back(MakeAttribute("allowzero", true));
  return op.Node("Reshape", {x, op.Node("Shape", {like})}, attributes, output);
}

std::string Transpose(OpExport& op, const std::string& x, const std::vector<int64_t>& axes,
                      const std::string& output) {
  return op.Node("Transpose", {x}, {MakeAttribute("perm", axes)}, output);
}

std::string Squeeze(OpExport& op, const std::string& x, const std::vector<int64_t>& axes,
                    const std::string& output) {
  return WithAxes(op, "Squeeze", x, axes, output);
}

std::string Unsqueeze(OpExport& op, const std::string& x, const std::vector<int64_t>& axes,
                      const std::string& output) {
  return WithAxes(op, "Unsqueeze", x, axes, output);
}

std::string Slice(OpExport& op, const std::string& x, const std::vector<int64_t>& starts,
                  const std::vector<int64_t>& ends, const std::vector<int64_t>& axes,
                  const std::string& output) {
  if (op.opset() >= 10) {
    return op.Node("Slice", {x, op.Int64s(starts), op.Int64s(ends), op.Int64s(axes)}, {}, output);
  }
  return op.Node(
      "Slice", {x},
      {MakeAttribute("starts", starts), MakeAttribute("ends", ends), MakeAttribute("axes", axes)},
      output);
}

std::string Concat(OpExport& op, const std::vector<std::string>& inputs, int64_t axis,
                   const std::string& output) {
  return op.Node("Concat", inputs, {MakeAttribute("axis", axis)}, output);
}

std::string Cast(OpExport& op, const std::string& x, DataType to, const std::string& output) {
  return op.Node("Cast", {x}, {MakeAttribute("to", static_cast<int>(DataTypeToOnnx(to)))}, output);
}

std::string Reduce(OpExport& op, absl::string_view type, const std::string& x,
                   const std::vector<int64_t>& axes, bool keep_dims, const std::string& output) {
  std::vector<AttributeProto> attributes = {MakeAttribute("keepdims", keep_dims)};
  std::vector<std::string> inputs = {x};
  if (axes.empty()) {
  } else if (type == "ReduceSum" && op.opset() >= 13) {
    inputs.push_back(op.Int64s(axes));
  } else {
    attributes.push_back(MakeAttribute("axes", axes));
  }
  return op.Node(type, inputs, attributes, output);
}

std::string Clip(OpExport& op, const std::string& x, double least, double most, DataType dtype,
                 const std::string& output) {
  if (op.opset() >= 11) {
    std::vector<std::string> inputs = {x, std::isinf(least) ? "" : op.Number(least, dtype)};
    if (!std::isinf(most)) inputs.push_back(op.Number(most, dtype));
    return op.Node("Clip", inputs, {}, output);
  }
  std::vector<AttributeProto> bounds;
  if (!std::isinf(least)) bounds.push_back(MakeAttribute("min", static_cast<float>(least)));
  if (!std::isinf(most)) bounds.push_back(MakeAttribute("max", static_cast<float>(most)));
  return op.Node("Clip", {x}, bounds, output);
}

std::string Pad(OpExport& op, const std::string& x, const std::vector<int64_t>& pads,
                absl::string_view mode, double value, DataType dtype, const std::string& output) {
  std::vector<AttributeProto> attributes = {MakeAttribute("mode", std::string(mode))};
  if (op.opset() >= 11) {
    std::vector<std::string> inputs = {x, op.Int64s(pads)};
    if (mode == "constant") inputs.push_back(op.Number(value, dtype));
    return op.Node("Pad", inputs, attributes, output);
  }
  attributes.push_back(MakeAttribute("pads", pads));
  if (mode == "constant") attributes.push_back(MakeAttribute("value", static_cast<float>(value)));
  return op.Node("Pad", {x}, attributes, output);
}

std::string Sizes(OpExport& op, const std::string& x, int64_t begin, int64_t end) {
  return Slice(op, op.Node("Shape", {x}), {begin}, {end}, {0});
}

std::string Flatten(OpExport& op, const std::string& x, int64_t axis, const std::string& output) {
  return op.Node("Flatten", {x}, {MakeAttribute("axis", axis)}, output);
}

std::string AsVector(OpExport& op, int input) {
  const ValueInfo& info = op.Info(input);
  if (info.dims.has_value() && info.dims->size() == 1) return op.Input(input);
  return Reshape(op, op.Input(input), {-1});
}

std::string AlongAxis(OpExport& op, int input, int axis, int rank) {
  if (axis == rank - 1) return AsVector(op, input);
  std::vector<int64_t> dims(rank - axis, 1);
  dims[0] = -1;
  return Reshape(op, op.Input(input), dims);
}

std::string ChannelsFirst(OpExport& op, const std::string& x, int rank) {
  std::vector<int64_t> axes = {0, rank - 1};
  for (int d = 1; d < rank - 1; ++d) axes.push_back(d);
  return Transpose(op, x, axes);
}

absl::Status WithChannelsFirst(
    OpExport& op,
    absl::FunctionRef<std::string(const std::string& x, const std::string& output)> make) {
  if (!op.IsChannelsLast()) {
    make(op.Input(0), op.Output(0));
    return absl::OkStatus();
  }
  DOPPIO_ASSIGN_OR_RETURN(const int rank, op.Rank(0));
  const std::string y = make(ChannelsFirst(op, op.Input(0), rank), "");
  std::vector<int64_t> axes = {0};
  for (int d = 2; d < rank; ++d) axes.push_back(d);
  axes.push_back(1);
  Transpose(op, y, axes, op.Output(0));
  return absl::OkStatus();
}

}  // namespace onnx
}  // namespace doppio
