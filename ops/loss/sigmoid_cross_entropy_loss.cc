#include "ops/loss/logistic.h"
#include "ops/loss/total_loss.h"

namespace doppio {
namespace {

constexpr int32_t kIgnored = -1;

absl::Status CheckShapes(DimsView x, DimsView targets) {
  if (SizeFromDim(x, 0) == SizeFromDim(targets, 0)) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("X ", ShapeToString(x), " takes as many targets, ",
                                                 "but they are ", ShapeToString(targets)));
}

void StateInputs(OpSchema& schema) {
  schema.FillUsing(StateScale)
      .Arg<bool>("normalize", "whether the loss is divided by the number of targets that count",
                 true)
      .Input(0, "X", "logits: tensor of float or double")
      .Input(1, "targets", "as many elements of int32: 0, 1, or -1 for one that does not count");
}

DOPPIO_OPERATOR_SCHEMA(SigmoidCrossEntropyLoss)
    .NumInputs(2)
    .NumOutputs(1)
    .FillUsing(StateInputs)
    .Doc(R"DOC(
The cross entropy of targets and the logistic function of logits, as one number: the sum of
ln(1 + exp(x)) - t x over the targets t that are not -1, divided by their number and multiplied by
scale. Where no target counts the loss is 0. A target other than -1, 0 and 1 is an error; Caffe2
computes with it.

Example: X [3] = [0,2,5] and targets [3] = [1,1,-1] give loss 0.410038.
)DOC")
    .Output(0, "loss", "scalar of X's type")
    .Flops([](const OperatorDef&, const std::vector<TensorInfo>& inputs, const auto&) {
      return 6 * SizeFromDim(*inputs[0].dims, 0);
    })
    .TensorInference([](InferenceContext* context) -> absl::Status {
      DOPPIO_RETURN_IF_ERROR(CheckShapes(context->dims(0), context->dims(1)));
      context->SetOutput(0, context->dtype(0), {});
      return absl::OkStatus();
    });

DOPPIO_OPERATOR_SCHEMA(SigmoidCrossEntropyLossGradient)
    .FillUsing(StateInputs)
    .FillUsing([](OpSchema& schema) { StateTotalLossGradient(schema, 2); })
    .Doc(R"DOC(
The gradient of SigmoidCrossEntropyLoss for its logits: d_loss * scale * (1 / (1 + exp(-x)) - t) / n
for the n targets that count, and 0 for the others.
)DOC")
    .Output(0, "dX", "gradient of X");

struct SigmoidCrossEntropyLoss {
  static constexpr int kInputs = 2;
  explicit SigmoidCrossEntropyLoss(ArgumentReader* args)
      : scale(ReadScale(args)), normalize(args->GetSingleArgument<bool>("normalize", true)) {}

  template <typename T>
  struct Terms {
    double Loss(int64_t i) const {
      return targets[i] == kIgnored ? 0 : LogisticLoss(x[i], targets[i]);
    }
    double Slope(int64_t i) const {
      return targets[i] == kIgnored ? 0 : Sigmoid(x[i]) - targets[i];
    }

    const T* x;
    const int32_t* targets;
    double factor;
  };

  template <typename T>
  absl::StatusOr<Terms<T>> Bind(LossInputs inputs) const {
    const Tensor& x = *inputs[0];
    DOPPIO_RETURN_IF_ERROR(CheckShapes(x.dims(), inputs[1]->dims()));
    if (!inputs[1]->Is<int32_t>()) {
      return absl::InvalidArgumentError(
          absl::StrCat("targets must be int32, but are ", DataTypeName(inputs[1]->dtype())));
    }
    const auto targets = inputs[1]->span<int32_t>();
    int64_t count = 0;
    for (size_t i = 0; i < targets.size(); ++i) {
      if (targets[i] < kIgnored || targets[i] > 1) {
        return absl::InvalidArgumentError(
            absl::StrCat("target ", i, " is ", targets[i], ", but must be -1, 0 or 1"));
      }
      count += targets[i] == kIgnored ? 0 : 1;
    }
    const double divisor = normalize ? static_cast<double>(std::max<int64_t>(count, 1)) : 1;
    return Terms<T>{x.data<T>(), targets.data(), scale / divisor};
  }

  double scale;
  bool normalize;
};

using LossOp = ElementLossOp<CPUContext, SigmoidCrossEntropyLoss>;
using LossGradientOp = ElementLossGradientOp<CPUContext, SigmoidCrossEntropyLoss>;
DOPPIO_REGISTER_CPU_OPERATOR(SigmoidCrossEntropyLoss, LossOp);
DOPPIO_REGISTER_CPU_OPERATOR(SigmoidCrossEntropyLossGradient, LossGradientOp);
DOPPIO_REGISTER_GRADIENT(SigmoidCrossEntropyLoss, GetTotalLossGradient);

}  // namespace
}  // namespace doppio
