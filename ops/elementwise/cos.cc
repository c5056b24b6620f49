#include "ops/elementwise/unary.h"
#include "src/kernel/elementwise_math.h"

namespace doppio {
namespace {

DOPPIO_UNARY_SCHEMA(Cos, "The cosine of an angle in radians: Y = cos(X).", kFloatingPoint);
DOPPIO_UNARY_FUNCTION(CosFunction) { Cos(x, y, n, c); }

DOPPIO_UNARY_GRADIENT_SCHEMA(CosGradient, "X", "The gradient of Cos: dX = -dY * sin(X).");
DOPPIO_UNARY_GRADIENT_FUNCTION(CosGradientFunction) { CosGradient(v, dy, dx, n, c); }

DOPPIO_REGISTER_CPU_OPERATOR(Cos, UnaryOp<CPUContext, CosFunction>);
DOPPIO_REGISTER_CPU_OPERATOR(CosGradient, UnaryGradientOp<CPUContext, CosGradientFunction>);
DOPPIO_UNARY_GRADIENT(Cos, "CosGradient", I(0), GO(0));

}  // namespace
}  // namespace doppio
