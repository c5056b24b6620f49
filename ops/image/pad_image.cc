#include <cmath>
#include <limits>

#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "src/kernel/pixels.h"
#include "src/operator/storage_order.h"

namespace doppio {
namespace {

enum class PadMode { kConstant, kReflect, kEdge };

struct Padding {
  PadMode mode = PadMode::kConstant;
  StorageOrder order = StorageOrder::kNCHW;
  int64_t top = 0, left = 0, bottom = 0, right = 0;
};

constexpr int64_t kMostPadding = int64_t{1} << 31;

// Caffe2 reads `pad`, else the four sides, else `pads`; here one way alone is allowed.
void ReadSides(ArgumentReader* reader, Padding* padding) {
  constexpr const char* kSides[] = {"pad_t", "pad_l", "pad_b", "pad_r"};
  std::vector<int64_t> pads = reader->GetRepeatedArgument<int64_t>("pads");
  int sides = 0;
  for (const char* side : kSides) sides += reader->HasArgument(side) ? 1 : 0;
  const int ways =
      (pads.empty() ? 0 : 1) + (sides > 0 ? 1 : 0) + (reader->HasArgument("pad") ? 1 : 0);
  if (ways > 1 || (sides > 0 && sides < 4) || (!pads.empty() && pads.size() != 4)) {
    reader->Fail(absl::InvalidArgumentError(
        "padding must be given as pad, or as all of pad_t, pad_l, pad_b and pad_r, or as pads with "
        "these four"));
    return;
  }
  if (reader->HasArgument("pad")) pads.assign(4, reader->GetSingleArgument<int64_t>("pad", 0));
  if (sides == 4) {
    for (const char* side : kSides) pads.push_back(reader->GetSingleArgument<int64_t>(side, 0));
  }
  if (pads.empty()) return;
  for (int64_t pad : pads) {
    if (pad > -kMostPadding && pad < kMostPadding) continue;
    reader->Fail(absl::InvalidArgumentError(absl::StrCat("a padding of ", pad, " is too large")));
    return;
  }
  padding->top = pads[0];
  padding->left = pads[1];
  padding->bottom = pads[2];
  padding->right = pads[3];
}

Padding ReadPadding(ArgumentReader* reader) {
  Padding padding;
  padding.order = ReadStorageOrder(reader);
  const auto mode = reader->GetSingleArgument<std::string>("mode");
  if (mode == "reflect") {
    padding.mode = PadMode::kReflect;
  } else if (mode == "edge") {
    padding.mode = PadMode::kEdge;
  } else if (mode != "constant") {
    reader->Fail(absl::InvalidArgumentError(
        absl::StrCat("mode must be constant, reflect or edge, but is \"", mode, "\"")));
  }
  ReadSides(reader, &padding);
  for (const char* name :
       {"stride", "stride_h", "stride_w", "dilation", "dilation_h", "dilation_w"}) {
    if (reader->GetSingleArgument<int64_t>(name, 1) == 1) continue;
    reader->Fail(absl::InvalidArgumentError(absl::StrCat(name, " must be 1 where given")));
  }
  if (reader->GetSingleArgument<int64_t>("legacy_pad", 0) != 0) {
    reader->Fail(absl::InvalidArgumentError("legacy_pad must be 0: padding is given in numbers"));
  }
  return padding;
}

// What a side of `size` becomes, with `before` and `after` added to it.
absl::StatusOr<int64_t> PaddedSize(int64_t size, int64_t before, int64_t after, PadMode mode,
                                   absl::string_view name) {
  const int64_t padded = size + before + after;
  if (padded > kMaxImageSide) {
    return absl::InvalidArgumentError(absl::StrCat("a ", name, " of ", size, " becomes ", padded,
                                                   ", more than the ", kMaxImageSide,
                                                   " pixels that are allowed"));
  }
  if (padded < 0) {
    return absl::InvalidArgumentError(absl::StrCat("paddings of ", before, " and ", after,
                                                   " leave nothing of a ", name, " of ", size));
  }
  if (mode == PadMode::kReflect && padded > 0 && (before >= size || after >= size)) {
    return absl::InvalidArgumentError(
        absl::StrCat("a ", name, " of ", size, " can be reflected by at most ", size - 1,
                     ", but the paddings are ", before, " and ", after));
  }
  if (mode == PadMode::kEdge && padded > 0 && size == 0) {
    return absl::InvalidArgumentError(absl::StrCat("a ", name, " of 0 has no edge to repeat"));
  }
  return padded;
}

// The image sizes of a tensor to whose height and width paddings can be added without overflow.
absl::StatusOr<ImageSizes> SplitForPadding(DimsView dims, const Padding& padding) {
  DOPPIO_ASSIGN_OR_RETURN(const ImageSizes sizes, SplitAtPixels(dims, padding.order));
  constexpr int64_t kMost = std::numeric_limits<int64_t>::max() / 2;
  if (sizes.height < kMost && sizes.width < kMost) return sizes;
  return absl::InvalidArgumentError(
      absl::StrCat(ShapeToString(dims), " is too large to be padded"));
}

absl::StatusOr<Dims> PaddedShape(DimsView x, const Padding& padding) {
  DOPPIO_ASSIGN_OR_RETURN(const ImageSizes sizes, SplitForPadding(x, padding));
  DOPPIO_ASSIGN_OR_RETURN(const int64_t height, PaddedSize(sizes.height, padding.top,
                                                           padding.bottom, padding.mode, "height"));
  DOPPIO_ASSIGN_OR_RETURN(const int64_t width, PaddedSize(sizes.width, padding.left, padding.right,
                                                          padding.mode, "width"));
  Dims y = WithImageSize(x, padding.order, height, width);
  DOPPIO_RETURN_IF_ERROR(NumElements(y).status());
  return y;
}

// Where the pixel at `place` comes from, in an image that begins at `before`.
int64_t SourceOf(int64_t place, int64_t before, int64_t size, PadMode mode) {
  const int64_t i = place - before;
  if (i >= 0 && i < size) return i;
  if (mode == PadMode::kConstant) return kNoPixel;
  if (mode == PadMode::kEdge) return i < 0 ? 0 : size - 1;
  return i < 0 ? -i : 2 * size - 2 - i;
}

struct PixelMap {
  PixelSources rows, columns;

  void Assign(const Padding& padding, const ImageSizes& x, const ImageSizes& y) {
    rows.Assign(y.height,
                [&](int64_t h) { return SourceOf(h, padding.top, x.height, padding.mode); });
    columns.Assign(y.width,
                   [&](int64_t w) { return SourceOf(w, padding.left, x.width, padding.mode); });
  }
};

void StatePadding(OpSchema& schema) {
  schema.NumInputs(1)
      .NumOutputs(1)
      .Arg<std::string>("mode", "constant, reflect or edge", "constant")
      .OptionalArg<int64_t>("pad", "pixels that are added on each side")
      .OptionalArg<int64_t>("pad_t", "pixels added at the top; all four sides are given, or none")
      .OptionalArg<int64_t>("pad_l", "at the left")
      .OptionalArg<int64_t>("pad_b", "at the bottom")
      .OptionalArg<int64_t>("pad_r", "at the right")
      .OptionalArg<std::vector<int64_t>>("pads", "the same as [top, left, bottom, right]")
      .Arg<float>("value", "of the pixels that mode constant adds", 0.0f)
      .FillUsing(StateStorageOrder)
      .Flops([](const OperatorDef&, const auto&, const auto&) { return int64_t{0}; });
}

DOPPIO_OPERATOR_SCHEMA(PadImage)
    .FillUsing(StatePadding)
    .Doc(R"DOC(
Adds pixels around images: of a fixed value (constant), mirrored at the border without repeating it
(reflect), or as the nearest one of the border (edge). A negative padding cuts pixels off. Reflected
paddings must be smaller than the image.

Example: the row 1 2 3, padded by 2 at the left and 1 at the right, becomes 0 0 1 2 3 0 (constant),
3 2 1 2 3 2 (reflect) or 1 1 1 2 3 3 (edge).
)DOC")
    .Input(0, "X", "four dimensions, any numbers")
    .Output(0, "Y", "tensor of X's type, with another height and width")
    .TensorInference([](InferenceContext* context) -> absl::Status {
      const Padding padding = ReadPadding(context);
      DOPPIO_RETURN_IF_ERROR(context->status());
      DOPPIO_ASSIGN_OR_RETURN(const Dims y, PaddedShape(context->dims(0), padding));
      context->SetOutput(0, context->dtype(0), y);
      return absl::OkStatus();
    });

// `value` as a T; InvalidArgument where T does not have it.
template <typename T>
absl::StatusOr<T> ValueAs(float value) {
  if constexpr (std::is_integral_v<T>) {
    const double least = static_cast<double>(std::numeric_limits<T>::min());
    const double most = static_cast<double>(std::numeric_limits<T>::max());
    if (!(value >= least && value <= most) || (sizeof(T) == 8 && value >= most)) {
      return absl::InvalidArgumentError(absl::StrCat("the value ", value, " does not fit into ",
                                                     DataTypeName(DataTypeOf<T>::value)));
    }
  }
  return static_cast<T>(value);
}

template <class Context>
class PadImageOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit PadImageOp(OperatorInit* init)
      : Operator<Context>(init),
        padding_(ReadPadding(init)),
        value_(init->GetSingleArgument<float>("value")) {}

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(0);
    DOPPIO_ASSIGN_OR_RETURN(const Dims dims, PaddedShape(x.dims(), padding_));
    DOPPIO_ASSIGN_OR_RETURN(const ImageSizes from, SplitAtPixels(x.dims(), padding_.order));
    DOPPIO_ASSIGN_OR_RETURN(const ImageSizes to, SplitAtPixels(dims, padding_.order));
    return DispatchType(AllNumericTypes(), x.dtype(), [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      DOPPIO_ASSIGN_OR_RETURN(const T value, ValueAs<T>(value_));
      DOPPIO_ASSIGN_OR_RETURN(Tensor * y, Output(0, x.dtype(), dims));
      if (y->numel() == 0) return absl::OkStatus();
      map_.Assign(padding_, from, to);
      SelectPixels(sizeof(T), x.raw_data(), from.count, from.height, from.width, from.inner,
                   map_.rows, map_.columns, &value, y->raw_mutable_data(), &context_);
      return absl::OkStatus();
    });
  }

 private:
  const Padding padding_;
  const float value_;
  PixelMap map_;
};

// The shape of the image that PadImage made dY's shape of.
absl::StatusOr<Dims> UnpaddedShape(DimsView dy, const Padding& padding) {
  DOPPIO_ASSIGN_OR_RETURN(const ImageSizes sizes, SplitForPadding(dy, padding));
  const int64_t height = sizes.height - padding.top - padding.bottom;
  const int64_t width = sizes.width - padding.left - padding.right;
  if (height < 0 || width < 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("dY ", ShapeToString(dy), " is smaller than the padding"));
  }
  const Dims x = WithImageSize(dy, padding.order, height, width);
  DOPPIO_RETURN_IF_ERROR(PaddedShape(x, padding).status());
  return x;
}

DOPPIO_OPERATOR_SCHEMA(PadImageGradient)
    .FillUsing(StatePadding)
    .Doc(R"DOC(
The gradient of PadImage: each pixel of dX is the sum of dY over the pixels that were copied from it.
)DOC")
    .Input(0, "dY", "gradient of PadImage's output: float or double")
    .Output(0, "dX", "tensor of dY's type, without the padding")
    .TensorInference([](InferenceContext* context) -> absl::Status {
      const Padding padding = ReadPadding(context);
      DOPPIO_RETURN_IF_ERROR(context->status());
      DOPPIO_ASSIGN_OR_RETURN(const Dims x, UnpaddedShape(context->dims(0), padding));
      context->SetOutput(0, context->dtype(0), x);
      return absl::OkStatus();
    });

template <class Context>
class PadImageGradientOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit PadImageGradientOp(OperatorInit* init)
      : Operator<Context>(init), padding_(ReadPadding(init)) {}

  absl::Status RunOnDevice() override {
    const Tensor& dy = Input(0);
    DOPPIO_ASSIGN_OR_RETURN(const Dims dims, UnpaddedShape(dy.dims(), padding_));
    DOPPIO_ASSIGN_OR_RETURN(const ImageSizes x, SplitAtPixels(dims, padding_.order));
    DOPPIO_ASSIGN_OR_RETURN(const ImageSizes y, SplitAtPixels(dy.dims(), padding_.order));
    return DispatchType(TypeList<float, double>(), dy.dtype(), [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      DOPPIO_ASSIGN_OR_RETURN(Tensor * dx, Output(0, dy.dtype(), dims));
      if (dx->numel() == 0) return absl::OkStatus();
      map_.Assign(padding_, x, y);
      SelectPixelsGradient(dy.data<T>(), x.count, x.height, x.width, x.inner, map_.rows,
                           map_.columns, dx->mutable_data<T>(), &context_);
      return absl::OkStatus();
    });
  }

 private:
  const Padding padding_;
  PixelMap map_;
};

class GetPadImageGradient final : public GradientMakerBase {
  using GradientMakerBase::GradientMakerBase;
  std::vector<OperatorDef> GetGradientDefs() override {
    return SingleGradientDef("PadImageGradient", "", {GO(0)}, {GI(0)});
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(PadImage, PadImageOp<CPUContext>);
DOPPIO_REGISTER_CPU_OPERATOR(PadImageGradient, PadImageGradientOp<CPUContext>);
DOPPIO_REGISTER_GRADIENT(PadImage, GetPadImageGradient);

}  // namespace
}  // namespace doppio
