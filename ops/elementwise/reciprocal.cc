#include "ops/elementwise/unary.h"

namespace doppio {
namespace {

DOPPIO_UNARY_SCHEMA(Reciprocal, "One over X: Y = 1 / X.", kFloatingPoint).AllowInplace({{0, 0}});
DOPPIO_UNARY_FUNCTION(ReciprocalFunction) { Reciprocal(x, y, n, c); }

DOPPIO_UNARY_GRADIENT_SCHEMA(ReciprocalGradient, "Y", "The gradient of Reciprocal: dX = -dY * Y^2.")
    .AllowInplace({{1, 0}});
DOPPIO_UNARY_GRADIENT_FUNCTION(ReciprocalGradientFunction) { ReciprocalGradient(v, dy, dx, n, c); }

DOPPIO_REGISTER_CPU_OPERATOR(Reciprocal, UnaryOp<CPUContext, ReciprocalFunction>);
DOPPIO_REGISTER_CPU_OPERATOR(ReciprocalGradient,
                             UnaryGradientOp<CPUContext, ReciprocalGradientFunction>);
DOPPIO_UNARY_GRADIENT(Reciprocal, "ReciprocalGradient", O(0), GO(0));

}  // namespace
}  // namespace doppio
