#include "ops/elementwise/unary.h"

namespace doppio {
namespace {

DOPPIO_UNARY_SCHEMA(Relu, R"DOC(
The rectified linear unit: Y = max(X, 0), where NaN stays NaN.

Example: X [4] = [-2, 0, 1, 3] gives Y [4] = [0, 0, 1, 3].
)DOC",
                    kFloatingPoint)
    .AllowInplace({{0, 0}});

DOPPIO_UNARY_FUNCTION(ReluFunction) { Relu(x, y, n, c); }

DOPPIO_UNARY_GRADIENT_SCHEMA(ReluGradient, "Y",
                             "The gradient of Relu: dX = dY where Y > 0, and 0 elsewhere.")
    .AllowInplace({{1, 0}});

DOPPIO_UNARY_GRADIENT_FUNCTION(ReluGradientFunction) { ReluGradient(v, dy, dx, n, c); }

DOPPIO_REGISTER_CPU_OPERATOR(Relu, UnaryOp<CPUContext, ReluFunction>);
DOPPIO_REGISTER_CPU_OPERATOR(ReluGradient, UnaryGradientOp<CPUContext, ReluGradientFunction>);
DOPPIO_UNARY_GRADIENT(Relu, "ReluGradient", O(0), GO(0));

}  // namespace
}  // namespace doppio
