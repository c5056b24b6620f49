#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "src/kernel/elementwise_unary.h"

namespace doppio {
namespace {

DOPPIO_OPERATOR_SCHEMA(Shrink)
    .NumInputs(1)
    .NumOutputs(1)
    .AllowInplace({{0, 0}})
    .IdenticalTypeAndShape()
    .Doc(R"DOC(
Moves elements towards 0: Y = X + bias where X < -lambd, X - bias where X > lambd, and 0 between. NaN gives 0.

Example: X [4] = [-2,-1,1,2] with lambd = 1.5 and bias = 0.5 gives Y [4] = [-1.5,0,0,1.5].
)DOC")
    .Arg<float>("lambd", "elements up to here, both ways, become 0", 0.5f)
    .Arg<float>("bias", "how far the others move", 0.0f)
    .Input(0, "X", "tensor of any shape, of float or double")
    .Output(0, "Y", "tensor of X's shape and type");

template <class Context>
class ShrinkOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit ShrinkOp(OperatorInit* init)
      : Operator<Context>(init),
        lambd_(init->GetSingleArgument<float>("lambd")),
        bias_(init->GetSingleArgument<float>("bias")) {}

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(0);
    DOPPIO_ASSIGN_OR_RETURN(Tensor * y, Output(0, x.dtype(), x.dims()));
    return DispatchType(TypeList<float, double>(), x.dtype(), [&](auto tag) {
      using T = typename decltype(tag)::type;
      const T lambd = lambd_;
      const T bias = bias_;
      MapElements([=](T v) { return v < -lambd  ? v + bias
                                    : v > lambd ? v - bias
                                                : T(0); },
                  x.data<T>(), y->mutable_data<T>(), y->numel(), &context_);
      return absl::OkStatus();
    });
  }

 private:
  const float lambd_;
  const float bias_;
};

DOPPIO_REGISTER_CPU_OPERATOR(Shrink, ShrinkOp<CPUContext>);
DOPPIO_NO_GRADIENT(Shrink);

}  // namespace
}  // namespace doppio
