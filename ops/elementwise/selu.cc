#include "ops/elementwise/unary.h"
#include "src/kernel/activation.h"

namespace doppio {
namespace {

struct SeluArguments {
  explicit SeluArguments(ArgumentReader* args)
      : alpha(args->GetSingleArgument<float>("alpha")),
        scale(args->GetSingleArgument<float>("scale")) {}

  static void State(OpSchema& schema) {
    schema.Arg<float>("alpha", "with scale, minus the limit far below 0", 1.6732632423543772f)
        .Arg<float>("scale", "the slope above 0", 1.0507009873554804f);
  }

  float alpha;
  float scale;
};

DOPPIO_UNARY_SCHEMA(Selu,
                    "The scaled exponential linear unit: Y = scale * X where X > 0, scale * alpha "
                    "* (exp(X) - 1) elsewhere.",
                    kFloatingPoint)
    .FillUsing(SeluArguments::State)
    .AllowInplace({{0, 0}});

struct SeluFunction : SeluArguments {
  explicit SeluFunction(OperatorInit* init) : SeluArguments(init) {}
  template <typename T>
  void operator()(const T* x, T* y, int64_t n, CPUContext* c) const {
    ScaledElu<T>(x, y, n, alpha, scale, c);
  }
};

DOPPIO_UNARY_GRADIENT_SCHEMA(
    SeluGradient, "Y",
    "The gradient of Selu: dX = scale * dY where Y > 0, dY * (Y + scale * alpha) elsewhere.")
    .FillUsing(SeluArguments::State)
    .AllowInplace({{1, 0}});

struct SeluGradientFunction : SeluArguments {
  explicit SeluGradientFunction(OperatorInit* init) : SeluArguments(init) {}
  template <typename T>
  void operator()(const T* y, const T* dy, T* dx, int64_t n, CPUContext* c) const {
    MapPairs([this](T v, T d) { return v > 0 ? T(scale) * d : d * (v + T(scale) * T(alpha)); }, y,
             dy, dx, n, c);
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(Selu, UnaryOp<CPUContext, SeluFunction>);
DOPPIO_REGISTER_CPU_OPERATOR(SeluGradient, UnaryGradientOp<CPUContext, SeluGradientFunction>);
DOPPIO_UNARY_GRADIENT(Selu, "SeluGradient", O(0), GO(0));

}  // namespace
}  // namespace doppio
