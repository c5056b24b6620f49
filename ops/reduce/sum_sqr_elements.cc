#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "src/kernel/elementwise_unary.h"
#include "src/kernel/reduce.h"

namespace doppio {
namespace {

DOPPIO_OPERATOR_SCHEMA(SumSqrElements)
    .NumInputs(1)
    .NumOutputs(1)
    .Doc(R"DOC(
The sum of the squares of all elements of X; with average=1 their mean. The sum of nothing is 0, its
mean NaN. LpNorm with p=2 is the same with a gradient.

Example: X [3] = [1,2,-3] gives sum = 14.
)DOC")
    .Arg<bool>("average", "1: divide by the number of elements", false)
    .Input(0, "X", "tensor of any shape, of float or double")
    .Output(0, "sum", "scalar of X's type")
    .Flops([](const OperatorDef&, const std::vector<TensorInfo>& inputs, const auto&) {
      return 2 * SizeFromDim(*inputs[0].dims, 0);
    })
    .TensorInference([](InferenceContext* context) {
      context->SetOutput(0, context->dtype(0), {});
      return absl::OkStatus();
    });

template <class Context>
class SumSqrElementsOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit SumSqrElementsOp(OperatorInit* init)
      : Operator<Context>(init), average_(init->GetSingleArgument<bool>("average")) {}

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(0);
    return DispatchType(TypeList<float, double>(), x.dtype(), [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      DOPPIO_RETURN_IF_ERROR(squares_.Resize(x.dtype(), x.dims()));
      DOPPIO_ASSIGN_OR_RETURN(Tensor * sum, Output(0, x.dtype(), {}));
      T* squares = squares_.mutable_data<T>();
      Sqr(x.data<T>(), squares, x.numel(), &context_);
      return (average_ ? ReduceMeanTo<T> : ReduceSumTo<T>)(squares, x.dims(),
                                                           sum->mutable_data<T>(), {}, &context_);
    });
  }

 private:
  const bool average_;
  Tensor squares_;
};

DOPPIO_REGISTER_CPU_OPERATOR(SumSqrElements, SumSqrElementsOp<CPUContext>);
DOPPIO_GRADIENT_NOT_IMPLEMENTED_YET(SumSqrElements);

}  // namespace
}  // namespace doppio
