#include "ops/elementwise/unary.h"

namespace doppio {
namespace {

DOPPIO_UNARY_SCHEMA(Sigmoid, "The logistic function: Y = 1 / (1 + exp(-X)), between 0 and 1.",
                    kFloatingPoint)
    .AllowInplace({{0, 0}});

DOPPIO_UNARY_FUNCTION(SigmoidFunction) { Sigmoid(x, y, n, c); }

DOPPIO_UNARY_GRADIENT_SCHEMA(SigmoidGradient, "Y",
                             "The gradient of Sigmoid: dX = dY * Y * (1 - Y).")
    .AllowInplace({{1, 0}});

DOPPIO_UNARY_GRADIENT_FUNCTION(SigmoidGradientFunction) { SigmoidGradient(v, dy, dx, n, c); }

DOPPIO_REGISTER_CPU_OPERATOR(Sigmoid, UnaryOp<CPUContext, SigmoidFunction>);
DOPPIO_REGISTER_CPU_OPERATOR(SigmoidGradient, UnaryGradientOp<CPUContext, SigmoidGradientFunction>);
DOPPIO_UNARY_GRADIENT(Sigmoid, "SigmoidGradient", O(0), GO(0));

}  // namespace
}  // namespace doppio
