#include "ops/elementwise/unary.h"

namespace doppio {
namespace {

DOPPIO_UNARY_SCHEMA(Sign, "The sign: Y is 1 where X > 0, -1 where X < 0, and 0 where X = 0.",
                    kArithmetic);
DOPPIO_UNARY_FUNCTION(SignFunction) { Sign(x, y, n, c); }

DOPPIO_REGISTER_CPU_OPERATOR(Sign, UnaryOp<CPUContext, SignFunction, ArithmeticTypes>);
DOPPIO_SHOULD_NOT_DO_GRADIENT(Sign);

}  // namespace
}  // namespace doppio
