#ifndef DOPPIO_OPS_REDUCE_REDUCE_GRADIENT_H_
#define DOPPIO_OPS_REDUCE_REDUCE_GRADIENT_H_

// Gradients of reductions whose slope depends on X and Y.

#include "ops/reduce/reduce_axes.h"
#include "src/kernel/reduce_extreme.h"

namespace doppio {

// dX from dY, X and Y, of float or double. Function: <T> static T Of(T x, T y, T dy), where y is
// what x was reduced to.
template <class Context, class Function>
class ReduceGradientOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit ReduceGradientOp(OperatorInit* init) : Operator<Context>(init), axes_(init) {}

  absl::Status RunOnDevice() override {
    const Tensor& dy = Input(0);
    const Tensor& x = Input(1);
    const Tensor& y = Input(2);
    DOPPIO_ASSIGN_OR_RETURN(const ReduceAxes::Shapes shapes, axes_.Of(x.dims()));
    DOPPIO_RETURN_IF_ERROR(CheckReducedShape(dy.dims(), shapes));
    DOPPIO_RETURN_IF_ERROR(CheckReducedShape(y.dims(), shapes));
    if (dy.dtype() != x.dtype() || y.dtype() != x.dtype()) {
      return absl::InvalidArgumentError(absl::StrCat("the inputs must have the same type, but are ",
                                                     DescribeInput(0), ", ", DescribeInput(1),
                                                     " and ", DescribeInput(2)));
    }
    return DispatchType(TypeList<float, double>(), x.dtype(), [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      DOPPIO_ASSIGN_OR_RETURN(Tensor * dx, Output(0, x.dtype(), x.dims()));
      const T* gradient = dy.data<T>();
      const T* value = x.data<T>();
      const T* reduced = y.data<T>();
      T* to = dx->mutable_data<T>();
      ForEachReduced(x.dims(), shapes.kept, [=](int64_t i, int64_t j, bool) {
        to[i] = Function::Of(value[i], reduced[j], gradient[j]);
      });
      return absl::OkStatus();
    });
  }

 private:
  const ReduceAxes axes_;
};

}  // namespace doppio

#endif  // DOPPIO_OPS_REDUCE_REDUCE_GRADIENT_H_
