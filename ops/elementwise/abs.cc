#include "ops/elementwise/unary.h"

namespace doppio {
namespace {

DOPPIO_UNARY_SCHEMA(Abs,
                    "The absolute value: Y = |X|. The least integer has none, and stays as it is.",
                    kArithmetic);

DOPPIO_UNARY_FUNCTION(AbsFunction) { Abs(x, y, n, c); }

DOPPIO_UNARY_GRADIENT_SCHEMA(AbsGradient, "X",
                             "The gradient of Abs: dX = dY where X > 0, -dY where X < 0, and 0 "
                             "where X = 0.");

DOPPIO_UNARY_GRADIENT_FUNCTION(AbsGradientFunction) { AbsGradient(v, dy, dx, n, c); }

DOPPIO_REGISTER_CPU_OPERATOR(Abs, UnaryOp<CPUContext, AbsFunction, ArithmeticTypes>);
DOPPIO_REGISTER_CPU_OPERATOR(AbsGradient, UnaryGradientOp<CPUContext, AbsGradientFunction>);
DOPPIO_UNARY_GRADIENT(Abs, "AbsGradient", I(0), GO(0));

}  // namespace
}  // namespace doppio
