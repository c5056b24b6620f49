#include "ops/elementwise/unary.h"

namespace doppio {
namespace {

DOPPIO_UNARY_SCHEMA(Cube, "The third power: Y = X^3.", kFloatingPoint);
DOPPIO_UNARY_FUNCTION(CubeFunction) { Cube(x, y, n, c); }

DOPPIO_UNARY_GRADIENT_SCHEMA_DY_FIRST(CubeGradient, "X",
                                      "The gradient of Cube: dX = dY * 3 * X^2.");
DOPPIO_UNARY_GRADIENT_ELEMENT_DY_FIRST(CubeGradientFunction, dy * 3 * v * v)

DOPPIO_REGISTER_CPU_OPERATOR(Cube, UnaryOp<CPUContext, CubeFunction>);
DOPPIO_REGISTER_CPU_OPERATOR(CubeGradient,
                             UnaryGradientDyFirstOp<CPUContext, CubeGradientFunction>);
DOPPIO_UNARY_GRADIENT(Cube, "CubeGradient", GO(0), I(0));

}  // namespace
}  // namespace doppio
