#include <cmath>

#include "ops/elementwise/unary.h"

namespace doppio {
namespace {

struct LogitArguments {
  explicit LogitArguments(OperatorInit* init) : eps(init->GetSingleArgument<float>("eps")) {
    if (eps >= 0 && eps < 0.5f) return;
    init->Fail(
        absl::InvalidArgumentError(absl::StrCat("eps is ", eps, ", but must be in [0, 0.5)")));
  }

  static void State(OpSchema& schema) {
    schema.Arg<float>("eps", "how far from 0 and 1 X is kept, in [0, 0.5)", 1e-6f);
  }

  float eps;
};

DOPPIO_UNARY_SCHEMA(Logit, R"DOC(
The inverse of Sigmoid: Y = ln(P / (1 - P)), where P is X kept within eps and 1 - eps.

Example: X [3] = [0.5, 0.75, 0] gives Y [3] = [0, 1.098612, -13.815510].
)DOC",
                    kFloatingPoint)
    .FillUsing(LogitArguments::State)
    .AllowInplace({{0, 0}});

struct LogitFunction : LogitArguments {
  using LogitArguments::LogitArguments;

  template <typename T>
  void operator()(const T* x, T* y, int64_t n, CPUContext* c) const {
    const T low = static_cast<T>(eps);
    const T high = 1 - low;
    // The logit of 1 - eps is taken from that of eps: 1 - eps itself would be rounded.
    const T end = Logit(low);
    MapElements([=](T v) { return v < low ? end : v > high ? -end : Logit(v); }, x, y, n, c);
  }

  // Near 1/2 the quotient is near 1, whose logarithm would lose digits.
  template <typename T>
  static T Logit(T p) {
    if (p > T(0.25) && p < T(0.75)) return std::log1p((2 * p - 1) / (1 - p));
    return std::log(p / (1 - p));
  }
};

DOPPIO_UNARY_GRADIENT_SCHEMA(
    LogitGradient, "X",
    "The gradient of Logit: dX = dY / (X (1 - X)), and 0 where X < eps or X > 1 - eps.")
    .FillUsing(LogitArguments::State);

struct LogitGradientFunction : LogitArguments {
  using LogitArguments::LogitArguments;

  template <typename T>
  void operator()(const T* x, const T* dy, T* dx, int64_t n, CPUContext* c) const {
    const T low = static_cast<T>(eps);
    const T high = 1 - low;
    MapPairs([=](T v, T d) { return v < low || v > high ? T(0) : d / (v * (1 - v)); }, x, dy, dx, n,
             c);
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(Logit, UnaryOp<CPUContext, LogitFunction>);
DOPPIO_REGISTER_CPU_OPERATOR(LogitGradient, UnaryGradientOp<CPUContext, LogitGradientFunction>);
DOPPIO_UNARY_GRADIENT(Logit, "LogitGradient", I(0), GO(0));

}  // namespace
}  // namespace doppio
