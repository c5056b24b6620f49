#include <cmath>

#include "ops/elementwise/unary.h"

namespace doppio {
namespace {

DOPPIO_UNARY_SCHEMA(Round, R"DOC(
Rounds to the nearest whole number, of two that are as near to the even one.

Example: X = [0.5,1.5,-2.5,2.6] gives Y = [0,2,-2,3].
)DOC",
                    kFloatingPoint);
DOPPIO_UNARY_ELEMENT(RoundFunction, std::nearbyint(x))

DOPPIO_REGISTER_CPU_OPERATOR(Round, UnaryOp<CPUContext, RoundFunction>);
DOPPIO_SHOULD_NOT_DO_GRADIENT(Round);

}  // namespace
}  // namespace doppio
