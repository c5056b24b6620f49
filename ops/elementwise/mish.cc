#include <algorithm>
#include <cmath>

#include "ops/elementwise/gated_gradient.h"

namespace doppio {
namespace {

// Beyond these X the gate is 0 or 1 in any type, and infinity times 0 is not asked for.
constexpr int kFar = 1000;

// The gate, t = tanh(log(1 + exp(x))), and what is missing to 1: quotients of sums of exp(-|x|),
// which neither overflow nor cancel.
template <typename T>
struct MishGate {
  explicit MishGate(T x) {
    const T e = std::exp(-std::abs(x));
    const T numerator = x > 0 ? 1 + 2 * e : e * (e + 2);
    const T rest = x > 0 ? 2 * e * e : T(2);
    t = numerator / (numerator + rest);
    missing = rest / (numerator + rest);
    sigmoid = (x > 0 ? T(1) : e) / (1 + e);
  }

  T t;
  T missing;
  T sigmoid;
};

DOPPIO_UNARY_SCHEMA(Mish, R"DOC(
X times a gate that lets large values through: Y = X * tanh(ln(1 + exp(X))), computed without
overflow. It goes to 0 for X to -infinity and to X for X to infinity.

Example: X [3] = [-1, 0, 1] gives Y [3] = [-0.303401, 0, 0.865098].
)DOC",
                    kFloatingPoint);
DOPPIO_UNARY_ELEMENT(MishFunction, std::max(x, T(-kFar)) * MishGate<T>(x).t)

DOPPIO_GATED_GRADIENT_SCHEMA(MishGradient, "Mish",
                             "The gradient of Mish: dX = dY * (t + X * (1 - t^2) / (1 + exp(-X))), "
                             "where t = tanh(ln(1 + exp(X))). Y is not used. (Caffe2's formula "
                             "overflows to NaN beyond X = 22.)");

struct MishGradientFunction {
  template <typename T>
  static T Of(T x, T, T dy) {
    const MishGate<T> gate(x);
    const T near = std::min(std::max(x, T(-kFar)), T(kFar));
    return dy * (gate.t + near * gate.missing * (1 + gate.t) * gate.sigmoid);
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(Mish, UnaryOp<CPUContext, MishFunction>);
DOPPIO_REGISTER_CPU_OPERATOR(MishGradient, GatedGradientOp<CPUContext, MishGradientFunction>);
DOPPIO_UNARY_GRADIENT(Mish, "MishGradient", I(0), O(0), GO(0));

}  // namespace
}  // namespace doppio
