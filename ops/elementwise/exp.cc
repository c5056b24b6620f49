#include "ops/elementwise/unary.h"

namespace doppio {
namespace {

DOPPIO_UNARY_SCHEMA(Exp, "The exponential function: Y = e^X.", kFloatingPoint)
    .AllowInplace({{0, 0}});

DOPPIO_UNARY_FUNCTION(ExpFunction) { Exp(x, y, n, c); }

DOPPIO_REGISTER_CPU_OPERATOR(Exp, UnaryOp<CPUContext, ExpFunction>);
DOPPIO_UNARY_GRADIENT(Exp, "Mul", O(0), GO(0));  // dX = Y * dY

}  // namespace
}  // namespace doppio
