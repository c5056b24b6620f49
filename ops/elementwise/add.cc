#include "ops/elementwise/binary_gradient.h"

namespace doppio {
namespace {

DOPPIO_BINARY_SCHEMA(Add, "sum", "A + B", "Integers wrap.").AllowInplace({{0, 0}, {1, 0}});

struct AddFunction : BinaryFunction {
  DOPPIO_BINARY_KERNEL(Add)
};

DOPPIO_BINARY_GRADIENT_SCHEMA(AddGradient, "Add", "dA = dC and dB = dC").ShapeOnly({1, 2});

struct AddGradientFunction : BinaryGradientFunction {
  static constexpr bool kNeedsRoom = false;
  template <typename T>
  const T* Full(int, const BinaryGradientData<T>& data, T*) const {
    return data.dc;
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(Add, BinaryOp<CPUContext, AddFunction>);
DOPPIO_REGISTER_CPU_OPERATOR(AddGradient, BinaryGradientOp<CPUContext, AddGradientFunction>);
DOPPIO_BINARY_GRADIENT(Add);

}  // namespace
}  // namespace doppio
