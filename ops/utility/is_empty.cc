#include "doppio/gradient_maker.h"
#include "doppio/registry.h"

namespace doppio {
namespace {

DOPPIO_OPERATOR_SCHEMA(IsEmpty)
    .NumInputs(1)
    .NumOutputs(1)
    .Doc("Whether a tensor has no elements: true where one of its dimensions is 0.")
    .Input(0, "tensor", "tensor of any type and shape")
    .Output(0, "is_empty", "bool scalar")
    .Flops([](const OperatorDef&, const auto&, const auto&) { return int64_t{0}; })
    .ScalarType(DataType::kBool);

template <class Context>
class IsEmptyOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit IsEmptyOp(OperatorInit* init) : Operator<Context>(init) {}

  absl::Status RunOnDevice() override {
    const bool is_empty = Input(0).numel() == 0;
    DOPPIO_ASSIGN_OR_RETURN(Tensor * output, Output(0, DataType::kBool, {}));
    *output->mutable_data<bool>() = is_empty;
    return absl::OkStatus();
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(IsEmpty, IsEmptyOp<CPUContext>);
DOPPIO_SHOULD_NOT_DO_GRADIENT(IsEmpty);

}  // namespace
}  // namespace doppio
