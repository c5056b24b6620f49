#include "ops/logical/binary.h"

namespace doppio {
namespace {

using BoolType = TypeList<bool>;
using BitTypes = TypeList<bool, int8_t, int16_t, int32_t, int64_t, uint8_t, uint16_t>;

template <BitFunction kFunction, class OperandTypes>
struct BitsFunction {
  using Types = OperandTypes;
  static DataType OutputType(DataType input) { return input; }
  static void Run(DataType type, const void* a, DimsView a_dims, const void* b, DimsView b_dims,
                  void* c, DimsView c_dims, CPUContext* context) {
    CombineBits(kFunction, DataTypeSize(type), a, a_dims, b, b_dims, c, c_dims, context);
  }
};

using AndFunction = BitsFunction<BitFunction::kAnd, BoolType>;
using OrFunction = BitsFunction<BitFunction::kOr, BoolType>;
using XorFunction = BitsFunction<BitFunction::kXor, BoolType>;
using BitwiseAndFunction = BitsFunction<BitFunction::kAnd, BitTypes>;
using BitwiseOrFunction = BitsFunction<BitFunction::kOr, BitTypes>;
using BitwiseXorFunction = BitsFunction<BitFunction::kXor, BitTypes>;

// `what` says what C is, `example` what the operator makes of an A and a B.
template <class Function>
void State(OpSchema* schema, const char* what, const char* types, const char* example) {
  schema->NumInputs(2)
      .NumOutputs(1)
      .AllowInplace({{0, 0}})
      .Doc(absl::StrCat(what, ", element by element.", kLogicalBroadcasting,
                        "\n\nExample: ", example, "."))
      .DOPPIO_BROADCAST_ARGUMENTS.Input(0, "A", absl::StrCat("tensor of ", types))
      .Input(1, "B", "tensor of A's type")
      .TakesPhantoms({0, 1})
      .Output(0, "C", "tensor of A's type, of the broadcast shape")
      .TensorInference(InferLogicalBinary<Function>);
}

constexpr char kBool[] = "bool";
constexpr char kBits[] = "bool or integers of any size";

DOPPIO_OPERATOR_SCHEMA(And).FillUsing([](OpSchema& schema) {
  State<AndFunction>(&schema, "Whether both A and B are true", kBool,
                     "A = [true,true,false] and B = [true,false,false] give [true,false,false]");
});
DOPPIO_OPERATOR_SCHEMA(Or).FillUsing([](OpSchema& schema) {
  State<OrFunction>(&schema, "Whether A, B or both are true", kBool,
                    "A = [true,true,false] and B = [true,false,false] give [true,true,false]");
});
DOPPIO_OPERATOR_SCHEMA(Xor).FillUsing([](OpSchema& schema) {
  State<XorFunction>(&schema, "Whether one of A and B is true and the other is not", kBool,
                     "A = [true,true,false] and B = [true,false,false] give [false,true,false]");
});
DOPPIO_OPERATOR_SCHEMA(BitwiseAnd).FillUsing([](OpSchema& schema) {
  State<BitwiseAndFunction>(&schema, "The bits that both A and B have", kBits,
                            "A = [12,-1] and B = [10,7] give [8,7]");
});
DOPPIO_OPERATOR_SCHEMA(BitwiseOr).FillUsing([](OpSchema& schema) {
  State<BitwiseOrFunction>(&schema, "The bits that A, B or both have", kBits,
                           "A = [12,-1] and B = [10,7] give [14,-1]");
});
DOPPIO_OPERATOR_SCHEMA(BitwiseXor).FillUsing([](OpSchema& schema) {
  State<BitwiseXorFunction>(&schema, "The bits that one of A and B has and the other has not",
                            kBits, "A = [12,-1] and B = [10,7] give [6,-8]");
});

DOPPIO_REGISTER_CPU_OPERATOR(And, LogicalBinaryOp<CPUContext, AndFunction>);
DOPPIO_REGISTER_CPU_OPERATOR(Or, LogicalBinaryOp<CPUContext, OrFunction>);
DOPPIO_REGISTER_CPU_OPERATOR(Xor, LogicalBinaryOp<CPUContext, XorFunction>);
DOPPIO_REGISTER_CPU_OPERATOR(BitwiseAnd, LogicalBinaryOp<CPUContext, BitwiseAndFunction>);
DOPPIO_REGISTER_CPU_OPERATOR(BitwiseOr, LogicalBinaryOp<CPUContext, BitwiseOrFunction>);
DOPPIO_REGISTER_CPU_OPERATOR(BitwiseXor, LogicalBinaryOp<CPUContext, BitwiseXorFunction>);
DOPPIO_SHOULD_NOT_DO_GRADIENT(And);
DOPPIO_SHOULD_NOT_DO_GRADIENT(Or);
DOPPIO_SHOULD_NOT_DO_GRADIENT(Xor);
DOPPIO_SHOULD_NOT_DO_GRADIENT(BitwiseAnd);
DOPPIO_SHOULD_NOT_DO_GRADIENT(BitwiseOr);
DOPPIO_SHOULD_NOT_DO_GRADIENT(BitwiseXor);

}  // namespace
}  // namespace doppio
