// Dimensions that become one number.

#include <limits>

#include "src/onnx/import/ints_given.h"
#include "src/onnx/import/node_import.h"
#include "src/onnx/import/wider_type.h"

namespace doppio {
namespace onnx {
namespace {

bool IsInteger(DataType type) { return IsNumeric(type) && !IsFloatingPoint(type); }

// The arguments of Caffe2's reductions, in which no axes are all axes, as in ONNX.
std::vector<Argument> ReduceArguments(NodeImport& node, const std::vector<int64_t>& axes) {
  std::vector<Argument> args = {MakeArgument("keepdims", node.Int("keepdims", 1) != 0)};
  if (!axes.empty()) args.push_back(MakeArgument("axes", axes));
  return args;
}

std::vector<Argument> ReduceArguments(NodeImport& node) {
  return ReduceArguments(node, node.Ints("axes"));
}

absl::Status AddReduce(NodeImport& node, absl::string_view type) {
  const std::vector<Argument> args = ReduceArguments(node);
  InWiderType(node, {node.Input(0)}, node.Output(0),
              [&](const auto& inputs, const std::string& output) {
                node.Op(type, inputs, {output}, args);
              });
  return absl::OkStatus();
}

absl::Status ImportReduce(NodeImport& node) { return AddReduce(node, node.proto().op_type()); }
DOPPIO_ONNX_IMPORT(ReduceMax, ImportReduce);
DOPPIO_ONNX_IMPORT(ReduceMean, ImportReduce);
DOPPIO_ONNX_IMPORT(ReduceMin, ImportReduce);
DOPPIO_ONNX_IMPORT(ReduceProd, ImportReduce);

// Since version 13 the axes are an input, which may be known only when the net runs.
absl::Status ImportReduceSum(NodeImport& node) {
  const IntsGiven axes = IntsGiven::Of(node, "axes", 1);
  const bool is_noop = node.Int("noop_with_empty_axes", 0) != 0;
  const bool is_empty = !axes.is_given || (axes.values.has_value() && axes.values->empty());
  const int64_t keepdims = node.Int("keepdims", 1);
  if (is_empty && is_noop) {
    node.Op("Copy", {node.Input(0)}, {node.Output(0)});
    return absl::OkStatus();
  }
  InWiderType(node, {node.Input(0)}, node.Output(0),
              [&](const auto& inputs, const std::string& output) {
                if (is_empty || axes.values.has_value()) {
                  const auto values = is_empty ? std::vector<int64_t>() : *axes.values;
                  node.Op("ReduceSum", inputs, {output}, ReduceArguments(node, values));
                } else {
                  node.Op("OnnxReduceSum", {inputs[0], axes.blob}, {output},
                          {MakeArgument("keepdims", keepdims != 0),
                           MakeArgument("noop_with_empty_axes", is_noop)});
                }
              });
  return absl::OkStatus();
}
DOPPIO_ONNX_IMPORT(ReduceSum, ImportReduceSum);

absl::Status ImportReduceSumSquare(NodeImport& node) {
  const std::vector<Argument> args = ReduceArguments(node);
  InWiderType(node, {node.Input(0)}, node.Output(0),
              [&](const auto& inputs, const std::string& output) {
                const std::string squares = node.NewBlob("squares");
                node.Op("Mul", {inputs[0], inputs[0]}, {squares});
                node.Op("ReduceSum", {squares}, {output}, args);
              });
  return absl::OkStatus();
}
DOPPIO_ONNX_IMPORT(ReduceSumSquare, ImportReduceSumSquare);

// Caffe2's ReduceL1 does not take whole numbers.
absl::Status ImportReduceL1(NodeImport& node) {
  if (!IsInteger(node.dtype(0))) return AddReduce(node, "ReduceL1");
  const std::vector<Argument> args = ReduceArguments(node);
  InWiderType(node, {node.Input(0)}, node.Output(0),
              [&](const auto& inputs, const std::string& output) {
                const std::string sizes = node.NewBlob("absolute");
                node.Op("Abs", inputs, {sizes});
                node.Op("ReduceSum", {sizes}, {output}, args);
              });
  return absl::OkStatus();
}
DOPPIO_ONNX_IMPORT(ReduceL1, ImportReduceL1);

// Of whole numbers these are computed in double, and lose their fraction.
absl::Status AddReal(NodeImport& node, AddOps add) {
  const DataType type = node.dtype(0);
  if (!IsInteger(type)) {
    InWiderType(node, {node.Input(0)}, node.Output(0), add);
    return absl::OkStatus();
  }
  const std::string real = node.NewBlob("real");
  const std::string result = node.NewBlob("result");
  node.Op("Cast", {node.Input(0)}, {real}, {CastTo(DataType::kDouble)});
  add({real}, result);
  node.Op("Cast", {result}, {node.Output(0)}, {CastTo(type)});
  return absl::OkStatus();
}

absl::Status ImportReduceReal(NodeImport& node) {
  const std::vector<Argument> args = ReduceArguments(node);
  return AddReal(node, [&](const auto& inputs, const std::string& output) {
    node.Op(node.proto().op_type(), inputs, {output}, args);
  });
}
DOPPIO_ONNX_IMPORT(ReduceL2, ImportReduceReal);
DOPPIO_ONNX_IMPORT(ReduceLogSumExp, ImportReduceReal);

absl::Status ImportReduceLogSum(NodeImport& node) {
  const std::vector<Argument> args = ReduceArguments(node);
  return AddReal(node, [&](const auto& inputs, const std::string& output) {
    const std::string sum = node.NewBlob("sum");
    node.Op("ReduceSum", inputs, {sum}, args);
    node.Op("Log", {sum}, {output});
  });
}
DOPPIO_ONNX_IMPORT(ReduceLogSum, ImportReduceLogSum);

// Where the last of several extremes is wanted it is the first one of the elements in the reverse
// order, and its place is counted from the end.
void AddLastExtreme(NodeImport& node, const std::vector<Argument>& args, int64_t axis) {
  const std::string last = node.ConstantInts("last", {-1});
  const std::string ends = node.ConstantInts("ends", {std::numeric_limits<int64_t>::min()});
  const std::string reversed = node.NewBlob("reversed");
  node.Op("OnnxSlice", {node.Input(0), last, ends, node.ConstantInts("axes", {axis}), last},
          {reversed});
  const std::string from_end = node.NewBlob("from_end");
  node.Op(node.proto().op_type(), {reversed}, {from_end}, args);
  const std::string shape = node.NewBlob("shape");
  node.Op("Shape", {node.Input(0)}, {shape});
  const std::string size = node.NewBlob("size");
  node.Op("OnnxGather", {shape, node.ConstantInt("axis", axis)}, {size});
  const std::string greatest = node.NewBlob("greatest");
  node.Op("Sub", {size, node.ConstantInt("one", 1)}, {greatest});
  node.Op("Sub", {greatest, from_end}, {node.Output(0)});
}

absl::Status ImportArgExtreme(NodeImport& node) {
  const int64_t axis = node.Int("axis", 0);
  const std::vector<Argument> args = {MakeArgument("axis", axis),
                                      MakeArgument("keepdims", node.Int("keepdims", 1) != 0)};
  if (node.Int("select_last_index", 0) == 0) {
    node.Op(node.proto().op_type(), {node.Input(0)}, {node.Output(0)}, args);
    return absl::OkStatus();
  }
  AddLastExtreme(node, args, axis);
  return absl::OkStatus();
}
DOPPIO_ONNX_IMPORT(ArgMax, ImportArgExtreme);
DOPPIO_ONNX_IMPORT(ArgMin, ImportArgExtreme);

}  // namespace
}  // namespace onnx
}  // namespace doppio
