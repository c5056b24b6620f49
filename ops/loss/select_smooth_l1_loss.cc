#include "ops/loss/smooth_l1.h"

namespace doppio {
namespace {

absl::Status CheckShapes(DimsView y_hat, DimsView y, DimsView locations) {
  if (y_hat.size() == 4 && y.size() == 2 && y[1] == 4 && locations == y) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "Y_hat must be [N,C,H,W], and Y and locations both [M,4], but they are ",
      ShapeToString(y_hat), ", ", ShapeToString(y), " and ", ShapeToString(locations)));
}

void StateInputs(OpSchema& schema) {
  schema.FillUsing(StateSmoothL1)
      .Input(0, "Y_hat", "[N,C,H,W] of float or double: four channels for each anchor (and class)")
      .Input(1, "Y", "[M,4] of the same type: what four channels should be at each location")
      .Input(2, "locations", "[M,4] of float: image, first channel, y and x")
      .Input(3, "normalizer", "one element of float or double");
}

DOPPIO_OPERATOR_SCHEMA(SelectSmoothL1Loss)
    .NumInputs(4)
    .NumOutputs(1)
    .FillUsing(StateInputs)
    .Doc(R"DOC(
The loss of boxes that were predicted, at chosen places of a feature map (RetinaNet: Lin and others,
2017): the sum of f(Y_hat[n,c+j,y,x] - Y[i,j]) over the locations i = (n,c,y,x) and j from 0 to 3,
times scale / max(1, normalizer). f is that of SmoothL1Loss. Numbers in locations lose their
fractions. A location that is given twice counts twice, in the gradient too, where Caffe2 lets the
last one overwrite the first.

Example: Y_hat [1,4,1,2] = [[[[1,2]],[[0,0]],[[3,0.5]],[[0,0]]]], Y [1,4] = [[0,0,0,0]], locations
[1,4] = [[0,0,0,1]] and normalizer 2 give loss 0.8125: half of 1.5 + 0.125.
)DOC")
    .Output(0, "loss", "scalar of Y_hat's type")
    .Flops([](const OperatorDef&, const std::vector<TensorInfo>& inputs, const auto&) {
      return 6 * SizeFromDim(*inputs[1].dims, 0);
    })
    .TensorInference([](InferenceContext* context) -> absl::Status {
      DOPPIO_RETURN_IF_ERROR(CheckShapes(context->dims(0), context->dims(1), context->dims(2)));
      context->SetOutput(0, context->dtype(0), {});
      return absl::OkStatus();
    });

DOPPIO_OPERATOR_SCHEMA(SelectSmoothL1LossGradient)
    .FillUsing(StateInputs)
    .FillUsing([](OpSchema& schema) { StateTotalLossGradient(schema, 4); })
    .Doc(R"DOC(
The gradient of SelectSmoothL1Loss for its predictions: d_loss * scale * f' / max(1, normalizer) at
the locations, and 0 elsewhere. The other inputs get none.
)DOC")
    .Output(0, "d_Y_hat", "gradient of Y_hat");

// Where the four channels of each location begin in Y_hat, and what they are multiplied with.
struct Selection {
  // Checks inputs 0 to 3 of either operator.
  absl::Status Read(const SmoothL1& curve, const Tensor& y_hat, const Tensor& y,
                    const Tensor& locations, const Tensor& normalizer) {
    DOPPIO_RETURN_IF_ERROR(CheckShapes(y_hat.dims(), y.dims(), locations.dims()));
    DOPPIO_RETURN_IF_ERROR(CheckSameType(y_hat, y, "Y"));
    if (!locations.Is<float>()) {
      return absl::InvalidArgumentError(
          absl::StrCat("locations must be float, but are ", DataTypeName(locations.dtype())));
    }
    DOPPIO_ASSIGN_OR_RETURN(const double divisor, ReadNormalizer(normalizer));
    factor = curve.scale / divisor;
    channel = SizeFromDim(y_hat.dims(), 2);
    places.clear();
    const float* row = locations.data<float>();
    for (int64_t i = 0; i < locations.dim(0); ++i, row += 4) {
      int64_t place = 0;
      for (int k = 0; k < 4; ++k) {
        // Three more channels follow the first one.
        const int64_t end = y_hat.dim(k) - (k == 1 ? 3 : 0);
        if (!(row[k] >= 0 && row[k] < static_cast<float>(end))) {
          return absl::InvalidArgumentError(absl::StrCat(
              "location ", i, " is [", row[0], ", ", row[1], ", ", row[2], ", ", row[3],
              "], which with three channels more is not in Y_hat ", ShapeToString(y_hat.dims())));
        }
        place = place * y_hat.dim(k) + static_cast<int64_t>(row[k]);
      }
      places.push_back(place);
    }
    return absl::OkStatus();
  }

  // Number i of Y stands at this place of Y_hat.
  int64_t Place(int64_t i) const { return places[static_cast<size_t>(i / 4)] + i % 4 * channel; }

  std::vector<int64_t> places;  // kept from run to run
  int64_t channel = 0;          // from one to the next
  double factor = 0;
};

template <class Context>
class SelectSmoothL1LossOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit SelectSmoothL1LossOp(OperatorInit* init) : Operator<Context>(init), curve_(init) {}

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(0);
    DOPPIO_RETURN_IF_ERROR(selection_.Read(curve_, x, Input(1), Input(2), Input(3)));
    return DispatchType(TypeList<float, double>(), x.dtype(), [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      DOPPIO_ASSIGN_OR_RETURN(Tensor * loss, Output(0, x.dtype(), {}));
      const T* y_hat = x.data<T>();
      const T* y = Input(1).template data<T>();
      const double sum = sum_(Input(1).numel(), [&](int64_t i) {
        return curve_.Loss(static_cast<double>(y_hat[selection_.Place(i)]) - y[i]);
      });
      *loss->mutable_data<T>() = static_cast<T>(selection_.factor * sum);
      return absl::OkStatus();
    });
  }

 private:
  const SmoothL1 curve_;
  Selection selection_;
  LossSum sum_;
};

template <class Context>
class SelectSmoothL1LossGradientOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit SelectSmoothL1LossGradientOp(OperatorInit* init)
      : Operator<Context>(init), curve_(init) {}

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(0);
    DOPPIO_RETURN_IF_ERROR(selection_.Read(curve_, x, Input(1), Input(2), Input(3)));
    DOPPIO_ASSIGN_OR_RETURN(const double dloss, ReadNumber(Input(4), "d_loss"));
    return DispatchType(TypeList<float, double>(), x.dtype(), [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      DOPPIO_ASSIGN_OR_RETURN(Tensor * output, Output(0, x.dtype(), x.dims()));
      const T* y_hat = Input(0).template data<T>();
      const T* y = Input(1).template data<T>();
      T* dx = output->template mutable_data<T>();
      std::fill_n(dx, output->numel(), T(0));
      for (int64_t i = 0; i < Input(1).numel(); ++i) {
        const int64_t place = selection_.Place(i);
        const double slope = curve_.Slope(static_cast<double>(y_hat[place]) - y[i]);
        dx[place] += static_cast<T>(selection_.factor * dloss * slope);
      }
      return absl::OkStatus();
    });
  }

 private:
  const SmoothL1 curve_;
  Selection selection_;
};

DOPPIO_REGISTER_CPU_OPERATOR(SelectSmoothL1Loss, SelectSmoothL1LossOp<CPUContext>);
DOPPIO_REGISTER_CPU_OPERATOR(SelectSmoothL1LossGradient, SelectSmoothL1LossGradientOp<CPUContext>);
DOPPIO_REGISTER_GRADIENT(SelectSmoothL1Loss, GetTotalLossGradient);

}  // namespace
}  // namespace doppio
