// Several tensors, element by element: arithmetic, comparisons, truth values.

#include <algorithm>
#include <iterator>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "src/onnx/export/steps.h"
#include "src/operator/broadcast_rule.h"

namespace doppio {
namespace onnx {
namespace {

// The second operand, such that NumPy's rule makes of it what the operator's does. By the older
// rule (broadcast=1) B's shape stands in A's from `axis` on.
absl::StatusOr<std::string> SecondOperand(OpExport& op) {
  ArgumentReader* reader = op.Arguments({"broadcast", "axis", "axis_str", "order"});
  const BroadcastRule rule(reader);
  if (!rule.legacy()) return op.Input(1);
  const ValueInfo& b = op.Info(1);
  if (IsFixed(b) && SizeFromDim(*b.dims, 0) == 1) {  // goes with anything, whatever its rank
    return b.dims->empty() ? op.Input(1) : Reshape(op, op.Input(1), {});
  }
  DOPPIO_ASSIGN_OR_RETURN(const int b_rank, op.Rank(1));
  // That it is more than one element has to be sure.
  if (std::all_of(b.dims->begin(), b.dims->end(), [](int64_t size) { return size < 2; })) {
    DOPPIO_RETURN_IF_ERROR(op.FixedDims(1).status());
  }
  if (rule.axis() == -1) return op.Input(1);
  DOPPIO_ASSIGN_OR_RETURN(const int a_rank, op.Rank(0));
  const auto start = static_cast<int>(rule.axis());
  if (start + b_rank == a_rank) return op.Input(1);
  std::vector<int64_t> behind;
  for (int d = b_rank; d < a_rank - start; ++d) behind.push_back(d);
  return Unsqueeze(op, op.Input(1), behind);
}

// `then`: a node behind it that makes the output, or null.
absl::Status ExportBinary(OpExport& op, absl::string_view type, const char* then = nullptr) {
  DOPPIO_ASSIGN_OR_RETURN(const std::string b, SecondOperand(op));
  if (then == nullptr) {
    op.Node(type, {op.Input(0), b}, {}, op.Output(0));
  } else {
    op.Node(then, {op.Node(type, {op.Input(0), b})}, {}, op.Output(0));
  }
  return absl::OkStatus();
}

absl::Status ExportSame(OpExport& op) { return ExportBinary(op, op.def().type()); }
DOPPIO_ONNX_EXPORT(Add, ExportSame);
DOPPIO_ONNX_EXPORT(Sub, ExportSame);
DOPPIO_ONNX_EXPORT(Mul, ExportSame);
DOPPIO_ONNX_EXPORT(Div, ExportSame);
DOPPIO_ONNX_EXPORT(And, ExportSame);
DOPPIO_ONNX_EXPORT(Or, ExportSame);
DOPPIO_ONNX_EXPORT(Xor, ExportSame);

absl::Status ExportBits(OpExport& op) {
  DOPPIO_ASSIGN_OR_RETURN(const DataType dtype, op.Type(0));
  if (dtype != DataType::kBool) return op.Unsupported("ONNX knows bits from opset 18 on");
  return ExportBinary(op, op.def().type().substr(7));  // BitwiseAnd of truth values is And
}
DOPPIO_ONNX_EXPORT(BitwiseAnd, ExportBits);
DOPPIO_ONNX_EXPORT(BitwiseOr, ExportBits);
DOPPIO_ONNX_EXPORT(BitwiseXor, ExportBits);

absl::Status ExportComparison(OpExport& op, absl::string_view type, const char* then = nullptr) {
  DOPPIO_ASSIGN_OR_RETURN(const DataType dtype, op.Type(0));
  const bool is_equal = type == "Equal";
  const bool is_old =
      is_equal ? dtype == DataType::kBool || dtype == DataType::kInt32 || dtype == DataType::kInt64
               : dtype == DataType::kFloat || dtype == DataType::kDouble;
  const int since = is_equal ? 11 : 9;
  if (!is_old && op.opset() < since) {
    return op.Unsupported(
        absl::StrCat("ONNX compares ", DataTypeName(dtype), " so from opset ", since, " on"));
  }
  if (dtype == DataType::kBFloat16 && absl::EndsWith(type, "OrEqual") && op.opset() < 16) {
    return op.Unsupported("ONNX compares bfloat16 so from opset 16 on");
  }
  if (!is_equal && dtype == DataType::kBool) return op.Unsupported("ONNX orders no truth values");
  return ExportBinary(op, type, then);
}

absl::Status ExportEQ(OpExport& op) { return ExportComparison(op, "Equal"); }
absl::Status ExportNE(OpExport& op) { return ExportComparison(op, "Equal", "Not"); }
absl::Status ExportLT(OpExport& op) { return ExportComparison(op, "Less"); }
absl::Status ExportGT(OpExport& op) { return ExportComparison(op, "Greater"); }
absl::Status ExportLE(OpExport& op) { return ExportComparison(op, "LessOrEqual"); }
absl::Status ExportGE(OpExport& op) { return ExportComparison(op, "GreaterOrEqual"); }
DOPPIO_ONNX_EXPORT(EQ, ExportEQ);
DOPPIO_ONNX_EXPORT(NE, ExportNE);
DOPPIO_ONNX_EXPORT(LT, ExportLT);
DOPPIO_ONNX_EXPORT(GT, ExportGT);
DOPPIO_ONNX_EXPORT(LE, ExportLE);
DOPPIO_ONNX_EXPORT(GE, ExportGE);

absl::Status ExportPow(OpExport& op) {
  if (op.InputSize() > 1) {
    op.Arguments({"exponent"});  // which then means nothing
    return ExportBinary(op, "Pow");
  }
  DOPPIO_ASSIGN_OR_RETURN(const DataType dtype, op.Type(0));
  op.Arguments({"broadcast", "axis", "axis_str", "order"});
  op.Node("Pow", {op.Input(0), op.Number(op.Float("exponent"), dtype)}, {}, op.Output(0));
  return absl::OkStatus();
}
DOPPIO_ONNX_EXPORT(Pow, ExportPow);

// One by one, from the left, where ONNX's operator of many does not take the type.
absl::Status ExportChain(OpExport& op, absl::string_view type) {
  std::string sum = op.Input(0);
  for (int i = 1; i < op.InputSize(); ++i) {
    sum = op.Node(type, {sum, op.Input(i)}, {}, i + 1 < op.InputSize() ? "" : op.Output(0));
  }
  if (op.InputSize() == 1) op.Node("Identity", {sum}, {}, op.Output(0));
  return absl::OkStatus();
}

absl::Status ExportSum(OpExport& op) {
  DOPPIO_ASSIGN_OR_RETURN(const DataType dtype, op.Type(0));
  if (!IsFloatingPoint(dtype)) return ExportChain(op, "Add");
  op.Node("Sum", op.inputs(), {}, op.Output(0));
  return absl::OkStatus();
}
DOPPIO_ONNX_EXPORT(Sum, ExportSum);
DOPPIO_ONNX_EXPORT(SumInt, ExportSum);

absl::Status ExportMean(OpExport& op) {
  op.Node("Mean", op.inputs(), {}, op.Output(0));
  return absl::OkStatus();
}
DOPPIO_ONNX_EXPORT(Mean, ExportMean);

absl::Status ExportExtreme(OpExport& op) {
  DOPPIO_ASSIGN_OR_RETURN(const DataType dtype, op.Type(0));
  if (!IsFloatingPoint(dtype) && op.opset() < 12) {
    return op.Unsupported("ONNX takes whole numbers there from opset 12 on");
  }
  op.Node(op.def().type(), op.inputs(), {}, op.Output(0));
  return absl::OkStatus();
}
DOPPIO_ONNX_EXPORT(Max, ExportExtreme);
DOPPIO_ONNX_EXPORT(Min, ExportExtreme);

// Weights are single numbers of any rank; the terms have as many elements as the first, whose shape
// the sum has.
absl::Status ExportWeightedSum(OpExport& op) {
  DOPPIO_ASSIGN_OR_RETURN(const DataType dtype, op.Type(0));
  op.Arguments({"grad_on_w"});
  std::string sum;
  for (int i = 0; i + 1 < op.InputSize(); i += 2) {
    std::string weight = Reshape(op, op.Input(i + 1), {});
    DOPPIO_ASSIGN_OR_RETURN(const DataType weight_type, op.Type(i + 1));
    if (weight_type != dtype) weight = Cast(op, weight, dtype);
    std::string x = op.Input(i);
    const ValueInfo& info = op.Info(i);
    if (i > 0 && !(IsFixed(info) && info.dims == op.Info(0).dims)) {
      x = ReshapeLike(op, x, op.Input(0));
    }
    const bool is_last = i + 3 >= op.InputSize();
    if (i == 0) {
      sum = op.Node("Mul", {x, weight}, {}, is_last ? op.Output(0) : "");
    } else {
      sum = op.Node("Add", {sum, op.Node("Mul", {x, weight})}, {}, is_last ? op.Output(0) : "");
    }
  }
  return absl::OkStatus();
}
DOPPIO_ONNX_EXPORT(WeightedSum, ExportWeightedSum);

// The condition may be a vector, with an element for each row.
absl::Status Select(OpExport& op, bool by_rows) {
  std::string condition = op.Input(0);
  if (by_rows) {
    DOPPIO_ASSIGN_OR_RETURN(const int rank, op.Rank(1));
    condition = AlongAxis(op, 0, 0, rank);
  }
  op.Node("Where", {condition, op.Input(1), op.Input(2)}, {}, op.Output(0));
  return absl::OkStatus();
}
absl::Status ExportWhere(OpExport& op) { return Select(op, op.Flag("broadcast_on_rows")); }
absl::Status ExportConditional(OpExport& op) { return Select(op, true); }
DOPPIO_ONNX_EXPORT(Where, ExportWhere);
DOPPIO_ONNX_EXPORT(Conditional, ExportConditional);

}  // namespace
}  // namespace onnx
}  // namespace doppio
