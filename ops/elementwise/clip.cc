#include <limits>

#include "ops/elementwise/unary.h"
#include "src/kernel/activation.h"

namespace doppio {
namespace {

constexpr float kLowest = std::numeric_limits<float>::lowest();
constexpr float kHighest = std::numeric_limits<float>::max();

struct ClipArguments {
  explicit ClipArguments(ArgumentReader* args)
      : low(args->GetSingleArgument<float>("min")), high(args->GetSingleArgument<float>("max")) {}

  static void State(OpSchema& schema) {
    schema.Arg<float>("min", "the least value of the result; default: the lowest float", kLowest)
        .Arg<float>("max", "the greatest value of the result; default: the largest float",
                    kHighest);
  }

  float low;
  float high;
};

DOPPIO_UNARY_SCHEMA(Clip, R"DOC(
Keeps values within bounds: Y is X where min <= X <= max, min where X is less, and max where it is
more. NaN stays NaN.

Example: X [4] = [-2, 0, 5, 9] with min=0 and max=6 gives Y [4] = [0, 0, 5, 6].
)DOC",
                    kFloatingPoint)
    .FillUsing(ClipArguments::State)
    .AllowInplace({{0, 0}});

struct ClipFunction : ClipArguments {
  explicit ClipFunction(OperatorInit* init) : ClipArguments(init) {}
  template <typename T>
  void operator()(const T* x, T* y, int64_t n, CPUContext* c) const {
    Clip<T>(x, y, n, low, high, c);
  }
};

DOPPIO_UNARY_GRADIENT_SCHEMA(ClipGradient, "Y",
                             "The gradient of Clip: dX = dY where min < Y < max, and 0 elsewhere.")
    .FillUsing(ClipArguments::State)
    .AllowInplace({{1, 0}});

struct ClipGradientFunction : ClipArguments {
  explicit ClipGradientFunction(OperatorInit* init) : ClipArguments(init) {}
  template <typename T>
  void operator()(const T* y, const T* dy, T* dx, int64_t n, CPUContext* c) const {
    MapPairs([this](T v, T d) { return v > T(low) && v < T(high) ? d : T(0); }, y, dy, dx, n, c);
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(Clip, UnaryOp<CPUContext, ClipFunction>);
DOPPIO_REGISTER_CPU_OPERATOR(ClipGradient, UnaryGradientOp<CPUContext, ClipGradientFunction>);
DOPPIO_UNARY_GRADIENT(Clip, "ClipGradient", O(0), GO(0));

}  // namespace
}  // namespace doppio
