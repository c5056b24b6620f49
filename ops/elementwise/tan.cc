#include "ops/elementwise/unary.h"
#include "src/kernel/elementwise_math.h"

namespace doppio {
namespace {

DOPPIO_UNARY_SCHEMA(Tan, "The tangent of an angle in radians: Y = tan(X).", kFloatingPoint);
DOPPIO_UNARY_FUNCTION(TanFunction) { Tan(x, y, n, c); }

DOPPIO_UNARY_GRADIENT_SCHEMA(TanGradient, "X", "The gradient of Tan: dX = dY / cos(X)^2.");
DOPPIO_UNARY_GRADIENT_FUNCTION(TanGradientFunction) { TanGradient(v, dy, dx, n, c); }

DOPPIO_REGISTER_CPU_OPERATOR(Tan, UnaryOp<CPUContext, TanFunction>);
DOPPIO_REGISTER_CPU_OPERATOR(TanGradient, UnaryGradientOp<CPUContext, TanGradientFunction>);
DOPPIO_UNARY_GRADIENT(Tan, "TanGradient", I(0), GO(0));

}  // namespace
}  // namespace doppio
