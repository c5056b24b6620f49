#include <cmath>

#include "ops/elementwise/unary.h"

namespace doppio {
namespace {

DOPPIO_UNARY_SCHEMA(Cos, "The cosine of an angle in radians: Y = cos(X).", kFloatingPoint);
DOPPIO_UNARY_ELEMENT(CosFunction, std::cos(x))

DOPPIO_UNARY_GRADIENT_SCHEMA(CosGradient, "X", "The gradient of Cos: dX = -dY * sin(X).");
DOPPIO_UNARY_GRADIENT_ELEMENT(CosGradientFunction, -dy* std::sin(v))

DOPPIO_REGISTER_CPU_OPERATOR(Cos, UnaryOp<CPUContext, CosFunction>);
DOPPIO_REGISTER_CPU_OPERATOR(CosGradient, UnaryGradientOp<CPUContext, CosGradientFunction>);
DOPPIO_UNARY_GRADIENT(Cos, "CosGradient", I(0), GO(0));

}  // namespace
}  // namespace doppio
