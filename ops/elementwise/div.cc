#include "ops/elementwise/binary_gradient.h"

namespace doppio {
namespace {

// Whole numbers can not be divided by 0, where floating point gives infinity or NaN.
absl::Status CheckDivisor(const Tensor& b) {
  if (IsFloatingPoint(b.dtype())) return absl::OkStatus();
  return DispatchType(TypeList<int32_t, int64_t>(), b.dtype(), [&](auto tag) -> absl::Status {
    using T = typename decltype(tag)::type;
    const absl::Span<const T> elements = b.span<T>();
    const auto zero = std::find(elements.begin(), elements.end(), T(0));
    if (zero == elements.end()) return absl::OkStatus();
    return absl::InvalidArgumentError(absl::StrCat("division of whole numbers by zero: element ",
                                                   zero - elements.begin(), " of B ",
                                                   ShapeToString(b.dims()), " is 0"));
  });
}

DOPPIO_BINARY_SCHEMA(Div, "quotient", "A / B",
                     "Quotients of whole numbers are truncated toward zero; a divisor of 0 is an "
                     "error for them.")
    .AllowInplace({{0, 0}});

struct DivFunction : BinaryFunction {
  static absl::Status CheckB(const Tensor& b) { return CheckDivisor(b); }
  DOPPIO_BINARY_KERNEL(Div)
};

DOPPIO_OPERATOR_SCHEMA(DivGradient)
    .NumInputs(3, 4)
    .NumOutputs(2)
    .AllowInplace({{0, 0}})
    .ShapeOnlyWhere([](const OperatorDef& def, int input) {
      return def.input_size() == 4 && input == 1;
    })
    .TakesPhantomsWhere([](const OperatorDef& def, int input) {
      return def.input_size() == 4 && (input == 1 || input == 2);
    })
    .Doc(R"DOC(
The gradients of Div: dA = dC / B and dB = -dC * C / B, each summed over the dimensions along which
its operand was repeated. The inputs are dC, A, B and C; in old nets B, C and dC, where A has the
shape of C. In place where the shapes are equal.
)DOC")
    .DOPPIO_BROADCAST_ARGUMENTS.Input(0, "dC", "gradient of C, of its shape; of three inputs: B")
    .Input(1, "A", "the dividend, of which only the shape is used; of three inputs: C")
    .Input(2, "B", "the divisor; of three inputs: dC")
    .Input(3, "C", "the quotient")
    .Output(0, "dA", "gradient of A, of its shape")
    .Output(1, "dB", "gradient of B, of its shape")
    .TensorInference([](InferenceContext* context) {
      const bool old = context->InputSize() == 3;
      context->SetOutput(0, context->dtype(0), context->dims(1));
      context->SetOutput(1, context->dtype(0), context->dims(old ? 0 : 2));
      return absl::OkStatus();
    });

struct DivGradientFunction : BinaryGradientFunction {
  static constexpr bool kNegateB = true;
  static absl::Status CheckB(const Tensor& b) { return CheckDivisor(b); }
  static BinaryGradientInputs Inputs(int count) {
    return count == 3 ? BinaryGradientInputs{2, -1, 0, 1} : BinaryGradientInputs{0, 1, 2, 3};
  }
  template <typename T>
  const T* Full(int which, const BinaryGradientData<T>& data, T* room) const {
    const BinaryShapes& shapes = data.shapes;
    const T* dividend = data.dc;
    if (which == 1) {
      Mul(data.dc, shapes.c, data.c, shapes.c, room, shapes.c, data.context);
      dividend = room;
    }
    Div(dividend, shapes.c, data.b, shapes.b, room, shapes.c, data.context);
    return room;
  }
};

class GetDivGradient final : public GradientMakerBase {
  using GradientMakerBase::GradientMakerBase;
  std::vector<OperatorDef> GetGradientDefs() override {
    return SingleGradientDef("DivGradient", "", {GO(0), I(0), I(1), O(0)}, {GI(0), GI(1)});
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(Div, BinaryOp<CPUContext, DivFunction>);
DOPPIO_REGISTER_CPU_OPERATOR(DivGradient, BinaryGradientOp<CPUContext, DivGradientFunction>);
DOPPIO_REGISTER_GRADIENT(Div, GetDivGradient);

}  // namespace
}  // namespace doppio
