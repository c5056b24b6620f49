#include "ops/elementwise/unary.h"
#include "src/kernel/elementwise_math.h"

namespace doppio {
namespace {

DOPPIO_UNARY_SCHEMA(Log1p, R"DOC(
The natural logarithm of one more: Y = ln(1 + X), which keeps its digits where X is near 0; -infinity
where X = -1, NaN where X < -1.

Example: X [3] = [0, 1, 1e-10] gives Y [3] = [0, 0.693147, 1e-10].
)DOC",
                    kFloatingPoint);
DOPPIO_UNARY_FUNCTION(Log1pFunction) { Log1p(x, y, n, c); }

DOPPIO_UNARY_GRADIENT_SCHEMA(Log1pGradient, "X", "The gradient of Log1p: dX = dY / (1 + X).");
DOPPIO_UNARY_GRADIENT_FUNCTION(Log1pGradientFunction) { Log1pGradient(v, dy, dx, n, c); }

DOPPIO_REGISTER_CPU_OPERATOR(Log1p, UnaryOp<CPUContext, Log1pFunction>);
DOPPIO_REGISTER_CPU_OPERATOR(Log1pGradient, UnaryGradientOp<CPUContext, Log1pGradientFunction>);
DOPPIO_UNARY_GRADIENT(Log1p, "Log1pGradient", I(0), GO(0));

}  // namespace
}  // namespace doppio
