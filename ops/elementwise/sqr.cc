#include "ops/elementwise/unary.h"

namespace doppio {
namespace {

DOPPIO_UNARY_SCHEMA(Sqr, "The square: Y = X * X.", kFloatingPoint).AllowInplace({{0, 0}});

DOPPIO_UNARY_FUNCTION(SqrFunction) { Sqr(x, y, n, c); }

// dX = (2 * dY) * X, where dY is doubled in place.
class GetSqrGradient final : public GradientMakerBase {
  using GradientMakerBase::GradientMakerBase;
  std::vector<OperatorDef> GetGradientDefs() override {
    return {CreateOperatorDef("Scale", "", {GO(0)}, {GO(0)}, {MakeArgument<float>("scale", 2.0f)}),
            CreateOperatorDef("Mul", "", {GO(0), I(0)}, {GI(0)})};
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(Sqr, UnaryOp<CPUContext, SqrFunction>);
DOPPIO_REGISTER_GRADIENT(Sqr, GetSqrGradient);

}  // namespace
}  // namespace doppio
