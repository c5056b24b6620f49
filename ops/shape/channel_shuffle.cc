#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "ops/shape/copying.h"
#include "src/kernel/transpose.h"
#include "src/operator/storage_order.h"

namespace doppio {
namespace {

// X as [outer, groups, channels of a group, inner].
absl::StatusOr<Dims> Grouped(DimsView x, int64_t groups, StorageOrder order) {
  DOPPIO_ASSIGN_OR_RETURN(const ChannelSizes sizes, SplitAtChannels(x, order));
  if (groups < 1 || sizes.channels % groups != 0) {
    return absl::InvalidArgumentError(absl::StrCat("the ", sizes.channels, " channels of X ",
                                                   ShapeToString(x), " can not be divided into ",
                                                   groups, " groups"));
  }
  return Dims{sizes.outer, groups, sizes.channels / groups, sizes.inner};
}

void StateShuffle(OpSchema& schema) {
  schema.NumInputs(1)
      .NumOutputs(1)
      .Arg<int64_t>("group", "number of groups; must divide the number of channels", 1)
      .FillUsing(StateStorageOrder)
      .OptionalArg<int64_t>("kernel", "not used; old nets have it")
      .Flops(NoFlops)
      .TensorInference([](InferenceContext* context) -> absl::Status {
        const auto groups = context->GetSingleArgument<int64_t>("group");
        const StorageOrder order = ReadStorageOrder(context);
        DOPPIO_RETURN_IF_ERROR(Grouped(context->dims(0), groups, order).status());
        context->SetOutput(0, context->dtype(0), context->dims(0));
        return absl::OkStatus();
      });
}

DOPPIO_OPERATOR_SCHEMA(ChannelShuffle)
    .FillUsing(StateShuffle)
    .Doc(R"DOC(
Mixes channels between groups, as ShuffleNet does: the channels are read as [group, K], and come out
as [K, group].

Example: with group = 2, the channels 0 1 2 3 4 5 become 0 3 1 4 2 5.
)DOC")
    .Input(0, "X", "any type; NCHW: two dimensions or more")
    .Output(0, "Y", "tensor of X's type and shape");
DOPPIO_OPERATOR_SCHEMA(ChannelShuffleGradient)
    .FillUsing(StateShuffle)
    .Doc("The gradient of ChannelShuffle: the channels of dY go back to where they came from.")
    .Input(0, "dY", "gradient of ChannelShuffle's output")
    .Output(0, "dX", "tensor of dY's type and shape");

template <bool kBack, class Context>
class ChannelShuffleOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit ChannelShuffleOp(OperatorInit* init)
      : Operator<Context>(init),
        groups_(init->GetSingleArgument<int64_t>("group")),
        order_(ReadStorageOrder(init)) {}

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(0);
    DOPPIO_ASSIGN_OR_RETURN(Dims grouped, Grouped(x.dims(), groups_, order_));
    if (kBack) std::swap(grouped[1], grouped[2]);
    DOPPIO_ASSIGN_OR_RETURN(Tensor * y, Output(0, x.dtype(), x.dims()));
    constexpr int kAxes[] = {0, 2, 1, 3};
    if (x.Is<std::string>()) {
      Transpose(x.data<std::string>(), grouped, kAxes, y->mutable_data<std::string>(), &context_);
    } else {
      Transpose(DataTypeSize(x.dtype()), x.raw_data(), grouped, kAxes, y->raw_mutable_data(),
                &context_);
    }
    return absl::OkStatus();
  }

 private:
  const int64_t groups_;
  const StorageOrder order_;
};

class GetChannelShuffleGradient final : public GradientMakerBase {
  using GradientMakerBase::GradientMakerBase;
  std::vector<OperatorDef> GetGradientDefs() override {
    return SingleGradientDef("ChannelShuffleGradient", "", {GO(0)}, {GI(0)});
  }
};

using ForwardOp = ChannelShuffleOp<false, CPUContext>;
using BackwardOp = ChannelShuffleOp<true, CPUContext>;
DOPPIO_REGISTER_CPU_OPERATOR(ChannelShuffle, ForwardOp);
DOPPIO_REGISTER_CPU_OPERATOR(ChannelShuffleGradient, BackwardOp);
DOPPIO_REGISTER_GRADIENT(ChannelShuffle, GetChannelShuffleGradient);

}  // namespace
}  // namespace doppio
