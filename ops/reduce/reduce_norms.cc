// ReduceL1 and ReduceL2, which differ in what is done to an element before and to the sum after.

#include <cmath>

#include "ops/reduce/reduce_gradient.h"
#include "src/kernel/elementwise_unary.h"
#include "src/kernel/reduce.h"

namespace doppio {
namespace {

DOPPIO_REDUCE_SCHEMA(ReduceL1, R"DOC(
The sum of the absolute values of X along the dimensions `axes`.

Example: X [2,2] = [[1,-2],[3,4]] and axes = [1], keepdims = 0 give Y [2] = [3,7].
)DOC")
    .Input(0, "X", "tensor of float or double");

DOPPIO_REDUCE_SCHEMA(ReduceL2, R"DOC(
The square root of the sum of the squares of X along the dimensions `axes`.

Example: X [2,2] = [[3,-4],[0,1]] and axes = [1], keepdims = 0 give Y [2] = [5,1].
)DOC")
    .Input(0, "X", "tensor of float or double");

template <class Context, bool kSquares>
class ReduceNormOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit ReduceNormOp(OperatorInit* init) : Operator<Context>(init), axes_(init) {}

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(0);
    DOPPIO_ASSIGN_OR_RETURN(const ReduceAxes::Shapes shapes, axes_.Of(x.dims()));
    return DispatchType(TypeList<float, double>(), x.dtype(), [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      DOPPIO_RETURN_IF_ERROR(terms_.Resize(x.dtype(), x.dims()));
      DOPPIO_ASSIGN_OR_RETURN(Tensor * y, Output(0, x.dtype(), axes_.OutputDims(shapes)));
      T* terms = terms_.mutable_data<T>();
      T* to = y->mutable_data<T>();
      (kSquares ? Sqr<T> : Abs<T>)(x.data<T>(), terms, x.numel(), &context_);
      DOPPIO_RETURN_IF_ERROR(ReduceSumTo(terms, x.dims(), to, shapes.kept, &context_));
      if (kSquares) MapElements([](T v) { return std::sqrt(v); }, to, to, y->numel(), &context_);
      return absl::OkStatus();
    });
  }

 private:
  const ReduceAxes axes_;
  Tensor terms_;
};

DOPPIO_REDUCE_GRADIENT_SCHEMA(
    ReduceL1Gradient, "The gradient of ReduceL1: dX = dY * sign(X), which is 0 where X = 0.")
    .Input(1, "X", "the forward operator's input: float or double");

DOPPIO_REDUCE_GRADIENT_SCHEMA(ReduceL2Gradient,
                              "The gradient of ReduceL2: dX = dY * X / Y, and 0 where Y = 0.")
    .Input(1, "X", "the forward operator's input: float or double")
    .Input(2, "Y", "its output");

struct L1Gradient {
  template <typename T>
  static T Of(T x, T, T dy) {
    return x > 0 ? dy : x < 0 ? -dy : T(0);
  }
};

struct L2Gradient {
  template <typename T>
  static T Of(T x, T norm, T dy) {
    return norm == 0 ? T(0) : dy * (x / norm);
  }
};

using ReduceL1Op = ReduceNormOp<CPUContext, false>;
using ReduceL2Op = ReduceNormOp<CPUContext, true>;
using ReduceL1GradientOp = ReduceGradientOp<CPUContext, L1Gradient>;
using ReduceL2GradientOp = ReduceGradientOp<CPUContext, L2Gradient>;
DOPPIO_REGISTER_CPU_OPERATOR(ReduceL1, ReduceL1Op);
DOPPIO_REGISTER_CPU_OPERATOR(ReduceL2, ReduceL2Op);
DOPPIO_REGISTER_CPU_OPERATOR(ReduceL1Gradient, ReduceL1GradientOp);
DOPPIO_REGISTER_CPU_OPERATOR(ReduceL2Gradient, ReduceL2GradientOp);
DOPPIO_REDUCE_GRADIENT(ReduceL1);
DOPPIO_REDUCE_GRADIENT(ReduceL2);

}  // namespace
}  // namespace doppio
