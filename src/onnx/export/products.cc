// Fully connected layers and products of matrices.

#include <algorithm>
#include <limits>

#include "src/onnx/export/steps.h"

namespace doppio {
namespace onnx {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// An input as a matrix whose columns begin at `axis`.
absl::StatusOr<std::string> AsMatrix(OpExport& op, int input, int64_t axis_argument) {
  DOPPIO_ASSIGN_OR_RETURN(const int axis, op.Axis(axis_argument, input));
  const std::optional<Dims>& dims = op.Info(input).dims;
  const bool is_matrix = dims.has_value() && dims->size() == 2 && axis == 1;
  return is_matrix ? op.Input(input) : Flatten(op, op.Input(input), axis);
}

absl::Status ExportFullyConnected(OpExport& op, bool transposed) {
  DOPPIO_ASSIGN_OR_RETURN(const int axis, op.Axis(op.Int("axis"), 0));
  DOPPIO_ASSIGN_OR_RETURN(const std::string x, AsMatrix(op, 0, axis));
  DOPPIO_ASSIGN_OR_RETURN(const std::string w, AsMatrix(op, 1, op.Int("axis_w")));
  const std::vector<std::string> inputs = {x, w, AsVector(op, 2)};
  const std::vector<AttributeProto> attributes = {MakeAttribute("transB", !transposed)};
  if (axis == 1) {
    op.Node("Gemm", inputs, attributes, op.Output(0));
    return absl::OkStatus();
  }
  const std::string y = op.Node("Gemm", inputs, attributes);
  if (axis == 0) {  // X was one row
    Reshape(op, y, {-1}, op.Output(0));
    return absl::OkStatus();
  }
  const std::string rows = Sizes(op, op.Input(0), 0, axis);
  op.Node("Reshape", {y, Concat(op, {rows, op.Int64s({-1})}, 0)}, {}, op.Output(0));
  return absl::OkStatus();
}

absl::Status ExportFC(OpExport& op) { return ExportFullyConnected(op, false); }
absl::Status ExportFCTransposed(OpExport& op) { return ExportFullyConnected(op, true); }
DOPPIO_ONNX_EXPORT(FC, ExportFC);
DOPPIO_ONNX_EXPORT(FCTransposed, ExportFCTransposed);

absl::Status ExportMatMul(OpExport& op) {
  DOPPIO_ASSIGN_OR_RETURN(std::string a, AsMatrix(op, 0, op.Int("axis_a")));
  DOPPIO_ASSIGN_OR_RETURN(std::string b, AsMatrix(op, 1, op.Int("axis_b")));
  if (op.Flag("trans_a")) a = Transpose(op, a, {1, 0});
  if (op.Flag("trans_b")) b = Transpose(op, b, {1, 0});
  if (op.InputSize() < 3) {
    op.Node("MatMul", {a, b}, {}, op.Output(0));
  } else {
    ReshapeLike(op, op.Node("MatMul", {a, b}), op.Input(2), op.Output(0));
  }
  return absl::OkStatus();
}
DOPPIO_ONNX_EXPORT(MatMul, ExportMatMul);

absl::StatusOr<std::string> MatricesTransposed(OpExport& op, int input) {
  DOPPIO_ASSIGN_OR_RETURN(const int rank, op.Rank(input));
  if (rank < 2) return op.Unsupported("a vector is transposed");
  std::vector<int64_t> axes(rank);
  for (int d = 0; d < rank; ++d) axes[d] = d;
  std::swap(axes[rank - 2], axes[rank - 1]);
  return Transpose(op, op.Input(input), axes);
}

absl::Status ExportBatchMatMul(OpExport& op) {
  std::string a = op.Input(0), b = op.Input(1);
  if (op.Flag("trans_a")) {
    DOPPIO_ASSIGN_OR_RETURN(a, MatricesTransposed(op, 0));
  }
  if (op.Flag("trans_b")) {
    DOPPIO_ASSIGN_OR_RETURN(b, MatricesTransposed(op, 1));
  }
  if (op.Flag("broadcast")) {
    DOPPIO_ASSIGN_OR_RETURN(const int a_rank, op.Rank(0));
    DOPPIO_ASSIGN_OR_RETURN(const int b_rank, op.Rank(1));
    if (a_rank == 1 && b_rank == 1) {  // a vector of one, where ONNX gives a scalar
      Reshape(op, op.Node("MatMul", {a, b}), {1}, op.Output(0));
      return absl::OkStatus();
    }
  }
  op.Node("MatMul", {a, b}, {}, op.Output(0));
  return absl::OkStatus();
}
DOPPIO_ONNX_EXPORT(BatchMatMul, ExportBatchMatMul);

// What belongs to one index of the first dimension, as a row.
std::string RowsOf(OpExport& op, const std::string& x) { return Flatten(op, x, 1); }

absl::Status ExportDotProduct(OpExport& op) {
  DOPPIO_ASSIGN_OR_RETURN(const int rank, op.Rank(0));
  if (rank == 0) return op.Unsupported("a scalar in the place of rows");
  const std::string product = op.Node("Mul", {op.Input(0), op.Input(1)});
  Reduce(op, "ReduceSum", RowsOf(op, product), {1}, false, op.Output(0));
  return absl::OkStatus();
}
DOPPIO_ONNX_EXPORT(DotProduct, ExportDotProduct);

absl::Status ExportL1Distance(OpExport& op) {
  DOPPIO_ASSIGN_OR_RETURN(const int rank, op.Rank(0));
  if (rank == 0) return op.Unsupported("a scalar in the place of rows");
  const std::string difference = op.Node("Sub", {op.Input(0), op.Input(1)});
  Reduce(op, "ReduceL1", RowsOf(op, difference), {1}, false, op.Output(0));
  return absl::OkStatus();
}
DOPPIO_ONNX_EXPORT(L1Distance, ExportL1Distance);

absl::Status ExportSquaredL2Distance(OpExport& op) {
  DOPPIO_ASSIGN_OR_RETURN(const int rank, op.Rank(0));
  DOPPIO_ASSIGN_OR_RETURN(const DataType dtype, op.Type(0));
  if (rank == 0) return op.Unsupported("a scalar in the place of rows");
  const std::string difference = op.Node("Sub", {op.Input(0), op.Input(1)});
  const std::string sum = Reduce(op, "ReduceSumSquare", RowsOf(op, difference), {1}, false);
  op.Node("Mul", {sum, op.Number(0.5, dtype)}, {}, op.Output(0));
  return absl::OkStatus();
}
DOPPIO_ONNX_EXPORT(SquaredL2Distance, ExportSquaredL2Distance);

absl::Status ExportCosineSimilarity(OpExport& op) {
  DOPPIO_ASSIGN_OR_RETURN(const int rank, op.Rank(0));
  DOPPIO_ASSIGN_OR_RETURN(const DataType dtype, op.Type(0));
  if (rank == 0) return op.Unsupported("a scalar in the place of rows");
  const auto norm = [&](const std::string& x) {
    const std::string squares = Reduce(op, "ReduceSumSquare", RowsOf(op, x), {1}, false);
    return op.Node("Sqrt", {Clip(op, squares, 1e-12, kInfinity, dtype)});
  };
  const std::string product = op.Node("Mul", {op.Input(0), op.Input(1)});
  const std::string dot = Reduce(op, "ReduceSum", RowsOf(op, product), {1}, false);
  const std::string by_x = op.Node("Div", {dot, norm(op.Input(0))});
  op.Node("Div", {by_x, norm(op.Input(1))}, {}, op.Output(0));
  return absl::OkStatus();
}
DOPPIO_ONNX_EXPORT(CosineSimilarity, ExportCosineSimilarity);

}  // namespace
}  // namespace onnx
}  // namespace doppio
