#include "ops/logical/binary.h"

namespace doppio {
namespace {

// With kExchange, C = B (op) A.
template <Comparison kComparison, bool kExchange>
struct ComparisonFunction {
  using Types = AllNumericTypes;
  static DataType OutputType(DataType) { return DataType::kBool; }
  static void Run(DataType type, const void* a, DimsView a_dims, const void* b, DimsView b_dims,
                  void* c, DimsView c_dims, CPUContext* context) {
    auto* to = static_cast<bool*>(c);
    if (kExchange) {
      Compare(kComparison, type, b, b_dims, a, a_dims, to, c_dims, context);
    } else {
      Compare(kComparison, type, a, a_dims, b, b_dims, to, c_dims, context);
    }
  }
};

using EqualFunction = ComparisonFunction<Comparison::kEqual, false>;
using NotEqualFunction = ComparisonFunction<Comparison::kNotEqual, false>;
using LessFunction = ComparisonFunction<Comparison::kLess, false>;
using LessEqualFunction = ComparisonFunction<Comparison::kLessEqual, false>;
using GreaterFunction = ComparisonFunction<Comparison::kLess, true>;
using GreaterEqualFunction = ComparisonFunction<Comparison::kLessEqual, true>;

// The schema of C = `formula`; `example` is C for the A and B of the documentation.
template <class Function>
void State(OpSchema* schema, const char* formula, const char* nan, const char* example) {
  schema->NumInputs(2)
      .NumOutputs(1)
      .Doc(absl::StrCat("Compares two tensors, element by element: C = ", formula, ". ", nan,
                        kLogicalBroadcasting,
                        "\n\nExample: A = [1,5,2,9] and B = [1,3,4,9] give C = ", example, "."))
      .DOPPIO_BROADCAST_ARGUMENTS
      .Input(0, "A", "tensor of bool, integers or floating point numbers of any size")
      .Input(1, "B", "tensor of A's type")
      .Output(0, "C", "tensor of bool, of the broadcast shape")
      .TakesPhantoms({0, 1})
      .TensorInference(InferLogicalBinary<Function>);
}

constexpr char kNanDiffers[] = "A NaN is equal to nothing, itself included.";
constexpr char kNanHasNoPlace[] = "Where one of them is NaN, C is false. False is less than true.";

DOPPIO_OPERATOR_SCHEMA(EQ).FillUsing([](OpSchema& schema) {
  State<EqualFunction>(&schema, "A == B", kNanDiffers, "[true,false,false,true]");
});
DOPPIO_OPERATOR_SCHEMA(NE).FillUsing([](OpSchema& schema) {
  State<NotEqualFunction>(&schema, "A != B", kNanDiffers, "[false,true,true,false]");
});
DOPPIO_OPERATOR_SCHEMA(LT).FillUsing([](OpSchema& schema) {
  State<LessFunction>(&schema, "A < B", kNanHasNoPlace, "[false,false,true,false]");
});
DOPPIO_OPERATOR_SCHEMA(LE).FillUsing([](OpSchema& schema) {
  State<LessEqualFunction>(&schema, "A <= B", kNanHasNoPlace, "[true,false,true,true]");
});
DOPPIO_OPERATOR_SCHEMA(GT).FillUsing([](OpSchema& schema) {
  State<GreaterFunction>(&schema, "A > B", kNanHasNoPlace, "[false,true,false,false]");
});
DOPPIO_OPERATOR_SCHEMA(GE).FillUsing([](OpSchema& schema) {
  State<GreaterEqualFunction>(&schema, "A >= B", kNanHasNoPlace, "[true,true,false,true]");
});

DOPPIO_REGISTER_CPU_OPERATOR(EQ, LogicalBinaryOp<CPUContext, EqualFunction>);
DOPPIO_REGISTER_CPU_OPERATOR(NE, LogicalBinaryOp<CPUContext, NotEqualFunction>);
DOPPIO_REGISTER_CPU_OPERATOR(LT, LogicalBinaryOp<CPUContext, LessFunction>);
DOPPIO_REGISTER_CPU_OPERATOR(LE, LogicalBinaryOp<CPUContext, LessEqualFunction>);
DOPPIO_REGISTER_CPU_OPERATOR(GT, LogicalBinaryOp<CPUContext, GreaterFunction>);
DOPPIO_REGISTER_CPU_OPERATOR(GE, LogicalBinaryOp<CPUContext, GreaterEqualFunction>);
DOPPIO_SHOULD_NOT_DO_GRADIENT(EQ);
DOPPIO_SHOULD_NOT_DO_GRADIENT(NE);
DOPPIO_SHOULD_NOT_DO_GRADIENT(LT);
DOPPIO_SHOULD_NOT_DO_GRADIENT(LE);
DOPPIO_SHOULD_NOT_DO_GRADIENT(GT);
DOPPIO_SHOULD_NOT_DO_GRADIENT(GE);

}  // namespace
}  // namespace doppio
