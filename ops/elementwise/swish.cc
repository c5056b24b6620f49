#include <cmath>

#include "ops/elementwise/gated_gradient.h"
#include "src/kernel/activation.h"

namespace doppio {
namespace {

DOPPIO_UNARY_SCHEMA(Swish, "X times its logistic function: Y = X / (1 + exp(-X)).", kFloatingPoint);
DOPPIO_UNARY_FUNCTION(SwishFunction) { Swish(x, y, n, c); }

DOPPIO_GATED_GRADIENT_SCHEMA(SwishGradient, "Swish",
                             "The gradient of Swish: dX = dY * (Y + (1 - Y) / (1 + exp(-X))).");

struct SwishGradientFunction {
  template <typename T>
  static T Of(T x, T y, T dy) {
    const T sigmoid = 1 / (1 + std::exp(-x));
    return dy * (y + sigmoid * (1 - y));
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(Swish, UnaryOp<CPUContext, SwishFunction>);
DOPPIO_REGISTER_CPU_OPERATOR(SwishGradient, GatedGradientOp<CPUContext, SwishGradientFunction>);
DOPPIO_UNARY_GRADIENT(Swish, "SwishGradient", I(0), O(0), GO(0));

}  // namespace
}  // namespace doppio
