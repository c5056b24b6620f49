#include <cmath>

#include "ops/elementwise/unary.h"
#include "src/kernel/activation.h"

namespace doppio {
namespace {

DOPPIO_UNARY_SCHEMA(Swish, "X times its logistic function: Y = X / (1 + exp(-X)).", kFloatingPoint);
DOPPIO_UNARY_FUNCTION(SwishFunction) { Swish(x, y, n, c); }

DOPPIO_OPERATOR_SCHEMA(SwishGradient)
    .NumInputs(3)
    .NumOutputs(1)
    .AllowInplace({{2, 0}})
    .IdenticalTypeAndShape()
    .Doc("The gradient of Swish: dX = dY * (Y + (1 - Y) / (1 + exp(-X))).")
    .Input(0, "X", "Swish's input: float or double")
    .Input(1, "Y", "its output")
    .Input(2, "dY", "gradient of its output")
    .Output(0, "dX", "gradient of its input, of the same type and shape");

template <class Context>
class SwishGradientOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit SwishGradientOp(OperatorInit* init) : Operator<Context>(init) {}

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(0);
    for (int i = 1; i < 3; ++i) {
      if (Input(i).dtype() == x.dtype() && Input(i).numel() == x.numel()) continue;
      return absl::InvalidArgumentError(
          absl::StrCat(DescribeInput(0), " and ", DescribeInput(i),
                       " must have the same type and number of elements"));
    }
    return DispatchType(FloatingPointTypes(), x.dtype(), [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      DOPPIO_ASSIGN_OR_RETURN(Tensor * dx, Output(0, x.dtype(), x.dims()));
      const T* x_data = x.data<T>();
      const T* y_data = Input(1).template data<T>();
      const T* dy_data = Input(2).template data<T>();
      T* dx_data = dx->mutable_data<T>();
      ParallelFor(dx->numel(), kCostlyGrain, [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) {
          const T sigmoid = 1 / (1 + std::exp(-x_data[i]));
          dx_data[i] = dy_data[i] * (y_data[i] + sigmoid * (1 - y_data[i]));
        }
      });
      return absl::OkStatus();
    });
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(Swish, UnaryOp<CPUContext, SwishFunction>);
DOPPIO_REGISTER_CPU_OPERATOR(SwishGradient, SwishGradientOp<CPUContext>);
DOPPIO_UNARY_GRADIENT(Swish, "SwishGradient", I(0), O(0), GO(0));

}  // namespace
}  // namespace doppio
