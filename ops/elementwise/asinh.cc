#include <cmath>

#include "ops/elementwise/unary.h"

namespace doppio {
namespace {

DOPPIO_UNARY_SCHEMA(Asinh, "The inverse hyperbolic sine: Y = asinh(X).", kFloatingPoint);
DOPPIO_UNARY_ELEMENT(AsinhFunction, std::asinh(x))

DOPPIO_REGISTER_CPU_OPERATOR(Asinh, UnaryOp<CPUContext, AsinhFunction>);
DOPPIO_NO_GRADIENT(Asinh);

}  // namespace
}  // namespace doppio
