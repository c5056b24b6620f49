// Normalisations.

#include <numeric>

#include "absl/strings/str_cat.h"
#include "src/onnx/import/node_import.h"

namespace doppio {
namespace onnx {
namespace {

using Ints = std::vector<int64_t>;

absl::Status RequireFloats(NodeImport& node) {
  return RequireTypes(node, 0, {DataType::kFloat, DataType::kDouble});
}

absl::StatusOr<int> RequireRank(NodeImport& node) {
  const std::optional<int> rank = node.Rank(0);
  if (rank.has_value()) return *rank;
  return NodeImport::Unsupported("the rank of the input is not known");
}

// running = momentum * given + (1 - momentum) * current, with the variance as it is.
void AddRunning(NodeImport& node, int input, const std::string& current, int output,
                float momentum) {
  const std::string old_part = node.NewBlob("old");
  const std::string new_part = node.NewBlob("new");
  node.Op("Scale", {node.Input(input)}, {old_part}, {MakeArgument("scale", momentum)});
  node.Op("Scale", {current}, {new_part}, {MakeArgument("scale", 1 - momentum)});
  node.Op("Add", {old_part, new_part}, {node.Output(output)});
}

// By the mean and the variance of this batch. Caffe2's running variance is another one.
absl::Status ImportTraining(NodeImport& node, const std::vector<Argument>& args) {
  DOPPIO_ASSIGN_OR_RETURN(const int rank, RequireRank(node));
  Ints axes = {0};
  for (int d = 2; d < rank; ++d) axes.push_back(d);
  const std::string mean = node.NewBlob("mean");
  const std::string variance = node.NewBlob("variance");
  node.Op("Moments", {node.Input(0)}, {mean, variance},
          {MakeArgument("axes", axes), MakeArgument("keepdims", 0)});
  node.Op("SpatialBN", {node.Input(0), node.Input(1), node.Input(2), mean, variance},
          {node.Output(0)}, args);
  const float momentum = node.Float("momentum", 0.9f);
  if (node.HasOutput(1)) AddRunning(node, 3, mean, 1, momentum);
  if (node.HasOutput(2)) AddRunning(node, 4, variance, 2, momentum);
  return absl::OkStatus();
}

absl::Status ImportBatchNormalization(NodeImport& node) {
  DOPPIO_RETURN_IF_ERROR(RequireFloats(node));
  const std::vector<Argument> args = {MakeArgument("is_test", 1),
                                      MakeArgument("epsilon", node.Float("epsilon", 1e-5f))};
  if (node.opset() < 9 && node.Int("spatial", 1) == 0) {
    return NodeImport::Unsupported("statistics of each activation (spatial = 0)");
  }
  const bool trains_on = node.opset() >= 14 && node.Int("training_mode", 0) != 0;
  if (trains_on) return ImportTraining(node, args);
  if (node.opset() < 7 && node.Int("is_test", 0) == 0) {
    return NodeImport::Unsupported("a version of it that trains (is_test = 0)");
  }
  node.Float("momentum", 0.9f);
  for (int o = 1; o < node.OutputSize(); ++o) {
    if (node.HasOutput(o)) return NodeImport::Unsupported("outputs that only training has");
  }
  const std::vector<std::string> inputs = node.Inputs();
  node.Op("SpatialBN", inputs, {node.Output(0)}, args);
  return absl::OkStatus();
}
DOPPIO_ONNX_IMPORT(BatchNormalization, ImportBatchNormalization);

absl::Status ImportInstanceNormalization(NodeImport& node) {
  DOPPIO_RETURN_IF_ERROR(RequireFloats(node));
  return ImportAs(node, "InstanceNorm", {}, {"epsilon"});
}
DOPPIO_ONNX_IMPORT(InstanceNormalization, ImportInstanceNormalization);

absl::Status ImportLrn(NodeImport& node) {
  DOPPIO_RETURN_IF_ERROR(RequireFloats(node));
  if (!node.HasAttribute("size")) return absl::InvalidArgumentError("size is missing");
  node.Op(
      "LRN", {node.Input(0)}, {node.Output(0)},
      {MakeArgument("size", node.Int("size", 0)), MakeArgument("alpha", node.Float("alpha", 1e-4f)),
       MakeArgument("beta", node.Float("beta", 0.75f)),
       MakeArgument("bias", node.Float("bias", 1.0f))});
  return absl::OkStatus();
}
DOPPIO_ONNX_IMPORT(LRN, ImportLrn);

absl::StatusOr<int> ReadAxis(NodeImport& node, int rank) {
  const int64_t axis = node.Int("axis", -1);
  if (axis >= -rank && axis < rank) return static_cast<int>(axis < 0 ? axis + rank : axis);
  return absl::InvalidArgumentError(
      absl::StrCat("axis is ", axis, ", but the input has ", rank, " dimensions"));
}

// Whether an input has as many elements as X has from `axis` on.
bool IsWholeRow(NodeImport& node, int input, int axis) {
  const std::optional<Dims> x = node.Info(node.Input(0)).dims;
  const std::optional<Dims> dims = node.Info(node.Input(input)).dims;
  return x.has_value() && dims.has_value() && SizeFromDim(*x, axis) == SizeFromDim(*dims, 0);
}

// Scale and B may be broadcast, and B left out; then they follow as operators of their own.
absl::Status ImportLayerNormalization(NodeImport& node) {
  DOPPIO_RETURN_IF_ERROR(RequireFloats(node));
  DOPPIO_ASSIGN_OR_RETURN(const int rank, RequireRank(node));
  DOPPIO_ASSIGN_OR_RETURN(const int axis, ReadAxis(node, rank));
  if (node.Int("stash_type", 1) != 1) {
    return NodeImport::Unsupported("a stash_type other than 1 (float)");
  }
  std::vector<Argument> args = {MakeArgument("axis", axis),
                                MakeArgument("epsilon", node.Float("epsilon", 1e-5f))};
  const bool has_bias = node.HasInput(2);
  const bool is_affine = has_bias && IsWholeRow(node, 1, axis) && IsWholeRow(node, 2, axis);
  std::vector<std::string> inputs = {node.Input(0)};
  if (is_affine) {
    inputs = {node.Input(0), node.Input(1), node.Input(2)};
    args.push_back(MakeArgument("elementwise_affine", 1));
  }
  std::vector<std::string> outputs = {is_affine ? node.Output(0) : node.NewBlob("normalized")};
  const bool has_statistics = node.HasOutput(1) || node.HasOutput(2);
  if (has_statistics) outputs.push_back(node.NewBlob("mean"));
  if (has_statistics) outputs.push_back(node.NewBlob("stddev"));
  node.Op("LayerNorm", inputs, outputs, args);
  if (!is_affine) {
    const std::string scaled = has_bias ? node.NewBlob("scaled") : node.Output(0);
    node.Op("Mul", {outputs[0], node.Input(1)}, {scaled});
    if (has_bias) node.Op("Add", {scaled, node.Input(2)}, {node.Output(0)});
  }
  if (!has_statistics) return absl::OkStatus();
  Ints more;  // dimensions of 1, of which Caffe2 has one
  for (int d = axis + 1; d < rank; ++d) more.push_back(d);
  const auto expand = [&](const std::string& from, const std::string& to) {
    if (more.empty()) {
      node.Op("Copy", {from}, {to});
    } else {
      node.Op("ExpandDims", {from}, {to}, {MakeArgument("dims", more)});
    }
  };
  if (node.HasOutput(1)) expand(outputs[1], node.Output(1));
  if (node.HasOutput(2)) {
    const std::string inverse = node.NewBlob("inverse");
    node.Op("Reciprocal", {outputs[2]}, {inverse});
    expand(inverse, node.Output(2));
  }
  return absl::OkStatus();
}
DOPPIO_ONNX_IMPORT(LayerNormalization, ImportLayerNormalization);

absl::Status ImportMeanVarianceNormalization(NodeImport& node) {
  DOPPIO_RETURN_IF_ERROR(RequireFloats(node));
  Ints axes = node.Ints("axes");
  if (axes.empty()) axes = {0, 2, 3};
  const std::string mean = node.NewBlob("mean");
  const std::string variance = node.NewBlob("variance");
  const std::string centered = node.NewBlob("centered");
  const std::string stddev = node.NewBlob("stddev");
  const std::string divisor = node.NewBlob("divisor");
  node.Op("Moments", {node.Input(0)}, {mean, variance}, {MakeArgument("axes", axes)});
  node.Op("Sub", {node.Input(0), mean}, {centered});
  node.Op("Sqrt", {variance}, {stddev});
  const bool is_double = node.dtype(0) == DataType::kDouble;
  DOPPIO_ASSIGN_OR_RETURN(const Tensor epsilon,
                          is_double ? Tensor::Scalar<double>(1e-9) : Tensor::Scalar<float>(1e-9f));
  node.Op("Add", {stddev, node.Constant("epsilon", epsilon)}, {divisor});
  node.Op("Div", {centered, divisor}, {node.Output(0)});
  return absl::OkStatus();
}
DOPPIO_ONNX_IMPORT(MeanVarianceNormalization, ImportMeanVarianceNormalization);

absl::Status ImportLpNormalization(NodeImport& node) {
  DOPPIO_RETURN_IF_ERROR(RequireFloats(node));
  const int64_t p = node.Int("p", 2);
  if (p != 1 && p != 2) {
    return absl::InvalidArgumentError(absl::StrCat("p is ", p, ", must be 1 or 2"));
  }
  const std::string norm = node.NewBlob("norm");
  node.Op(p == 1 ? "ReduceL1" : "ReduceL2", {node.Input(0)}, {norm},
          {MakeArgument("axes", Ints{node.Int("axis", -1)})});
  node.Op("Div", {node.Input(0), norm}, {node.Output(0)});
  return absl::OkStatus();
}
DOPPIO_ONNX_IMPORT(LpNormalization, ImportLpNormalization);

}  // namespace
}  // namespace onnx
}  // namespace doppio
