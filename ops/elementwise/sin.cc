#include <cmath>

#include "ops/elementwise/unary.h"

namespace doppio {
namespace {

DOPPIO_UNARY_SCHEMA(Sin, "The sine of an angle in radians: Y = sin(X).", kFloatingPoint);
DOPPIO_UNARY_ELEMENT(SinFunction, std::sin(x))

DOPPIO_UNARY_GRADIENT_SCHEMA(SinGradient, "X", "The gradient of Sin: dX = dY * cos(X).");
DOPPIO_UNARY_GRADIENT_ELEMENT(SinGradientFunction, dy* std::cos(v))

DOPPIO_REGISTER_CPU_OPERATOR(Sin, UnaryOp<CPUContext, SinFunction>);
DOPPIO_REGISTER_CPU_OPERATOR(SinGradient, UnaryGradientOp<CPUContext, SinGradientFunction>);
DOPPIO_UNARY_GRADIENT(Sin, "SinGradient", I(0), GO(0));

}  // namespace
}  // namespace doppio
