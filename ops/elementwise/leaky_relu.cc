#include "ops/elementwise/unary.h"
#include "src/kernel/activation.h"

namespace doppio {
namespace {

struct LeakyReluArguments {
  explicit LeakyReluArguments(ArgumentReader* args)
      : alpha(args->GetSingleArgument<float>("alpha")) {}

  static void State(OpSchema& schema) { schema.Arg<float>("alpha", "the slope below 0", 0.01f); }

  float alpha;
};

DOPPIO_UNARY_SCHEMA(LeakyRelu, "A Relu that leaks: Y = X where X >= 0, alpha * X elsewhere.",
                    kFloatingPoint)
    .FillUsing(LeakyReluArguments::State)
    .AllowInplace({{0, 0}});

struct LeakyReluFunction : LeakyReluArguments {
  explicit LeakyReluFunction(OperatorInit* init) : LeakyReluArguments(init) {}
  template <typename T>
  void operator()(const T* x, T* y, int64_t n, CPUContext* c) const {
    LeakyRelu<T>(x, y, n, alpha, c);
  }
};

DOPPIO_UNARY_GRADIENT_SCHEMA(
    LeakyReluGradient, "Y",
    "The gradient of LeakyRelu: dX = dY where Y >= 0, alpha * dY elsewhere (alpha is taken to be "
    "positive, so that Y has the sign of X).")
    .FillUsing(LeakyReluArguments::State)
    .AllowInplace({{1, 0}});

struct LeakyReluGradientFunction : LeakyReluArguments {
  explicit LeakyReluGradientFunction(OperatorInit* init) : LeakyReluArguments(init) {}
  template <typename T>
  void operator()(const T* y, const T* dy, T* dx, int64_t n, CPUContext* c) const {
    MapPairs([this](T v, T d) { return v < 0 ? T(alpha) * d : d; }, y, dy, dx, n, c);
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(LeakyRelu, UnaryOp<CPUContext, LeakyReluFunction>);
DOPPIO_REGISTER_CPU_OPERATOR(LeakyReluGradient,
                             UnaryGradientOp<CPUContext, LeakyReluGradientFunction>);
DOPPIO_UNARY_GRADIENT(LeakyRelu, "LeakyReluGradient", O(0), GO(0));

}  // namespace
}  // namespace doppio
