#include "ops/elementwise/unary.h"
#include "src/kernel/activation.h"

namespace doppio {
namespace {

struct EluArguments {
  explicit EluArguments(ArgumentReader* args) : alpha(args->GetSingleArgument<float>("alpha")) {}

  static void State(OpSchema& schema) {
    schema.Arg<float>("alpha", "minus the limit far below 0", 1.0f);
  }

  float alpha;
};

DOPPIO_UNARY_SCHEMA(
    Elu, "The exponential linear unit: Y = X where X > 0, alpha * (exp(X) - 1) elsewhere.",
    kFloatingPoint)
    .FillUsing(EluArguments::State)
    .AllowInplace({{0, 0}});

struct EluFunction : EluArguments {
  explicit EluFunction(OperatorInit* init) : EluArguments(init) {}
  template <typename T>
  void operator()(const T* x, T* y, int64_t n, CPUContext* c) const {
    ScaledElu<T>(x, y, n, alpha, 1, c);
  }
};

DOPPIO_UNARY_GRADIENT_SCHEMA(
    EluGradient, "Y", "The gradient of Elu: dX = dY where Y > 0, dY * (Y + alpha) elsewhere.")
    .FillUsing(EluArguments::State)
    .AllowInplace({{1, 0}});

struct EluGradientFunction : EluArguments {
  explicit EluGradientFunction(OperatorInit* init) : EluArguments(init) {}
  template <typename T>
  void operator()(const T* y, const T* dy, T* dx, int64_t n, CPUContext* c) const {
    MapPairs([this](T v, T d) { return v > 0 ? d : d * (v + T(alpha)); }, y, dy, dx, n, c);
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(Elu, UnaryOp<CPUContext, EluFunction>);
DOPPIO_REGISTER_CPU_OPERATOR(EluGradient, UnaryGradientOp<CPUContext, EluGradientFunction>);
DOPPIO_UNARY_GRADIENT(Elu, "EluGradient", O(0), GO(0));

}  // namespace
}  // namespace doppio
