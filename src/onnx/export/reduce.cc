// Dimensions, or all of them, become one number.

#include <algorithm>
#include <numeric>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "src/onnx/export/steps.h"

namespace doppio {
namespace onnx {
namespace {

// The axes that the arguments name; none stands for all.
absl::StatusOr<std::vector<int64_t>> ReadAxes(OpExport& op) {
  std::vector<int64_t> axes = op.Ints("axes");
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
  DOPPIO_ASSIGN_OR_RETURN(const DataType dtype, op.Type(0));
  const std::string x =
      dtype == DataType::kBool ? Cast(op, op.Input(0), DataType::kInt32) : op.Input(0);
  op.Node(op.def().type(), {x},
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

// `count` more elements at the end of dimension `axis`.
std::string PadEnd(OpExport& op, const std::string& x, int axis, int rank, int64_t count,
                   double value, DataType dtype) {
  std::vector<int64_t> pads(2 * rank, 0);
  pads[rank + axis] = count;
  return count == 0 ? x : Pad(op, x, pads, "constant", value, dtype);
}

// Where there are less than k, values are padded with 0 and places with -1.
absl::Status ExportTopK(OpExport& op) {
  DOPPIO_ASSIGN_OR_RETURN(const int axis, op.Axis(op.Int("axis"), 0));
  DOPPIO_ASSIGN_OR_RETURN(const int rank, op.Rank(0));
  DOPPIO_ASSIGN_OR_RETURN(const DataType dtype, op.Type(0));
  const int64_t size = (*op.Info(0).dims)[axis];
  if (size < 0) return op.Unsupported("how many elements there are is not known");
  const int64_t wanted = op.Int("k");
  const int64_t k = std::min(wanted, size);
  std::vector<AttributeProto> attributes = {MakeAttribute("axis", axis)};
  std::vector<std::string> inputs = {op.Input(0)};
  if (op.opset() >= 10) {
    inputs.push_back(op.Int64s({k}));
  } else {
    attributes.push_back(MakeAttribute("k", k));
  }
  const std::string values = op.NewValue("values"), places = op.NewValue("places");
  op.Node("TopK", inputs, attributes, std::vector<std::string>{values, places});
  const int64_t missing = wanted - k;
  if (missing > 0 && op.opset() < 11) {
    return op.Unsupported("k is more than there is, and ONNX pads whole numbers from opset 11 on");
  }
  op.Node("Identity", {PadEnd(op, values, axis, rank, missing, 0, dtype)}, {}, op.Output(0));
  op.Node("Identity", {PadEnd(op, places, axis, rank, missing, -1, DataType::kInt64)}, {},
          op.Output(1));
  return absl::OkStatus();
}
DOPPIO_ONNX_EXPORT(TopK, ExportTopK);

}  // namespace
}  // namespace onnx
}  // namespace doppio
