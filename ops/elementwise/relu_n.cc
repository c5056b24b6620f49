#include "ops/elementwise/unary.h"
#include "src/kernel/activation.h"

namespace doppio {
namespace {

struct ReluNArguments {
  explicit ReluNArguments(ArgumentReader* args) : n(args->GetSingleArgument<float>("n")) {}

  static void State(OpSchema& schema) { schema.Arg<float>("n", "the upper bound", 6.0f); }

  float n;
};

DOPPIO_UNARY_SCHEMA(ReluN, "A Relu with an upper bound: Y = min(max(X, 0), n).", kFloatingPoint)
    .FillUsing(ReluNArguments::State)
    .AllowInplace({{0, 0}});

struct ReluNFunction : ReluNArguments {
  explicit ReluNFunction(OperatorInit* init) : ReluNArguments(init) {}
  template <typename T>
  void operator()(const T* x, T* y, int64_t n, CPUContext* c) const {
    Clip<T>(x, y, n, 0, this->n, c);
  }
};

DOPPIO_UNARY_GRADIENT_SCHEMA(ReluNGradient, "Y",
                             "The gradient of ReluN: dX = dY where 0 < Y < n, and 0 elsewhere.")
    .FillUsing(ReluNArguments::State)
    .AllowInplace({{1, 0}});

struct ReluNGradientFunction : ReluNArguments {
  explicit ReluNGradientFunction(OperatorInit* init) : ReluNArguments(init) {}
  template <typename T>
  void operator()(const T* y, const T* dy, T* dx, int64_t n, CPUContext* c) const {
    MapPairs([this](T v, T d) { return v > 0 && v < T(this->n) ? d : T(0); }, y, dy, dx, n, c);
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(ReluN, UnaryOp<CPUContext, ReluNFunction>);
DOPPIO_REGISTER_CPU_OPERATOR(ReluNGradient, UnaryGradientOp<CPUContext, ReluNGradientFunction>);
DOPPIO_UNARY_GRADIENT(ReluN, "ReluNGradient", O(0), GO(0));

}  // namespace
}  // namespace doppio
