#include "ops/loss/focal_loss.h"
#include "src/kernel/channel_softmax.h"
#include "src/operator/storage_order.h"

namespace doppio {
namespace {

constexpr int kClasses = 81;

void StateInputs(OpSchema& schema) {
  StateFocalLoss(schema, kClasses, "channels of each anchor: the classes and the background");
  schema.Arg<std::string>("order", "NCHW; there is no other", "NCHW")
      .Input(0, "scores", "[N,A*num_classes,H,W] of float or double, A groups of scores")
      .Input(1, "labels",
             "[N,A,H,W] of int32 below num_classes: the class, 0 for background, -1 for an anchor "
             "that does not count");
}

DOPPIO_OPERATOR_SCHEMA(SoftmaxFocalLoss)
    .NumInputs(3)
    .NumOutputs(2)
    .FillUsing(StateInputs)
    .Doc(R"DOC(
The focal loss of anchors that are each of one class (RetinaNet: Lin and others, 2017). With p for
the probability of the label's class, by softmax over the anchor's scores, an anchor loses
-alpha (1 - p)^gamma ln(p), and with 1 - alpha instead where the label is 0. The loss is the sum of
that, times scale and divided by max(1, normalizer). The logarithm is not cut off; Caffe2's ends at
-87.3. Caffe2 gives the probabilities as a vector.

Example: scores [1,2,1,1] = [[[[0]],[[0]]]], labels [1,1,1,1] = [[[[1]]]], num_classes 2 and
normalizer 1 give loss 0.0866434, which is 0.25 * 0.5 ln(2), and probabilities 0.5.
)DOC")
    .Output(0, "loss", "scalar of the scores' type")
    .Output(1, "probabilities", "softmax of each group, of the scores' shape and type")
    .Flops([](const OperatorDef&, const std::vector<TensorInfo>& inputs, const auto&) {
      return 8 * SizeFromDim(*inputs[0].dims, 0);
    })
    .TensorInference([](InferenceContext* context) -> absl::Status {
      DOPPIO_RETURN_IF_ERROR(
          FocalArguments(context, kClasses).CheckShapes(context->dims(0), context->dims(1)));
      context->SetOutput(0, context->dtype(0), {});
      context->SetOutput(1, context->dtype(0), context->dims(0));
      return absl::OkStatus();
    });

DOPPIO_OPERATOR_SCHEMA(SoftmaxFocalLossGradient)
    .NumInputs(5)
    .NumOutputs(1)
    .FillUsing(StateInputs)
    .Doc("The gradient of SoftmaxFocalLoss for its scores. The other inputs get none.")
    .Input(3, "probabilities", "the second output of SoftmaxFocalLoss")
    .Input(4, "d_loss", "gradient of the loss: one element")
    .Output(0, "d_scores", "gradient of the scores")
    .IdenticalTypeAndShape();

// The arguments, and inputs 0 to 2 of either operator once Read() found them right.
struct SoftmaxFocal : FocalArguments {
  explicit SoftmaxFocal(ArgumentReader* args) : FocalArguments(args, kClasses) {
    if (ReadStorageOrder(args) == StorageOrder::kNCHW) return;
    args->Fail(absl::UnimplementedError("SoftmaxFocalLoss is there for the order NCHW alone"));
  }

  absl::Status Read(const Tensor& scores, const Tensor& labels, const Tensor& normalizer) {
    DOPPIO_RETURN_IF_ERROR(CheckShapes(scores.dims(), labels.dims()));
    DOPPIO_RETURN_IF_ERROR(CheckLabels(labels, classes));
    DOPPIO_ASSIGN_OR_RETURN(const double divisor, ReadNormalizer(normalizer));
    factor = scale / divisor;
    label = labels.data<int32_t>();
    positions = SizeFromDim(scores.dims(), 2);
    return absl::OkStatus();
  }

  // Where the first score of anchor i stands; those of the other classes are `positions` apart.
  int64_t FirstScore(int64_t i) const {
    return i / positions * classes * positions + i % positions;
  }
  double Weight(int64_t i) const { return label[i] == 0 ? 1 - alpha : alpha; }

  // What softmax says of the true class, from the scores themselves: nothing is lost where it is
  // almost 0 or almost 1.
  struct Truth {
    double p;
    double rest;  // 1 - p
    double log_p;
  };
  template <typename T>
  Truth TruthOf(const T* scores, int64_t i) const {
    const T* x = scores + FirstScore(i);
    T most = x[0];
    for (int64_t c = 1; c < classes; ++c) most = std::max(most, x[c * positions]);
    double others = 0;
    for (int64_t c = 0; c < classes; ++c) {
      if (c != label[i]) others += std::exp(static_cast<double>(x[c * positions]) - most);
    }
    const double height = static_cast<double>(x[label[i] * positions]) - most;
    const double own = std::exp(height);
    return {own / (own + others), others / (own + others), height - std::log(own + others)};
  }

  double factor = 0;
  const int32_t* label = nullptr;
  int64_t positions = 0;
};

template <class Context>
class SoftmaxFocalLossOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit SoftmaxFocalLossOp(OperatorInit* init) : Operator<Context>(init), focal_(init) {}

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(0);
    DOPPIO_RETURN_IF_ERROR(focal_.Read(x, Input(1), Input(2)));
    return DispatchType(TypeList<float, double>(), x.dtype(), [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      const int64_t anchors = Input(1).numel();
      DOPPIO_ASSIGN_OR_RETURN(Tensor * loss, Output(0, x.dtype(), {}));
      DOPPIO_ASSIGN_OR_RETURN(Tensor * probabilities, Output(1, x.dtype(), x.dims()));
      const T* scores = x.data<T>();
      ChannelSoftmax(scores, SizeToDim(x.dims(), 2) / focal_.classes, focal_.classes,
                     focal_.positions, probabilities->mutable_data<T>());
      const double sum = sum_(anchors, [&](int64_t i) -> double {
        if (focal_.label[i] < 0) return 0;
        const auto truth = focal_.TruthOf(scores, i);
        return focal_.Weight(i) * FocalLoss(focal_.gamma, truth.rest, truth.log_p);
      });
      *loss->mutable_data<T>() = static_cast<T>(focal_.factor * sum);
      return absl::OkStatus();
    });
  }

 private:
  SoftmaxFocal focal_;
  LossSum sum_;
};

template <class Context>
class SoftmaxFocalLossGradientOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit SoftmaxFocalLossGradientOp(OperatorInit* init) : Operator<Context>(init), focal_(init) {}

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(0);
    const Tensor& probabilities = Input(3);
    DOPPIO_RETURN_IF_ERROR(focal_.Read(x, Input(1), Input(2)));
    DOPPIO_ASSIGN_OR_RETURN(const double dloss, ReadNumber(Input(4), "d_loss"));
    if (probabilities.dtype() != x.dtype() || probabilities.numel() != x.numel()) {
      return absl::InvalidArgumentError(absl::StrCat(
          "the probabilities ", DescribeInput(3),
          " must have the type and number of elements of the scores ", DescribeInput(0)));
    }
    return DispatchType(TypeList<float, double>(), x.dtype(), [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      DOPPIO_ASSIGN_OR_RETURN(Tensor * output, Output(0, x.dtype(), x.dims()));
      const T* scores = x.data<T>();
      const T* p = probabilities.data<T>();
      T* dx = output->template mutable_data<T>();
      const int64_t positions = focal_.positions;
      ParallelFor(Input(1).numel(), 2048 / focal_.classes + 1, [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) {
          const int64_t first = focal_.FirstScore(i);
          const int32_t label = focal_.label[i];
          if (label < 0) {
            for (int64_t c = 0; c < focal_.classes; ++c) dx[first + c * positions] = T(0);
            continue;
          }
          const auto truth = focal_.TruthOf(scores, i);
          const double slope = dloss * focal_.factor * focal_.Weight(i) *
                               FocalSlope(focal_.gamma, truth.p, truth.rest, truth.log_p);
          // By score c, the true one's probability has the derivative p (rest or -P[c]).
          for (int64_t c = 0; c < focal_.classes; ++c) {
            const int64_t at = first + c * positions;
            dx[at] =
                static_cast<T>(slope * (c == label ? truth.rest : -static_cast<double>(p[at])));
          }
        }
      });
      return absl::OkStatus();
    });
  }

 private:
  SoftmaxFocal focal_;
};

class GetSoftmaxFocalLossGradient final : public GradientMakerBase {
  using GradientMakerBase::GradientMakerBase;
  std::vector<OperatorDef> GetGradientDefs() override {
    return SingleGradientDef("SoftmaxFocalLossGradient", "", {I(0), I(1), I(2), O(1), GO(0)},
                             {GI(0)});
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(SoftmaxFocalLoss, SoftmaxFocalLossOp<CPUContext>);
DOPPIO_REGISTER_CPU_OPERATOR(SoftmaxFocalLossGradient, SoftmaxFocalLossGradientOp<CPUContext>);
DOPPIO_REGISTER_GRADIENT(SoftmaxFocalLoss, GetSoftmaxFocalLossGradient);

}  // namespace
}  // namespace doppio
