#include <cmath>

#include "ops/elementwise/unary.h"
#include "src/kernel/activation.h"

namespace doppio {
namespace {

DOPPIO_UNARY_SCHEMA(Softsign, "Squeezes X into (-1, 1): Y = X / (1 + |X|).", kFloatingPoint)
    .AllowInplace({{0, 0}});
DOPPIO_UNARY_FUNCTION(SoftsignFunction) { Softsign(x, y, n, c); }

DOPPIO_UNARY_GRADIENT_SCHEMA(SoftsignGradient, "X",
                             "The gradient of Softsign: dX = dY / (1 + |X|)^2.")
    .AllowInplace({{1, 0}});
DOPPIO_UNARY_GRADIENT_ELEMENT(SoftsignGradientFunction,
                              dy / ((1 + std::abs(v)) * (1 + std::abs(v))))

class GetSoftsignGradient final : public GradientMakerBase {
  using GradientMakerBase::GradientMakerBase;
  std::vector<OperatorDef> GetGradientDefs() override {
    if (I(0) == O(0)) {
      Fail(absl::InvalidArgumentError(
          "the gradient of Softsign needs X, which the operator overwrites in place"));
    }
    return SingleGradientDef("SoftsignGradient", "", {I(0), GO(0)}, {GI(0)});
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(Softsign, UnaryOp<CPUContext, SoftsignFunction>);
DOPPIO_REGISTER_CPU_OPERATOR(SoftsignGradient,
                             UnaryGradientOp<CPUContext, SoftsignGradientFunction>);
DOPPIO_REGISTER_GRADIENT(Softsign, GetSoftsignGradient);

}  // namespace
}  // namespace doppio
