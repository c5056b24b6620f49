#include "ops/elementwise/unary.h"

namespace doppio {
namespace {

DOPPIO_UNARY_SCHEMA(Ceil, "Rounds up: Y is the least whole number that is not below X.",
                    kFloatingPoint);
DOPPIO_UNARY_FUNCTION(CeilFunction) { Ceil(x, y, n, c); }

DOPPIO_REGISTER_CPU_OPERATOR(Ceil, UnaryOp<CPUContext, CeilFunction, FloatingPointTypes>);
DOPPIO_GRADIENT_NOT_IMPLEMENTED_YET(Ceil);

}  // namespace
}  // namespace doppio
