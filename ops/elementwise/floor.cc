#include "ops/elementwise/unary.h"

namespace doppio {
namespace {

DOPPIO_UNARY_SCHEMA(Floor, "Rounds down: Y is the greatest whole number that is not above X.",
                    kFloatingPoint);
DOPPIO_UNARY_FUNCTION(FloorFunction) { Floor(x, y, n, c); }

DOPPIO_REGISTER_CPU_OPERATOR(Floor, UnaryOp<CPUContext, FloorFunction, FloatingPointTypes>);
DOPPIO_GRADIENT_NOT_IMPLEMENTED_YET(Floor);

}  // namespace
}  // namespace doppio
