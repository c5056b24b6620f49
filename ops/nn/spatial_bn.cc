#include <cmath>

#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "ops/nn/channel_order.h"
#include "ops/nn/same_types.h"

namespace doppio {
namespace {

struct BatchNormArguments {
  explicit BatchNormArguments(ArgumentReader* args)
      : is_test(args->GetSingleArgument<bool>("is_test")),
        epsilon(args->GetSingleArgument<float>("epsilon")),
        momentum(args->GetSingleArgument<float>("momentum")),
        batches(args->GetSingleArgument<int>("num_batches")),
        order(args) {
    const auto fail = [&](absl::string_view why) { args->Fail(absl::InvalidArgumentError(why)); };
    if (!(epsilon > 0)) fail("epsilon must be positive");
    if (!(momentum >= 0 && momentum <= 1)) fail("momentum must lie between 0 and 1");
    if (batches < 1) fail("num_batches must be 1 or more");
  }

  static void State(OpSchema& schema) {
    schema.Arg("is_test", "normalise by the mean and variance that are given", false)
        .Arg<float>("epsilon", "added to the variance; positive", 1e-5f)
        .Arg<float>("momentum", "how much of the running statistics a training step keeps", 0.9f)
        .Arg<int>("num_batches", "batches that the sums of inputs 5 and 6 are about", 1)
        .FillUsing(StateStorageOrder);
  }

  bool is_test;
  double epsilon;
  double momentum;
  int batches;
  ChannelOrder order;
};

absl::Status CheckStatistics(const BatchNormArguments& args, int inputs, int outputs) {
  if (!args.is_test && outputs != 5) {
    return absl::InvalidArgumentError(absl::StrCat(
        "training needs the 5 outputs Y, mean, var, saved_mean and saved_inv_std, but there are ",
        outputs));
  }
  if (args.is_test && outputs != 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("in test mode Y is the only output, but there are ", outputs));
  }
  if (args.batches > 1 && inputs != 7) {
    return absl::InvalidArgumentError(
        absl::StrCat("num_batches is ", args.batches, ", which needs the sums of inputs 5 and 6"));
  }
  return absl::OkStatus();
}

// `dims` gives the shape of input i.
template <typename F>
absl::StatusOr<ChannelView> CheckShapes(const BatchNormArguments& args, int inputs, const F& dims) {
  DOPPIO_ASSIGN_OR_RETURN(const ChannelView view, args.order.Batch(dims(0)));
  constexpr const char* kNames[] = {"X", "scale", "bias", "mean", "var", "sums", "sumsq"};
  for (int i = 1; i < inputs; ++i) {
    DOPPIO_RETURN_IF_ERROR(CheckPerChannel(kNames[i], dims(i), view.channels, dims(0)));
  }
  return view;
}

DOPPIO_OPERATOR_SCHEMA(SpatialBN)
    .NumInputs(5, 7)
    .NumOutputs(1, 5)
    .AllowInplace({{0, 0}, {5, 3}, {6, 4}})
    .EnforceInplace({{3, 1}, {4, 2}})
    .Doc(R"DOC(
Batch normalisation: Y = scale * (X - mean) / sqrt(var + epsilon) + bias, where scale, bias, mean
and var have one number for each channel. X is [N, C, spatial...] or, with order NHWC,
[N, spatial..., C], with any number of spatial dimensions.

With is_test, mean and var are the inputs 3 and 4, and Y is the only output. In training they are
those of X over all images and places (var divided by their number n), and there are four more
outputs: the running mean and variance, in place with the inputs 3 and 4, become
momentum * old + (1 - momentum) * new, the variance with the factor n / (n - 1) (where n is 1, with
none); saved_mean and saved_inv_std, which is 1 / sqrt(var + epsilon), are for the gradient. Where
there are no elements at all, the running statistics stay as they are and the saved ones are 0.

With num_batches > 1, mean and var are computed from sums and sumsq, sums over so many batches of
X's size of each channel's elements and their squares.
)DOC")
    .FillUsing(BatchNormArguments::State)
    .Input(0, "X", "tensor of float or double of at least two dimensions")
    .Input(1, "scale", "C numbers, of X's type, as are all inputs")
    .Input(2, "bias", "C numbers")
    .Input(3, "mean", "C numbers: the mean (test) or running mean (training)")
    .Input(4, "var", "C numbers: the variance (test) or running variance (training)")
    .Input(5, "sums", "C numbers: sums over num_batches batches")
    .Input(6, "sumsq", "C numbers: sums of squares over num_batches batches")
    .Output(0, "Y", "tensor of X's shape and type")
    .Output(1, "mean", "the new running mean, in place")
    .Output(2, "var", "the new running variance, in place")
    .Output(3, "saved_mean", "vector of C: the mean of X")
    .Output(4, "saved_inv_std", "vector of C: 1 / sqrt(the variance of X + epsilon)")
    .Flops([](const OperatorDef& def, const std::vector<TensorInfo>& inputs, const auto&) {
      return (def.output_size() > 1 ? 5 : 2) * SizeFromDim(*inputs[0].dims, 0);
    })
    .TensorInference([](InferenceContext* context) -> absl::Status {
      const BatchNormArguments args(context);
      DOPPIO_RETURN_IF_ERROR(context->status());
      DOPPIO_RETURN_IF_ERROR(CheckStatistics(args, context->InputSize(), context->OutputSize()));
      DOPPIO_RETURN_IF_ERROR(CheckSameTypes(*context));
      DOPPIO_ASSIGN_OR_RETURN(
          const ChannelView view,
          CheckShapes(args, context->InputSize(), [&](int i) { return context->dims(i); }));
      context->SetOutput(0, context->dtype(0), context->dims(0));
      context->SetOutput(1, context->dtype(0), context->dims(3));
      context->SetOutput(2, context->dtype(0), context->dims(4));
      context->SetOutput(3, context->dtype(0), {view.channels});
      context->SetOutput(4, context->dtype(0), {view.channels});
      return absl::OkStatus();
    });

template <class Context>
class SpatialBNOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit SpatialBNOp(OperatorInit* init) : Operator<Context>(init), args_(init) {
    init->Fail(CheckStatistics(args_, InputSize(), OutputSize()));
  }

  absl::Status RunOnDevice() override {
    DOPPIO_RETURN_IF_ERROR(CheckSameTypes(*this));
    DOPPIO_ASSIGN_OR_RETURN(const ChannelView view, CheckShapes(args_, InputSize(), [&](int i) {
                              return Input(i).dims();
                            }));
    return DispatchType(TypeList<float, double>(), Input(0).dtype(),
                        [&](auto tag) { return Normalise<typename decltype(tag)::type>(view); });
  }

 private:
  template <typename T>
  absl::Status Normalise(const ChannelView& view) {
    const int64_t channels = view.channels;
    DOPPIO_ASSIGN_OR_RETURN(Tensor * y, Output(0, Input(0).dtype(), Input(0).dims()));
    DOPPIO_ASSIGN_OR_RETURN(T* const factor, Room<T>(&factor_, channels));
    DOPPIO_ASSIGN_OR_RETURN(T* const shift, Room<T>(&shift_, channels));
    const T* mean = Input(3).template data<T>();
    if (args_.is_test) {
      const T* var = Input(4).template data<T>();
      for (int64_t i = 0; i < channels; ++i) {
        factor[i] = 1 / std::sqrt(var[i] + static_cast<T>(args_.epsilon));
      }
    } else {
      DOPPIO_ASSIGN_OR_RETURN(mean, Train<T>(view, factor));
    }
    const T* scale = Input(1).template data<T>();
    const T* bias = Input(2).template data<T>();
    for (int64_t i = 0; i < channels; ++i) {
      factor[i] *= scale[i];
      shift[i] = bias[i] - mean[i] * factor[i];
    }
    ChannelScale(Input(0).template data<T>(), view, factor, shift, y->mutable_data<T>(), &context_);
    return absl::OkStatus();
  }

  // Computes the outputs 1 to 4; returns saved_mean, and saved_inv_std in `inv_std` too.
  template <typename T>
  absl::StatusOr<const T*> Train(const ChannelView& view, T* inv_std) {
    const DataType type = DataTypeOf<T>::value;
    const int64_t channels = view.channels;
    DOPPIO_ASSIGN_OR_RETURN(Tensor * running_mean, Output(1, type, Input(3).dims()));
    DOPPIO_ASSIGN_OR_RETURN(Tensor * running_var, Output(2, type, Input(4).dims()));
    DOPPIO_ASSIGN_OR_RETURN(Tensor * saved_mean, Output(3, type, {channels}));
    DOPPIO_ASSIGN_OR_RETURN(Tensor * saved_inv_std, Output(4, type, {channels}));
    T* mean = saved_mean->mutable_data<T>();
    T* var = saved_inv_std->mutable_data<T>();
    const double count = static_cast<double>(view.channel_size()) * args_.batches;
    if (args_.batches > 1 && count > 0) {
      const T* sums = Input(5).template data<T>();
      const T* squares = Input(6).template data<T>();
      for (int64_t i = 0; i < channels; ++i) {
        const double m = sums[i] / count;
        var[i] = static_cast<T>(std::max(squares[i] / count - m * m, 0.0));
        mean[i] = static_cast<T>(m);
      }
    } else {
      ChannelMoments(Input(0).template data<T>(), view, mean, var, &context_);
    }
    T* old_mean = running_mean->mutable_data<T>();
    T* old_var = running_var->mutable_data<T>();
    const T keep = static_cast<T>(count > 0 ? args_.momentum : 1.0);
    const T take = 1 - keep;
    const T take_var = take * static_cast<T>(count > 1 ? count / (count - 1) : 1.0);
    for (int64_t i = 0; i < channels; ++i) {
      old_mean[i] = keep * old_mean[i] + take * mean[i];
      old_var[i] = keep * old_var[i] + take_var * var[i];
      var[i] = count > 0 ? 1 / std::sqrt(var[i] + static_cast<T>(args_.epsilon)) : T(0);
      inv_std[i] = var[i];
    }
    return mean;
  }

  const BatchNormArguments args_;
  Tensor factor_;
  Tensor shift_;
};

DOPPIO_OPERATOR_SCHEMA(SpatialBNGradient)
    .NumInputs(5, 7)
    .NumOutputs(3)
    .AllowInplace({{5, 1}, {6, 2}})
    .Doc(R"DOC(
The gradient of SpatialBN. With x = (X - mean) * inv_std, and sums over all elements of a channel:
dscale = sum(dY * x), dbias = sum(dY) and
dX = scale * inv_std * (dY - (dbias + x * dscale) / n), where n is the number of those elements.

With is_test, input 4 is not the inverse standard deviation but the variance that SpatialBN was
given, and neither mean nor variance depend on X: dX = scale * inv_std * dY.

With num_batches > 1, dscale and dbias are the inputs 5 and 6 divided by num_batches, or 0 where X
has no elements.
)DOC")
    .FillUsing(BatchNormArguments::State)
    .Input(0, "X", "SpatialBN's input: float or double")
    .Input(1, "scale", "its scale")
    .Input(2, "dY", "gradient of its output, of X's shape")
    .Input(3, "saved_mean", "the mean that it subtracted")
    .Input(4, "saved_inv_std", "the number that it multiplied by; with is_test the variance")
    .Input(5, "aggregate_scale_grad", "sum over num_batches batches of dscale")
    .Input(6, "aggregate_bias_grad", "sum over num_batches batches of dbias")
    .Output(0, "dX", "gradient of X, of its shape")
    .Output(1, "dscale", "gradient of scale, of its shape")
    .Output(2, "dbias", "gradient of bias, of scale's shape")
    .Flops([](const OperatorDef&, const std::vector<TensorInfo>& inputs, const auto&) {
      return 8 * SizeFromDim(*inputs[0].dims, 0);
    })
    .TensorInference([](InferenceContext* context) -> absl::Status {
      DOPPIO_RETURN_IF_ERROR(CheckSameTypes(*context));
      context->SetOutput(0, context->dtype(0), context->dims(0));
      context->SetOutput(1, context->dtype(0), context->dims(1));
      context->SetOutput(2, context->dtype(0), context->dims(1));
      return absl::OkStatus();
    });

template <class Context>
class SpatialBNGradientOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit SpatialBNGradientOp(OperatorInit* init) : Operator<Context>(init), args_(init) {
    if (args_.batches > 1 && InputSize() != 7) {
      init->Fail(absl::InvalidArgumentError("num_batches needs the sums of inputs 5 and 6"));
    }
  }

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(0);
    DOPPIO_RETURN_IF_ERROR(CheckSameTypes(*this));
    if (Input(2).dims() != x.dims()) {
      return absl::InvalidArgumentError(
          absl::StrCat("dY ", DescribeInput(2), " must have the shape of X ", DescribeInput(0)));
    }
    DOPPIO_ASSIGN_OR_RETURN(const ChannelView view, args_.order.Batch(x.dims()));
    for (int i = 1; i < InputSize(); ++i) {
      if (i == 2) continue;
      DOPPIO_RETURN_IF_ERROR(CheckPerChannel(*this, i, view.channels, x.dims()));
    }
    return DispatchType(TypeList<float, double>(), x.dtype(), [&](auto tag) {
      return Differentiate<typename decltype(tag)::type>(view);
    });
  }

 private:
  template <typename T>
  absl::Status Differentiate(const ChannelView& view) {
    const DataType type = DataTypeOf<T>::value;
    const int64_t channels = view.channels;
    DOPPIO_ASSIGN_OR_RETURN(Tensor * dx, Output(0, type, Input(0).dims()));
    DOPPIO_ASSIGN_OR_RETURN(Tensor * dscale_out, Output(1, type, Input(1).dims()));
    DOPPIO_ASSIGN_OR_RETURN(Tensor * dbias_out, Output(2, type, Input(1).dims()));
    DOPPIO_ASSIGN_OR_RETURN(T* const room, Room<T>(&room_, 3 * channels));
    const T* x = Input(0).template data<T>();
    const T* scale = Input(1).template data<T>();
    const T* dy = Input(2).template data<T>();
    const T* mean = Input(3).template data<T>();
    const T* spread = Input(4).template data<T>();
    T* dscale = dscale_out->mutable_data<T>();
    T* dbias = dbias_out->mutable_data<T>();
    const auto inv_std = [&](int64_t i) {
      return args_.is_test ? 1 / std::sqrt(spread[i] + static_cast<T>(args_.epsilon)) : spread[i];
    };
    if (args_.batches > 1 && view.channel_size() > 0) {
      const T* scale_sum = Input(5).template data<T>();
      const T* bias_sum = Input(6).template data<T>();
      for (int64_t i = 0; i < channels; ++i) {
        dscale[i] = scale_sum[i] / static_cast<T>(args_.batches);
        dbias[i] = bias_sum[i] / static_cast<T>(args_.batches);
      }
    } else {
      ChannelDots(dy, x, mean, view, dbias, dscale, &context_);
      for (int64_t i = 0; i < channels; ++i) dscale[i] *= inv_std(i);
    }
    // dX = a dY + b X + c
    T* a = room;
    T* b = a + channels;
    T* c = b + channels;
    const T inverse =
        args_.is_test || view.size() == 0 ? T(0) : T(1) / static_cast<T>(view.channel_size());
    for (int64_t i = 0; i < channels; ++i) {
      a[i] = scale[i] * inv_std(i);
      b[i] = -a[i] * inv_std(i) * dscale[i] * inverse;
      c[i] = -a[i] * dbias[i] * inverse - b[i] * mean[i];
    }
    ChannelCombine(dy, x, view, a, b, c, dx->mutable_data<T>(), &context_);
    return absl::OkStatus();
  }

  const BatchNormArguments args_;
  Tensor room_;
};

class GetSpatialBNGradient final : public GradientMakerBase {
  using GradientMakerBase::GradientMakerBase;
  std::vector<OperatorDef> GetGradientDefs() override {
    const bool is_test = ArgumentReader(Def(), nullptr).GetSingleArgument<bool>("is_test", false);
    const int outputs = is_test ? 1 : 5;
    if (InputSize() != 5 || OutputSize() != outputs) {
      Fail(absl::InvalidArgumentError(
          absl::StrCat("the gradient of SpatialBN with is_test=", is_test, " takes 5 inputs and ",
                       outputs, " outputs, but there are ", InputSize(), " and ", OutputSize())));
    }
    return SingleGradientDef("SpatialBNGradient", "",
                             {I(0), I(1), GO(0), is_test ? I(3) : O(3), is_test ? I(4) : O(4)},
                             {GI(0), GI(1), GI(2)});
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(SpatialBN, SpatialBNOp<CPUContext>);
DOPPIO_REGISTER_CPU_OPERATOR(SpatialBNGradient, SpatialBNGradientOp<CPUContext>);
DOPPIO_REGISTER_GRADIENT(SpatialBN, GetSpatialBNGradient);

}  // namespace
}  // namespace doppio
