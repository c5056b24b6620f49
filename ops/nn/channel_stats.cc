// ChannelStats and BatchMoments: the sums, or means, of each channel and of its squares.

#include <algorithm>

#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "ops/nn/channel_order.h"
#include "src/kernel/channels.h"

namespace doppio {
namespace {

absl::StatusOr<ChannelShape> ChannelsOf(const ChannelOrder& order, DimsView x) {
  DOPPIO_ASSIGN_OR_RETURN(const ChannelView view, order.Batch(x));
  return ChannelShape{view.repeat, view.channels, view.inner};
}

void StateStatistics(OpSchema& schema) {
  schema.NumInputs(1)
      .NumOutputs(2)
      .FillUsing(StateStorageOrder)
      .Input(0, "X", "[N,C,spatial...], or [N,spatial...,C] with order=NHWC, of float or double")
      .Flops([](const OperatorDef&, const std::vector<TensorInfo>& inputs, const auto&) {
        return 3 * SizeFromDim(*inputs[0].dims, 0);
      })
      .TensorInference([](InferenceContext* context) -> absl::Status {
        const ChannelOrder order(context);
        DOPPIO_RETURN_IF_ERROR(context->status());
        DOPPIO_ASSIGN_OR_RETURN(const ChannelShape shape, ChannelsOf(order, context->dims(0)));
        context->SetOutput(0, context->dtype(0), {shape.channels});
        context->SetOutput(1, context->dtype(0), {shape.channels});
        return absl::OkStatus();
      });
}

DOPPIO_OPERATOR_SCHEMA(ChannelStats)
    .FillUsing(StateStatistics)
    .Doc(R"DOC(
The sum of each channel over all images of a batch, and the sum of its squares. Those of several batches
can be added up, so that SpatialBN may normalise over all of them.

Example: X [2,2,1] = [[[1],[2]],[[3],[4]]] gives sum [2] = [4,6] and sumsq [2] = [10,20].
)DOC")
    .Output(0, "sum", "[C] of X's type")
    .Output(1, "sumsq", "[C] of X's type");

DOPPIO_OPERATOR_SCHEMA(BatchMoments)
    .FillUsing(StateStatistics)
    .Doc(R"DOC(
The mean of each channel over all images of a batch, and the mean of its squares (not its variance).
Both are 0 for none.

Example: X [2,2,1] = [[[1],[2]],[[3],[4]]] gives mu [2] = [2,3] and var [2] = [5,10].
)DOC")
    .Output(0, "mu", "[C] of X's type: the means")
    .Output(1, "var", "[C] of X's type: the means of the squares");

template <class Context, bool kMean>
class ChannelStatsOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit ChannelStatsOp(OperatorInit* init) : Operator<Context>(init), order_(init) {}

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(0);
    DOPPIO_ASSIGN_OR_RETURN(const ChannelShape shape, ChannelsOf(order_, x.dims()));
    return DispatchType(TypeList<float, double>(), x.dtype(), [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      DOPPIO_ASSIGN_OR_RETURN(Tensor * sum_out, Output(0, x.dtype(), {shape.channels}));
      DOPPIO_ASSIGN_OR_RETURN(Tensor * squares_out, Output(1, x.dtype(), {shape.channels}));
      const T* from = x.data<T>();
      const T* none = nullptr;
      T* sum = sum_out->mutable_data<T>();
      T* squares = squares_out->mutable_data<T>();
      ChannelSums(from, none, shape, sum, &context_);
      ChannelSums(from, from, shape, squares, &context_);
      if (!kMean) return absl::OkStatus();
      const T count = static_cast<T>(std::max<int64_t>(shape.outer * shape.inner, 1));
      for (int64_t c = 0; c < shape.channels; ++c) {
        sum[c] /= count;
        squares[c] /= count;
      }
      return absl::OkStatus();
    });
  }

 private:
  const ChannelOrder order_;
};

DOPPIO_OPERATOR_SCHEMA(BatchMomentsGradient)
    .NumInputs(3)
    .NumOutputs(1)
    .Doc(
        "The gradient of BatchMoments: dX = (dmu + 2 X dvar) / n, where n is the number of "
        "elements "
        "of a channel.")
    .FillUsing(StateStorageOrder)
    .Input(0, "dmu", "gradient of BatchMoments' first output: an element for each channel")
    .Input(1, "dvar", "gradient of its second output")
    .Input(2, "X", "its input: float or double")
    .Output(0, "dX", "gradient of X")
    .IdenticalTypeAndShapeOfInput(2);

template <class Context>
class BatchMomentsGradientOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit BatchMomentsGradientOp(OperatorInit* init) : Operator<Context>(init), order_(init) {}

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(2);
    DOPPIO_ASSIGN_OR_RETURN(const ChannelShape shape, ChannelsOf(order_, x.dims()));
    for (const int i : {0, 1}) {
      DOPPIO_RETURN_IF_ERROR(CheckPerChannel(*this, i, shape.channels, x.dims()));
      if (Input(i).dtype() == x.dtype()) continue;
      return absl::InvalidArgumentError(
          absl::StrCat(DescribeInput(i), " must have the type of X ", DescribeInput(2)));
    }
    return DispatchType(TypeList<float, double>(), x.dtype(), [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      DOPPIO_ASSIGN_OR_RETURN(Tensor * dx, Output(0, x.dtype(), x.dims()));
      DOPPIO_ASSIGN_OR_RETURN(T* const scale, Room<T>(&scale_, shape.channels));
      DOPPIO_ASSIGN_OR_RETURN(T* const shift, Room<T>(&shift_, shape.channels));
      const T count = static_cast<T>(std::max<int64_t>(shape.outer * shape.inner, 1));
      for (int64_t c = 0; c < shape.channels; ++c) {
        scale[c] = 2 * Input(1).template data<T>()[c] / count;
        shift[c] = Input(0).template data<T>()[c] / count;
      }
      ChannelAffine<T>(x.data<T>(), scale, shift, shape, dx->mutable_data<T>(), &context_);
      return absl::OkStatus();
    });
  }

 private:
  const ChannelOrder order_;
  Tensor scale_;
  Tensor shift_;
};

class GetBatchMomentsGradient final : public GradientMakerBase {
  using GradientMakerBase::GradientMakerBase;
  std::vector<OperatorDef> GetGradientDefs() override {
    return SingleGradientDef("BatchMomentsGradient", "", {GO(0), GO(1), I(0)}, {GI(0)});
  }
};

using SumsOp = ChannelStatsOp<CPUContext, false>;
using MeansOp = ChannelStatsOp<CPUContext, true>;
DOPPIO_REGISTER_CPU_OPERATOR(ChannelStats, SumsOp);
DOPPIO_REGISTER_CPU_OPERATOR(BatchMoments, MeansOp);
DOPPIO_REGISTER_CPU_OPERATOR(BatchMomentsGradient, BatchMomentsGradientOp<CPUContext>);
DOPPIO_SHOULD_NOT_DO_GRADIENT(ChannelStats);
DOPPIO_REGISTER_GRADIENT(BatchMoments, GetBatchMomentsGradient);

}  // namespace
}  // namespace doppio
