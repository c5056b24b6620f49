#include "ops/elementwise/unary.h"
#include "src/kernel/elementwise_math.h"

namespace doppio {
namespace {

DOPPIO_UNARY_SCHEMA(
    Erf,
    "The error function: Y = erf(X) = 2 / sqrt(pi) times the integral of exp(-t^2) from 0 to X.",
    kFloatingPoint);
DOPPIO_UNARY_FUNCTION(ErfFunction) { Erf(x, y, n, c); }

DOPPIO_UNARY_GRADIENT_SCHEMA(ErfGradient, "X",
                             "The gradient of Erf: dX = dY * 2 / sqrt(pi) * exp(-X^2).");
DOPPIO_UNARY_GRADIENT_FUNCTION(ErfGradientFunction) { ErfGradient(v, dy, dx, n, c); }

DOPPIO_REGISTER_CPU_OPERATOR(Erf, UnaryOp<CPUContext, ErfFunction>);
DOPPIO_REGISTER_CPU_OPERATOR(ErfGradient, UnaryGradientOp<CPUContext, ErfGradientFunction>);
DOPPIO_UNARY_GRADIENT(Erf, "ErfGradient", I(0), GO(0));

}  // namespace
}  // namespace doppio
