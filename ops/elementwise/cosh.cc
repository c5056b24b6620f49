#include "ops/elementwise/unary.h"
#include "src/kernel/elementwise_math.h"

namespace doppio {
namespace {

DOPPIO_UNARY_SCHEMA(Cosh, "The hyperbolic cosine: Y = (exp(X) + exp(-X)) / 2.", kFloatingPoint);
DOPPIO_UNARY_FUNCTION(CoshFunction) { Cosh(x, y, n, c); }

DOPPIO_UNARY_GRADIENT_SCHEMA_DY_FIRST(CoshGradient, "X",
                                      "The gradient of Cosh: dX = dY * sinh(X).");
DOPPIO_UNARY_GRADIENT_FUNCTION(CoshGradientFunction) {
  CoshGradient(dy, v, dx, n, c);  // dY comes first
}

DOPPIO_REGISTER_CPU_OPERATOR(Cosh, UnaryOp<CPUContext, CoshFunction>);
DOPPIO_REGISTER_CPU_OPERATOR(CoshGradient,
                             UnaryGradientDyFirstOp<CPUContext, CoshGradientFunction>);
DOPPIO_UNARY_GRADIENT(Cosh, "CoshGradient", GO(0), I(0));

}  // namespace
}  // namespace doppio
