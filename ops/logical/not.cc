#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "src/kernel/logical_binary.h"

namespace doppio {
namespace {

DOPPIO_OPERATOR_SCHEMA(Not)
    .NumInputs(1)
    .NumOutputs(1)
    .Doc("Y is true where X is false.\n\nExample: X = [true,false] gives Y = [false,true].")
    .Input(0, "X", "tensor of bool, of any shape")
    .Output(0, "Y", "tensor of bool, of X's shape")
    .IdenticalTypeAndShape();

template <class Context>
class NotOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit NotOp(OperatorInit* init) : Operator<Context>(init) {}

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(0);
    return DispatchType(TypeList<bool>(), x.dtype(), [&](auto) -> absl::Status {
      DOPPIO_ASSIGN_OR_RETURN(Tensor * y, Output(0, DataType::kBool, x.dims()));
      const bool yes = true;
      CombineBits(BitFunction::kXor, sizeof(bool), x.raw_data(), x.dims(), &yes, {},
                  y->raw_mutable_data(), x.dims(), &context_);
      return absl::OkStatus();
    });
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(Not, NotOp<CPUContext>);
DOPPIO_SHOULD_NOT_DO_GRADIENT(Not);

}  // namespace
}  // namespace doppio
