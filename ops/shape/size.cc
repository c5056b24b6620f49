#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "ops/shape/copying.h"

namespace doppio {
namespace {

DOPPIO_OPERATOR_SCHEMA(Size)
    .NumInputs(1)
    .NumOutputs(1)
    .Doc("The number of elements of a tensor.\n\nExample: X [3,4,5] gives 60.")
    .Input(0, "X", "tensor of any type and shape")
    .Output(0, "size", "int64 scalar")
    .Flops(NoFlops)
    .TensorInference([](InferenceContext* context) -> absl::Status {
      DOPPIO_ASSIGN_OR_RETURN(const int64_t size, NumElements(context->dims(0)));
      DOPPIO_ASSIGN_OR_RETURN(Tensor value, Tensor::Scalar<int64_t>(size));
      context->SetOutputValue(0, std::move(value));
      return absl::OkStatus();
    });

template <class Context>
class SizeOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit SizeOp(OperatorInit* init) : Operator<Context>(init) {}

  absl::Status RunOnDevice() override {
    const int64_t size = Input(0).numel();
    DOPPIO_ASSIGN_OR_RETURN(Tensor * output, Output(0, DataType::kInt64, {}));
    *output->mutable_data<int64_t>() = size;
    return absl::OkStatus();
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(Size, SizeOp<CPUContext>);
DOPPIO_NO_GRADIENT(Size);

}  // namespace
}  // namespace doppio
