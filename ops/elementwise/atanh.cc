#include <cmath>

#include "ops/elementwise/unary.h"

namespace doppio {
namespace {

DOPPIO_UNARY_SCHEMA(Atanh,
                    "The inverse hyperbolic tangent: Y = atanh(X) for -1 <= X <= 1, NaN elsewhere.",
                    kFloatingPoint);
DOPPIO_UNARY_ELEMENT(AtanhFunction, std::atanh(x))

DOPPIO_REGISTER_CPU_OPERATOR(Atanh, UnaryOp<CPUContext, AtanhFunction>);
DOPPIO_NO_GRADIENT(Atanh);

}  // namespace
}  // namespace doppio
