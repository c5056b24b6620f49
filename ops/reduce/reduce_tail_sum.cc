#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "src/kernel/reduce.h"

namespace doppio {
namespace {

absl::Status CheckRows(DimsView x) {
  if (!x.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError("mat must have at least one dimension, but is a scalar");
}

DOPPIO_OPERATOR_SCHEMA(ReduceTailSum)
    .NumInputs(1)
    .NumOutputs(1)
    .Doc(R"DOC(
The sum over all dimensions but the first. ReduceBackSum does the same with a gradient.

Example: mat [2,3] = [[1,2,3],[4,5,6]] gives Y [2] = [6,15].
)DOC")
    .Input(0, "mat", "tensor of float or double of at least one dimension")
    .Output(0, "Y", "vector as long as mat's first dimension, of its type")
    .Flops([](const OperatorDef&, const std::vector<TensorInfo>& inputs, const auto&) {
      return SizeFromDim(*inputs[0].dims, 0);
    })
    .TensorInference([](InferenceContext* context) -> absl::Status {
      DOPPIO_RETURN_IF_ERROR(CheckRows(context->dims(0)));
      context->SetOutput(0, context->dtype(0), context->dims(0).first(1));
      return absl::OkStatus();
    });

template <class Context>
class ReduceTailSumOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit ReduceTailSumOp(OperatorInit* init) : Operator<Context>(init) {}

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(0);
    DOPPIO_RETURN_IF_ERROR(CheckRows(x.dims()));
    return DispatchType(TypeList<float, double>(), x.dtype(), [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      DOPPIO_ASSIGN_OR_RETURN(Tensor * y, Output(0, x.dtype(), x.dims().first(1)));
      const int64_t rows = x.dim(0);
      return ReduceSumTo(x.data<T>(), {rows, SizeFromDim(x.dims(), 1)}, y->mutable_data<T>(),
                         {rows, 1}, &context_);
    });
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(ReduceTailSum, ReduceTailSumOp<CPUContext>);
DOPPIO_GRADIENT_NOT_IMPLEMENTED_YET(ReduceTailSum);

}  // namespace
}  // namespace doppio
