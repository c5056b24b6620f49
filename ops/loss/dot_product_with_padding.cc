#include <algorithm>

#include "doppio/gradient_maker.h"
#include "doppio/parallel.h"
#include "doppio/registry.h"

namespace doppio {
namespace {

struct PaddingArguments {
  explicit PaddingArguments(ArgumentReader* args)
      : pad_value(args->GetSingleArgument<float>("pad_value")),
        replicate(args->GetSingleArgument<bool>("replicate")) {}

  static void State(OpSchema& schema) {
    schema.Arg<float>("pad_value", "what the shorter rows are filled up with", 0.0f)
        .Arg("replicate", "repeat the shorter rows instead", false);
  }

  float pad_value;
  bool replicate;
};

struct RowSizes {
  int64_t rows;
  int64_t x;  // elements of a row of X
  int64_t y;

  int64_t grain() const { return 16384 / std::max<int64_t>(std::max(x, y), 1) + 1; }
};

absl::StatusOr<RowSizes> SizesOf(const PaddingArguments& args, DimsView x, DimsView y) {
  const auto refuse = [&](absl::string_view rule) {
    return absl::InvalidArgumentError(
        absl::StrCat("X ", ShapeToString(x), " and Y ", ShapeToString(y), " must ", rule));
  };
  if (x.empty() || x.size() != y.size() || x[0] != y[0]) {
    return refuse("have as many dimensions, of which the first is the same");
  }
  const RowSizes sizes = {x[0], SizeFromDim(x, 1), SizeFromDim(y, 1)};
  const auto [shorter, longer] = std::minmax(sizes.x, sizes.y);
  if (args.replicate && longer > 0 && (shorter == 0 || longer % shorter != 0)) {
    return refuse("have rows of which one is a multiple of the other, for replicate");
  }
  return sizes;
}

DOPPIO_OPERATOR_SCHEMA(DotProductWithPadding)
    .NumInputs(2)
    .NumOutputs(1)
    .Doc(R"DOC(
The dot product of each row of X with the same row of Y, where the rows of one may be shorter: they are
filled up with pad_value, or with replicate=1 repeated until they are as long.

Example: X [1,4] = [[1,2,3,4]] and Y [1,2] = [[10,1]] give Z [1] = [12], with pad_value=1 [19], and with
replicate=1 [46]. (Caffe2 leaves out what is over where the lengths are no multiples with replicate=1;
here that is an error.)
)DOC")
    .FillUsing(PaddingArguments::State)
    .Input(0, "X", "tensor of float or double of at least one dimension")
    .Input(1, "Y", "tensor of X's type, with as many dimensions and as many rows")
    .Output(0, "Z", "vector of as many elements as X has rows")
    .Flops([](const OperatorDef&, const std::vector<TensorInfo>& inputs, const auto&) {
      return 2 * std::max(SizeFromDim(*inputs[0].dims, 0), SizeFromDim(*inputs[1].dims, 0));
    })
    .TensorInference([](InferenceContext* context) -> absl::Status {
      const PaddingArguments args(context);
      DOPPIO_RETURN_IF_ERROR(context->status());
      DOPPIO_ASSIGN_OR_RETURN(const RowSizes sizes,
                              SizesOf(args, context->dims(0), context->dims(1)));
      context->SetOutput(0, context->dtype(0), {sizes.rows});
      return absl::OkStatus();
    });

template <class Context>
class DotProductWithPaddingOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit DotProductWithPaddingOp(OperatorInit* init) : Operator<Context>(init), args_(init) {}

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(0);
    const Tensor& y = Input(1);
    if (x.dtype() != y.dtype()) {
      return absl::InvalidArgumentError(
          absl::StrCat(DescribeInput(0), " and ", DescribeInput(1), " must have the same type"));
    }
    DOPPIO_ASSIGN_OR_RETURN(const RowSizes sizes, SizesOf(args_, x.dims(), y.dims()));
    return DispatchType(TypeList<float, double>(), x.dtype(), [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      DOPPIO_ASSIGN_OR_RETURN(Tensor * z, Output(0, x.dtype(), {sizes.rows}));
      const bool x_is_longer = sizes.x > sizes.y;
      const T* longer = (x_is_longer ? x : y).template data<T>();
      const T* shorter = (x_is_longer ? y : x).template data<T>();
      const int64_t most = std::max(sizes.x, sizes.y);
      const int64_t least = std::min(sizes.x, sizes.y);
      T* to = z->mutable_data<T>();
      ParallelFor(sizes.rows, sizes.grain(), [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) {
          to[i] = static_cast<T>(Product(longer + i * most, most, shorter + i * least, least));
        }
      });
      return absl::OkStatus();
    });
  }

 private:
  template <typename T>
  double Product(const T* longer, int64_t most, const T* shorter, int64_t least) const {
    double sum = 0;
    for (int64_t from = 0; from + least <= most && least > 0; from += least) {
      for (int64_t j = 0; j < least; ++j) {
        sum += static_cast<double>(longer[from + j]) * static_cast<double>(shorter[j]);
      }
      if (!args_.replicate) break;
    }
    if (args_.replicate || most == least) return sum;
    double rest = 0;
    for (int64_t j = least; j < most; ++j) rest += static_cast<double>(longer[j]);
    return sum + rest * static_cast<double>(args_.pad_value);
  }

  const PaddingArguments args_;
};

DOPPIO_OPERATOR_SCHEMA(DotProductWithPaddingGradient)
    .NumInputs(3)
    .NumOutputs(2)
    .Doc(R"DOC(
The gradient of DotProductWithPadding: each element gets dZ times what it was multiplied with, summed
where the shorter rows were repeated.
)DOC")
    .FillUsing(PaddingArguments::State)
    .Input(0, "X", "the first input of DotProductWithPadding: float or double")
    .Input(1, "Y", "its second input")
    .Input(2, "dZ", "gradient of its output")
    .Output(0, "dX", "gradient of X, of its shape and type")
    .Output(1, "dY", "gradient of Y, of its shape and type")
    .TensorInference([](InferenceContext* context) {
      context->SetOutput(0, context->dtype(0), context->dims(0));
      context->SetOutput(1, context->dtype(1), context->dims(1));
      return absl::OkStatus();
    });

template <class Context>
class DotProductWithPaddingGradientOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit DotProductWithPaddingGradientOp(OperatorInit* init)
      : Operator<Context>(init), args_(init) {}

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(0);
    const Tensor& y = Input(1);
    const Tensor& dz = Input(2);
    DOPPIO_ASSIGN_OR_RETURN(const RowSizes sizes, SizesOf(args_, x.dims(), y.dims()));
    if (x.dtype() != y.dtype() || dz.dtype() != x.dtype() || dz.numel() != sizes.rows) {
      return absl::InvalidArgumentError(
          absl::StrCat(DescribeInput(0), ", ", DescribeInput(1), " and ", DescribeInput(2),
                       " must have the same type, and the last ", sizes.rows, " elements"));
    }
    return DispatchType(TypeList<float, double>(), x.dtype(), [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      DOPPIO_ASSIGN_OR_RETURN(Tensor * dx, Output(0, x.dtype(), x.dims()));
      DOPPIO_ASSIGN_OR_RETURN(Tensor * dy, Output(1, x.dtype(), y.dims()));
      const bool x_is_longer = sizes.x > sizes.y;
      const T* longer = (x_is_longer ? x : y).template data<T>();
      const T* shorter = (x_is_longer ? y : x).template data<T>();
      T* to_longer = (x_is_longer ? dx : dy)->template mutable_data<T>();
      T* to_shorter = (x_is_longer ? dy : dx)->template mutable_data<T>();
      const T* factor = dz.data<T>();
      const int64_t most = std::max(sizes.x, sizes.y);
      const int64_t least = std::min(sizes.x, sizes.y);
      ParallelFor(sizes.rows, sizes.grain(), [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) {
          OneRow(factor[i], longer + i * most, most, shorter + i * least, least,
                 to_longer + i * most, to_shorter + i * least);
        }
      });
      return absl::OkStatus();
    });
  }

 private:
  template <typename T>
  void OneRow(T dz, const T* longer, int64_t most, const T* shorter, int64_t least, T* to_longer,
              T* to_shorter) const {
    std::fill_n(to_shorter, least, T(0));
    int64_t from = 0;
    for (; from + least <= most && least > 0; from += least) {
      for (int64_t j = 0; j < least; ++j) {
        to_longer[from + j] = dz * shorter[j];
        to_shorter[j] += dz * longer[from + j];
      }
      if (args_.replicate) continue;
      from += least;
      break;
    }
    std::fill(to_longer + from, to_longer + most, dz * static_cast<T>(args_.pad_value));
  }

  const PaddingArguments args_;
};

class GetDotProductWithPaddingGradient final : public GradientMakerBase {
  using GradientMakerBase::GradientMakerBase;
  std::vector<OperatorDef> GetGradientDefs() override {
    return SingleGradientDef("DotProductWithPaddingGradient", "", {I(0), I(1), GO(0)},
                             {GI(0), GI(1)});
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(DotProductWithPadding, DotProductWithPaddingOp<CPUContext>);
DOPPIO_REGISTER_CPU_OPERATOR(DotProductWithPaddingGradient,
                             DotProductWithPaddingGradientOp<CPUContext>);
DOPPIO_REGISTER_GRADIENT(DotProductWithPadding, GetDotProductWithPaddingGradient);

}  // namespace
}  // namespace doppio
