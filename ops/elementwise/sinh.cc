#include "ops/elementwise/unary.h"
#include "src/kernel/elementwise_math.h"

namespace doppio {
namespace {

DOPPIO_UNARY_SCHEMA(Sinh, "The hyperbolic sine: Y = (exp(X) - exp(-X)) / 2.", kFloatingPoint);
DOPPIO_UNARY_FUNCTION(SinhFunction) { Sinh(x, y, n, c); }

DOPPIO_UNARY_GRADIENT_SCHEMA_DY_FIRST(SinhGradient, "X",
                                      "The gradient of Sinh: dX = dY * cosh(X).");
DOPPIO_UNARY_GRADIENT_FUNCTION(SinhGradientFunction) {
  SinhGradient(dy, v, dx, n, c);  // dY comes first
}

DOPPIO_REGISTER_CPU_OPERATOR(Sinh, UnaryOp<CPUContext, SinhFunction>);
DOPPIO_REGISTER_CPU_OPERATOR(SinhGradient,
                             UnaryGradientDyFirstOp<CPUContext, SinhGradientFunction>);
DOPPIO_UNARY_GRADIENT(Sinh, "SinhGradient", GO(0), I(0));

}  // namespace
}  // namespace doppio
