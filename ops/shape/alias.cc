#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "ops/shape/copying.h"

namespace doppio {
namespace {

DOPPIO_OPERATOR_SCHEMA(Alias)
    .NumInputs(1)
    .NumOutputs(1)
    .AllowInplace({{0, 0}})
    .Doc(
        "Y = X. Unlike in Caffe2, Y has storage of its own: what is written to one of them is not "
        "seen in the other.")
    .Input(0, "X", "tensor of any type and shape")
    .Output(0, "Y", "tensor of X's type and shape")
    .Flops(NoFlops)
    .TakesPhantoms({0})
    .IdenticalTypeAndShape();

template <class Context>
class AliasOp final : public CopyingOperator<Context> {
 public:
  explicit AliasOp(OperatorInit* init) : CopyingOperator<Context>(init) {}
  absl::Status RunOnDevice() override { return this->Copy(); }
};

DOPPIO_REGISTER_CPU_OPERATOR(Alias, AliasOp<CPUContext>);
DOPPIO_SHOULD_NOT_DO_GRADIENT(Alias);

}  // namespace
}  // namespace doppio
