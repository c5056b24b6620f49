#include <cmath>

#include "ops/elementwise/unary.h"

namespace doppio {
namespace {

DOPPIO_UNARY_SCHEMA(Acosh, "The inverse hyperbolic cosine: Y = acosh(X) for X >= 1, NaN elsewhere.",
                    kFloatingPoint);
DOPPIO_UNARY_ELEMENT(AcoshFunction, std::acosh(x))

DOPPIO_UNARY_GRADIENT_SCHEMA(AcoshGradient, "X", "The gradient of Acosh: dX = dY / sqrt(X^2 - 1).");
DOPPIO_UNARY_GRADIENT_ELEMENT(AcoshGradientFunction, dy / std::sqrt((v - 1) * (v + 1)))

DOPPIO_REGISTER_CPU_OPERATOR(Acosh, UnaryOp<CPUContext, AcoshFunction>);
DOPPIO_REGISTER_CPU_OPERATOR(AcoshGradient, UnaryGradientOp<CPUContext, AcoshGradientFunction>);
DOPPIO_UNARY_GRADIENT(Acosh, "AcoshGradient", I(0), GO(0));

}  // namespace
}  // namespace doppio
