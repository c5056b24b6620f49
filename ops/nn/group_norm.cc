#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "ops/nn/group_norm_operator.h"

namespace doppio {
namespace {

struct GroupNormArguments {
  explicit GroupNormArguments(ArgumentReader* args)
      : group(args->GetSingleArgument<int>("group")),
        epsilon(args->GetSingleArgument<float>("epsilon")),
        is_test(args->GetSingleArgument<bool>("is_test")),
        order(args) {
    if (group < 1) {
      args->Fail(
          absl::InvalidArgumentError(absl::StrCat("group is ", group, ", must be 1 or more")));
    }
  }

  static void State(OpSchema& schema) {
    schema.Arg<int>("group", "groups of channels", 32)
        .Arg<float>("epsilon", "added to the variance", 1e-5f)
        .Arg("is_test", "mean and inv_std need not be put out", true)
        .FillUsing(StateStorageOrder);
  }

  absl::Status CheckOutputs(int count) const {
    if (count == 3 || (count == 1 && is_test)) return absl::OkStatus();
    return absl::InvalidArgumentError(
        absl::StrCat("there must be 3 outputs, or 1 with is_test, but there are ", count));
  }

  absl::StatusOr<GroupShape> Shape(DimsView x, DimsView gamma, DimsView beta) const {
    DOPPIO_ASSIGN_OR_RETURN(const ChannelView view, order.Images(x));
    DOPPIO_RETURN_IF_ERROR(CheckPerChannel("gamma", gamma, view.channels, x));
    DOPPIO_RETURN_IF_ERROR(CheckPerChannel("beta", beta, view.channels, x));
    if (view.channels % group != 0) {
      return absl::InvalidArgumentError(absl::StrCat("X ", ShapeToString(x), " has ", view.channels,
                                                     " channels, which make no ", group,
                                                     " groups of the same size"));
    }
    if (view.channels == 0) {
      return absl::InvalidArgumentError(
          absl::StrCat("X ", ShapeToString(x), " has no channels to make groups of"));
    }
    return GroupShape{view, group};
  }

  int group;
  double epsilon;
  bool is_test;
  ChannelOrder order;
};

DOPPIO_OPERATOR_SCHEMA(GroupNorm)
    .NumInputs(3)
    .NumOutputs(1, 3)
    .Doc(R"DOC(
Normalises the channels of every image in groups: Y = gamma * (X - mean) / sqrt(var + epsilon) +
beta, where mean and var are those of the elements of C / group neighbouring channels in one image
(var divided by their number), and gamma and beta have one number for each channel.
)DOC")
    .FillUsing(GroupNormArguments::State)
    .Input(0, "X", "float or double [N, C, spatial...], or with order NHWC [N, spatial..., C]")
    .Input(1, "gamma", "C numbers of X's type")
    .Input(2, "beta", "C numbers of X's type")
    .Output(0, "Y", "tensor of X's shape and type")
    .Output(1, "mean", "[N,group]")
    .Output(2, "inv_std", "[N,group]: 1 / sqrt(var + epsilon)")
    .Flops([](const OperatorDef&, const std::vector<TensorInfo>& inputs, const auto&) {
      return 5 * SizeFromDim(*inputs[0].dims, 0);
    })
    .TensorInference([](InferenceContext* context) -> absl::Status {
      const GroupNormArguments args(context);
      DOPPIO_RETURN_IF_ERROR(context->status());
      DOPPIO_RETURN_IF_ERROR(args.CheckOutputs(context->OutputSize()));
      return InferGroupNorm(args, context);
    });

template <class Context>
class GroupNormOp final : public GroupNormOperator<Context, GroupNormArguments> {
 public:
  explicit GroupNormOp(OperatorInit* init) : GroupNormOperator<Context, GroupNormArguments>(init) {
    init->Fail(this->args_.CheckOutputs(this->OutputSize()));
  }
};

DOPPIO_OPERATOR_SCHEMA(GroupNormGradient)
    .NumInputs(6)
    .NumOutputs(3)
    .Doc(
        "The gradient of GroupNorm. With x = (X - mean) * inv_std: dgamma and dbeta are the sums "
        "of dY * x and dY over all elements of a channel, and dX = inv_std * (d - mean(d) - x * "
        "mean(d * x)) with d = gamma * dY, the means being over a group of an image.")
    .FillUsing(GroupNormArguments::State)
    .Input(0, "dY", "gradient of GroupNorm's output: float or double")
    .Input(1, "X", "its input, of dY's shape")
    .Input(2, "gamma", "its factors")
    .Input(3, "beta", "its constants")
    .Input(4, "mean", "[N,group], as it put it out")
    .Input(5, "inv_std", "[N,group], as it put it out")
    .Output(0, "dX", "gradient of X, of its shape")
    .Output(1, "dgamma", "gradient of gamma, of its shape")
    .Output(2, "dbeta", "gradient of beta, of its shape")
    .Flops([](const OperatorDef&, const std::vector<TensorInfo>& inputs, const auto&) {
      return 8 * SizeFromDim(*inputs[0].dims, 0);
    })
    .TensorInference([](InferenceContext* context) -> absl::Status {
      DOPPIO_RETURN_IF_ERROR(CheckSameTypes(*context));
      for (int i = 0; i < 3; ++i) context->SetOutput(i, context->dtype(0), context->dims(i + 1));
      return absl::OkStatus();
    });

template <class Context>
using GroupNormGradientOp = GroupNormGradientOperator<Context, GroupNormArguments, 1, 0>;

class GetGroupNormGradient final : public GradientMakerBase {
  using GradientMakerBase::GradientMakerBase;
  std::vector<OperatorDef> GetGradientDefs() override {
    return SingleGradientDef("GroupNormGradient", "", {GO(0), I(0), I(1), I(2), O(1), O(2)},
                             {GI(0), GI(1), GI(2)});
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(GroupNorm, GroupNormOp<CPUContext>);
DOPPIO_REGISTER_CPU_OPERATOR(GroupNormGradient, GroupNormGradientOp<CPUContext>);
DOPPIO_REGISTER_GRADIENT(GroupNorm, GetGroupNormGradient);

}  // namespace
}  // namespace doppio
