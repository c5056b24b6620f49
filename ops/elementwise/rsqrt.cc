#include "ops/elementwise/unary.h"

namespace doppio {
namespace {

DOPPIO_UNARY_SCHEMA(Rsqrt, "One over the square root: Y = 1 / sqrt(X).", kFloatingPoint)
    .AllowInplace({{0, 0}});
DOPPIO_UNARY_FUNCTION(RsqrtFunction) { Rsqrt(x, y, n, c); }

DOPPIO_UNARY_GRADIENT_SCHEMA_DY_FIRST(RsqrtGradient, "Y",
                                      "The gradient of Rsqrt: dX = -dY * Y^3 / 2.")
    .AllowInplace({{0, 0}});
DOPPIO_UNARY_GRADIENT_FUNCTION(RsqrtGradientFunction) {
  RsqrtGradient(dy, v, dx, n, c);  // dY comes first
}

DOPPIO_REGISTER_CPU_OPERATOR(Rsqrt, UnaryOp<CPUContext, RsqrtFunction>);
DOPPIO_REGISTER_CPU_OPERATOR(RsqrtGradient,
                             UnaryGradientDyFirstOp<CPUContext, RsqrtGradientFunction>);
DOPPIO_UNARY_GRADIENT(Rsqrt, "RsqrtGradient", GO(0), O(0));

}  // namespace
}  // namespace doppio
