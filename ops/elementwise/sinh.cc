#include <cmath>

#include "ops/elementwise/unary.h"

namespace doppio {
namespace {

DOPPIO_UNARY_SCHEMA(Sinh, "The hyperbolic sine: Y = (exp(X) - exp(-X)) / 2.", kFloatingPoint);
DOPPIO_UNARY_ELEMENT(SinhFunction, std::sinh(x))

DOPPIO_UNARY_GRADIENT_SCHEMA_DY_FIRST(SinhGradient, "X",
                                      "The gradient of Sinh: dX = dY * cosh(X).");
DOPPIO_UNARY_GRADIENT_ELEMENT_DY_FIRST(SinhGradientFunction, dy* std::cosh(v))

DOPPIO_REGISTER_CPU_OPERATOR(Sinh, UnaryOp<CPUContext, SinhFunction>);
DOPPIO_REGISTER_CPU_OPERATOR(SinhGradient,
                             UnaryGradientDyFirstOp<CPUContext, SinhGradientFunction>);
DOPPIO_UNARY_GRADIENT(Sinh, "SinhGradient", GO(0), I(0));

}  // namespace
}  // namespace doppio
