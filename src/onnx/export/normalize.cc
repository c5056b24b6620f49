// Normalisations, and factors and summands for each channel.

#include <limits>
#include <numeric>

#include "absl/strings/str_cat.h"
#include "src/onnx/export/steps.h"

namespace doppio {
namespace onnx {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

absl::Status ExportSpatialBN(OpExport& op) {
  if (!op.Flag("is_test")) return op.Unsupported("it trains: give it is_test=1");
  op.Arguments({"momentum", "num_batches"});  // of training
  const std::vector<AttributeProto> epsilon = {MakeAttribute("epsilon", op.Float("epsilon"))};
  return WithChannelsFirst(op, [&](const std::string& x, const std::string& output) {
    std::vector<std::string> inputs = {x};
    for (int i = 1; i < 5; ++i) inputs.push_back(AsVector(op, i));
    return op.Node("BatchNormalization", inputs, epsilon, output);
  });
}
DOPPIO_ONNX_EXPORT(SpatialBN, ExportSpatialBN);

// The dimension of the channels of input 0, which has `rank` dimensions.
int ChannelAxis(OpExport& op, int rank) { return op.IsChannelsLast() ? rank - 1 : 1; }

absl::Status ExportAffineChannel(OpExport& op) {
  DOPPIO_ASSIGN_OR_RETURN(const int rank, op.Rank(0));
  const int axis = ChannelAxis(op, rank);
  const std::string product = op.Node("Mul", {op.Input(0), AlongAxis(op, 1, axis, rank)});
  op.Node("Add", {product, AlongAxis(op, 2, axis, rank)}, {}, op.Output(0));
  return absl::OkStatus();
}
DOPPIO_ONNX_EXPORT(AffineChannel, ExportAffineChannel);

absl::Status ExportPRelu(OpExport& op) {
  const std::optional<Dims>& dims = op.Info(0).dims;
  if (dims.has_value() && dims->empty()) return op.Unsupported("X is a scalar");
  const ValueInfo& slope = op.Info(1);
  const bool is_single = IsFixed(slope) && SizeFromDim(*slope.dims, 0) == 1;
  std::string slopes;
  if (is_single) {
    op.Arguments({"order"});
    slopes = AsVector(op, 1);
  } else {
    DOPPIO_ASSIGN_OR_RETURN(const int rank, op.Rank(0));
    DOPPIO_RETURN_IF_ERROR(op.FixedDims(1).status());  // one slope goes with all channels
    slopes = AlongAxis(op, 1, ChannelAxis(op, rank), rank);
  }
  op.Node("PRelu", {op.Input(0), slopes}, {}, op.Output(0));
  return absl::OkStatus();
}
DOPPIO_ONNX_EXPORT(PRelu, ExportPRelu);

absl::Status ExportLRN(OpExport& op) {
  const std::vector<AttributeProto> attributes = {
      MakeAttribute("size", op.Int("size")), MakeAttribute("alpha", op.Float("alpha")),
      MakeAttribute("beta", op.Float("beta")), MakeAttribute("bias", op.Float("bias"))};
  return WithChannelsFirst(op, [&](const std::string& x, const std::string& output) {
    return op.Node("LRN", {x}, attributes, output);
  });
}
DOPPIO_ONNX_EXPORT(LRN, ExportLRN);

// Over all dimensions from `axis` on. So did ONNX until opset 12; then `axis` became the only one.
absl::Status ExportSoftmax(OpExport& op) {
  DOPPIO_ASSIGN_OR_RETURN(const int axis, op.Axis(op.Int("axis"), 0));
  const std::optional<Dims>& dims = op.Info(0).dims;
  const bool is_last = dims.has_value() && axis == static_cast<int>(dims->size()) - 1;
  if (op.opset() < 13 || is_last) {
    op.Node("Softmax", {op.Input(0)}, {MakeAttribute("axis", axis)}, op.Output(0));
    return absl::OkStatus();
  }
  const std::string rows = Flatten(op, op.Input(0), axis);
  const std::string y = op.Node("Softmax", {rows}, {MakeAttribute("axis", 1)});
  ReshapeLike(op, y, op.Input(0), op.Output(0));
  return absl::OkStatus();
}
DOPPIO_ONNX_EXPORT(Softmax, ExportSoftmax);

// Gamma or beta, which have one number for each column, as what is normalised has its dimensions
// from `axis` on.
absl::StatusOr<std::string> ForColumns(OpExport& op, int input, int axis) {
  DOPPIO_ASSIGN_OR_RETURN(const int rank, op.Rank(0));
  if (axis == rank - 1) return AsVector(op, input);
  const std::string columns = Sizes(op, op.Input(0), axis, rank);
  return op.Node("Reshape", {op.Input(input), columns});
}

std::vector<int64_t> AxesFrom(int axis, int rank) {
  std::vector<int64_t> axes(rank - axis);
  std::iota(axes.begin(), axes.end(), axis);
  return axes;
}

absl::Status ExportLayerNorm(OpExport& op) {
  DOPPIO_ASSIGN_OR_RETURN(const int rank, op.Rank(0));
  DOPPIO_ASSIGN_OR_RETURN(const int axis, op.Axis(op.Int("axis"), 0));
  DOPPIO_ASSIGN_OR_RETURN(const DataType dtype, op.Type(0));
  const std::string& x = op.Input(0);
  const std::vector<int64_t> axes = AxesFrom(axis, rank);
  const std::string mean = Reduce(op, "ReduceMean", x, axes, true);
  const std::string centred = op.Node("Sub", {x, mean});
  const std::string squares = op.Node("Mul", {centred, centred});
  const std::string variance = Reduce(op, "ReduceMean", squares, axes, true);
  const std::string sum = op.Node("Add", {variance, op.Number(op.Float("epsilon"), dtype)});
  const std::string deviation = op.Node("Sqrt", {sum});
  if (op.Flag("elementwise_affine")) {
    const std::string normal = op.Node("Div", {centred, deviation});
    DOPPIO_ASSIGN_OR_RETURN(const std::string gamma, ForColumns(op, 1, axis));
    DOPPIO_ASSIGN_OR_RETURN(const std::string beta, ForColumns(op, 2, axis));
    op.Node("Add", {op.Node("Mul", {normal, gamma}), beta}, {}, op.Output(0));
  } else {
    op.Node("Div", {centred, deviation}, {}, op.Output(0));
  }
  // The statistics have one dimension of size 1 for all that is reduced.
  const std::vector<int64_t> further(axes.begin() + 1, axes.end());
  for (int o = 1; o < 3; ++o) {
    if (!op.IsWanted(o)) continue;
    const std::string& statistic = o == 1 ? mean : deviation;
    if (further.empty()) {
      op.Node("Identity", {statistic}, {}, op.Output(o));
    } else {
      Squeeze(op, statistic, further, op.Output(o));
    }
  }
  return absl::OkStatus();
}
DOPPIO_ONNX_EXPORT(LayerNorm, ExportLayerNorm);

absl::Status ExportRMSNorm(OpExport& op) {
  DOPPIO_ASSIGN_OR_RETURN(const int rank, op.Rank(0));
  DOPPIO_ASSIGN_OR_RETURN(const int axis, op.Axis(op.Int("axis"), 0));
  DOPPIO_ASSIGN_OR_RETURN(const DataType dtype, op.Type(0));
  const std::string& x = op.Input(0);
  const std::vector<int64_t> axes = AxesFrom(axis, rank);
  const std::string mean = Reduce(op, "ReduceMean", op.Node("Mul", {x, x}), axes, true);
  const std::string sum = op.Node("Add", {mean, op.Number(op.Float("eps"), dtype)});
  const std::string inverse = op.Node("Reciprocal", {op.Node("Sqrt", {sum})});
  DOPPIO_ASSIGN_OR_RETURN(const std::string gamma, ForColumns(op, 1, axis));
  DOPPIO_ASSIGN_OR_RETURN(const std::string beta, ForColumns(op, 2, axis));
  const std::string product = op.Node("Mul", {op.Node("Mul", {x, inverse}), gamma});
  op.Node("Add", {product, beta}, {}, op.Output(0));
  if (op.IsWanted(1)) Squeeze(op, inverse, axes, op.Output(1));
  return absl::OkStatus();
}
DOPPIO_ONNX_EXPORT(RMSNorm, ExportRMSNorm);

// Groups of channels of each image normalised, and then a factor and a summand for each channel.
// Each channel is a group of its own where `groups` is 0. Outputs 1 and 2 are the means and what
// was multiplied by.
absl::Status NormalizeGroups(OpExport& op, int64_t groups) {
  if (op.Value(0) != nullptr) return op.Unsupported("there is nothing to normalise");
  DOPPIO_ASSIGN_OR_RETURN(const int rank, op.Rank(0));
  DOPPIO_ASSIGN_OR_RETURN(const DataType dtype, op.Type(0));
  const float epsilon = op.Float("epsilon");
  return WithChannelsFirst(op, [&](const std::string& x, const std::string& output) {
    const std::string elements = Reshape(op, x, {0, groups, -1});
    const std::string mean = Reduce(op, "ReduceMean", elements, {2}, true);
    const std::string centred = op.Node("Sub", {elements, mean});
    const std::string squares = op.Node("Mul", {centred, centred});
    const std::string variance = Reduce(op, "ReduceMean", squares, {2}, true);
    const std::string sum = op.Node("Add", {variance, op.Number(epsilon, dtype)});
    const std::string inverse = op.Node("Reciprocal", {op.Node("Sqrt", {sum})});
    if (op.IsWanted(1)) Squeeze(op, mean, {2}, op.Output(1));
    if (op.IsWanted(2)) Squeeze(op, inverse, {2}, op.Output(2));
    const std::string normal = ReshapeLike(op, op.Node("Mul", {centred, inverse}), x);
    const std::string product = op.Node("Mul", {normal, AlongAxis(op, 1, 1, rank)});
    return op.Node("Add", {product, AlongAxis(op, 2, 1, rank)}, {}, output);
  });
}

absl::Status ExportGroupNorm(OpExport& op) {
  op.Arguments({"is_test"});  // whether the statistics are wanted
  return NormalizeGroups(op, op.Int("group"));
}
DOPPIO_ONNX_EXPORT(GroupNorm, ExportGroupNorm);

absl::Status ExportInstanceNorm(OpExport& op) {
  DOPPIO_ASSIGN_OR_RETURN(const int rank, op.Rank(0));
  if (op.IsWanted(1) || op.IsWanted(2) || rank < 3) return NormalizeGroups(op, 0);
  const std::vector<AttributeProto> epsilon = {MakeAttribute("epsilon", op.Float("epsilon"))};
  return WithChannelsFirst(op, [&](const std::string& x, const std::string& output) {
    return op.Node("InstanceNormalization", {x, AsVector(op, 1), AsVector(op, 2)}, epsilon, output);
  });
}
DOPPIO_ONNX_EXPORT(InstanceNorm, ExportInstanceNorm);

absl::Status ExportElementwiseLinear(OpExport& op) {
  DOPPIO_ASSIGN_OR_RETURN(const int axis, op.Axis(op.Int("axis"), 0));
  DOPPIO_ASSIGN_OR_RETURN(const std::string w, ForColumns(op, 1, axis));
  DOPPIO_ASSIGN_OR_RETURN(const std::string b, ForColumns(op, 2, axis));
  op.Node("Add", {op.Node("Mul", {op.Input(0), w}), b}, {}, op.Output(0));
  return absl::OkStatus();
}
DOPPIO_ONNX_EXPORT(ElementwiseLinear, ExportElementwiseLinear);

absl::Status ExportRowMul(OpExport& op) {
  DOPPIO_ASSIGN_OR_RETURN(const int rank, op.Rank(0));
  op.Node("Mul", {op.Input(0), AlongAxis(op, 1, 0, rank)}, {}, op.Output(0));
  return absl::OkStatus();
}
DOPPIO_ONNX_EXPORT(RowMul, ExportRowMul);

absl::Status ExportNormalize(OpExport& op) {
  DOPPIO_ASSIGN_OR_RETURN(const int axis, op.Axis(op.Int("axis"), 0));
  DOPPIO_ASSIGN_OR_RETURN(const DataType dtype, op.Type(0));
  const std::string norm = Reduce(op, "ReduceL2", op.Input(0), {axis}, true);
  const std::string divisor = Clip(op, norm, 1e-12, kInfinity, dtype);
  op.Node("Div", {op.Input(0), divisor}, {}, op.Output(0));
  return absl::OkStatus();
}
DOPPIO_ONNX_EXPORT(Normalize, ExportNormalize);

// Where the norm is 0, so is all that is divided by it.
absl::Status ExportNormalizeL1(OpExport& op) {
  DOPPIO_ASSIGN_OR_RETURN(const int axis, op.Axis(op.Int("axis"), 0));
  DOPPIO_ASSIGN_OR_RETURN(const DataType dtype, op.Type(0));
  if (op.opset() < 11) return op.Unsupported("ONNX compares floats so from opset 11 on");
  const std::string norm = Reduce(op, "ReduceL1", op.Input(0), {axis}, true);
  const std::string is_zero = op.Node("Equal", {norm, op.Number(0, dtype)});
  const std::string divisor = op.Node("Where", {is_zero, op.Number(1, dtype), norm});
  op.Node("Div", {op.Input(0), divisor}, {}, op.Output(0));
  return absl::OkStatus();
}
DOPPIO_ONNX_EXPORT(NormalizeL1, ExportNormalizeL1);

}  // namespace
}  // namespace onnx
}  // namespace doppio
