#include "ops/elementwise/unary.h"

namespace doppio {
namespace {

DOPPIO_UNARY_SCHEMA(Sqrt, "The square root: Y = sqrt(X), NaN where X < 0.", kFloatingPoint)
    .AllowInplace({{0, 0}});

DOPPIO_UNARY_FUNCTION(SqrtFunction) { Sqrt(x, y, n, c); }

// dX = dY / 2 / Y
class GetSqrtGradient final : public GradientMakerBase {
  using GradientMakerBase::GradientMakerBase;
  std::vector<OperatorDef> GetGradientDefs() override {
    return {CreateOperatorDef("Scale", "", {GO(0)}, {GI(0)}, {MakeArgument("scale", 0.5f)}),
            CreateOperatorDef("Div", "", {GI(0), O(0)}, {GI(0)})};
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(Sqrt, UnaryOp<CPUContext, SqrtFunction>);
DOPPIO_REGISTER_GRADIENT(Sqrt, GetSqrtGradient);

}  // namespace
}  // namespace doppio
