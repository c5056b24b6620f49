#include <algorithm>
#include <cmath>

#include "doppio/gradient_maker.h"
#include "doppio/registry.h"

namespace doppio {
namespace {

absl::Status CheckVector(DimsView x) {
  if (x.size() == 1) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("X ", ShapeToString(x), " must be a vector of probabilities"));
}

DOPPIO_OPERATOR_SCHEMA(Perplexity)
    .NumInputs(1)
    .NumOutputs(1)
    .Doc(R"DOC(
How surprising the labels were: the inverse of the geometric mean of the probabilities that were given
to them, exp(-mean(ln(X))). It is infinite where a probability is 0, and 1 for none.

Example: X [2] = [0.5,0.125] gives Y = 4.
)DOC")
    .Input(0, "X", "vector of float or double: probabilities of the true labels")
    .Output(0, "Y", "scalar of X's type")
    .Flops([](const OperatorDef&, const std::vector<TensorInfo>& inputs, const auto&) {
      return 2 * SizeFromDim(*inputs[0].dims, 0);
    })
    .TensorInference([](InferenceContext* context) -> absl::Status {
      DOPPIO_RETURN_IF_ERROR(CheckVector(context->dims(0)));
      context->SetOutput(0, context->dtype(0), {});
      return absl::OkStatus();
    });

template <class Context>
class PerplexityOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit PerplexityOp(OperatorInit* init) : Operator<Context>(init) {}

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(0);
    DOPPIO_RETURN_IF_ERROR(CheckVector(x.dims()));
    return DispatchType(TypeList<float, double>(), x.dtype(), [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      DOPPIO_ASSIGN_OR_RETURN(Tensor * y, Output(0, x.dtype(), {}));
      double sum = 0;
      for (const T p : x.span<T>()) sum += std::log(static_cast<double>(p));
      const double count = static_cast<double>(std::max<int64_t>(x.numel(), 1));
      *y->mutable_data<T>() = static_cast<T>(std::exp(-sum / count));
      return absl::OkStatus();
    });
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(Perplexity, PerplexityOp<CPUContext>);
DOPPIO_SHOULD_NOT_DO_GRADIENT(Perplexity);

}  // namespace
}  // namespace doppio
