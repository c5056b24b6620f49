#include "ops/elementwise/unary.h"

namespace doppio {
namespace {

DOPPIO_UNARY_SCHEMA(Log,
                    "The natural logarithm: Y = ln(X); -infinity where X = 0, NaN where X < 0.",
                    kFloatingPoint)
    .AllowInplace({{0, 0}});

DOPPIO_UNARY_FUNCTION(LogFunction) { Log(x, y, n, c); }

DOPPIO_REGISTER_CPU_OPERATOR(Log, UnaryOp<CPUContext, LogFunction>);
DOPPIO_UNARY_GRADIENT(Log, "Div", GO(0), I(0));  // dX = dY / X

}  // namespace
}  // namespace doppio
