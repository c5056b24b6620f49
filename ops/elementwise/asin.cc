#include "ops/elementwise/unary.h"
#include "src/kernel/elementwise_math.h"

namespace doppio {
namespace {

DOPPIO_UNARY_SCHEMA(Asin, "The arcsine, in radians: Y = asin(X) for -1 <= X <= 1, NaN elsewhere.",
                    kFloatingPoint);
DOPPIO_UNARY_FUNCTION(AsinFunction) { Asin(x, y, n, c); }

DOPPIO_UNARY_GRADIENT_SCHEMA(AsinGradient, "X", "The gradient of Asin: dX = dY / sqrt(1 - X^2).");
DOPPIO_UNARY_GRADIENT_FUNCTION(AsinGradientFunction) { AsinGradient(v, dy, dx, n, c); }

DOPPIO_REGISTER_CPU_OPERATOR(Asin, UnaryOp<CPUContext, AsinFunction>);
DOPPIO_REGISTER_CPU_OPERATOR(AsinGradient, UnaryGradientOp<CPUContext, AsinGradientFunction>);
DOPPIO_UNARY_GRADIENT(Asin, "AsinGradient", I(0), GO(0));

}  // namespace
}  // namespace doppio
