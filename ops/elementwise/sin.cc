#include "ops/elementwise/unary.h"
#include "src/kernel/elementwise_math.h"

namespace doppio {
namespace {

DOPPIO_UNARY_SCHEMA(Sin, "The sine of an angle in radians: Y = sin(X).", kFloatingPoint);
DOPPIO_UNARY_FUNCTION(SinFunction) { Sin(x, y, n, c); }

DOPPIO_UNARY_GRADIENT_SCHEMA(SinGradient, "X", "The gradient of Sin: dX = dY * cos(X).");
DOPPIO_UNARY_GRADIENT_FUNCTION(SinGradientFunction) { SinGradient(v, dy, dx, n, c); }

DOPPIO_REGISTER_CPU_OPERATOR(Sin, UnaryOp<CPUContext, SinFunction>);
DOPPIO_REGISTER_CPU_OPERATOR(SinGradient, UnaryGradientOp<CPUContext, SinGradientFunction>);
DOPPIO_UNARY_GRADIENT(Sin, "SinGradient", I(0), GO(0));

}  // namespace
}  // namespace doppio
