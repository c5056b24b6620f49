#include "ops/elementwise/unary.h"

namespace doppio {
namespace {

struct ThresholdedReluArguments {
  explicit ThresholdedReluArguments(ArgumentReader* args)
      : alpha(args->GetSingleArgument<float>("alpha")) {}

  static void State(OpSchema& schema) { schema.Arg<float>("alpha", "the threshold", 1.0f); }

  float alpha;
};

DOPPIO_UNARY_SCHEMA(ThresholdedRelu,
                    "A Relu with a threshold: Y = X where X > alpha, and 0 elsewhere.",
                    kFloatingPoint)
    .FillUsing(ThresholdedReluArguments::State)
    .AllowInplace({{0, 0}});

struct ThresholdedReluFunction : ThresholdedReluArguments {
  explicit ThresholdedReluFunction(OperatorInit* init) : ThresholdedReluArguments(init) {}
  template <typename T>
  void operator()(const T* x, T* y, int64_t n, CPUContext* c) const {
    MapElements([this](T v) { return v > T(alpha) ? v : T(0); }, x, y, n, c);
  }
};

DOPPIO_UNARY_GRADIENT_SCHEMA(
    ThresholdedReluGradient, "Y",
    "The gradient of ThresholdedRelu: dX = dY where Y > 0, and 0 elsewhere.")
    .FillUsing(ThresholdedReluArguments::State)
    .AllowInplace({{1, 0}});

struct ThresholdedReluGradientFunction : ThresholdedReluArguments {
  explicit ThresholdedReluGradientFunction(OperatorInit* init) : ThresholdedReluArguments(init) {}
  template <typename T>
  void operator()(const T* y, const T* dy, T* dx, int64_t n, CPUContext* c) const {
    MapPairs([](T v, T d) { return v > 0 ? d : T(0); }, y, dy, dx, n, c);
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(ThresholdedRelu, UnaryOp<CPUContext, ThresholdedReluFunction>);
DOPPIO_REGISTER_CPU_OPERATOR(ThresholdedReluGradient,
                             UnaryGradientOp<CPUContext, ThresholdedReluGradientFunction>);
DOPPIO_UNARY_GRADIENT(ThresholdedRelu, "ThresholdedReluGradient", O(0), GO(0));

}  // namespace
}  // namespace doppio
