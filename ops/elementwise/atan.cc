#include "ops/elementwise/unary.h"
#include "src/kernel/elementwise_math.h"

namespace doppio {
namespace {

DOPPIO_UNARY_SCHEMA(Atan, "The arctangent, in radians: Y = atan(X).", kFloatingPoint);
DOPPIO_UNARY_FUNCTION(AtanFunction) { Atan(x, y, n, c); }

DOPPIO_UNARY_GRADIENT_SCHEMA(AtanGradient, "X", "The gradient of Atan: dX = dY / (1 + X^2).");
DOPPIO_UNARY_GRADIENT_FUNCTION(AtanGradientFunction) { AtanGradient(v, dy, dx, n, c); }

DOPPIO_REGISTER_CPU_OPERATOR(Atan, UnaryOp<CPUContext, AtanFunction>);
DOPPIO_REGISTER_CPU_OPERATOR(AtanGradient, UnaryGradientOp<CPUContext, AtanGradientFunction>);
DOPPIO_UNARY_GRADIENT(Atan, "AtanGradient", I(0), GO(0));

}  // namespace
}  // namespace doppio
