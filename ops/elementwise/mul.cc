#include "ops/elementwise/binary_gradient.h"

namespace doppio {
namespace {

DOPPIO_BINARY_SCHEMA(Mul, "product", "A * B", "Integers wrap.").AllowInplace({{0, 0}, {1, 0}});

struct MulFunction : BinaryFunction {
  DOPPIO_BINARY_KERNEL(Mul)
};

DOPPIO_BINARY_GRADIENT_SCHEMA(MulGradient, "Mul", "dA = dC * B and dB = dC * A");

struct MulGradientFunction : BinaryGradientFunction {
  template <typename T>
  const T* Full(int which, const BinaryGradientData<T>& data, T* room) const {
    const BinaryShapes& shapes = data.shapes;
    Mul(data.dc, shapes.c, which == 0 ? data.b : data.a, which == 0 ? shapes.b : shapes.a, room,
        shapes.c, data.context);
    return room;
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(Mul, BinaryOp<CPUContext, MulFunction>);
DOPPIO_REGISTER_CPU_OPERATOR(MulGradient, BinaryGradientOp<CPUContext, MulGradientFunction>);
DOPPIO_BINARY_GRADIENT(Mul);

}  // namespace
}  // namespace doppio
