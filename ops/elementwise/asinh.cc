#include <cmath>

#include "ops/elementwise/unary.h"

namespace doppio {
namespace {

DOPPIO_UNARY_SCHEMA(Asinh, "The inverse hyperbolic sine: Y = asinh(X).", kFloatingPoint);
DOPPIO_UNARY_ELEMENT(AsinhFunction, std::asinh(x))

DOPPIO_UNARY_GRADIENT_SCHEMA(AsinhGradient, "X", "The gradient of Asinh: dX = dY / sqrt(X^2 + 1).");
DOPPIO_UNARY_GRADIENT_ELEMENT(AsinhGradientFunction, dy / std::sqrt(v * v + 1))

DOPPIO_REGISTER_CPU_OPERATOR(Asinh, UnaryOp<CPUContext, AsinhFunction>);
DOPPIO_REGISTER_CPU_OPERATOR(AsinhGradient, UnaryGradientOp<CPUContext, AsinhGradientFunction>);
DOPPIO_UNARY_GRADIENT(Asinh, "AsinhGradient", I(0), GO(0));

}  // namespace
}  // namespace doppio
