#include "src/kernel/lrn.h"

#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "ops/nn/channel_order.h"

namespace doppio {
namespace {

struct LrnArguments {
  explicit LrnArguments(ArgumentReader* args)
      : window{args->GetSingleArgument<int>("size"), args->GetSingleArgument<float>("alpha"),
               args->GetSingleArgument<float>("beta"), args->GetSingleArgument<float>("bias")},
        order(args) {
    if (window.size < 1) {
      args->Fail(absl::InvalidArgumentError(
          absl::StrCat("size is ", window.size, ", must be 1 or more channels")));
    }
  }

  static void State(OpSchema& schema) {
    schema.Arg<int>("size", "channels that are summed over; 1 or more", 0)
        .Arg<float>("alpha", "factor of the mean square", 0.0f)
        .Arg<float>("beta", "exponent", 0.0f)
        .Arg<float>("bias", "added to the mean square", 1.0f)
        .FillUsing(StateStorageOrder);
  }

  absl::StatusOr<LrnShape> Shape(DimsView x) const {
    DOPPIO_ASSIGN_OR_RETURN(const ChannelView view, order.Images(x));
    return LrnShape{view.outer * view.repeat, view.channels, view.inner};
  }

  LrnWindow window;
  ChannelOrder order;
};

int64_t LrnFlops(const OperatorDef& def, const std::vector<TensorInfo>& inputs,
                 const std::vector<TensorInfo>&) {
  InferenceContext context(def, OpSchemaRegistry::Schema(def.type()), {});
  const int64_t window = context.GetSingleArgument<int>("size");
  const int64_t passes = static_cast<int64_t>(inputs.size());  // 3 for the gradient
  return CheckedProduct(SizeFromDim(*inputs[0].dims, 0),
                        passes * (2 * std::max<int64_t>(window, 0) + 4))
      .value_or(0);
}

absl::Status InferLrn(InferenceContext* context) {
  const LrnArguments args(context);
  DOPPIO_RETURN_IF_ERROR(context->status());
  DOPPIO_RETURN_IF_ERROR(args.Shape(context->dims(0)).status());
  for (int i = 0; i < context->OutputSize(); ++i) {
    context->SetOutput(i, context->dtype(0), context->dims(0));
  }
  return absl::OkStatus();
}

DOPPIO_OPERATOR_SCHEMA(LRN)
    .NumInputs(1)
    .NumOutputs(1, 2)
    .Doc(R"DOC(
Local response normalisation across channels: Y = X * scale^-beta with
scale = bias + alpha / size * sum(X^2), the sum being over the `size` channels around the one in
question (fewer at the ends).
)DOC")
    .FillUsing(LrnArguments::State)
    .Input(0, "X", "float or double [N, C, spatial...], or with order NHWC [N, spatial..., C]")
    .Output(0, "Y", "tensor of X's shape and type")
    .Output(1, "scale", "the scale, of X's shape and type")
    .Flops(LrnFlops)
    .TensorInference(InferLrn);

template <class Context>
class LRNOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit LRNOp(OperatorInit* init) : Operator<Context>(init), args_(init) {}

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(0);
    DOPPIO_ASSIGN_OR_RETURN(const LrnShape shape, args_.Shape(x.dims()));
    return DispatchType(TypeList<float, double>(), x.dtype(), [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      DOPPIO_ASSIGN_OR_RETURN(Tensor * y, Output(0, x.dtype(), x.dims()));
      T* scale = nullptr;
      if (OutputSize() > 1) {
        DOPPIO_ASSIGN_OR_RETURN(Tensor * scale_out, Output(1, x.dtype(), x.dims()));
        scale = scale_out->mutable_data<T>();
      }
      Lrn(x.data<T>(), shape, args_.window, y->mutable_data<T>(), scale, &context_);
      return absl::OkStatus();
    });
  }

 private:
  const LrnArguments args_;
};

DOPPIO_OPERATOR_SCHEMA(LRNGradient)
    .NumInputs(3)
    .NumOutputs(1)
    .Doc(
        "The gradient of LRN: dX = dY * scale^-beta - 2 * alpha * beta / size * X * "
        "sum(dY * Y / scale), the sum being over the channels whose windows X is in.")
    .FillUsing(LrnArguments::State)
    .Input(0, "X", "LRN's input: float or double")
    .Input(1, "Y", "its output, of X's type and shape")
    .Input(2, "dY", "gradient of its output, of X's type and shape")
    .Output(0, "dX", "gradient of X, of its shape and type")
    .Flops(LrnFlops)
    .TensorInference(InferLrn);

template <class Context>
class LRNGradientOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit LRNGradientOp(OperatorInit* init) : Operator<Context>(init), args_(init) {}

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(0);
    for (int i = 1; i < 3; ++i) {
      if (Input(i).dtype() == x.dtype() && Input(i).dims() == x.dims()) continue;
      return absl::InvalidArgumentError(absl::StrCat(DescribeInput(0), " and ", DescribeInput(i),
                                                     " must have the same type and shape"));
    }
    DOPPIO_ASSIGN_OR_RETURN(const LrnShape shape, args_.Shape(x.dims()));
    return DispatchType(TypeList<float, double>(), x.dtype(), [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      DOPPIO_ASSIGN_OR_RETURN(Tensor * dx, Output(0, x.dtype(), x.dims()));
      DOPPIO_ASSIGN_OR_RETURN(T* const scale, Room<T>(&scale_, x.numel()));
      DOPPIO_ASSIGN_OR_RETURN(T* const ratio, Room<T>(&ratio_, x.numel()));
      LrnGradient(x.data<T>(), Input(1).template data<T>(), Input(2).template data<T>(), shape,
                  args_.window, scale, ratio, dx->mutable_data<T>(), &context_);
      return absl::OkStatus();
    });
  }

 private:
  const LrnArguments args_;
  Tensor scale_;
  Tensor ratio_;
};

class GetLRNGradient final : public GradientMakerBase {
  using GradientMakerBase::GradientMakerBase;
  std::vector<OperatorDef> GetGradientDefs() override {
    return SingleGradientDef("LRNGradient", "", {I(0), O(0), GO(0)}, {GI(0)});
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(LRN, LRNOp<CPUContext>);
DOPPIO_REGISTER_CPU_OPERATOR(LRNGradient, LRNGradientOp<CPUContext>);
DOPPIO_REGISTER_GRADIENT(LRN, GetLRNGradient);

}  // namespace
}  // namespace doppio
