#include <cmath>

#include "ops/elementwise/unary.h"

namespace doppio {
namespace {

DOPPIO_UNARY_SCHEMA(Acosh, "The inverse hyperbolic cosine: Y = acosh(X) for X >= 1, NaN elsewhere.",
                    kFloatingPoint);
DOPPIO_UNARY_ELEMENT(AcoshFunction, std::acosh(x))

DOPPIO_REGISTER_CPU_OPERATOR(Acosh, UnaryOp<CPUContext, AcoshFunction>);
DOPPIO_NO_GRADIENT(Acosh);

}  // namespace
}  // namespace doppio
