#include "ops/elementwise/unary.h"

namespace doppio {
namespace {

DOPPIO_UNARY_SCHEMA(Tanh, "The hyperbolic tangent: Y = tanh(X), between -1 and 1.", kFloatingPoint)
    .AllowInplace({{0, 0}});

DOPPIO_UNARY_FUNCTION(TanhFunction) { Tanh(x, y, n, c); }

DOPPIO_UNARY_GRADIENT_SCHEMA(TanhGradient, "Y", "The gradient of Tanh: dX = dY * (1 - Y * Y).")
    .AllowInplace({{1, 0}});

DOPPIO_UNARY_GRADIENT_FUNCTION(TanhGradientFunction) { TanhGradient(v, dy, dx, n, c); }

DOPPIO_REGISTER_CPU_OPERATOR(Tanh, UnaryOp<CPUContext, TanhFunction>);
DOPPIO_REGISTER_CPU_OPERATOR(TanhGradient, UnaryGradientOp<CPUContext, TanhGradientFunction>);
DOPPIO_UNARY_GRADIENT(Tanh, "TanhGradient", O(0), GO(0));

}  // namespace
}  // namespace doppio
