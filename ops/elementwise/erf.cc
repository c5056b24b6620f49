#include <cmath>

#include "ops/elementwise/unary.h"

namespace doppio {
namespace {

DOPPIO_UNARY_SCHEMA(
    Erf,
    "The error function: Y = erf(X) = 2 / sqrt(pi) times the integral of exp(-t^2) from 0 to X.",
    kFloatingPoint);
DOPPIO_UNARY_ELEMENT(ErfFunction, std::erf(x))

DOPPIO_UNARY_GRADIENT_SCHEMA(ErfGradient, "X",
                             "The gradient of Erf: dX = dY * 2 / sqrt(pi) * exp(-X^2).");
DOPPIO_UNARY_GRADIENT_ELEMENT(ErfGradientFunction, dy* T(1.1283791670955126) * std::exp(-v * v))

DOPPIO_REGISTER_CPU_OPERATOR(Erf, UnaryOp<CPUContext, ErfFunction>);
DOPPIO_REGISTER_CPU_OPERATOR(ErfGradient, UnaryGradientOp<CPUContext, ErfGradientFunction>);
DOPPIO_UNARY_GRADIENT(Erf, "ErfGradient", I(0), GO(0));

}  // namespace
}  // namespace doppio
