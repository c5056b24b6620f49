#include "ops/elementwise/unary.h"
#include "src/kernel/elementwise_binary.h"

namespace doppio {
namespace {

DOPPIO_UNARY_SCHEMA(Scale, "Multiplies by a constant: Y = scale * X.", kFloatingPoint)
    .AllowInplace({{0, 0}})
    .Arg<float>("scale", "the factor", 1.0f);

template <class Context>
class ScaleOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit ScaleOp(OperatorInit* init)
      : Operator<Context>(init), scale_(init->GetSingleArgument<float>("scale")) {}

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(0);
    return DispatchType(FloatingPointTypes(), x.dtype(), [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      DOPPIO_ASSIGN_OR_RETURN(Tensor * y, Output(0, x.dtype(), x.dims()));
      const T factor = static_cast<T>(scale_);
      Mul(x.data<T>(), x.dims(), &factor, {}, y->mutable_data<T>(), y->dims(), &context_);
      return absl::OkStatus();
    });
  }

 private:
  const float scale_;
};

DOPPIO_REGISTER_CPU_OPERATOR(Scale, ScaleOp<CPUContext>);
DOPPIO_UNARY_GRADIENT(Scale, "Scale", GO(0));  // with the same argument, which is copied

}  // namespace
}  // namespace doppio
