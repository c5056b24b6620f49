#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "ops/shape/copying.h"

namespace doppio {
namespace {

DOPPIO_OPERATOR_SCHEMA(StopGradient)
    .NumInputs(1)
    .NumOutputs(1)
    .AllowInplace({{0, 0}})
    .Doc("Y = X; no gradient flows from Y back to X. In place nothing is done at all.")
    .Input(0, "X", "tensor of any type and shape")
    .Output(0, "Y", "tensor of X's type and shape")
    .Flops(NoFlops)
    .TakesPhantoms({0})
    .IdenticalTypeAndShape();

template <class Context>
class StopGradientOp final : public CopyingOperator<Context> {
 public:
  explicit StopGradientOp(OperatorInit* init) : CopyingOperator<Context>(init) {}
  absl::Status RunOnDevice() override { return this->Copy(); }
};

DOPPIO_REGISTER_CPU_OPERATOR(StopGradient, StopGradientOp<CPUContext>);
DOPPIO_NO_GRADIENT(StopGradient);

}  // namespace
}  // namespace doppio
