#include <algorithm>

#include "ops/elementwise/unary.h"

namespace doppio {
namespace {

void StateSlope(OpSchema& schema) { schema.Arg<float>("alpha", "the slope", 0.2f); }

DOPPIO_UNARY_SCHEMA(HardSigmoid, R"DOC(
A Sigmoid of straight lines: Y = max(0, min(1, alpha X + beta)). NaN stays NaN.

Example: X [4] = [-5, 0, 1, 5] gives Y [4] = [0, 0.5, 0.7, 1].
)DOC",
                    kFloatingPoint)
    .FillUsing(StateSlope)
    .Arg<float>("beta", "the value at 0", 0.5f)
    .AllowInplace({{0, 0}});

struct HardSigmoidFunction {
  explicit HardSigmoidFunction(OperatorInit* init)
      : alpha(init->GetSingleArgument<float>("alpha")),
        beta(init->GetSingleArgument<float>("beta")) {}

  template <typename T>
  void operator()(const T* x, T* y, int64_t n, CPUContext* c) const {
    const T a = alpha;
    const T b = beta;
    // In this order the comparisons leave NaN as it is.
    MapElements([=](T v) { return std::max(std::min(a * v + b, T(1)), T(0)); }, x, y, n, c);
  }

  float alpha;
  float beta;
};

DOPPIO_UNARY_GRADIENT_SCHEMA(
    HardSigmoidGradient, "Y",
    "The gradient of HardSigmoid: dX = alpha dY where 0 < Y < 1, and 0 elsewhere.")
    .FillUsing(StateSlope)
    .Arg<float>("beta", "as given to HardSigmoid; not used", 0.5f)
    .AllowInplace({{1, 0}});

struct HardSigmoidGradientFunction {
  explicit HardSigmoidGradientFunction(OperatorInit* init)
      : alpha(init->GetSingleArgument<float>("alpha")) {}

  template <typename T>
  void operator()(const T* y, const T* dy, T* dx, int64_t n, CPUContext* c) const {
    const T a = alpha;
    MapPairs([=](T v, T d) { return v > 0 && v < 1 ? a * d : T(0); }, y, dy, dx, n, c);
  }

  float alpha;
};

DOPPIO_REGISTER_CPU_OPERATOR(HardSigmoid, UnaryOp<CPUContext, HardSigmoidFunction>);
DOPPIO_REGISTER_CPU_OPERATOR(HardSigmoidGradient,
                             UnaryGradientOp<CPUContext, HardSigmoidGradientFunction>);
DOPPIO_UNARY_GRADIENT(HardSigmoid, "HardSigmoidGradient", O(0), GO(0));

}  // namespace
}  // namespace doppio
