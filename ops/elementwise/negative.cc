#include "ops/elementwise/unary.h"

namespace doppio {
namespace {

DOPPIO_UNARY_SCHEMA(Negative, "Y = -X. The least integer has no opposite, and stays as it is.",
                    kArithmetic)
    .AllowInplace({{0, 0}});

DOPPIO_UNARY_FUNCTION(NegativeFunction) { Negative(x, y, n, c); }

DOPPIO_REGISTER_CPU_OPERATOR(Negative, UnaryOp<CPUContext, NegativeFunction, ArithmeticTypes>);
DOPPIO_UNARY_GRADIENT(Negative, "Negative", GO(0));

}  // namespace
}  // namespace doppio
