#include <cmath>

#include "ops/elementwise/unary.h"
#include "src/kernel/activation.h"

namespace doppio {
namespace {

DOPPIO_UNARY_SCHEMA(Softplus, "A smooth Relu: Y = log(1 + exp(X)), computed without overflow.",
                    kFloatingPoint)
    .AllowInplace({{0, 0}});
DOPPIO_UNARY_FUNCTION(SoftplusFunction) { Softplus(x, y, n, c); }

DOPPIO_UNARY_GRADIENT_SCHEMA(SoftplusGradient, "Y",
                             "The gradient of Softplus: dX = dY * (1 - exp(-Y)).")
    .AllowInplace({{1, 0}});
DOPPIO_UNARY_GRADIENT_ELEMENT(SoftplusGradientFunction, -dy* std::expm1(-v))

DOPPIO_REGISTER_CPU_OPERATOR(Softplus, UnaryOp<CPUContext, SoftplusFunction>);
DOPPIO_REGISTER_CPU_OPERATOR(SoftplusGradient,
                             UnaryGradientOp<CPUContext, SoftplusGradientFunction>);
DOPPIO_UNARY_GRADIENT(Softplus, "SoftplusGradient", O(0), GO(0));

}  // namespace
}  // namespace doppio
