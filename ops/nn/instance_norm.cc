#include <algorithm>

#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "ops/nn/group_norm_operator.h"

namespace doppio {
namespace {

struct InstanceNormArguments {
  explicit InstanceNormArguments(ArgumentReader* args)
      : epsilon(args->GetSingleArgument<float>("epsilon")), order(args) {
    if (!(epsilon >= 0)) {
      args->Fail(absl::InvalidArgumentError("epsilon must not be negative"));
    }
  }

  static void State(OpSchema& schema) {
    schema.Arg<float>("epsilon", "added to the variance; not negative", 1e-5f)
        .FillUsing(StateStorageOrder);
  }

  // Every channel is a group of its own.
  absl::StatusOr<GroupShape> Shape(DimsView x, DimsView scale, DimsView bias) const {
    DOPPIO_ASSIGN_OR_RETURN(const ChannelView view, order.Images(x));
    DOPPIO_RETURN_IF_ERROR(CheckPerChannel("scale", scale, view.channels, x));
    DOPPIO_RETURN_IF_ERROR(CheckPerChannel("bias", bias, view.channels, x));
    return GroupShape{view, view.channels};
  }

  double epsilon;
  ChannelOrder order;
};

DOPPIO_OPERATOR_SCHEMA(InstanceNorm)
    .NumInputs(3)
    .NumOutputs(1, 3)
    .AllowInplace({{0, 0}})
    .Doc(R"DOC(
Normalises every channel of every image by itself: Y = scale * (X - mean) / sqrt(var + epsilon) +
bias, where mean and var are those of the channel's elements in that image (var divided by their
number), and scale and bias have one number for each channel. Mean and inverse standard deviation
are put out where the gradient can use them.
)DOC")
    .FillUsing(InstanceNormArguments::State)
    .Input(0, "X", "float or double [N, C, spatial...], or with order NHWC [N, spatial..., C]")
    .Input(1, "scale", "C numbers of X's type")
    .Input(2, "bias", "C numbers of X's type")
    .Output(0, "Y", "tensor of X's shape and type")
    .Output(1, "saved_mean", "[N,C]")
    .Output(2, "saved_inv_stdev", "[N,C]: 1 / sqrt(var + epsilon)")
    .Flops([](const OperatorDef&, const std::vector<TensorInfo>& inputs, const auto&) {
      return 5 * SizeFromDim(*inputs[0].dims, 0);
    })
    .TensorInference([](InferenceContext* context) -> absl::Status {
      const InstanceNormArguments args(context);
      DOPPIO_RETURN_IF_ERROR(context->status());
      return InferGroupNorm(args, context);
    });

template <class Context>
using InstanceNormOp = GroupNormOperator<Context, InstanceNormArguments>;

DOPPIO_OPERATOR_SCHEMA(InstanceNormGradient)
    .NumInputs(4, 6)
    .NumOutputs(3)
    .Doc(
        "The gradient of InstanceNorm. With x = (X - mean) * inv_stdev: dscale and dbias are the "
        "sums of dY * x and dY over all elements of a channel, and dX = scale * inv_stdev * "
        "(dY - mean(dY) - x * mean(dY * x)), the means being over a channel of an image.")
    .FillUsing(InstanceNormArguments::State)
    .Input(0, "X", "InstanceNorm's input: float or double")
    .Input(1, "scale", "its scale")
    .Input(2, "bias", "its bias")
    .Input(3, "dY", "gradient of its output, of X's shape")
    .Input(4, "saved_mean", "[N,C], as it put it out; computed again where there is none")
    .Input(5, "saved_inv_stdev", "[N,C], likewise")
    .Output(0, "dX", "gradient of X, of its shape")
    .Output(1, "dscale", "gradient of scale, of its shape")
    .Output(2, "dbias", "gradient of bias, of its shape")
    .Flops([](const OperatorDef&, const std::vector<TensorInfo>& inputs, const auto&) {
      return 8 * SizeFromDim(*inputs[0].dims, 0);
    })
    .TensorInference([](InferenceContext* context) -> absl::Status {
      DOPPIO_RETURN_IF_ERROR(CheckSameTypes(*context));
      for (int i = 0; i < 3; ++i) context->SetOutput(i, context->dtype(0), context->dims(i));
      return absl::OkStatus();
    });

template <class Context>
using InstanceNormGradientOp = GroupNormGradientOperator<Context, InstanceNormArguments, 0, 3>;

class GetInstanceNormGradient final : public GradientMakerBase {
  using GradientMakerBase::GradientMakerBase;
  std::vector<OperatorDef> GetGradientDefs() override {
    std::vector<std::string> inputs = {I(0), I(1), I(2), GO(0)};
    for (int i = 1; i < std::min(OutputSize(), 3); ++i) inputs.push_back(O(i));
    return SingleGradientDef("InstanceNormGradient", "", inputs, {GI(0), GI(1), GI(2)});
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(InstanceNorm, InstanceNormOp<CPUContext>);
DOPPIO_REGISTER_CPU_OPERATOR(InstanceNormGradient, InstanceNormGradientOp<CPUContext>);
DOPPIO_REGISTER_GRADIENT(InstanceNorm, GetInstanceNormGradient);

}  // namespace
}  // namespace doppio
