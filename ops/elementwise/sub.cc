#include "ops/elementwise/binary_gradient.h"

namespace doppio {
namespace {

DOPPIO_BINARY_SCHEMA(Sub, "difference", "A - B", "Integers wrap.").AllowInplace({{0, 0}, {1, 0}});

struct SubFunction : BinaryFunction {
  DOPPIO_BINARY_KERNEL(Sub)
};

DOPPIO_BINARY_GRADIENT_SCHEMA(SubGradient, "Sub", "dA = dC and dB = -dC").ShapeOnly({1, 2});

struct SubGradientFunction : BinaryGradientFunction {
  static constexpr bool kNeedsRoom = false;
  static constexpr bool kNegateB = true;
  template <typename T>
  const T* Full(int, const BinaryGradientData<T>& data, T*) const {
    return data.dc;
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(Sub, BinaryOp<CPUContext, SubFunction>);
DOPPIO_REGISTER_CPU_OPERATOR(SubGradient, BinaryGradientOp<CPUContext, SubGradientFunction>);
DOPPIO_BINARY_GRADIENT(Sub);

}  // namespace
}  // namespace doppio
