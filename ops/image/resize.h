#ifndef DOPPIO_OPS_IMAGE_RESIZE_H_
#define DOPPIO_OPS_IMAGE_RESIZE_H_

// What ResizeNearest and the bilinear resizes have in common: arguments, shapes, and the frame of
// their operators.

#include "doppio/gradient_maker.h"
#include "doppio/operator.h"
#include "doppio/schema.h"
#include "src/operator/storage_order.h"

namespace doppio {

struct Scales {
  float height;
  float width;
};

inline Scales ReadScales(ArgumentReader* reader) {
  return {reader->GetSingleArgument<float>("height_scale"),
          reader->GetSingleArgument<float>("width_scale")};
}

// The scales of the optional input [height_scale, width_scale].
inline absl::StatusOr<Scales> ScalesFromTensor(const Tensor& tensor) {
  if (!tensor.Is<float>() || tensor.rank() != 1 || tensor.numel() != 2) {
    return absl::InvalidArgumentError(
        absl::StrCat("scales must be two floats, the scales of height and width, but are ",
                     tensor.TypeAndShape()));
  }
  return Scales{tensor.data<float>()[0], tensor.data<float>()[1]};
}

// floor(size * scale), computed in float as Caffe2 does.
inline absl::StatusOr<int64_t> ScaledSize(int64_t size, float scale) {
  const float scaled = static_cast<float>(size) * scale;
  if (!(scale > 0) || !(scaled <= static_cast<float>(kMaxImageSide))) {
    return absl::InvalidArgumentError(absl::StrCat(
        "cannot scale ", size, " pixels by ", scale,
        ": a scale must be larger than 0, and its result at most ", kMaxImageSide, " pixels"));
  }
  return static_cast<int64_t>(scaled);
}

inline absl::StatusOr<Dims> ScaledShape(DimsView x, const Scales& scales, StorageOrder order) {
  DOPPIO_ASSIGN_OR_RETURN(const ImageSizes sizes, SplitAtPixels(x, order));
  DOPPIO_ASSIGN_OR_RETURN(const int64_t height, ScaledSize(sizes.height, scales.height));
  DOPPIO_ASSIGN_OR_RETURN(const int64_t width, ScaledSize(sizes.width, scales.width));
  const Dims y = WithImageSize(x, order, height, width);
  DOPPIO_RETURN_IF_ERROR(NumElements(y).status());
  return y;
}

// Input `x` of the forward operator, and the scales behind it where they are an input.
inline absl::Status InferResize(InferenceContext* context, int x, bool is_gradient) {
  const StorageOrder order = ReadStorageOrder(context);
  Scales scales = ReadScales(context);
  if (context->InputSize() > x + 1) {
    if (context->value(x + 1) == nullptr) {
      if (is_gradient) context->SetOutput(0, context->dtype(0), context->dims(x));
      return absl::OkStatus();
    }
    DOPPIO_ASSIGN_OR_RETURN(scales, ScalesFromTensor(*context->value(x + 1)));
  }
  DOPPIO_ASSIGN_OR_RETURN(const Dims y, ScaledShape(context->dims(x), scales, order));
  context->SetOutput(0, context->dtype(0),
                     is_gradient ? Dims(context->dims(x).begin(), context->dims(x).end()) : y);
  return absl::OkStatus();
}

inline void StateResize(OpSchema& schema) {
  schema.NumInputs(1, 2)
      .NumOutputs(1)
      .Arg<float>("width_scale", "the width becomes floor(width * width_scale)", 1.0f)
      .Arg<float>("height_scale", "the height becomes floor(height * height_scale)", 1.0f)
      .FillUsing(StateStorageOrder)
      .Input(1, "scales", "optional: [height_scale, width_scale] instead of the arguments")
      .Output(0, "Y", "tensor of X's type, with another height and width")
      .TensorInference([](InferenceContext* context) { return InferResize(context, 0, false); });
}

inline void StateResizeGradient(OpSchema& schema) {
  schema.FillUsing(StateResize)
      .NumInputs(2, 3)
      .Input(0, "dY", "gradient of Y: float or double")
      .Input(1, "X", "input of the forward operator, of which only the shape is used")
      .Input(2, "scales", "as in the forward operator")
      .Output(0, "dX", "gradient of X: of dY's type and X's shape")
      .TensorInference([](InferenceContext* context) { return InferResize(context, 1, true); });
}

// What one run works with.
struct ResizeRun {
  Scales scales;
  ImageSizes small;  // X
  ImageSizes large;  // Y
  Dims output;
};

// The frame of both operators. X is input `x`; a gradient operator has dY before it.
template <class Context>
class ResizeOperator : public Operator<Context> {
 protected:
  explicit ResizeOperator(OperatorInit* init)
      : Operator<Context>(init), order_(ReadStorageOrder(init)), scales_(ReadScales(init)) {}

  absl::StatusOr<ResizeRun> Prepare(int x) const {
    ResizeRun run;
    run.scales = scales_;
    if (this->InputSize() > x + 1) {
      DOPPIO_ASSIGN_OR_RETURN(run.scales, ScalesFromTensor(this->Input(x + 1)));
    }
    const Tensor& image = this->Input(x);
    DOPPIO_ASSIGN_OR_RETURN(run.output, ScaledShape(image.dims(), run.scales, order_));
    DOPPIO_ASSIGN_OR_RETURN(run.small, SplitAtPixels(image.dims(), order_));
    DOPPIO_ASSIGN_OR_RETURN(run.large, SplitAtPixels(run.output, order_));
    if (x == 1) {
      if (this->Input(0).dims() != DimsView(run.output)) {
        return absl::InvalidArgumentError(
            absl::StrCat("dY ", this->DescribeInput(0), " is not what X ", this->DescribeInput(1),
                         " is resized to: ", ShapeToString(run.output)));
      }
      run.output.assign(image.dims().begin(), image.dims().end());
    }
    return run;
  }

 private:
  const StorageOrder order_;
  const Scales scales_;
};

class GetResizeGradient final : public GradientMakerBase {
  using GradientMakerBase::GradientMakerBase;
  std::vector<OperatorDef> GetGradientDefs() override {
    std::vector<std::string> inputs = {GO(0), I(0)};
    if (InputSize() == 2) inputs.push_back(I(1));
    return SingleGradientDef(absl::StrCat(Def().type(), "Gradient"), "", inputs, {GI(0)});
  }
};

}  // namespace doppio

#endif  // DOPPIO_OPS_IMAGE_RESIZE_H_
