#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "src/kernel/channels.h"
#include "src/operator/storage_order.h"

namespace doppio {
namespace {

// X as channels, one for each of the parameters.
absl::StatusOr<ChannelShape> ParameterChannels(DimsView x, DimsView parameters, StorageOrder order,
                                               absl::string_view name) {
  DOPPIO_ASSIGN_OR_RETURN(const ChannelSizes sizes, SplitAtChannels(x, order));
  if (parameters.size() != 1 || parameters[0] != sizes.channels) {
    return absl::InvalidArgumentError(absl::StrCat(name, " ", ShapeToString(parameters),
                                                   " must be a vector of the ", sizes.channels,
                                                   " channels of X ", ShapeToString(x)));
  }
  return ChannelShape{sizes.outer, sizes.channels, sizes.inner};
}

absl::Status CheckType(const Tensor& parameters, const Tensor& x) {
  if (parameters.dtype() == x.dtype()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "inputs must have one type, but are ", x.TypeAndShape(), " and ", parameters.TypeAndShape()));
}

void StateLearnable(OpSchema& schema) {
  schema.Arg<bool>("is_learnable", "scale and bias have gradients too", false);
}

DOPPIO_OPERATOR_SCHEMA(AffineChannel)
    .NumInputs(3)
    .NumOutputs(1)
    .AllowInplace({{0, 0}})
    .Doc(R"DOC(
Y = scale * X + bias, with a scale and a bias for each channel: what SpatialBN is once its statistics
are fixed.
)DOC")
    .FillUsing(StateStorageOrder)
    .FillUsing(StateLearnable)
    .Input(0, "X", "float or double, of two dimensions or more (NHWC: one or more)")
    .Input(1, "scale", "vector of X's channels, of X's type")
    .Input(2, "bias", "vector of X's channels, of X's type")
    .Output(0, "Y", "tensor of X's type and shape")
    .Flops([](const OperatorDef&, const std::vector<TensorInfo>& inputs, const auto&) {
      return 2 * SizeFromDim(*inputs[0].dims, 0);
    })
    .TensorInference([](InferenceContext* context) -> absl::Status {
      const StorageOrder order = ReadStorageOrder(context);
      for (int i : {1, 2}) {
        DOPPIO_RETURN_IF_ERROR(
            ParameterChannels(context->dims(0), context->dims(i), order, i == 1 ? "scale" : "bias")
                .status());
      }
      context->SetOutput(0, context->dtype(0), context->dims(0));
      return absl::OkStatus();
    });

template <class Context>
class AffineChannelOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit AffineChannelOp(OperatorInit* init)
      : Operator<Context>(init), order_(ReadStorageOrder(init)) {}

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(0);
    const Tensor& scale = Input(1);
    const Tensor& bias = Input(2);
    DOPPIO_RETURN_IF_ERROR(CheckType(scale, x));
    DOPPIO_RETURN_IF_ERROR(CheckType(bias, x));
    DOPPIO_RETURN_IF_ERROR(ParameterChannels(x.dims(), bias.dims(), order_, "bias").status());
    DOPPIO_ASSIGN_OR_RETURN(const ChannelShape shape,
                            ParameterChannels(x.dims(), scale.dims(), order_, "scale"));
    return DispatchType(TypeList<float, double>(), x.dtype(), [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      DOPPIO_ASSIGN_OR_RETURN(Tensor * y, Output(0, x.dtype(), x.dims()));
      ChannelAffine(x.data<T>(), scale.data<T>(), bias.data<T>(), shape, y->mutable_data<T>(),
                    &context_);
      return absl::OkStatus();
    });
  }

 private:
  const StorageOrder order_;
};

DOPPIO_OPERATOR_SCHEMA(AffineChannelGradient)
    .NumInputs(2, 3)
    .NumOutputs(1, 3)
    .AllowInplace({{0, 0}})
    .Doc(R"DOC(
The gradient of AffineChannel: dX = scale * dY; with is_learnable also dscale, the sum of X * dY, and
dbias, the sum of dY over all but the channels.
)DOC")
    .FillUsing(StateStorageOrder)
    .FillUsing(StateLearnable)
    .Input(0, "dY", "gradient of Y")
    .Input(1, "X or scale", "with is_learnable X, else scale")
    .Input(2, "scale", "with is_learnable")
    .Output(0, "dX", "gradient of X")
    .Output(1, "dscale", "with is_learnable")
    .Output(2, "dbias", "with is_learnable")
    .Flops([](const OperatorDef& def, const std::vector<TensorInfo>& inputs, const auto&) {
      return (def.output_size() == 1 ? 1 : 4) * SizeFromDim(*inputs[0].dims, 0);
    })
    .TensorInference([](InferenceContext* context) -> absl::Status {
      const StorageOrder order = ReadStorageOrder(context);
      const int scale = context->InputSize() - 1;
      DOPPIO_RETURN_IF_ERROR(
          ParameterChannels(context->dims(0), context->dims(scale), order, "scale").status());
      context->SetOutput(0, context->dtype(0), context->dims(0));
      context->SetOutput(1, context->dtype(scale), context->dims(scale));
      context->SetOutput(2, context->dtype(scale), context->dims(scale));
      return absl::OkStatus();
    });

template <class Context>
class AffineChannelGradientOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit AffineChannelGradientOp(OperatorInit* init)
      : Operator<Context>(init),
        order_(ReadStorageOrder(init)),
        is_learnable_(init->GetSingleArgument<bool>("is_learnable")) {
    const int inputs = is_learnable_ ? 3 : 2;
    const int outputs = is_learnable_ ? 3 : 1;
    if (InputSize() != inputs || OutputSize() != outputs) {
      init->Fail(absl::InvalidArgumentError(absl::StrCat(
          "with is_learnable ", is_learnable_ ? 1 : 0, " there are ", inputs, " inputs and ",
          outputs, " outputs, but here ", InputSize(), " and ", OutputSize())));
    }
  }

  absl::Status RunOnDevice() override {
    const Tensor& dy = Input(0);
    const Tensor& scale = Input(is_learnable_ ? 2 : 1);
    DOPPIO_RETURN_IF_ERROR(CheckType(scale, dy));
    DOPPIO_ASSIGN_OR_RETURN(const ChannelShape shape,
                            ParameterChannels(dy.dims(), scale.dims(), order_, "scale"));
    return DispatchType(TypeList<float, double>(), dy.dtype(), [&](auto tag) {
      return RunWithType<typename decltype(tag)::type>(dy, scale, shape);
    });
  }

 private:
  template <typename T>
  absl::Status RunWithType(const Tensor& dy, const Tensor& scale, const ChannelShape& shape) {
    if (is_learnable_) {
      const Tensor& x = Input(1);
      if (x.dtype() != dy.dtype() || x.dims() != dy.dims()) {
        return absl::InvalidArgumentError(absl::StrCat("dY ", DescribeInput(0), " and X ",
                                                       DescribeInput(1),
                                                       " must have the same type and shape"));
      }
      // Before dX, which may overwrite dY.
      DOPPIO_ASSIGN_OR_RETURN(Tensor * dscale, Output(1, dy.dtype(), scale.dims()));
      DOPPIO_ASSIGN_OR_RETURN(Tensor * dbias, Output(2, dy.dtype(), scale.dims()));
      ChannelSums(dy.data<T>(), x.data<T>(), shape, dscale->mutable_data<T>(), &context_);
      ChannelSums<T>(dy.data<T>(), nullptr, shape, dbias->mutable_data<T>(), &context_);
    }
    DOPPIO_ASSIGN_OR_RETURN(Tensor * dx, Output(0, dy.dtype(), dy.dims()));
    ChannelAffine<T>(dy.data<T>(), scale.data<T>(), nullptr, shape, dx->mutable_data<T>(),
                     &context_);
    return absl::OkStatus();
  }

  const StorageOrder order_;
  const bool is_learnable_;
};

class GetAffineChannelGradient final : public GradientMakerBase {
  using GradientMakerBase::GradientMakerBase;
  std::vector<OperatorDef> GetGradientDefs() override {
    if (ArgumentReader(Def(), nullptr).GetSingleArgument<bool>("is_learnable", false)) {
      return SingleGradientDef("AffineChannelGradient", "", {GO(0), I(0), I(1)},
                               {GI(0), GI(1), GI(2)});
    }
    return SingleGradientDef("AffineChannelGradient", "", {GO(0), I(1)}, {GI(0)});
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(AffineChannel, AffineChannelOp<CPUContext>);
DOPPIO_REGISTER_CPU_OPERATOR(AffineChannelGradient, AffineChannelGradientOp<CPUContext>);
DOPPIO_REGISTER_GRADIENT(AffineChannel, GetAffineChannelGradient);

}  // namespace
}  // namespace doppio
