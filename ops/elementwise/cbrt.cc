#include "ops/elementwise/unary.h"
#include "src/kernel/elementwise_math.h"

namespace doppio {
namespace {

DOPPIO_UNARY_SCHEMA(Cbrt, "The cube root: Y^3 = X, with the sign of X.", kFloatingPoint)
    .AllowInplace({{0, 0}});
DOPPIO_UNARY_FUNCTION(CbrtFunction) { Cbrt(x, y, n, c); }

DOPPIO_UNARY_GRADIENT_SCHEMA_DY_FIRST(CbrtGradient, "Y",
                                      "The gradient of Cbrt: dX = dY / (3 * Y^2).")
    .AllowInplace({{0, 0}});
DOPPIO_UNARY_GRADIENT_ELEMENT_DY_FIRST(CbrtGradientFunction, dy / (3 * v * v))

DOPPIO_REGISTER_CPU_OPERATOR(Cbrt, UnaryOp<CPUContext, CbrtFunction>);
DOPPIO_REGISTER_CPU_OPERATOR(CbrtGradient,
                             UnaryGradientDyFirstOp<CPUContext, CbrtGradientFunction>);
DOPPIO_UNARY_GRADIENT(Cbrt, "CbrtGradient", GO(0), O(0));

}  // namespace
}  // namespace doppio
