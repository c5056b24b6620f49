#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "src/kernel/pixels.h"
#include "src/operator/storage_order.h"

namespace doppio {
namespace {

absl::StatusOr<Dims> UpsampledShape(DimsView x, int64_t scale) {
  if (x.size() != 3 && x.size() != 4) {
    return absl::InvalidArgumentError(
        absl::StrCat("X must be [N, C, H, W] or [C, H, W], but is ", ShapeToString(x)));
  }
  Dims y(x.begin(), x.end());
  for (size_t i : {x.size() - 2, x.size() - 1}) {
    DOPPIO_ASSIGN_OR_RETURN(y[i], CheckedProduct(y[i], scale));
    if (y[i] > kMaxImageSide) {
      return absl::InvalidArgumentError(absl::StrCat("cannot enlarge ", ShapeToString(x), " by ",
                                                     scale, ": more than ", kMaxImageSide,
                                                     " pixels in one direction"));
    }
  }
  DOPPIO_RETURN_IF_ERROR(NumElements(y).status());
  return y;
}

int64_t ReadScale(ArgumentReader* reader) {
  const auto scale = reader->GetSingleArgument<int64_t>("scale");
  if (scale >= 1) return scale;
  reader->Fail(absl::InvalidArgumentError(absl::StrCat("scale must be 1 or more, but is ", scale)));
  return 1;
}

void StateScale(OpSchema& schema) {
  schema.NumOutputs(1).Arg<int64_t>("scale", "how often each pixel is repeated each way", 2);
}

DOPPIO_OPERATOR_SCHEMA(UpsampleNearest)
    .NumInputs(1)
    .FillUsing(StateScale)
    .Doc("Enlarges images by a whole number: each pixel becomes a square of scale * scale pixels.")
    .Input(0, "X", "[N, C, H, W] or [C, H, W], any numbers")
    .Output(0, "Y", "[N, C, scale * H, scale * W] or [C, scale * H, scale * W]")
    .Flops([](const OperatorDef&, const auto&, const auto&) { return int64_t{0}; })
    .TensorInference([](InferenceContext* context) -> absl::Status {
      const int64_t scale = ReadScale(context);
      DOPPIO_ASSIGN_OR_RETURN(const Dims y, UpsampledShape(context->dims(0), scale));
      context->SetOutput(0, context->dtype(0), y);
      return absl::OkStatus();
    });

struct PixelMap {
  PixelSources rows, columns;

  void Assign(DimsView y, int64_t scale) {
    const auto divided = [&](int64_t i) { return i / scale; };
    rows.Assign(y[y.size() - 2], divided);
    columns.Assign(y[y.size() - 1], divided);
  }
};

template <class Context>
class UpsampleNearestOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit UpsampleNearestOp(OperatorInit* init)
      : Operator<Context>(init), scale_(ReadScale(init)) {}

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(0);
    DOPPIO_ASSIGN_OR_RETURN(const Dims dims, UpsampledShape(x.dims(), scale_));
    return DispatchType(AllNumericTypes(), x.dtype(), [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      DOPPIO_ASSIGN_OR_RETURN(Tensor * y, Output(0, x.dtype(), dims));
      if (y->numel() == 0) return absl::OkStatus();
      map_.Assign(dims, scale_);
      const int rank = x.rank();
      const T unused{};
      SelectPixels(sizeof(T), x.raw_data(), SizeToDim(x.dims(), rank - 2), x.dim(rank - 2),
                   x.dim(rank - 1), 1, map_.rows, map_.columns, &unused, y->raw_mutable_data(),
                   &context_);
      return absl::OkStatus();
    });
  }

 private:
  const int64_t scale_;
  PixelMap map_;
};

DOPPIO_OPERATOR_SCHEMA(UpsampleNearestGradient)
    .NumInputs(2)
    .FillUsing(StateScale)
    .Doc("The gradient of UpsampleNearest: each pixel of dX is the sum of the square of dY.")
    .Input(0, "X", "input of UpsampleNearest, of which only the shape is used")
    .Input(1, "dY", "gradient of its output: float or double")
    .Output(0, "dX", "tensor of dY's type and X's shape")
    .Flops([](const OperatorDef&, const std::vector<TensorInfo>& inputs, const auto&) {
      return SizeFromDim(*inputs[1].dims, 0);
    })
    .TensorInference([](InferenceContext* context) -> absl::Status {
      const int64_t scale = ReadScale(context);
      DOPPIO_RETURN_IF_ERROR(UpsampledShape(context->dims(0), scale).status());
      context->SetOutput(0, context->dtype(1), context->dims(0));
      return absl::OkStatus();
    });

template <class Context>
class UpsampleNearestGradientOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit UpsampleNearestGradientOp(OperatorInit* init)
      : Operator<Context>(init), scale_(ReadScale(init)) {}

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(0);
    const Tensor& dy = Input(1);
    DOPPIO_ASSIGN_OR_RETURN(const Dims dims, UpsampledShape(x.dims(), scale_));
    if (dy.dims() != DimsView(dims)) {
      return absl::InvalidArgumentError(absl::StrCat("dY ", DescribeInput(1), " is not what X ",
                                                     DescribeInput(0),
                                                     " is enlarged to: ", ShapeToString(dims)));
    }
    return DispatchType(TypeList<float, double>(), dy.dtype(), [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      DOPPIO_ASSIGN_OR_RETURN(Tensor * dx, Output(0, dy.dtype(), x.dims()));
      if (dx->numel() == 0) return absl::OkStatus();
      map_.Assign(dims, scale_);
      const int rank = x.rank();
      SelectPixelsGradient(dy.data<T>(), SizeToDim(x.dims(), rank - 2), x.dim(rank - 2),
                           x.dim(rank - 1), 1, map_.rows, map_.columns, dx->mutable_data<T>(),
                           &context_);
      return absl::OkStatus();
    });
  }

 private:
  const int64_t scale_;
  PixelMap map_;
};

class GetUpsampleNearestGradient final : public GradientMakerBase {
  using GradientMakerBase::GradientMakerBase;
  std::vector<OperatorDef> GetGradientDefs() override {
    return SingleGradientDef("UpsampleNearestGradient", "", {I(0), GO(0)}, {GI(0)});
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(UpsampleNearest, UpsampleNearestOp<CPUContext>);
DOPPIO_REGISTER_CPU_OPERATOR(UpsampleNearestGradient, UpsampleNearestGradientOp<CPUContext>);
DOPPIO_REGISTER_GRADIENT(UpsampleNearest, GetUpsampleNearestGradient);

}  // namespace
}  // namespace doppio
