#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "src/kernel/channels.h"
#include "src/operator/storage_order.h"

namespace doppio {
namespace {

// X as the channels that the slopes belong to: all one channel where there is a single slope.
absl::StatusOr<ChannelShape> SlopeChannels(DimsView x, DimsView slope, StorageOrder order) {
  DOPPIO_ASSIGN_OR_RETURN(const int64_t slopes, NumElements(slope));
  DOPPIO_ASSIGN_OR_RETURN(const int64_t elements, NumElements(x));
  if (slopes == 1) return ChannelShape{1, 1, elements};
  DOPPIO_ASSIGN_OR_RETURN(const ChannelSizes sizes, SplitAtChannels(x, order));
  if (slopes != sizes.channels) {
    return absl::InvalidArgumentError(
        absl::StrCat("Slope ", ShapeToString(slope), " must be one slope, or one for each of the ",
                     sizes.channels, " channels of X ", ShapeToString(x)));
  }
  return ChannelShape{sizes.outer, sizes.channels, sizes.inner};
}

absl::Status CheckSameType(const Tensor& a, const Tensor& b) {
  if (a.dtype() == b.dtype()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("inputs must have one type, but are ",
                                                 a.TypeAndShape(), " and ", b.TypeAndShape()));
}

DOPPIO_OPERATOR_SCHEMA(PRelu)
    .NumInputs(2)
    .NumOutputs(1)
    .AllowInplace({{0, 0}})
    .Doc(R"DOC(
The rectified linear unit whose negative side has a slope that is learned: Y = X where X > 0, else
Slope * X. There is one slope for all, or one for each channel.

Example: X [1,2,2] = [[[-1,1],[-2,2]]] and Slope [2] = [0.5,0.1] give [[[-0.5,1],[-0.2,2]]].
)DOC")
    .FillUsing(StateStorageOrder)
    .Input(0, "X", "float or double, of any shape that has the channels (NCHW: second dimension)")
    .Input(1, "Slope", "of X's type: a single slope or as many as there are channels")
    .Output(0, "Y", "tensor of X's type and shape")
    .TensorInference([](InferenceContext* context) -> absl::Status {
      const StorageOrder order = ReadStorageOrder(context);
      DOPPIO_RETURN_IF_ERROR(SlopeChannels(context->dims(0), context->dims(1), order).status());
      context->SetOutput(0, context->dtype(0), context->dims(0));
      return absl::OkStatus();
    });

template <class Context>
class PReluOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit PReluOp(OperatorInit* init) : Operator<Context>(init), order_(ReadStorageOrder(init)) {}

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(0);
    const Tensor& slope = Input(1);
    DOPPIO_RETURN_IF_ERROR(CheckSameType(x, slope));
    DOPPIO_ASSIGN_OR_RETURN(const ChannelShape shape,
                            SlopeChannels(x.dims(), slope.dims(), order_));
    return DispatchType(TypeList<float, double>(), x.dtype(), [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      DOPPIO_ASSIGN_OR_RETURN(Tensor * y, Output(0, x.dtype(), x.dims()));
      Prelu(x.data<T>(), slope.data<T>(), shape, y->mutable_data<T>(), &context_);
      return absl::OkStatus();
    });
  }

 private:
  const StorageOrder order_;
};

DOPPIO_OPERATOR_SCHEMA(PReluGradient)
    .NumInputs(4)
    .NumOutputs(2)
    .Doc(R"DOC(
The gradient of PRelu: dX = dY where X > 0, else Slope * dY; dSlope is the sum of X * dY over the
elements of a channel that are not above 0. It needs X: after a PRelu in place there is none.
)DOC")
    .FillUsing(StateStorageOrder)
    .Input(0, "Y", "output of PRelu, of which nothing is used")
    .Input(1, "dY", "its gradient, of X's type and shape")
    .Input(2, "X", "input of PRelu")
    .Input(3, "Slope", "its slopes")
    .Output(0, "dX", "gradient of X")
    .Output(1, "dSlope", "gradient of Slope, of its shape")
    .Flops([](const OperatorDef&, const std::vector<TensorInfo>& inputs, const auto&) {
      return 3 * SizeFromDim(*inputs[2].dims, 0);
    })
    .TensorInference([](InferenceContext* context) -> absl::Status {
      const StorageOrder order = ReadStorageOrder(context);
      DOPPIO_RETURN_IF_ERROR(SlopeChannels(context->dims(2), context->dims(3), order).status());
      context->SetOutput(0, context->dtype(2), context->dims(2));
      context->SetOutput(1, context->dtype(3), context->dims(3));
      return absl::OkStatus();
    });

template <class Context>
class PReluGradientOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit PReluGradientOp(OperatorInit* init)
      : Operator<Context>(init), order_(ReadStorageOrder(init)) {
    if (init->def().input(0) == init->def().input(2)) {
      init->Fail(
          absl::InvalidArgumentError("the gradient of a PRelu in place can not be computed"));
    }
  }

  absl::Status RunOnDevice() override {
    const Tensor& dy = Input(1);
    const Tensor& x = Input(2);
    const Tensor& slope = Input(3);
    DOPPIO_RETURN_IF_ERROR(CheckSameType(x, slope));
    if (dy.dtype() != x.dtype() || dy.dims() != x.dims()) {
      return absl::InvalidArgumentError(absl::StrCat("dY ", DescribeInput(1), " and X ",
                                                     DescribeInput(2),
                                                     " must have the same type and shape"));
    }
    DOPPIO_ASSIGN_OR_RETURN(const ChannelShape shape,
                            SlopeChannels(x.dims(), slope.dims(), order_));
    return DispatchType(TypeList<float, double>(), x.dtype(), [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      DOPPIO_ASSIGN_OR_RETURN(Tensor * dx, Output(0, x.dtype(), x.dims()));
      DOPPIO_ASSIGN_OR_RETURN(Tensor * dslope, Output(1, slope.dtype(), slope.dims()));
      PreluGradient(dy.data<T>(), x.data<T>(), slope.data<T>(), shape, dx->mutable_data<T>(),
                    dslope->mutable_data<T>(), &context_);
      return absl::OkStatus();
    });
  }

 private:
  const StorageOrder order_;
};

class GetPReluGradient final : public GradientMakerBase {
  using GradientMakerBase::GradientMakerBase;
  std::vector<OperatorDef> GetGradientDefs() override {
    return SingleGradientDef("PReluGradient", "", {O(0), GO(0), I(0), I(1)}, {GI(0), GI(1)});
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(PRelu, PReluOp<CPUContext>);
DOPPIO_REGISTER_CPU_OPERATOR(PReluGradient, PReluGradientOp<CPUContext>);
DOPPIO_REGISTER_GRADIENT(PRelu, GetPReluGradient);

}  // namespace
}  // namespace doppio
