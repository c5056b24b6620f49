#include <cmath>

#include "ops/elementwise/unary.h"
#include "src/kernel/activation.h"

namespace doppio {
namespace {

DOPPIO_UNARY_SCHEMA(Softsign, "Squeezes X into (-1, 1): Y = X / (1 + |X|).", kFloatingPoint)
    .AllowInplace({{0, 0}});
DOPPIO_UNARY_FUNCTION(SoftsignFunction) { Softsign(x, y, n, c); }

DOPPIO_UNARY_GRADIENT_SCHEMA(SoftsignGradient, "X",
                             "The gradient of Softsign: dX = dY / (1 + |X|)^2.")
    .AllowInplace({{1, 0}});
DOPPIO_UNARY_GRADIENT_ELEMENT(SoftsignGradientFunction,
                              dy / ((1 + std::abs(v)) * (1 + std::abs(v))))

DOPPIO_REGISTER_CPU_OPERATOR(Softsign, UnaryOp<CPUContext, SoftsignFunction>);
DOPPIO_REGISTER_CPU_OPERATOR(SoftsignGradient,
                             UnaryGradientOp<CPUContext, SoftsignGradientFunction>);
DOPPIO_UNARY_GRADIENT(Softsign, "SoftsignGradient", I(0), GO(0));

}  // namespace
}  // namespace doppio
