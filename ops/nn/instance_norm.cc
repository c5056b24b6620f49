#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "ops/nn/channel_order.h"
#include "ops/nn/same_types.h"
#include "src/kernel/group_norm.h"

namespace doppio {
namespace {

struct InstanceNormArguments {
  explicit InstanceNormArguments(ArgumentReader* args)
      : epsilon(args->GetSingleArgument<float>("epsilon")), order(args) {
    if (!(epsilon >= 0)) {
      args->Fail(absl::InvalidArgumentError("epsilon must not be negative"));
    }
  }

  static void State(OpSchema& schema) {
    schema.Arg<float>("epsilon", "added to the variance; not negative", 1e-5f)
        .FillUsing(StateStorageOrder);
  }

  // Every channel is a group of its own.
  absl::StatusOr<GroupShape> Shape(DimsView x, DimsView scale, DimsView bias) const {
    DOPPIO_ASSIGN_OR_RETURN(const ChannelView view, order.Images(x));
    DOPPIO_RETURN_IF_ERROR(CheckPerChannel("scale", scale, view.channels, x));
    DOPPIO_RETURN_IF_ERROR(CheckPerChannel("bias", bias, view.channels, x));
    return GroupShape{view, view.channels};
  }

  double epsilon;
  ChannelOrder order;
};

DOPPIO_OPERATOR_SCHEMA(InstanceNorm)
    .NumInputs(3)
    .NumOutputs(1, 3)
    .AllowInplace({{0, 0}})
    .Doc(R"DOC(
Normalises every channel of every image by itself: Y = scale * (X - mean) / sqrt(var + epsilon) +
bias, where mean and var are those of the channel's elements in that image (var divided by their
number), and scale and bias have one number for each channel. Mean and inverse standard deviation
are put out where the gradient can use them.
)DOC")
    .FillUsing(InstanceNormArguments::State)
    .Input(0, "X", "float or double [N, C, spatial...], or with order NHWC [N, spatial..., C]")
    .Input(1, "scale", "C numbers of X's type")
    .Input(2, "bias", "C numbers of X's type")
    .Output(0, "Y", "tensor of X's shape and type")
    .Output(1, "saved_mean", "[N,C]")
    .Output(2, "saved_inv_stdev", "[N,C]: 1 / sqrt(var + epsilon)")
    .Flops([](const OperatorDef&, const std::vector<TensorInfo>& inputs, const auto&) {
      return 5 * SizeFromDim(*inputs[0].dims, 0);
    })
    .TensorInference([](InferenceContext* context) -> absl::Status {
      const InstanceNormArguments args(context);
      DOPPIO_RETURN_IF_ERROR(context->status());
      DOPPIO_RETURN_IF_ERROR(CheckSameTypes(*context));
      DOPPIO_ASSIGN_OR_RETURN(const GroupShape shape,
                              args.Shape(context->dims(0), context->dims(1), context->dims(2)));
      context->SetOutput(0, context->dtype(0), context->dims(0));
      context->SetOutput(1, context->dtype(0), {shape.view.outer, shape.groups});
      context->SetOutput(2, context->dtype(0), {shape.view.outer, shape.groups});
      return absl::OkStatus();
    });

template <class Context>
class InstanceNormOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit InstanceNormOp(OperatorInit* init) : Operator<Context>(init), args_(init) {}

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(0);
    DOPPIO_RETURN_IF_ERROR(CheckSameTypes(*this));
    DOPPIO_ASSIGN_OR_RETURN(const GroupShape shape,
                            args_.Shape(x.dims(), Input(1).dims(), Input(2).dims()));
    return DispatchType(TypeList<float, double>(), x.dtype(), [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      const Dims statistics = {shape.view.outer, shape.groups};
      DOPPIO_ASSIGN_OR_RETURN(Tensor * y, Output(0, x.dtype(), x.dims()));
      Tensor* mean = &mean_;
      Tensor* inv_std = &inv_std_;
      if (OutputSize() > 1) {
        DOPPIO_ASSIGN_OR_RETURN(mean, Output(1, x.dtype(), statistics));
      } else {
        DOPPIO_RETURN_IF_ERROR(mean->Resize(x.dtype(), statistics));
      }
      if (OutputSize() > 2) {
        DOPPIO_ASSIGN_OR_RETURN(inv_std, Output(2, x.dtype(), statistics));
      } else {
        DOPPIO_RETURN_IF_ERROR(inv_std->Resize(x.dtype(), statistics));
      }
      DOPPIO_ASSIGN_OR_RETURN(T* const room, Room<T>(&room_, shape.room()));
      T* mean_data = mean->mutable_data<T>();
      T* inv_std_data = inv_std->mutable_data<T>();
      GroupStatistics(x.data<T>(), shape, args_.epsilon, mean_data, inv_std_data, room, &context_);
      GroupNorm(x.data<T>(), shape, mean_data, inv_std_data, Input(1).template data<T>(),
                Input(2).template data<T>(), y->mutable_data<T>(), room, &context_);
      return absl::OkStatus();
    });
  }

 private:
  const InstanceNormArguments args_;
  Tensor mean_;
  Tensor inv_std_;
  Tensor room_;
};

DOPPIO_OPERATOR_SCHEMA(InstanceNormGradient)
    .NumInputs(4, 6)
    .NumOutputs(3)
    .Doc(
        "The gradient of InstanceNorm. With x = (X - mean) * inv_stdev: dscale and dbias are the "
        "sums of dY * x and dY over all elements of a channel, and dX = scale * inv_stdev * "
        "(dY - mean(dY) - x * mean(dY * x)), the means being over a channel of an image.")
    .FillUsing(InstanceNormArguments::State)
    .Input(0, "X", "InstanceNorm's input: float or double")
    .Input(1, "scale", "its scale")
    .Input(2, "bias", "its bias")
    .Input(3, "dY", "gradient of its output, of X's shape")
    .Input(4, "saved_mean", "[N,C], as it put it out; computed again where there is none")
    .Input(5, "saved_inv_stdev", "[N,C], likewise")
    .Output(0, "dX", "gradient of X, of its shape")
    .Output(1, "dscale", "gradient of scale, of its shape")
    .Output(2, "dbias", "gradient of bias, of its shape")
    .Flops([](const OperatorDef&, const std::vector<TensorInfo>& inputs, const auto&) {
      return 8 * SizeFromDim(*inputs[0].dims, 0);
    })
    .TensorInference([](InferenceContext* context) -> absl::Status {
      DOPPIO_RETURN_IF_ERROR(CheckSameTypes(*context));
      for (int i = 0; i < 3; ++i) context->SetOutput(i, context->dtype(0), context->dims(i));
      return absl::OkStatus();
    });

template <class Context>
class InstanceNormGradientOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit InstanceNormGradientOp(OperatorInit* init) : Operator<Context>(init), args_(init) {}

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(0);
    DOPPIO_RETURN_IF_ERROR(CheckSameTypes(*this));
    DOPPIO_ASSIGN_OR_RETURN(const GroupShape shape,
                            args_.Shape(x.dims(), Input(1).dims(), Input(2).dims()));
    if (Input(3).dims() != x.dims()) {
      return absl::InvalidArgumentError(
          absl::StrCat("dY ", DescribeInput(3), " must have the shape of X ", DescribeInput(0)));
    }
    for (int i = 4; i < InputSize(); ++i) {
      if (Input(i).numel() == shape.count()) continue;
      return absl::InvalidArgumentError(
          absl::StrCat(DescribeInput(i), " must be [", shape.view.outer, ",", shape.groups, "]"));
    }
    return DispatchType(TypeList<float, double>(), x.dtype(), [&](auto tag) {
      return Differentiate<typename decltype(tag)::type>(shape);
    });
  }

 private:
  template <typename T>
  absl::Status Differentiate(const GroupShape& shape) {
    const DataType type = DataTypeOf<T>::value;
    DOPPIO_ASSIGN_OR_RETURN(Tensor * dx, Output(0, type, Input(0).dims()));
    DOPPIO_ASSIGN_OR_RETURN(Tensor * dscale, Output(1, type, Input(1).dims()));
    DOPPIO_ASSIGN_OR_RETURN(Tensor * dbias, Output(2, type, Input(2).dims()));
    DOPPIO_ASSIGN_OR_RETURN(T* const room, Room<T>(&room_, shape.room()));
    const T* x = Input(0).template data<T>();
    const T* mean = nullptr;
    const T* inv_std = nullptr;
    if (InputSize() < 6) {
      DOPPIO_ASSIGN_OR_RETURN(T* const own_mean, Room<T>(&mean_, shape.count()));
      DOPPIO_ASSIGN_OR_RETURN(T* const own_inv_std, Room<T>(&inv_std_, shape.count()));
      GroupStatistics(x, shape, args_.epsilon, own_mean, own_inv_std, room, &context_);
      mean = own_mean;
      inv_std = own_inv_std;
    } else {
      mean = Input(4).template data<T>();
      inv_std = Input(5).template data<T>();
    }
    GroupNormGradient(Input(3).template data<T>(), x, shape, mean, inv_std,
                      Input(1).template data<T>(), dx->mutable_data<T>(), dscale->mutable_data<T>(),
                      dbias->mutable_data<T>(), room, &context_);
    return absl::OkStatus();
  }

  const InstanceNormArguments args_;
  Tensor mean_;
  Tensor inv_std_;
  Tensor room_;
};

class GetInstanceNormGradient final : public GradientMakerBase {
  using GradientMakerBase::GradientMakerBase;
  std::vector<OperatorDef> GetGradientDefs() override {
    std::vector<std::string> inputs = {I(0), I(1), I(2), GO(0)};
    for (int i = 1; i < std::min(OutputSize(), 3); ++i) inputs.push_back(O(i));
    return SingleGradientDef("InstanceNormGradient", "", inputs, {GI(0), GI(1), GI(2)});
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(InstanceNorm, InstanceNormOp<CPUContext>);
DOPPIO_REGISTER_CPU_OPERATOR(InstanceNormGradient, InstanceNormGradientOp<CPUContext>);
DOPPIO_REGISTER_GRADIENT(InstanceNorm, GetInstanceNormGradient);

}  // namespace
}  // namespace doppio
