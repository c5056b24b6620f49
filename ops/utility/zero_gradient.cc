#include "doppio/gradient_maker.h"
#include "doppio/registry.h"

namespace doppio {
namespace {

DOPPIO_OPERATOR_SCHEMA(ZeroGradient)
    .NumInputs(1)
    .NumOutputs(0)
    .Doc(
        "Does nothing, but gives X a gradient of zeros: float zeros of X's shape, which a "
        "ConstantFill makes. So a blob that nothing else differentiates has a gradient all the "
        "same.")
    .Input(0, "X", "tensor of any type and shape")
    .Flops([](const OperatorDef&, const auto&, const auto&) { return int64_t{0}; })
    .HasSideEffects()
    .TensorInference([](InferenceContext*) { return absl::OkStatus(); });

template <class Context>
class ZeroGradientOp final : public Operator<Context> {
 public:
  explicit ZeroGradientOp(OperatorInit* init) : Operator<Context>(init) {}
  absl::Status RunOnDevice() override { return absl::OkStatus(); }
};

class GetZeroGradientGradient final : public GradientMakerBase {
  using GradientMakerBase::GradientMakerBase;
  std::vector<OperatorDef> GetGradientDefs() override {
    return SingleGradientDef("ConstantFill", "", {I(0)}, {GI(0)},
                             {MakeArgument<float>("value", 0)});
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(ZeroGradient, ZeroGradientOp<CPUContext>);
DOPPIO_REGISTER_GRADIENT(ZeroGradient, GetZeroGradientGradient);

}  // namespace
}  // namespace doppio
