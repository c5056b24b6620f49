#include "ops/loss/focal_loss.h"

namespace doppio {
namespace {

constexpr int kClasses = 80;

void StateInputs(OpSchema& schema) {
  StateFocalLoss(schema, kClasses, "channels of each anchor: the classes without the background");
  schema.Input(0, "logits", "[N,A*num_classes,H,W] of float or double")
      .Input(1, "labels",
             "[N,A,H,W] of int32: the class from 1 to num_classes, 0 for background, -1 for an "
             "anchor that does not count");
}

DOPPIO_OPERATOR_SCHEMA(SigmoidFocalLoss)
    .NumInputs(3)
    .NumOutputs(1)
    .FillUsing(StateInputs)
    .Doc(R"DOC(
The focal loss of classes of which each is there or not (RetinaNet: Lin and others, 2017). With
p = 1 / (1 + exp(-x)) a logit loses -alpha (1 - p)^gamma ln(p) where the label says its class, and
-(1 - alpha) p^gamma ln(1 - p) elsewhere. The loss is the sum of that, times scale and divided by
max(1, normalizer). The logarithms are not cut off; Caffe2's of p ends at -87.3.

Example: logits [1,2,1,1] = [[[[0]],[[0]]]], labels [1,1,1,1] = [[[[2]]]], num_classes 2 and
normalizer 1 give loss 0.346574: 0.25 * 0.5 ln(2) + 0.75 * 0.5 ln(2).
)DOC")
    .Output(0, "loss", "scalar of the logits' type")
    .Flops([](const OperatorDef&, const std::vector<TensorInfo>& inputs, const auto&) {
      return 20 * SizeFromDim(*inputs[0].dims, 0);
    })
    .TensorInference([](InferenceContext* context) -> absl::Status {
      DOPPIO_RETURN_IF_ERROR(
          FocalArguments(context, kClasses).CheckShapes(context->dims(0), context->dims(1)));
      context->SetOutput(0, context->dtype(0), {});
      return absl::OkStatus();
    });

DOPPIO_OPERATOR_SCHEMA(SigmoidFocalLossGradient)
    .FillUsing(StateInputs)
    .FillUsing([](OpSchema& schema) { StateTotalLossGradient(schema, 3); })
    .Doc("The gradient of SigmoidFocalLoss for its logits. The other inputs get none.")
    .Output(0, "d_logits", "gradient of the logits");

struct SigmoidFocalLoss {
  static constexpr int kInputs = 3;
  explicit SigmoidFocalLoss(ArgumentReader* args) : args(args, kClasses) {}

  // Whether a class is not there is whether it is there for the logit of the other sign.
  template <typename T>
  struct Terms {
    double Loss(int64_t i) const {
      const Sign sign = SignOf(i);
      if (sign.weight == 0) return 0;
      const double x = sign.sign * x_of(i);
      return sign.weight * FocalLoss(args.gamma, Sigmoid(-x), -Softplus(-x));
    }
    double Slope(int64_t i) const {
      const Sign sign = SignOf(i);
      if (sign.weight == 0) return 0;
      const double x = sign.sign * x_of(i);
      const double rest = Sigmoid(-x);
      // dp / dx = p * rest.
      return sign.sign * sign.weight *
             (rest * FocalSlope(args.gamma, Sigmoid(x), rest, -Softplus(-x)));
    }

    struct Sign {
      double sign;
      double weight;
    };
    Sign SignOf(int64_t i) const {
      const int64_t channel = i / positions;
      const int32_t label = labels[channel / args.classes * positions + i % positions];
      if (label == -1) return {1, 0};
      return label == channel % args.classes + 1 ? Sign{1, args.alpha} : Sign{-1, 1 - args.alpha};
    }
    double x_of(int64_t i) const { return static_cast<double>(logits[i]); }

    FocalArguments args;
    const T* logits;
    const int32_t* labels;
    int64_t positions;
    double factor;
  };

  template <typename T>
  absl::StatusOr<Terms<T>> Bind(LossInputs inputs) const {
    const Tensor& x = *inputs[0];
    const Tensor& labels = *inputs[1];
    DOPPIO_RETURN_IF_ERROR(args.CheckShapes(x.dims(), labels.dims()));
    DOPPIO_RETURN_IF_ERROR(args.CheckLabels(labels, args.classes + 1));
    DOPPIO_ASSIGN_OR_RETURN(const double divisor, ReadNormalizer(*inputs[2]));
    return Terms<T>{args, x.data<T>(), labels.data<int32_t>(), SizeFromDim(x.dims(), 2),
                    args.scale / divisor};
  }

  FocalArguments args;
};

using LossOp = ElementLossOp<CPUContext, SigmoidFocalLoss>;
using LossGradientOp = ElementLossGradientOp<CPUContext, SigmoidFocalLoss>;
DOPPIO_REGISTER_CPU_OPERATOR(SigmoidFocalLoss, LossOp);
DOPPIO_REGISTER_CPU_OPERATOR(SigmoidFocalLossGradient, LossGradientOp);
DOPPIO_REGISTER_GRADIENT(SigmoidFocalLoss, GetTotalLossGradient);

}  // namespace
}  // namespace doppio
