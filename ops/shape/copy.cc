#include "doppio/registry.h"
#include "ops/shape/copying.h"
#include "src/operator/gradient_sources.h"

namespace doppio {
namespace {

DOPPIO_OPERATOR_SCHEMA(Copy)
    .NumInputs(1)
    .NumOutputs(1)
    .Doc("Y = X, in storage of its own.")
    .Input(0, "X", "tensor of any type and shape")
    .Output(0, "Y", "tensor of X's type and shape")
    .Flops(NoFlops)
    .TakesPhantoms({0})
    .IdenticalTypeAndShape();

DOPPIO_OPERATOR_SCHEMA(CopyOnDeviceLike)
    .NumInputs(2)
    .NumOutputs(1)
    .Doc("Y = X, on the device of another tensor. It is the gradient of Copy.")
    .Input(0, "X", "tensor of any type and shape")
    .Input(1, "like", "tensor that is on the device to copy to")
    .Output(0, "Y", "tensor of X's type and shape")
    .Flops(NoFlops)
    .TakesPhantoms({0})
    .IdenticalTypeAndShape();

template <class Context>
class CopyOp final : public CopyingOperator<Context> {
 public:
  explicit CopyOp(OperatorInit* init) : CopyingOperator<Context>(init) {}
  absl::Status RunOnDevice() override { return this->Copy(); }
};

// The input says only where the gradient belongs, so that it may have been overwritten: what a turn
// of a loop keeps of the turn before is a copy.
class GetCopyGradient final : public SourcedGradientMaker {
  using SourcedGradientMaker::SourcedGradientMaker;
  absl::Status MakeGradient() override {
    AddOp(CreateOperatorDef("CopyOnDeviceLike", "", {GO(0), I(0)}, {GI(0)}),
          {{GradientSource::Kind::kOutputGradient, 0, GradientSource::kDense},
           {GradientSource::Kind::kSaved}});
    AddGradient(0, GI(0), {GradientSource::Kind::kMade});
    return absl::OkStatus();
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(Copy, CopyOp<CPUContext>);
DOPPIO_REGISTER_CPU_OPERATOR(CopyOnDeviceLike, CopyOp<CPUContext>);
DOPPIO_REGISTER_GRADIENT(Copy, GetCopyGradient);

}  // namespace
}  // namespace doppio
