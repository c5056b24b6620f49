#ifndef DOPPIO_OPS_ELEMENTWISE_GATED_GRADIENT_H_
#define DOPPIO_OPS_ELEMENTWISE_GATED_GRADIENT_H_

// What the gradients of X times a gate of X (Swish, Mish) have in common: they are made of X, Y and
// dY.

#include "ops/elementwise/unary.h"

namespace doppio {

// dX = f(X, Y, dY). Function: <T> static T Of(T x, T y, T dy).
template <class Context, class Function>
class GatedGradientOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit GatedGradientOp(OperatorInit* init) : Operator<Context>(init) {}

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
          dx_data[i] = Function::Of(x_data[i], y_data[i], dy_data[i]);
        }
      });
      return absl::OkStatus();
    });
  }
};

#define DOPPIO_GATED_GRADIENT_SCHEMA(Type, forward, doc)  \
  DOPPIO_OPERATOR_SCHEMA(Type)                            \
      .NumInputs(3)                                       \
      .NumOutputs(1)                                      \
      .AllowInplace({{2, 0}})                             \
      .IdenticalTypeAndShape()                            \
      .Doc(doc)                                           \
      .Input(0, "X", forward "'s input: float or double") \
      .Input(1, "Y", "its output")                        \
      .Input(2, "dY", "gradient of its output")           \
      .Output(0, "dX", "gradient of its input, of the same type and shape")

}  // namespace doppio

#endif  // DOPPIO_OPS_ELEMENTWISE_GATED_GRADIENT_H_
