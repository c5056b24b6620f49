#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "ops/shape/copying.h"

namespace doppio {
namespace {

DOPPIO_OPERATOR_SCHEMA(NegateGradient)
    .NumInputs(1)
    .NumOutputs(1)
    .AllowInplace({{0, 0}})
    .Doc("Y = X, but the gradient that flows back through it changes its sign.")
    .Input(0, "X", "tensor of any type and shape")
    .Output(0, "Y", "tensor of X's type and shape")
    .Flops(NoFlops)
    .IdenticalTypeAndShape();

template <class Context>
class NegateGradientOp final : public CopyingOperator<Context> {
 public:
  explicit NegateGradientOp(OperatorInit* init) : CopyingOperator<Context>(init) {}
  absl::Status RunOnDevice() override { return this->Copy(); }
};

class GetNegateGradientGradient final : public GradientMakerBase {
  using GradientMakerBase::GradientMakerBase;
  std::vector<OperatorDef> GetGradientDefs() override {
    return SingleGradientDef("Negative", "", {GO(0)}, {GI(0)});
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(NegateGradient, NegateGradientOp<CPUContext>);
DOPPIO_REGISTER_GRADIENT(NegateGradient, GetNegateGradientGradient);

}  // namespace
}  // namespace doppio
