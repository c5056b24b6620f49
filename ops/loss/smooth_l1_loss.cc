#include "ops/loss/smooth_l1.h"

namespace doppio {
namespace {

// Only the numbers of elements have to be equal, and those of examples.
absl::Status CheckShapes(DimsView y_hat, DimsView y, DimsView alpha_in, DimsView alpha_out) {
  const int64_t count = SizeFromDim(y_hat, 0);
  if (!y_hat.empty() && !y.empty() && y_hat[0] == y[0] && SizeFromDim(y, 0) == count &&
      SizeFromDim(alpha_in, 0) == count && SizeFromDim(alpha_out, 0) == count) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "Y_hat and Y must have the same first dimension, and both weights as many elements as they, ",
      "but Y_hat is ", ShapeToString(y_hat), ", Y ", ShapeToString(y), ", alpha_in ",
      ShapeToString(alpha_in), " and alpha_out ", ShapeToString(alpha_out)));
}

void StateInputs(OpSchema& schema) {
  schema.FillUsing(StateSmoothL1)
      .Input(0, "Y_hat", "predictions: tensor of float or double, at least a vector")
      .Input(1, "Y", "what they should be: as many elements of the same type, as many examples")
      .Input(2, "alpha_in", "as many factors of the differences; 0 leaves one out")
      .Input(3, "alpha_out", "as many factors of the losses");
}

DOPPIO_OPERATOR_SCHEMA(SmoothL1Loss)
    .NumInputs(4)
    .NumOutputs(1)
    .FillUsing(StateInputs)
    .Doc(R"DOC(
The loss of boxes that were predicted (Girshick, Fast R-CNN, 2015):

  loss = scale / N * sum(alpha_out * f(alpha_in * (Y_hat - Y)))

where f(x) = 0.5 x^2 / beta for |x| < beta, and |x| - 0.5 beta otherwise, and N is Y's first
dimension. The loss of nothing is 0.

Example: Y_hat [2,2] = [[1,2],[3,5]], Y [2,2] = [[0.5,0],[3,1]], alpha_in [2,2] = [[1,1],[1,0]] and
alpha_out [2,2] = [[1,2],[1,1]] give loss 1.5625: half of 0.125 + 2 * 1.5.
)DOC")
    .Output(0, "loss", "scalar of Y_hat's type")
    .Flops([](const OperatorDef&, const std::vector<TensorInfo>& inputs, const auto&) {
      return 7 * SizeFromDim(*inputs[0].dims, 0);
    })
    .TensorInference([](InferenceContext* context) -> absl::Status {
      DOPPIO_RETURN_IF_ERROR(
          CheckShapes(context->dims(0), context->dims(1), context->dims(2), context->dims(3)));
      context->SetOutput(0, context->dtype(0), {});
      return absl::OkStatus();
    });

DOPPIO_OPERATOR_SCHEMA(SmoothL1LossGradient)
    .FillUsing(StateInputs)
    .FillUsing([](OpSchema& schema) { StateTotalLossGradient(schema, 4); })
    .Doc(R"DOC(
The gradient of SmoothL1Loss for its predictions:
dY_hat = d_loss * scale / N * alpha_out * alpha_in * f'(alpha_in * (Y_hat - Y)). The other inputs get
none.
)DOC")
    .Output(0, "d_Y_hat", "gradient of Y_hat");

struct SmoothL1Loss {
  static constexpr int kInputs = 4;
  explicit SmoothL1Loss(ArgumentReader* args) : curve(args) {}

  template <typename T>
  struct Terms {
    double Difference(int64_t i) const {
      return static_cast<double>(alpha_in[i]) *
             (static_cast<double>(y_hat[i]) - static_cast<double>(y[i]));
    }
    double Loss(int64_t i) const { return alpha_out[i] * curve.Loss(Difference(i)); }
    double Slope(int64_t i) const {
      return static_cast<double>(alpha_out[i]) * alpha_in[i] * curve.Slope(Difference(i));
    }

    SmoothL1 curve;
    const T* y_hat;
    const T* y;
    const T* alpha_in;
    const T* alpha_out;
    double factor;
  };

  template <typename T>
  absl::StatusOr<Terms<T>> Bind(LossInputs inputs) const {
    DOPPIO_RETURN_IF_ERROR(
        CheckShapes(inputs[0]->dims(), inputs[1]->dims(), inputs[2]->dims(), inputs[3]->dims()));
    const char* const names[] = {"Y_hat", "Y", "alpha_in", "alpha_out"};
    for (size_t i = 1; i < 4; ++i) {
      DOPPIO_RETURN_IF_ERROR(CheckSameType(*inputs[0], *inputs[i], names[i]));
    }
    return Terms<T>{curve,
                    inputs[0]->data<T>(),
                    inputs[1]->data<T>(),
                    inputs[2]->data<T>(),
                    inputs[3]->data<T>(),
                    curve.scale / static_cast<double>(inputs[1]->dim(0))};
  }

  SmoothL1 curve;
};

using LossOp = ElementLossOp<CPUContext, SmoothL1Loss>;
using LossGradientOp = ElementLossGradientOp<CPUContext, SmoothL1Loss>;
DOPPIO_REGISTER_CPU_OPERATOR(SmoothL1Loss, LossOp);
DOPPIO_REGISTER_CPU_OPERATOR(SmoothL1LossGradient, LossGradientOp);
DOPPIO_REGISTER_GRADIENT(SmoothL1Loss, GetTotalLossGradient);

}  // namespace
}  // namespace doppio
