#include <cmath>

#include "ops/elementwise/unary.h"

namespace doppio {
namespace {

DOPPIO_UNARY_SCHEMA(Atanh,
                    "The inverse hyperbolic tangent: Y = atanh(X) for -1 <= X <= 1, NaN elsewhere.",
                    kFloatingPoint);
DOPPIO_UNARY_ELEMENT(AtanhFunction, std::atanh(x))

DOPPIO_UNARY_GRADIENT_SCHEMA(AtanhGradient, "X", "The gradient of Atanh: dX = dY / (1 - X^2).");
DOPPIO_UNARY_GRADIENT_ELEMENT(AtanhGradientFunction, dy / ((1 - v) * (1 + v)))

DOPPIO_REGISTER_CPU_OPERATOR(Atanh, UnaryOp<CPUContext, AtanhFunction>);
DOPPIO_REGISTER_CPU_OPERATOR(AtanhGradient, UnaryGradientOp<CPUContext, AtanhGradientFunction>);
DOPPIO_UNARY_GRADIENT(Atanh, "AtanhGradient", I(0), GO(0));

}  // namespace
}  // namespace doppio
