#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "ops/shape/copying.h"

namespace doppio {
namespace {

DOPPIO_OPERATOR_SCHEMA(Copy)
    .NumInputs(1)
    .NumOutputs(1)
    .Doc("Y = X, in storage of its own.")
    .Input(0, "X", "tensor of any type and shape")
    .Output(0, "Y", "tensor of X's type and shape")
    .Flops(NoFlops)
    .IdenticalTypeAndShape();

DOPPIO_OPERATOR_SCHEMA(CopyOnDeviceLike)
    .NumInputs(2)
    .NumOutputs(1)
    .Doc("Y = X, on the device of another tensor. It is the gradient of Copy.")
    .Input(0, "X", "tensor of any type and shape")
    .Input(1, "like", "tensor that is on the device to copy to")
    .Output(0, "Y", "tensor of X's type and shape")
    .Flops(NoFlops)
    .IdenticalTypeAndShape();

template <class Context>
class CopyOp final : public CopyingOperator<Context> {
 public:
  explicit CopyOp(OperatorInit* init) : CopyingOperator<Context>(init) {}
  absl::Status RunOnDevice() override { return this->Copy(); }
};

class GetCopyGradient final : public GradientMakerBase {
  using GradientMakerBase::GradientMakerBase;
  std::vector<OperatorDef> GetGradientDefs() override {
    return SingleGradientDef("CopyOnDeviceLike", "", {GO(0), I(0)}, {GI(0)});
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(Copy, CopyOp<CPUContext>);
DOPPIO_REGISTER_CPU_OPERATOR(CopyOnDeviceLike, CopyOp<CPUContext>);
DOPPIO_REGISTER_GRADIENT(Copy, GetCopyGradient);

}  // namespace
}  // namespace doppio
