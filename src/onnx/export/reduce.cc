// Dimensions, or all of them, become one number.

#include <numeric>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "src/onnx/export/steps.h"

namespace doppio {
namespace onnx {
namespace {

// The axes that the arguments name; none stands for all. Of a scalar nothing is reduced, which a
// list without axes says too.
absl::StatusOr<std::vector<int64_t>> ReadAxes(OpExport& op) {
  std::vector<int64_t> axes = op.Ints("axes");
  if (op.Has("axes") && axes.empty()) return op.Unsupported("it reduces no dimension");
  for (int64_t& axis : axes) {
    DOPPIO_ASSIGN_OR_RETURN(axis, op.Axis(axis, 0));
  }
  return axes;
}

// ReduceSum, ReduceMean, ReduceMax, ReduceMin, ReduceL1, ReduceL2.
absl::Status ExportReduction(OpExport& op) {
  DOPPIO_ASSIGN_OR_RETURN(const std::vector<int64_t> axes, ReadAxes(op));
  Reduce(op, op.def().type(), op.Input(0), axes, op.Flag("keepdims"), op.Output(0));
  return absl::OkStatus();
}
DOPPIO_ONNX_EXPORT(ReduceSum, ExportReduction);
DOPPIO_ONNX_EXPORT(ReduceMean, ExportReduction);
DOPPIO_ONNX_EXPORT(ReduceMax, ExportReduction);
DOPPIO_ONNX_EXPORT(ReduceMin, ExportReduction);
DOPPIO_ONNX_EXPORT(ReduceL1, ExportReduction);
DOPPIO_ONNX_EXPORT(ReduceL2, ExportReduction);

// ReduceFrontSum, ReduceBackMean, ...: the first or the last dimensions.
absl::Status ExportFrontOrBack(OpExport& op) {
  if (op.InputSize() > 1) return op.Unsupported("with lengths");
  std::string name = op.def().type();
  const bool is_front = absl::StartsWith(name, "ReduceFront");
  const std::string kind = name.substr(std::string(is_front ? "ReduceFront" : "ReduceBack").size());
  const int64_t count = op.Int("num_reduce_dim");
  int64_t first = 0;
  if (!is_front) {
    DOPPIO_ASSIGN_OR_RETURN(const int rank, op.Rank(0));
    first = rank - count;
  }
  if (count == 0) {
    op.Node("Identity", {op.Input(0)}, {}, op.Output(0));
    return absl::OkStatus();
  }
  std::vector<int64_t> axes(count);
  std::iota(axes.begin(), axes.end(), first);
  Reduce(op, absl::StrCat("Reduce", kind), op.Input(0), axes, false, op.Output(0));
  return absl::OkStatus();
}
DOPPIO_ONNX_EXPORT(ReduceFrontSum, ExportFrontOrBack);
DOPPIO_ONNX_EXPORT(ReduceFrontMean, ExportFrontOrBack);
DOPPIO_ONNX_EXPORT(ReduceFrontMax, ExportFrontOrBack);
DOPPIO_ONNX_EXPORT(ReduceBackSum, ExportFrontOrBack);
DOPPIO_ONNX_EXPORT(ReduceBackMean, ExportFrontOrBack);
DOPPIO_ONNX_EXPORT(ReduceBackMax, ExportFrontOrBack);

absl::Status ExportReduceTailSum(OpExport& op) {
  DOPPIO_ASSIGN_OR_RETURN(const int rank, op.Rank(0));
  if (rank < 1) return op.Unsupported("a scalar in the place of rows");
  Reduce(op, "ReduceSum", Flatten(op, op.Input(0), 1), {1}, false, op.Output(0));
  return absl::OkStatus();
}
DOPPIO_ONNX_EXPORT(ReduceTailSum, ExportReduceTailSum);

absl::Status ExportSumElements(OpExport& op) {
  Reduce(op, op.Flag("average") ? "ReduceMean" : "ReduceSum", op.Input(0), {}, false, op.Output(0));
  return absl::OkStatus();
}
DOPPIO_ONNX_EXPORT(SumElements, ExportSumElements);

absl::Status ExportSumElementsInt(OpExport& op) {
  Reduce(op, "ReduceSum", op.Input(0), {}, false, op.Output(0));
  return absl::OkStatus();
}
DOPPIO_ONNX_EXPORT(SumElementsInt, ExportSumElementsInt);

// The sum or mean of all squares (p = 2) or absolute values (1).
std::string SumOfPowers(OpExport& op, int64_t p, const std::string& output) {
  const std::string& x = op.Input(0);
  if (!op.Flag("average")) {
    return Reduce(op, p == 1 ? "ReduceL1" : "ReduceSumSquare", x, {}, false, output);
  }
  const std::string powers = p == 1 ? op.Node("Abs", {x}) : op.Node("Mul", {x, x});
  return Reduce(op, "ReduceMean", powers, {}, false, output);
}

absl::Status ExportSumSqrElements(OpExport& op) {
  SumOfPowers(op, 2, op.Output(0));
  return absl::OkStatus();
}
DOPPIO_ONNX_EXPORT(SumSqrElements, ExportSumSqrElements);

absl::Status ExportLpNorm(OpExport& op) {
  Reshape(op, SumOfPowers(op, op.Int("p"), ""), {1}, op.Output(0));
  return absl::OkStatus();
}
DOPPIO_ONNX_EXPORT(LpNorm, ExportLpNorm);

absl::Status ExportMoments(OpExport& op) {
  DOPPIO_ASSIGN_OR_RETURN(const std::vector<int64_t> axes, ReadAxes(op));
  const bool keep_dims = op.Flag("keepdims");
  const std::string mean = Reduce(op, "ReduceMean", op.Input(0), axes, true);
  const std::string centred = op.Node("Sub", {op.Input(0), mean});
  const std::string squares = op.Node("Mul", {centred, centred});
  Reduce(op, "ReduceMean", op.Input(0), axes, keep_dims, op.Output(0));
  Reduce(op, "ReduceMean", squares, axes, keep_dims, op.Output(1));
  return absl::OkStatus();
}
DOPPIO_ONNX_EXPORT(Moments, ExportMoments);

absl::Status ExportArgExtreme(OpExport& op) {
  DOPPIO_ASSIGN_OR_RETURN(const int axis, op.Axis(op.Int("axis"), 0));
  op.Node(op.def().type(), {op.Input(0)},
          {MakeAttribute("axis", axis), MakeAttribute("keepdims", op.Flag("keepdims"))},
          op.Output(0));
  return absl::OkStatus();
}
DOPPIO_ONNX_EXPORT(ArgMax, ExportArgExtreme);
DOPPIO_ONNX_EXPORT(ArgMin, ExportArgExtreme);

absl::Status ExportColwiseMax(OpExport& op) {
  Reduce(op, "ReduceMax", op.Input(0), {1}, false, op.Output(0));
  return absl::OkStatus();
}
DOPPIO_ONNX_EXPORT(ColwiseMax, ExportColwiseMax);

absl::Status ExportRowwiseMax(OpExport& op) {
  Reduce(op, "ReduceMax", op.Input(0), {2}, false, op.Output(0));
  return absl::OkStatus();
}
DOPPIO_ONNX_EXPORT(RowwiseMax, ExportRowwiseMax);

// More than there are, which Caffe2 pads, is an error of ONNX's.
absl::Status ExportTopK(OpExport& op) {
  DOPPIO_ASSIGN_OR_RETURN(const int axis, op.Axis(op.Int("axis"), 0));
  const int64_t k = op.Int("k");
  const std::optional<Dims>& dims = op.Info(0).dims;
  if (dims.has_value() && (*dims)[axis] >= 0 && (*dims)[axis] < k) {
    return op.Unsupported(absl::StrCat("k is ", k, ", and there are ", (*dims)[axis]));
  }
  std::vector<AttributeProto> attributes = {MakeAttribute("axis", axis)};
  std::vector<std::string> inputs = {op.Input(0)};
  if (op.opset() >= 10) {
    inputs.push_back(op.Int64s({k}));
  } else {
    attributes.push_back(MakeAttribute("k", k));
  }
  op.Node("TopK", inputs, attributes, std::vector<std::string>{op.Output(0), op.Output(1)});
  return absl::OkStatus();
}
DOPPIO_ONNX_EXPORT(TopK, ExportTopK);

}  // namespace
}  // namespace onnx
}  // namespace doppio
