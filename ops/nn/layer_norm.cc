#include <algorithm>
#include <cmath>

#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "ops/nn/channel_order.h"
#include "ops/nn/same_types.h"

namespace doppio {
namespace {

struct LayerNormArguments {
  explicit LayerNormArguments(ArgumentReader* args)
      : axis(args->GetSingleArgument<int>("axis")),
        epsilon(args->GetSingleArgument<float>("epsilon")),
        affine(args->GetSingleArgument<bool>("elementwise_affine")) {}

  static void State(OpSchema& schema) {
    schema.Arg<int>("axis", "the first dimension that is normalised over", 1)
        .Arg<float>("epsilon", "added to the variance", 1e-5f)
        .Arg("elementwise_affine", "Y is multiplied by gamma, and beta added", false);
  }

  int axis;
  double epsilon;
  bool affine;
};

struct LayerNormSizes {
  int axis;
  int64_t rows;
  int64_t columns;

  ChannelView by_row() const { return {1, 1, rows, columns}; }
  ChannelView by_column() const { return {1, rows, columns, 1}; }
};

absl::StatusOr<LayerNormSizes> SizesOf(const LayerNormArguments& args, DimsView x) {
  if (x.size() < 2) {
    return absl::InvalidArgumentError(
        absl::StrCat("X ", ShapeToString(x), " must have two dimensions or more"));
  }
  DOPPIO_ASSIGN_OR_RETURN(const int axis, CanonicalAxis(args.axis, static_cast<int>(x.size())));
  return LayerNormSizes{axis, SizeToDim(x, axis), SizeFromDim(x, axis)};
}

absl::Status CheckInputs(const LayerNormArguments& args, int count) {
  if (count == (args.affine ? 3 : 1)) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("with elementwise_affine=", args.affine,
                                                 " there must be ", args.affine ? 3 : 1,
                                                 " inputs, but there are ", count));
}

Dims StatisticsShape(const LayerNormSizes& sizes, DimsView x) {
  Dims dims(x.begin(), x.begin() + sizes.axis);
  dims.push_back(1);
  return dims;
}

DOPPIO_OPERATOR_SCHEMA(LayerNorm)
    .NumInputs(1, 3)
    .NumOutputs(1, 3)
    .Doc(R"DOC(
Layer normalisation: every row of X, which is read as a matrix whose columns begin at `axis`, becomes
(X - mean) / stddev, where mean is that of the row and stddev = sqrt(var + epsilon), var being the
row's variance (divided by the number of elements). With elementwise_affine, that is multiplied by
gamma and beta is added, which have one number for each column. Nets that only want Y may leave the
other outputs out; the gradient needs them.
)DOC")
    .FillUsing(LayerNormArguments::State)
    .Input(0, "X", "tensor of float or double of at least two dimensions")
    .Input(1, "gamma", "as many numbers as a row has; with elementwise_affine only")
    .Input(2, "beta", "as many numbers as a row has; with elementwise_affine only")
    .Output(0, "Y", "tensor of X's shape and type")
    .Output(1, "mean", "X's dimensions before `axis`, and then 1")
    .Output(2, "stddev", "likewise")
    .Flops([](const OperatorDef&, const std::vector<TensorInfo>& inputs, const auto&) {
      return 5 * SizeFromDim(*inputs[0].dims, 0);
    })
    .TensorInference([](InferenceContext* context) -> absl::Status {
      const LayerNormArguments args(context);
      DOPPIO_RETURN_IF_ERROR(CheckInputs(args, context->InputSize()));
      DOPPIO_RETURN_IF_ERROR(CheckSameTypes(*context));
      DOPPIO_ASSIGN_OR_RETURN(const LayerNormSizes sizes, SizesOf(args, context->dims(0)));
      for (int i = 1; i < context->InputSize(); ++i) {
        DOPPIO_RETURN_IF_ERROR(CheckPerChannel(i == 1 ? "gamma" : "beta", context->dims(i),
                                               sizes.columns, context->dims(0)));
      }
      const Dims statistics = StatisticsShape(sizes, context->dims(0));
      context->SetOutput(0, context->dtype(0), context->dims(0));
      context->SetOutput(1, context->dtype(0), statistics);
      context->SetOutput(2, context->dtype(0), statistics);
      return absl::OkStatus();
    });

template <class Context>
class LayerNormOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit LayerNormOp(OperatorInit* init) : Operator<Context>(init), args_(init) {
    init->Fail(CheckInputs(args_, InputSize()));
  }

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(0);
    DOPPIO_RETURN_IF_ERROR(CheckSameTypes(*this));
    DOPPIO_ASSIGN_OR_RETURN(const LayerNormSizes sizes, SizesOf(args_, x.dims()));
    for (int i = 1; i < InputSize(); ++i) {
      DOPPIO_RETURN_IF_ERROR(CheckPerChannel(*this, i, sizes.columns, x.dims()));
    }
    return DispatchType(TypeList<float, double>(), x.dtype(),
                        [&](auto tag) { return Normalise<typename decltype(tag)::type>(sizes); });
  }

 private:
  template <typename T>
  absl::Status Normalise(const LayerNormSizes& sizes) {
    const DataType type = DataTypeOf<T>::value;
    const Dims statistics = StatisticsShape(sizes, Input(0).dims());
    DOPPIO_ASSIGN_OR_RETURN(Tensor * y, Output(0, type, Input(0).dims()));
    Tensor* mean_out = &mean_;
    Tensor* stddev_out = &stddev_;
    if (OutputSize() > 1) {
      DOPPIO_ASSIGN_OR_RETURN(mean_out, Output(1, type, statistics));
    } else {
      DOPPIO_RETURN_IF_ERROR(mean_.Resize(type, statistics));
    }
    if (OutputSize() > 2) {
      DOPPIO_ASSIGN_OR_RETURN(stddev_out, Output(2, type, statistics));
    } else {
      DOPPIO_RETURN_IF_ERROR(stddev_.Resize(type, statistics));
    }
    DOPPIO_ASSIGN_OR_RETURN(T* const scale, Room<T>(&scale_, sizes.rows));
    DOPPIO_ASSIGN_OR_RETURN(T* const shift, Room<T>(&shift_, sizes.rows));
    const T* x = Input(0).template data<T>();
    T* out = y->mutable_data<T>();
    T* mean = mean_out->mutable_data<T>();
    T* stddev = stddev_out->mutable_data<T>();
    ChannelMoments(x, sizes.by_row(), mean, stddev, &context_);
    for (int64_t i = 0; i < sizes.rows; ++i) {
      stddev[i] = std::sqrt(stddev[i] + static_cast<T>(args_.epsilon));
      scale[i] = 1 / stddev[i];
      shift[i] = -mean[i] * scale[i];
    }
    ChannelScale(x, sizes.by_row(), scale, shift, out, &context_);
    if (args_.affine) {
      ChannelScale(out, sizes.by_column(), Input(1).template data<T>(), Input(2).template data<T>(),
                   out, &context_);
    }
    return absl::OkStatus();
  }

  const LayerNormArguments args_;
  Tensor mean_;
  Tensor stddev_;
  Tensor scale_;
  Tensor shift_;
};

DOPPIO_OPERATOR_SCHEMA(LayerNormGradient)
    .NumInputs(5, 6)
    .NumOutputs(1, 3)
    .Doc(
        "The gradient of LayerNorm: with x = (X - mean) / stddev and d = dY (times gamma), dX = "
        "(d - mean(d) - x * mean(d * x)) / stddev, the means being over a row; dgamma and dbeta "
        "are the sums of dY * x and dY over the rows.")
    .FillUsing(LayerNormArguments::State)
    .Input(0, "dY", "gradient of LayerNorm's output, of X's shape: float or double")
    .Input(1, "Y", "its output (not looked at)")
    .Input(2, "mean", "as it put it out")
    .Input(3, "stddev", "as it put it out")
    .Input(4, "X", "its input")
    .Input(5, "gamma", "its factors; with elementwise_affine only")
    .Output(0, "dX", "gradient of X, of its shape")
    .Output(1, "dgamma", "gradient of gamma, of its shape")
    .Output(2, "dbeta", "gradient of beta, of gamma's shape")
    .Flops([](const OperatorDef&, const std::vector<TensorInfo>& inputs, const auto&) {
      return 8 * SizeFromDim(*inputs[0].dims, 0);
    })
    .TensorInference([](InferenceContext* context) -> absl::Status {
      DOPPIO_RETURN_IF_ERROR(CheckSameTypes(*context));
      context->SetOutput(0, context->dtype(0), context->dims(4));
      if (context->InputSize() > 5) {
        context->SetOutput(1, context->dtype(0), context->dims(5));
        context->SetOutput(2, context->dtype(0), context->dims(5));
      }
      return absl::OkStatus();
    });

template <class Context>
class LayerNormGradientOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit LayerNormGradientOp(OperatorInit* init) : Operator<Context>(init), args_(init) {
    if (InputSize() != (args_.affine ? 6 : 5) || OutputSize() != (args_.affine ? 3 : 1)) {
      init->Fail(absl::InvalidArgumentError(
          absl::StrCat("with elementwise_affine=", args_.affine, " there must be ",
                       args_.affine ? 6 : 5, " inputs and ", args_.affine ? 3 : 1,
                       " outputs, but there are ", InputSize(), " and ", OutputSize())));
    }
  }

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(4);
    DOPPIO_RETURN_IF_ERROR(CheckSameTypes(*this));
    DOPPIO_ASSIGN_OR_RETURN(const LayerNormSizes sizes, SizesOf(args_, x.dims()));
    if (Input(0).dims() != x.dims()) {
      return absl::InvalidArgumentError(
          absl::StrCat("dY ", DescribeInput(0), " must have the shape of X ", DescribeInput(4)));
    }
    for (int i = 2; i < 4; ++i) {
      DOPPIO_RETURN_IF_ERROR(CheckPerChannel(*this, i, sizes.rows, x.dims()));
    }
    if (args_.affine) {
      DOPPIO_RETURN_IF_ERROR(CheckPerChannel(*this, 5, sizes.columns, x.dims()));
    }
    return DispatchType(TypeList<float, double>(), x.dtype(), [&](auto tag) {
      return Differentiate<typename decltype(tag)::type>(sizes);
    });
  }

 private:
  template <typename T>
  absl::Status Differentiate(const LayerNormSizes& sizes) {
    const int64_t rows = sizes.rows;
    DOPPIO_ASSIGN_OR_RETURN(Tensor * dx_out, Output(0, DataTypeOf<T>::value, Input(4).dims()));
    DOPPIO_ASSIGN_OR_RETURN(T* const room, Room<T>(&room_, 5 * rows));
    T* dx = dx_out->mutable_data<T>();
    const T* d = Input(0).template data<T>();
    const T* mean = Input(2).template data<T>();
    const T* stddev = Input(3).template data<T>();
    const T* x = Input(4).template data<T>();
    T* a = room;
    T* b = a + rows;
    T* c = b + rows;
    T* sums = c + rows;
    T* dots = sums + rows;
    if (args_.affine) {
      DOPPIO_ASSIGN_OR_RETURN(d, DifferentiateAffine(sizes, a, b));
    }
    ChannelDots(d, x, mean, sizes.by_row(), sums, dots, &context_);
    // dX = a d + b X + c
    const T inverse = sizes.columns == 0 ? T(0) : T(1) / static_cast<T>(sizes.columns);
    for (int64_t i = 0; i < rows; ++i) {
      a[i] = 1 / stddev[i];
      b[i] = -dots[i] * a[i] * a[i] * a[i] * inverse;
      c[i] = -sums[i] * a[i] * inverse - b[i] * mean[i];
    }
    ChannelCombine(d, x, sizes.by_row(), a, b, c, dx, &context_);
    return absl::OkStatus();
  }

  // Computes dgamma and dbeta, and returns dY * gamma. `scale` and `shift` are room for a number of
  // each row.
  template <typename T>
  absl::StatusOr<const T*> DifferentiateAffine(const LayerNormSizes& sizes, T* scale, T* shift) {
    DOPPIO_ASSIGN_OR_RETURN(Tensor * dgamma, Output(1, DataTypeOf<T>::value, Input(5).dims()));
    DOPPIO_ASSIGN_OR_RETURN(Tensor * dbeta, Output(2, DataTypeOf<T>::value, Input(5).dims()));
    DOPPIO_ASSIGN_OR_RETURN(T* const normal, Room<T>(&normal_, Input(4).numel()));
    DOPPIO_ASSIGN_OR_RETURN(T* const zeros, Room<T>(&zeros_, sizes.columns));
    const T* dy = Input(0).template data<T>();
    const T* mean = Input(2).template data<T>();
    const T* stddev = Input(3).template data<T>();
    for (int64_t i = 0; i < sizes.rows; ++i) {
      scale[i] = 1 / stddev[i];
      shift[i] = -mean[i] * scale[i];
    }
    std::fill_n(zeros, sizes.columns, T(0));
    ChannelScale(Input(4).template data<T>(), sizes.by_row(), scale, shift, normal, &context_);
    ChannelDots(dy, normal, zeros, sizes.by_column(), dbeta->mutable_data<T>(),
                dgamma->mutable_data<T>(), &context_);
    ChannelScale(dy, sizes.by_column(), Input(5).template data<T>(), zeros, normal, &context_);
    return normal;
  }

  const LayerNormArguments args_;
  Tensor room_;
  Tensor normal_;
  Tensor zeros_;
};

class GetLayerNormGradient final : public GradientMakerBase {
  using GradientMakerBase::GradientMakerBase;
  std::vector<OperatorDef> GetGradientDefs() override {
    const bool affine =
        ArgumentReader(Def(), nullptr).GetSingleArgument<bool>("elementwise_affine", false);
    std::vector<std::string> inputs = {GO(0), O(0), O(1), O(2), I(0)};
    std::vector<std::string> outputs = {GI(0)};
    if (affine) {
      inputs.push_back(I(1));
      outputs.push_back(GI(1));
      outputs.push_back(GI(2));
    }
    return SingleGradientDef("LayerNormGradient", "", inputs, outputs);
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(LayerNorm, LayerNormOp<CPUContext>);
DOPPIO_REGISTER_CPU_OPERATOR(LayerNormGradient, LayerNormGradientOp<CPUContext>);
DOPPIO_REGISTER_GRADIENT(LayerNorm, GetLayerNormGradient);

}  // namespace
}  // namespace doppio
