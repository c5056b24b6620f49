#include <cmath>

#include "ops/elementwise/unary.h"

namespace doppio {
namespace {

DOPPIO_UNARY_SCHEMA(ReplaceNaN, "Y = X, with `value` wherever X is NaN.", kFloatingPoint)
    .AllowInplace({{0, 0}})
    .Arg<float>("value", "what NaN is replaced by", 0.0f);

struct ReplaceNanFunction {
  explicit ReplaceNanFunction(OperatorInit* init)
      : value(init->GetSingleArgument<float>("value")) {}
  template <typename T>
  void operator()(const T* x, T* y, int64_t n, CPUContext* c) const {
    MapElements([this](T v) { return std::isnan(v) ? T(value) : v; }, x, y, n, c);
  }
  float value;
};

DOPPIO_REGISTER_CPU_OPERATOR(ReplaceNaN, UnaryOp<CPUContext, ReplaceNanFunction>);
DOPPIO_SHOULD_NOT_DO_GRADIENT(ReplaceNaN);

}  // namespace
}  // namespace doppio
