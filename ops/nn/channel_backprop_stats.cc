#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "ops/nn/channel_order.h"
#include "ops/nn/same_types.h"

namespace doppio {
namespace {

// X as channels of all images together.
absl::StatusOr<ChannelView> ViewOf(DimsView x, DimsView dy) {
  if (x.size() < 3 || x.size() > 5 || dy != x) {
    return absl::InvalidArgumentError(absl::StrCat("X ", ShapeToString(x), " and dY ",
                                                   ShapeToString(dy),
                                                   " must have one shape of 3 to "
                                                   "5 dimensions"));
  }
  return ChannelView{1, x[0], x[1], SizeFromDim(x, 2)};
}

DOPPIO_OPERATOR_SCHEMA(ChannelBackpropStats)
    .NumInputs(4)
    .NumOutputs(2)
    .Doc(R"DOC(
The gradients of scale and bias of SpatialBN, of one of several batches that are normalised together:
bias_grad[c] = sum(dY) and scale_grad[c] = sum(dY * (X - mean[c])) * inv_std[c], over the channel c of all
images. Those of all batches are then added up, and given to SpatialBNGradient.

Example: X [1,1,2] = [[[1,3]]], mean [1] = [2], inv_std [1] = [1] and dY [1,1,2] = [[[1,5]]] give
scale_grad [1] = [4] and bias_grad [1] = [6].
)DOC")
    .Input(0, "X", "[N,C,spatial...] of float or double: the input of SpatialBN")
    .Input(1, "mean", "C elements of X's type: the mean that it saved")
    .Input(2, "inv_std", "C elements of X's type: the inverse standard deviation that it saved")
    .Input(3, "dY", "gradient of its output")
    .Output(0, "scale_grad", "[C] of X's type")
    .Output(1, "bias_grad", "[C] of X's type")
    .Flops([](const OperatorDef&, const std::vector<TensorInfo>& inputs, const auto&) {
      return 4 * SizeFromDim(*inputs[0].dims, 0);
    })
    .TensorInference([](InferenceContext* context) -> absl::Status {
      DOPPIO_RETURN_IF_ERROR(CheckSameTypes(*context));
      DOPPIO_ASSIGN_OR_RETURN(const ChannelView view, ViewOf(context->dims(0), context->dims(3)));
      for (const int i : {1, 2}) {
        DOPPIO_RETURN_IF_ERROR(CheckPerChannel(i == 1 ? "mean" : "inv_std", context->dims(i),
                                               view.channels, context->dims(0)));
      }
      context->SetOutput(0, context->dtype(0), {view.channels});
      context->SetOutput(1, context->dtype(0), {view.channels});
      return absl::OkStatus();
    });

template <class Context>
class ChannelBackpropStatsOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit ChannelBackpropStatsOp(OperatorInit* init) : Operator<Context>(init) {}

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(0);
    const Tensor& dy = Input(3);
    DOPPIO_RETURN_IF_ERROR(CheckSameTypes(*this));
    DOPPIO_ASSIGN_OR_RETURN(const ChannelView view, ViewOf(x.dims(), dy.dims()));
    for (const int i : {1, 2}) {
      DOPPIO_RETURN_IF_ERROR(CheckPerChannel(*this, i, view.channels, x.dims()));
    }
    return DispatchType(TypeList<float, double>(), x.dtype(), [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      DOPPIO_ASSIGN_OR_RETURN(Tensor * dscale, Output(0, x.dtype(), {view.channels}));
      DOPPIO_ASSIGN_OR_RETURN(Tensor * dbias, Output(1, x.dtype(), {view.channels}));
      T* scale = dscale->mutable_data<T>();
      ChannelDots(dy.data<T>(), x.data<T>(), Input(1).template data<T>(), view,
                  dbias->mutable_data<T>(), scale, &context_);
      const T* inverse = Input(2).template data<T>();
      for (int64_t c = 0; c < view.channels; ++c) scale[c] *= inverse[c];
      return absl::OkStatus();
    });
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(ChannelBackpropStats, ChannelBackpropStatsOp<CPUContext>);
DOPPIO_SHOULD_NOT_DO_GRADIENT(ChannelBackpropStats);

}  // namespace
}  // namespace doppio
