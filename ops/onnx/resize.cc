#include <algorithm>
#include <cmath>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "ops/onnx/resize_taps.h"
#include "src/kernel/cast.h"
#include "src/operator/element_copy.h"

namespace doppio {
namespace {

using ResizedAxes = absl::InlinedVector<ResizedAxis, 6>;

// `roi` may be null where it is not looked at.
absl::StatusOr<ResizedAxes> AxesOf(const ResizeRule& rule, DimsView x, const Tensor& scales,
                                   const Tensor* roi) {
  const size_t rank = x.size();
  if (scales.dims() != DimsView({static_cast<int64_t>(rank)}) ||
      !(scales.Is<float>() || scales.Is<int64_t>())) {
    return absl::InvalidArgumentError(absl::StrCat(
        "scales must be a vector of float, or sizes one of int64, for each of the ", rank,
        " dimensions of X ", ShapeToString(x), ", but is ", scales.TypeAndShape()));
  }
  if (rule.crops() &&
      (roi == nullptr || roi->numel() != 2 * static_cast<int64_t>(rank) || !roi->Is<float>())) {
    return absl::InvalidArgumentError(
        absl::StrCat("tf_crop_and_resize needs a roi of ", 2 * rank, " floats"));
  }
  ResizedAxes axes(rank);
  for (size_t d = 0; d < rank; ++d) {
    ResizedAxis& axis = axes[d];
    axis.in = x[d];
    if (rule.crops()) {
      axis.start = roi->data<float>()[d];
      axis.end = roi->data<float>()[d + rank];
      if (!std::isfinite(axis.start) || !std::isfinite(axis.end)) {
        return absl::InvalidArgumentError("roi has a number that is not finite");
      }
    }
    const auto in = static_cast<double>(axis.in);
    if (scales.Is<int64_t>()) {
      axis.out = scales.data<int64_t>()[d];
      axis.scale = static_cast<double>(axis.out) / in;
    } else {
      axis.scale = scales.data<float>()[d];
      const double size = std::floor(in * axis.scale * (axis.end - axis.start));
      if (!(axis.scale > 0) || !(size >= 0 && size < 9e15)) {
        return absl::InvalidArgumentError(
            absl::StrCat("scale ", axis.scale, " of dimension ", d, ", which has ", x[d]));
      }
      axis.out = static_cast<int64_t>(size);
    }
    if (axis.out < 0 || (axis.out > 0 && axis.in == 0)) {
      return absl::InvalidArgumentError(absl::StrCat("dimension ", d, " can not have ", axis.out,
                                                     " elements, made of ", axis.in));
    }
  }
  return axes;
}

absl::StatusOr<Dims> OutputDims(const ResizedAxes& axes) {
  Dims dims;
  for (const ResizedAxis& axis : axes) dims.push_back(axis.out);
  DOPPIO_RETURN_IF_ERROR(NumElements(dims).status());
  return dims;
}

DOPPIO_OPERATOR_SCHEMA(Resize)
    .NumInputs(2, 3)
    .NumOutputs(1)
    .Doc(R"DOC(
ONNX's Resize: gives tensors other sizes by interpolation, in one dimension after the other. What an element o
of Y is made of lies around a place of X, by `coordinate_transformation_mode` (n and m being the lengths in X
and Y, scale = m / n unless it is given):

    half_pixel            (o + 0.5) / scale - 0.5
    pytorch_half_pixel    the same, but 0 where m = 1
    align_corners         o (n - 1) / (m - 1), with n scale for m where a scale is given, as in ONNX's tests
    asymmetric            o / scale
    tf_half_pixel_for_nn  (o + 0.5) / scale
    tf_crop_and_resize    (start + o (end - start) / (m - 1)) (n - 1); of a region `roi` of X

Elements beside X are those of its border; with tf_crop_and_resize what lies there becomes
extrapolation_value. Given scales, m is floor(n scale), with tf_crop_and_resize floor(n (end - start) scale).

Example: X [1,1,1,2] = 1 2 with sizes = [1,1,1,4] and mode = linear gives Y = 1 1.25 1.75 2.
)DOC")
    .Arg<std::string>("mode", "nearest, linear or cubic", "nearest")
    .Arg<std::string>("coordinate_transformation_mode", "as above", "half_pixel")
    .Arg<std::string>(
        "nearest_mode",
        "of nearest: round_prefer_floor, round_prefer_ceil (between two), floor, ceil",
        "round_prefer_floor")
    .Arg<float>("cubic_coeff_a", "the coefficient a of cubic interpolation", -0.75f)
    .Arg<bool>("exclude_outside", "elements beside X have no weight, and the others share it out",
               false)
    .Arg<float>("extrapolation_value", "of what tf_crop_and_resize finds beside X", 0.0f)
    .Input(0, "X", "tensor of numbers; but for mode nearest of float or double")
    .Input(1, "scales", "float: a factor for each dimension of X; or int64: Y's shape")
    .Input(2, "roi",
           "float: where a region begins in each dimension of X, and then where it ends, "
           "as parts of it; with tf_crop_and_resize only")
    .Output(0, "Y", "tensor of X's type and rank")
    .NeedsValue(1)
    .TensorInference([](InferenceContext* context) -> absl::Status {
      const ResizeRule rule(context);
      DOPPIO_RETURN_IF_ERROR(context->status());
      const Tensor* roi = context->InputSize() > 2 ? context->value(2) : nullptr;
      if (context->InputSize() > 2 && rule.crops() && roi == nullptr) return absl::OkStatus();
      DOPPIO_ASSIGN_OR_RETURN(const ResizedAxes axes,
                              AxesOf(rule, context->dims(0), *context->value(1), roi));
      DOPPIO_ASSIGN_OR_RETURN(const Dims dims, OutputDims(axes));
      context->SetOutput(0, context->dtype(0), dims);
      return absl::OkStatus();
    });

template <class Context>
class ResizeOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit ResizeOp(OperatorInit* init)
      : Operator<Context>(init),
        rule_(init),
        extrapolation_(init->GetSingleArgument<float>("extrapolation_value")) {}

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(0);
    DOPPIO_ASSIGN_OR_RETURN(const ResizedAxes axes, AxesOf(rule_, x.dims(), Input(1),
                                                           InputSize() > 2 ? &Input(2) : nullptr));
    DOPPIO_ASSIGN_OR_RETURN(const Dims dims, OutputDims(axes));
    if (rule_.mode() == ResizeRule::Mode::kNearest) {
      return DispatchType(AllNumericTypes(), x.dtype(),
                          [&](auto tag) { return Run<typename decltype(tag)::type>(axes, dims); });
    }
    return DispatchType(TypeList<float, double>(), x.dtype(),
                        [&](auto tag) { return Run<typename decltype(tag)::type>(axes, dims); });
  }

 private:
  template <typename T>
  absl::Status Run(const ResizedAxes& axes, const Dims& dims) {
    const Dims x_dims(Input(0).dims().begin(), Input(0).dims().end());
    DOPPIO_ASSIGN_OR_RETURN(Tensor * y, Output(0, Input(0).dtype(), dims));
    if (y->numel() == 0) return absl::OkStatus();
    taps_.resize(axes.size());
    absl::InlinedVector<size_t, 6> changed;
    for (size_t d = 0; d < axes.size(); ++d) {
      rule_.FindTaps(axes[d], &taps_[d]);
      if (!taps_[d].IsIdentity(axes[d].in)) changed.push_back(d);
    }
    const Tensor* from = &Input(0);
    Dims shape = x_dims;
    for (size_t i = 0; i < changed.size(); ++i) {
      const size_t d = changed[i];
      const auto axis = static_cast<int>(d);
      const int64_t outer = SizeToDim(shape, axis);
      const int64_t inner = SizeFromDim(shape, axis + 1);
      shape[d] = axes[d].out;
      Tensor* to = i + 1 == changed.size() ? y : &between_[i % 2];
      if (to != y) DOPPIO_RETURN_IF_ERROR(to->Resize(y->dtype(), shape));
      ResampleLines<T>(from->data<T>(), outer, axes[d].in, inner, taps_[d], to->mutable_data<T>());
      from = to;
    }
    if (changed.empty()) ElementCopy(Input(0), y)(0, 0, y->numel());
    if (rule_.crops()) Extrapolate(axes, y->mutable_data<T>());
    return absl::OkStatus();
  }

  template <typename T>
  void ResampleLines(const T* x, int64_t outer, int64_t in, int64_t inner, const ResampleTaps& taps,
                     T* y) const {
    if constexpr (std::is_same_v<T, float> || std::is_same_v<T, double>) {
      if (rule_.mode() != ResizeRule::Mode::kNearest) {
        Resample(x, outer, in, inner, taps, y);
        return;
      }
    }
    ResampleNearest(sizeof(T), x, outer, in, inner, taps, y);
  }

  // Whatever has a place beside X in some dimension.
  template <typename T>
  void Extrapolate(const ResizedAxes& axes, T* y) const {
    T value;
    Cast(DataType::kFloat, &extrapolation_, DataTypeOf<T>::value, &value, 1, nullptr);
    int64_t outer = 1;
    int64_t inner = 1;
    for (const ResizedAxis& axis : axes) inner *= axis.out;
    for (const ResizedAxis& axis : axes) {
      inner /= axis.out;
      for (int64_t o = 0; o < axis.out; ++o) {
        if (!rule_.IsOutside(o, axis)) continue;
        for (int64_t i = 0; i < outer; ++i) {
          std::fill_n(y + (i * axis.out + o) * inner, inner, value);
        }
      }
      outer *= axis.out;
    }
  }

  const ResizeRule rule_;
  const float extrapolation_;
  // Scratch, kept for the next run.
  std::vector<ResampleTaps> taps_;
  Tensor between_[2];
};

DOPPIO_REGISTER_CPU_OPERATOR(Resize, ResizeOp<CPUContext>);
DOPPIO_NO_GRADIENT(Resize);

}  // namespace
}  // namespace doppio
