#include "ops/elementwise/unary.h"
#include "src/kernel/elementwise_math.h"

namespace doppio {
namespace {

DOPPIO_UNARY_SCHEMA(Acos, "The arccosine, in radians: Y = acos(X) for -1 <= X <= 1, NaN elsewhere.",
                    kFloatingPoint);
DOPPIO_UNARY_FUNCTION(AcosFunction) { Acos(x, y, n, c); }

DOPPIO_UNARY_GRADIENT_SCHEMA(AcosGradient, "X", "The gradient of Acos: dX = -dY / sqrt(1 - X^2).");
DOPPIO_UNARY_GRADIENT_FUNCTION(AcosGradientFunction) { AcosGradient(v, dy, dx, n, c); }

DOPPIO_REGISTER_CPU_OPERATOR(Acos, UnaryOp<CPUContext, AcosFunction>);
DOPPIO_REGISTER_CPU_OPERATOR(AcosGradient, UnaryGradientOp<CPUContext, AcosGradientFunction>);
DOPPIO_UNARY_GRADIENT(Acos, "AcosGradient", I(0), GO(0));

}  // namespace
}  // namespace doppio
