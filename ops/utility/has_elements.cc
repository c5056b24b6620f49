#include "doppio/gradient_maker.h"
#include "doppio/registry.h"

namespace doppio {
namespace {

DOPPIO_OPERATOR_SCHEMA(HasElements)
    .NumInputs(1, OpSchema::kMany)
    .NumOutputs(1)
    .Doc(
        "Whether at least one of the tensors has elements.\n\nExample: tensors of the shapes [0,4] "
        "and [2] give true, one of [0,4] alone gives false.")
    .Input(0, "tensor", "tensor of any type and shape; more may follow")
    .Output(0, "has_elements", "bool scalar")
    .Flops([](const OperatorDef&, const auto&, const auto&) { return int64_t{0}; })
    .ScalarType(DataType::kBool);

template <class Context>
class HasElementsOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit HasElementsOp(OperatorInit* init) : Operator<Context>(init) {}

  absl::Status RunOnDevice() override {
    bool has_elements = false;
    for (int i = 0; i < InputSize(); ++i) has_elements = has_elements || Input(i).numel() > 0;
    DOPPIO_ASSIGN_OR_RETURN(Tensor * output, Output(0, DataType::kBool, {}));
    *output->mutable_data<bool>() = has_elements;
    return absl::OkStatus();
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(HasElements, HasElementsOp<CPUContext>);
DOPPIO_SHOULD_NOT_DO_GRADIENT(HasElements);

}  // namespace
}  // namespace doppio
