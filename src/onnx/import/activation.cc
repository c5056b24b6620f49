// Activations, and what is dropped.

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "doppio/op_def.h"
#include "src/onnx/import/node_import.h"

namespace doppio {
namespace onnx {
namespace {

absl::Status RequireFloats(NodeImport& node) {
  return RequireTypes(node, 0, {DataType::kFloat, DataType::kDouble});
}

absl::Status AddActivation(NodeImport& node, absl::string_view type,
                           const std::vector<Argument>& args = {}) {
  DOPPIO_RETURN_IF_ERROR(RequireFloats(node));
  node.Op(type, {node.Input(0)}, {node.Output(0)}, args);
  return absl::OkStatus();
}

absl::Status ImportElu(NodeImport& node) {
  return AddActivation(node, "Elu", {MakeArgument("alpha", node.Float("alpha", 1))});
}
DOPPIO_ONNX_IMPORT(Elu, ImportElu);

absl::Status ImportSelu(NodeImport& node) {
  return AddActivation(node, "Selu",
                       {MakeArgument("alpha", node.Float("alpha", 1.67326319217681884765625f)),
                        MakeArgument("scale", node.Float("gamma", 1.05070102214813232421875f))});
}
DOPPIO_ONNX_IMPORT(Selu, ImportSelu);

absl::Status ImportLeakyRelu(NodeImport& node) {
  return AddActivation(node, "LeakyRelu", {MakeArgument("alpha", node.Float("alpha", 0.01f))});
}
DOPPIO_ONNX_IMPORT(LeakyRelu, ImportLeakyRelu);

absl::Status ImportHardSigmoid(NodeImport& node) {
  return AddActivation(node, "HardSigmoid",
                       {MakeArgument("alpha", node.Float("alpha", 0.2f)),
                        MakeArgument("beta", node.Float("beta", 0.5f))});
}
DOPPIO_ONNX_IMPORT(HardSigmoid, ImportHardSigmoid);

absl::Status ImportSoftplus(NodeImport& node) { return AddActivation(node, "Softplus"); }
DOPPIO_ONNX_IMPORT(Softplus, ImportSoftplus);

absl::Status ImportSoftsign(NodeImport& node) { return AddActivation(node, "Softsign"); }
DOPPIO_ONNX_IMPORT(Softsign, ImportSoftsign);

absl::Status ImportThresholdedRelu(NodeImport& node) {
  return AddActivation(node, "ThresholdedRelu", {MakeArgument("alpha", node.Float("alpha", 1))});
}
DOPPIO_ONNX_IMPORT(ThresholdedRelu, ImportThresholdedRelu);

absl::Status ImportShrink(NodeImport& node) {
  return ImportAs(node, "Shrink", {}, {"bias", "lambd"});
}
DOPPIO_ONNX_IMPORT(Shrink, ImportShrink);

// alpha * Elu(x / alpha).
absl::Status ImportCelu(NodeImport& node) {
  const float alpha = node.Float("alpha", 1);
  if (alpha == 1) return AddActivation(node, "Elu");
  DOPPIO_RETURN_IF_ERROR(RequireFloats(node));
  if (alpha == 0) return absl::InvalidArgumentError("alpha is 0");
  const std::string scaled = node.NewBlob("scaled");
  const std::string elu = node.NewBlob("elu");
  node.Op("Scale", {node.Input(0)}, {scaled}, {MakeArgument("scale", 1 / alpha)});
  node.Op("Elu", {scaled}, {elu});
  node.Op("Scale", {elu}, {node.Output(0)}, {MakeArgument("scale", alpha)});
  return absl::OkStatus();
}
DOPPIO_ONNX_IMPORT(Celu, ImportCelu);

absl::Status ImportHardSwish(NodeImport& node) {
  DOPPIO_RETURN_IF_ERROR(RequireFloats(node));
  const std::string gate = node.NewBlob("gate");
  node.Op("HardSigmoid", {node.Input(0)}, {gate},
          {MakeArgument("alpha", 1.0f / 6), MakeArgument("beta", 0.5f)});
  node.Op("Mul", {node.Input(0), gate}, {node.Output(0)});
  return absl::OkStatus();
}
DOPPIO_ONNX_IMPORT(HardSwish, ImportHardSwish);

// Whether a slope of that shape is one for each channel of X: all its dimensions but that of the
// channels, which is the second of X, are 1.
bool IsByChannel(DimsView slope, DimsView x) {
  if (x.size() < 2 || slope.size() != x.size() - 1 || slope[0] != x[1]) return false;
  return std::all_of(slope.begin() + 1, slope.end(), [](int64_t size) { return size == 1; });
}

// The slope of any shape that X's can have it broadcast to.
void AddBroadcastPRelu(NodeImport& node) {
  const std::string positive = node.NewBlob("positive");
  const std::string negated = node.NewBlob("negated");
  const std::string below = node.NewBlob("below");
  const std::string sloped = node.NewBlob("sloped");
  node.Op("Relu", {node.Input(0)}, {positive});
  node.Op("Negative", {node.Input(0)}, {negated});
  node.Op("Relu", {negated}, {below});
  node.Op("Mul", {below, node.Input(1)}, {sloped});
  node.Op("Sub", {positive, sloped}, {node.Output(0)});
}

absl::Status ImportPRelu(NodeImport& node) {
  DOPPIO_RETURN_IF_ERROR(RequireFloats(node));
  const std::optional<Dims> x = node.Info(node.Input(0)).dims;
  const std::optional<Dims> slope = node.Info(node.Input(1)).dims;
  const bool is_vector = slope.has_value() && slope->size() == 1;
  // Before version 7 a vector is of the channels, whatever X is.
  if (is_vector &&
      ((*slope)[0] == 1 || node.opset() < 7 || (x.has_value() && IsByChannel(*slope, *x)))) {
    node.Op("PRelu", {node.Input(0), node.Input(1)}, {node.Output(0)});
    return absl::OkStatus();
  }
  if (node.opset() < 7) return NodeImport::Unsupported("a slope of unknown shape");
  const bool is_single = slope.has_value() && SizeFromDim(*slope, 0) == 1;
  if (!is_single && !(slope.has_value() && x.has_value() && IsByChannel(*slope, *x))) {
    AddBroadcastPRelu(node);
    return absl::OkStatus();
  }
  std::string flat;
  if (const Tensor* value = node.Value(1)) {
    Tensor vector = *value;
    DOPPIO_RETURN_IF_ERROR(vector.Reshape({value->numel()}));
    flat = node.Constant("slope", std::move(vector));
  } else {
    flat = node.NewBlob("slope");
    node.Op("FlattenToVec", {node.Input(1)}, {flat});
  }
  node.Op("PRelu", {node.Input(0), flat}, {node.Output(0)});
  return absl::OkStatus();
}
DOPPIO_ONNX_IMPORT(PRelu, ImportPRelu);

// Y = X, and a mask that says that everything was kept.
void AddKept(NodeImport& node, bool has_bools) {
  const DataType type = node.dtype(0);
  if (type == DataType::kUndefined || type == DataType::kFloat || type == DataType::kDouble) {
    node.Op("Dropout", {node.Input(0)}, {node.Output(0)}, {MakeArgument("is_test", 1)});
  } else {
    node.Op("Copy", {node.Input(0)}, {node.Output(0)});
  }
  if (!node.HasOutput(1)) return;
  const Argument dtype = has_bools ? MakeArgument("dtype", static_cast<int>(DataType::kBool))
                                   : MakeArgument("dtype_of_input", 1);
  node.Op("ConstantFill", {node.Input(0)}, {node.Output(1)}, {MakeArgument("value", 1), dtype});
}

// From version 12 on inputs say whether it trains, and how much it drops.
absl::Status ImportDropoutByInputs(NodeImport& node) {
  std::optional<bool> trains = false;
  if (node.HasInput(2)) {
    const Tensor* value = node.Value(2);
    trains.reset();
    if (value != nullptr && value->Is<bool>() && value->numel() == 1) trains = *value->data<bool>();
  }
  if (trains.has_value() && !*trains) {
    node.Int("seed", 0);
    AddKept(node, true);
    return absl::OkStatus();
  }
  DOPPIO_RETURN_IF_ERROR(RequireFloats(node));
  std::string ratio;
  if (node.HasInput(1)) {
    ratio = node.Input(1);
  } else {
    DOPPIO_ASSIGN_OR_RETURN(Tensor half, Tensor::Scalar<float>(0.5f));
    ratio = node.Constant("ratio", std::move(half));
  }
  std::vector<std::string> outputs = {node.Output(0)};
  if (node.HasOutput(1)) outputs.push_back(node.Output(1));
  OperatorDef op = CreateOperatorDef("OnnxDropout", node.proto().name(),
                                     {node.Input(0), ratio, node.Input(2)}, outputs);
  if (node.HasAttribute("seed")) {
    op.mutable_device_option()->set_random_seed(static_cast<uint32_t>(node.Int("seed", 0)));
  }
  node.Add(std::move(op));
  return absl::OkStatus();
}

absl::Status ImportDropout(NodeImport& node) {
  if (node.opset() >= 12) return ImportDropoutByInputs(node);
  node.Float("ratio", 0.5f);
  if (node.opset() < 7 && node.Int("is_test", 0) == 0) {
    return NodeImport::Unsupported("a version of it that trains (is_test = 0)");
  }
  AddKept(node, node.opset() >= 10);
  return absl::OkStatus();
}
DOPPIO_ONNX_IMPORT(Dropout, ImportDropout);

}  // namespace
}  // namespace onnx
}  // namespace doppio
