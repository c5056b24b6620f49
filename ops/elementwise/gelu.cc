#include <cmath>

#include "ops/elementwise/unary.h"
#include "src/kernel/activation.h"

namespace doppio {
namespace {

constexpr double kSqrtHalf = 0.70710678118654752;
constexpr double kInvSqrtTwoPi = 0.39894228040143268;
constexpr double kSqrtTwoOverPi = 0.79788456080286536;
constexpr double kCubic = 0.044715;

void StateArguments(OpSchema& schema) {
  schema.Arg("fast_gelu", "Y = X (1 + tanh(sqrt(2 / pi) (X + 0.044715 X^3))) / 2 instead", false);
}

DOPPIO_UNARY_SCHEMA(Gelu,
                    "The Gaussian error linear unit: Y = X * P(N <= X), where N is normally "
                    "distributed; P(N <= X) = (1 + erf(X / sqrt(2))) / 2.",
                    kFloatingPoint)
    .FillUsing(StateArguments);

struct GeluFunction {
  explicit GeluFunction(OperatorInit* init) : fast(init->GetSingleArgument<bool>("fast_gelu")) {}
  template <typename T>
  void operator()(const T* x, T* y, int64_t n, CPUContext* c) const {
    if (fast) {
      FastGelu(x, y, n, c);
    } else {
      Gelu(x, y, n, c);
    }
  }
  bool fast;
};

DOPPIO_UNARY_GRADIENT_SCHEMA_DY_FIRST(
    GeluGradient, "X",
    "The gradient of Gelu: dX = dY * (P(N <= X) + X * p(X)), where p is the normal density; with "
    "fast_gelu that of its formula.")
    .FillUsing(StateArguments);

struct GeluGradientFunction {
  explicit GeluGradientFunction(OperatorInit* init)
      : fast(init->GetSingleArgument<bool>("fast_gelu")) {}
  template <typename T>
  void operator()(const T* dy, const T* x, T* dx, int64_t n, CPUContext* c) const {
    if (fast) {
      MapPairs(Fast<T>, dy, x, dx, n, c);
    } else {
      MapPairs(Exact<T>, dy, x, dx, n, c);
    }
  }
  template <typename T>
  static T Exact(T dy, T x) {
    const T below = std::erfc(-x * T(kSqrtHalf)) / 2;
    return dy * (below + x * std::exp(x * x * T(-0.5)) * T(kInvSqrtTwoPi));
  }
  template <typename T>
  static T Fast(T dy, T x) {
    const T t = std::tanh(T(kSqrtTwoOverPi) * (x + T(kCubic) * x * x * x));
    const T slope = T(kSqrtTwoOverPi) * (1 + 3 * T(kCubic) * x * x);
    return dy * (1 + t + x * (1 - t * t) * slope) / 2;
  }
  bool fast;
};

DOPPIO_REGISTER_CPU_OPERATOR(Gelu, UnaryOp<CPUContext, GeluFunction>);
DOPPIO_REGISTER_CPU_OPERATOR(GeluGradient,
                             UnaryGradientDyFirstOp<CPUContext, GeluGradientFunction>);
DOPPIO_UNARY_GRADIENT(Gelu, "GeluGradient", GO(0), I(0));

}  // namespace
}  // namespace doppio
