// Elements one by one, with the shapes that NumPy broadcasts.

#include <cmath>
#include <limits>

#include "absl/strings/str_cat.h"
#include "src/onnx/import/legacy_broadcast.h"
#include "src/onnx/import/node_import.h"
#include "src/onnx/import/wider_type.h"

namespace doppio {
namespace onnx {
namespace {

bool IsInteger(DataType type) { return IsNumeric(type) && !IsFloatingPoint(type); }

// What Caffe2 has an operator for that computes the same.
absl::Status ImportElementwise(NodeImport& node, absl::string_view type,
                               const std::vector<Argument>& args = {}) {
  InWiderType(node, node.Inputs(), node.Output(0),
              [&](const auto& inputs, const std::string& output) {
                node.Op(type, inputs, {output}, args);
              });
  return absl::OkStatus();
}

absl::Status ImportUnary(NodeImport& node) {
  return ImportElementwise(node, node.proto().op_type());
}
DOPPIO_ONNX_IMPORT(Abs, ImportUnary);
DOPPIO_ONNX_IMPORT(Acos, ImportUnary);
DOPPIO_ONNX_IMPORT(Acosh, ImportUnary);
DOPPIO_ONNX_IMPORT(Asin, ImportUnary);
DOPPIO_ONNX_IMPORT(Asinh, ImportUnary);
DOPPIO_ONNX_IMPORT(Atan, ImportUnary);
DOPPIO_ONNX_IMPORT(Atanh, ImportUnary);
DOPPIO_ONNX_IMPORT(Ceil, ImportUnary);
DOPPIO_ONNX_IMPORT(Cos, ImportUnary);
DOPPIO_ONNX_IMPORT(Cosh, ImportUnary);
DOPPIO_ONNX_IMPORT(Erf, ImportUnary);
DOPPIO_ONNX_IMPORT(Exp, ImportUnary);
DOPPIO_ONNX_IMPORT(Floor, ImportUnary);
DOPPIO_ONNX_IMPORT(Log, ImportUnary);
DOPPIO_ONNX_IMPORT(Reciprocal, ImportUnary);
DOPPIO_ONNX_IMPORT(Round, ImportUnary);
DOPPIO_ONNX_IMPORT(Sigmoid, ImportUnary);
DOPPIO_ONNX_IMPORT(Sign, ImportUnary);
DOPPIO_ONNX_IMPORT(Sin, ImportUnary);
DOPPIO_ONNX_IMPORT(Sinh, ImportUnary);
DOPPIO_ONNX_IMPORT(Sqrt, ImportUnary);
DOPPIO_ONNX_IMPORT(Tan, ImportUnary);
DOPPIO_ONNX_IMPORT(Tanh, ImportUnary);

absl::Status ImportNeg(NodeImport& node) { return ImportElementwise(node, "Negative"); }
DOPPIO_ONNX_IMPORT(Neg, ImportNeg);

absl::Status ImportIdentity(NodeImport& node) { return ImportAs(node, "Copy"); }
DOPPIO_ONNX_IMPORT(Identity, ImportIdentity);

// Since version 14 whole numbers are rectified too, for which Caffe2 has no Relu.
absl::Status ImportRelu(NodeImport& node) {
  if (!IsInteger(node.dtype(0))) return ImportElementwise(node, "Relu");
  InWiderType(node, {node.Input(0)}, node.Output(0),
              [&](const auto& inputs, const std::string& output) {
                node.Op("OnnxMax", {inputs[0], ScalarLike(node, inputs[0], 0)}, {output});
              });
  return absl::OkStatus();
}
DOPPIO_ONNX_IMPORT(Relu, ImportRelu);

absl::Status ImportBinary(NodeImport& node) {
  return ImportElementwise(node, node.proto().op_type(), LegacyBroadcast(node));
}
DOPPIO_ONNX_IMPORT(Add, ImportBinary);
DOPPIO_ONNX_IMPORT(Sub, ImportBinary);
DOPPIO_ONNX_IMPORT(Mul, ImportBinary);
DOPPIO_ONNX_IMPORT(Div, ImportBinary);

absl::Status ImportMod(NodeImport& node) {
  const bool is_fmod = node.Int("fmod", 0) != 0;
  if (IsFloatingPoint(node.dtype(0)) && !is_fmod) {
    return absl::InvalidArgumentError("floating point numbers have remainders with fmod = 1");
  }
  return ImportElementwise(node, "OnnxMod", {MakeArgument("fmod", is_fmod)});
}
DOPPIO_ONNX_IMPORT(Mod, ImportMod);

// A power that is the same for all elements is an argument of Caffe2's Pow.
std::optional<float> ConstantExponent(NodeImport& node) {
  const Tensor* exponent = node.Value(1);
  if (exponent == nullptr || exponent->numel() != 1) return std::nullopt;
  // A vector of one element makes a vector of a scalar.
  const std::optional<int> rank = node.Rank(0);
  if (exponent->rank() > rank.value_or(0)) return std::nullopt;
  const DataType base = node.dtype(0);
  if (base != DataType::kFloat && base != DataType::kDouble) return std::nullopt;
  if (exponent->Is<float>()) return *exponent->data<float>();
  return std::nullopt;
}

absl::Status ImportPow(NodeImport& node) {
  if (node.opset() < 7) return ImportElementwise(node, "Pow", LegacyBroadcast(node));
  if (const std::optional<float> exponent = ConstantExponent(node)) {
    node.Op("Pow", {node.Input(0)}, {node.Output(0)}, {MakeArgument("exponent", *exponent)});
  } else {
    node.Op("OnnxPow", node.Inputs(), {node.Output(0)});
  }
  return absl::OkStatus();
}
DOPPIO_ONNX_IMPORT(Pow, ImportPow);

// Whether all inputs are known to have one shape, as Caffe2's operators of many tensors want it.
bool HaveOneShape(NodeImport& node, const std::vector<std::string>& inputs) {
  const std::optional<Dims> first = node.Info(inputs[0]).dims;
  for (const std::string& input : inputs) {
    if (!first.has_value() || node.Info(input).dims != first) return false;
  }
  return true;
}

// ((x0 op x1) op x2) ...
void Fold(NodeImport& node, absl::string_view type, const std::vector<std::string>& inputs,
          const std::string& output) {
  if (inputs.size() == 1) {
    node.Op("Copy", inputs, {output});
    return;
  }
  std::string left = inputs[0];
  for (size_t i = 1; i < inputs.size(); ++i) {
    const std::string result = i + 1 == inputs.size() ? output : node.NewBlob("part");
    node.Op(type, {left, inputs[i]}, {result});
    left = result;
  }
}

// `type` where the shapes are equal, and else `pair` of two and two.
absl::Status ImportMany(NodeImport& node, absl::string_view type, absl::string_view pair) {
  const std::vector<std::string> inputs = node.Inputs();
  if (inputs.empty()) return absl::InvalidArgumentError("there are no inputs");
  const bool has_one_shape = HaveOneShape(node, inputs);
  InWiderType(node, inputs, node.Output(0), [&](const auto& wide, const std::string& output) {
    if (has_one_shape) {
      node.Op(type, wide, {output});
    } else {
      Fold(node, pair, wide, output);
    }
  });
  return absl::OkStatus();
}
absl::Status ImportMax(NodeImport& node) { return ImportMany(node, "Max", "OnnxMax"); }
absl::Status ImportMin(NodeImport& node) { return ImportMany(node, "Min", "OnnxMin"); }
absl::Status ImportSum(NodeImport& node) { return ImportMany(node, "Sum", "Add"); }
DOPPIO_ONNX_IMPORT(Max, ImportMax);
DOPPIO_ONNX_IMPORT(Min, ImportMin);
DOPPIO_ONNX_IMPORT(Sum, ImportSum);

absl::Status ImportMean(NodeImport& node) {
  const std::vector<std::string> inputs = node.Inputs();
  if (inputs.empty()) return absl::InvalidArgumentError("there are no inputs");
  const bool has_one_shape = HaveOneShape(node, inputs);
  InWiderType(node, inputs, node.Output(0), [&](const auto& wide, const std::string& output) {
    if (has_one_shape) {
      node.Op("Mean", wide, {output});
      return;
    }
    const std::string sum = node.NewBlob("sum");
    Fold(node, "Add", wide, sum);
    node.Op("Div", {sum, ScalarLike(node, sum, static_cast<double>(wide.size()))}, {output});
  });
  return absl::OkStatus();
}
DOPPIO_ONNX_IMPORT(Mean, ImportMean);

// A bound of Caffe2's Clip: an argument, which is a float.
struct Bound {
  bool is_known;
  float value;
};

Bound BoundOf(NodeImport& node, int input, float fallback) {
  if (!node.HasInput(input)) return {true, fallback};
  const Tensor* value = node.Value(input);
  if (value == nullptr || !value->Is<float>() || value->numel() != 1) return {false, 0};
  return {true, *value->data<float>()};
}

absl::Status ImportClip(NodeImport& node) {
  if (node.opset() < 11) {
    std::vector<Argument> args;
    for (const char* bound : {"min", "max"}) {
      if (node.HasAttribute(bound)) args.push_back(MakeArgument(bound, node.Float(bound, 0)));
    }
    return ImportElementwise(node, "Clip", args);
  }
  if (!node.HasInput(1) && !node.HasInput(2)) return ImportAs(node, "Copy");
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  const Bound low = BoundOf(node, 1, -kInfinity);
  const Bound high = BoundOf(node, 2, kInfinity);
  // Where the bounds are floats, so is what they bound; those that cross are the maximum.
  if (low.is_known && high.is_known && low.value <= high.value) {
    node.Op("Clip", {node.Input(0)}, {node.Output(0)},
            {MakeArgument("min", low.value), MakeArgument("max", high.value)});
    return absl::OkStatus();
  }
  std::vector<std::string> inputs = {node.Input(0)};
  for (const int bound : {1, 2}) {
    if (node.HasInput(bound)) inputs.push_back(node.Input(bound));
  }
  InWiderType(node, inputs, node.Output(0), [&](const auto& wide, const std::string& output) {
    const std::string raised = wide.size() == 3 ? node.NewBlob("raised") : output;
    node.Op(node.HasInput(1) ? "OnnxMax" : "OnnxMin", {wide[0], wide[1]}, {raised});
    if (wide.size() == 3) node.Op("OnnxMin", {raised, wide[2]}, {output});
  });
  return absl::OkStatus();
}
DOPPIO_ONNX_IMPORT(Clip, ImportClip);

absl::Status ImportCumSum(NodeImport& node) {
  const std::vector<Argument> args = {MakeArgument("exclusive", node.Int("exclusive", 0) != 0),
                                      MakeArgument("reverse", node.Int("reverse", 0) != 0)};
  const std::string axis = node.Input(1);
  InWiderType(node, {node.Input(0)}, node.Output(0),
              [&](const auto& inputs, const std::string& output) {
                node.Op("CumSum", {inputs[0], axis}, {output}, args);
              });
  return absl::OkStatus();
}
DOPPIO_ONNX_IMPORT(CumSum, ImportCumSum);

}  // namespace
}  // namespace onnx
}  // namespace doppio
