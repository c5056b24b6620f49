#include "src/kernel/roi_align.h"

#include <algorithm>
#include <cmath>
#include <tuple>

#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "ops/detection/rois.h"
#include "src/operator/storage_order.h"

namespace doppio {
namespace {

// Of samples along one axis of a bin: what is beyond them is a mistake, and would take for ever.
constexpr int64_t kMostSamplingRatio = 1024;
constexpr int64_t kMostAdaptiveGrid = int64_t{1} << 20;
constexpr int64_t kMostBins = int64_t{1} << 20;  // along one axis; their lists take memory too

struct RoIAlignArguments : RoiArguments {
  explicit RoIAlignArguments(ArgumentReader* args)
      : RoiArguments(args),
        channels_last(ReadStorageOrder(args) == StorageOrder::kNHWC),
        sampling_ratio(args->GetSingleArgument<int>("sampling_ratio", -1)),
        aligned(args->GetSingleArgument<bool>("aligned", false)) {
    if (std::max(pooled_height, pooled_width) > kMostBins) {
      args->Fail(absl::InvalidArgumentError(absl::StrCat("pooled_h and pooled_w are ",
                                                         pooled_height, " and ", pooled_width,
                                                         ", must be at most ", kMostBins)));
    }
    if (sampling_ratio > kMostSamplingRatio) {
      args->Fail(absl::InvalidArgumentError(absl::StrCat(
          "sampling_ratio is ", sampling_ratio, ", must be at most ", kMostSamplingRatio)));
    }
  }

  bool channels_last;
  int64_t sampling_ratio;  // at most 0: adaptive
  bool aligned;
};

void StateRoIAlignArguments(OpSchema& schema) {
  schema.FillUsing(StateRoiArguments)
      .FillUsing(StateStorageOrder)
      .Arg<int>("sampling_ratio",
                "points that are sampled along each axis of a bin; at most 0: so many that they "
                "lie no more than a pixel apart, ceil(height / pooled_h) and likewise in width",
                -1)
      .Arg<bool>("aligned",
                 "whether pixels are areas, so that regions are moved by half a pixel of the "
                 "feature map, and regions smaller than a pixel stay so",
                 false);
}

int64_t SamplingFlops(const OperatorDef& def, const TensorInfo& y) {
  ArgumentReader reader(def, nullptr);
  int64_t ratio = reader.GetSingleArgument<int>("sampling_ratio", -1);
  // An adaptive grid depends on the regions; two by two is common.
  ratio = ratio <= 0 ? 2 : std::min(ratio, kMostSamplingRatio);
  return SizeFromDim(*y.dims, 0) * 8 * ratio * ratio;
}

DOPPIO_OPERATOR_SCHEMA(RoIAlign)
    .NumInputs(2)
    .NumOutputs(1)
    .Doc(R"DOC(
A piece of a feature map for each region of interest, all of one size: the region is divided into
pooled_h by pooled_w bins, and each element of Y is the mean of X at points that lie regularly in
its bin. Between four pixels X is interpolated bilinearly; more than a pixel outside of the map it
is 0. Nothing is rounded, in contrast to RoIPool (He and others, Mask R-CNN, 2017).

Unless `aligned` is set, regions that are narrower or lower than a pixel of the map count as that
large. With it, a region of negative size is an error, and an adaptive grid over a region without
any area gives 0.
)DOC")
    .FillUsing(StateRoIAlignArguments)
    .Input(0, "X", "feature map [N,C,H,W] or [N,H,W,C] of float or double")
    .Input(1, "RoIs",
           "[R,5] of float or double: image, x1, y1, x2, y2 in pixels of the image; or [R,4] "
           "without the image where there is one")
    .Output(0, "Y", "[R,C,pooled_h,pooled_w] or [R,pooled_h,pooled_w,C], of X's type")
    .Flops([](const OperatorDef& def, const auto&, const std::vector<TensorInfo>& outputs) {
      return SamplingFlops(def, outputs[0]);
    })
    .TensorInference([](InferenceContext* context) -> absl::Status {
      const RoIAlignArguments args(context);
      DOPPIO_ASSIGN_OR_RETURN(
          const Dims dims,
          PooledShape(args, args.channels_last, context->dims(0), context->dims(1), false));
      context->SetOutput(0, context->dtype(0), dims);
      return absl::OkStatus();
    });

RoIAlignShape ShapeOf(const RoIAlignArguments& args, DimsView x) {
  const size_t first = args.channels_last ? 1 : 2;
  return {args.channels_last, x[args.channels_last ? 3 : 1],
          x[first],           x[first + 1],
          args.pooled_height, args.pooled_width};
}

// The regions and scratch of the operators here, kept from run to run.
template <typename T>
struct RegionBuffer {
  absl::Status Read(const RoIAlignArguments& args, const Tensor& rois, int64_t images) {
    return DispatchType(TypeList<float, double>(), rois.dtype(), [&](auto tag) -> absl::Status {
      regions.clear();
      for (int64_t i = 0; i < rois.dim(0); ++i) {
        DOPPIO_ASSIGN_OR_RETURN(const ScaledRoi<T> roi,
                                (ReadRoi<T>(rois.data<typename decltype(tag)::type>(), rois.dim(1),
                                            i, images, args.spatial_scale)));
        DOPPIO_RETURN_IF_ERROR(Add(args, roi, i));
      }
      return absl::OkStatus();
    });
  }

  absl::Status Add(const RoIAlignArguments& args, const ScaledRoi<T>& roi, int64_t i) {
    const T shift = args.aligned ? T(0.5) : T(0);
    AlignedRegion<T> region{roi.image, roi.x1 - shift, roi.y1 - shift, 0, 0, 0, 0};
    region.width = (roi.x2 - shift) - region.x1;
    region.height = (roi.y2 - shift) - region.y1;
    if (!args.aligned) {
      region.width = std::max(region.width, T(1));
      region.height = std::max(region.height, T(1));
    }
    if (region.width < 0 || region.height < 0) {
      return absl::InvalidArgumentError(
          absl::StrCat("roi ", i, " is ", region.width, " wide and ", region.height,
                       " high on the feature map, but must be at least 0"));
    }
    if (!GridSize(args, region.width, args.pooled_width, &region.grid_x) ||
        !GridSize(args, region.height, args.pooled_height, &region.grid_y)) {
      return absl::InvalidArgumentError(
          absl::StrCat("roi ", i, " is ", region.width, " wide and ", region.height,
                       " high on the feature map: without a sampling_ratio its bins may be ",
                       kMostAdaptiveGrid, " at most"));
    }
    regions.push_back(region);
    return absl::OkStatus();
  }

  // False where a bin needs too many samples.
  static bool GridSize(const RoIAlignArguments& args, T size, int64_t pooled, int64_t* grid) {
    *grid = args.sampling_ratio;
    if (args.sampling_ratio > 0) return std::isfinite(size);
    const T samples = std::ceil(size / static_cast<T>(pooled));
    if (!(samples <= static_cast<T>(kMostAdaptiveGrid))) return false;
    *grid = static_cast<int64_t>(samples);
    return true;
  }

  std::vector<AlignedRegion<T>> regions;
  RoIAlignScratch<T> scratch;
};

// For each of the types one.
struct RegionBuffers {
  template <typename T>
  RegionBuffer<T>* Get() {
    return &std::get<RegionBuffer<T>>(buffers);
  }
  std::tuple<RegionBuffer<float>, RegionBuffer<double>> buffers;
};

template <class Context>
class RoIAlignOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit RoIAlignOp(OperatorInit* init) : Operator<Context>(init), args_(init) {}

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(0);
    const Tensor& rois = Input(1);
    DOPPIO_ASSIGN_OR_RETURN(const Dims dims,
                            PooledShape(args_, args_.channels_last, x.dims(), rois.dims(), false));
    return DispatchType(TypeList<float, double>(), x.dtype(), [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      RegionBuffer<T>* buffer = buffers_.template Get<T>();
      DOPPIO_RETURN_IF_ERROR(buffer->Read(args_, rois, x.dim(0)));
      DOPPIO_ASSIGN_OR_RETURN(Tensor * y, Output(0, x.dtype(), dims));
      RoIAlign<T>(x.data<T>(), buffer->regions, ShapeOf(args_, x.dims()), y->mutable_data<T>(),
                  &buffer->scratch);
      return absl::OkStatus();
    });
  }

 private:
  const RoIAlignArguments args_;
  RegionBuffers buffers_;
};

DOPPIO_OPERATOR_SCHEMA(RoIAlignGradient)
    .NumInputs(3)
    .NumOutputs(1)
    .Doc(
        "The gradient of RoIAlign for X: each element of dY is added, in equal parts, to the four "
        "pixels around each point that its bin was sampled at, by their weights. The regions get "
        "no gradient.")
    .FillUsing(StateRoIAlignArguments)
    .Input(0, "X", "RoIAlign's input, of which only the shape is used")
    .Input(1, "RoIs", "the regions")
    .Input(2, "dY", "gradient of RoIAlign's output, float or double")
    .Output(0, "dX", "gradient of X, of X's shape and dY's type")
    .Flops([](const OperatorDef& def, const std::vector<TensorInfo>& inputs, const auto&) {
      return SamplingFlops(def, inputs[2]);
    })
    .TensorInference([](InferenceContext* context) {
      context->SetOutput(0, context->dtype(2), context->dims(0));
      return absl::OkStatus();
    });

template <class Context>
class RoIAlignGradientOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit RoIAlignGradientOp(OperatorInit* init) : Operator<Context>(init), args_(init) {}

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(0);
    const Tensor& rois = Input(1);
    const Tensor& dy = Input(2);
    DOPPIO_ASSIGN_OR_RETURN(const Dims dims,
                            PooledShape(args_, args_.channels_last, x.dims(), rois.dims(), false));
    if (dy.dims() != DimsView(dims)) {
      return absl::InvalidArgumentError(
          absl::StrCat("dY ", DescribeInput(2), " is not what RoIAlign makes of X ",
                       DescribeInput(0), " and the rois ", DescribeInput(1)));
    }
    return DispatchType(TypeList<float, double>(), dy.dtype(), [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      RegionBuffer<T>* buffer = buffers_.template Get<T>();
      DOPPIO_RETURN_IF_ERROR(buffer->Read(args_, rois, x.dim(0)));
      DOPPIO_ASSIGN_OR_RETURN(Tensor * dx, Output(0, dy.dtype(), x.dims()));
      std::fill_n(dx->mutable_data<T>(), dx->numel(), T(0));
      RoIAlignGradient<T>(dy.data<T>(), buffer->regions, ShapeOf(args_, x.dims()),
                          dx->mutable_data<T>(), &buffer->scratch);
      return absl::OkStatus();
    });
  }

 private:
  const RoIAlignArguments args_;
  RegionBuffers buffers_;
};

class GetRoIAlignGradient final : public GradientMakerBase {
  using GradientMakerBase::GradientMakerBase;
  std::vector<OperatorDef> GetGradientDefs() override {
    return SingleGradientDef("RoIAlignGradient", "", {I(0), I(1), GO(0)}, {GI(0)});
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(RoIAlign, RoIAlignOp<CPUContext>);
DOPPIO_REGISTER_CPU_OPERATOR(RoIAlignGradient, RoIAlignGradientOp<CPUContext>);
DOPPIO_REGISTER_GRADIENT(RoIAlign, GetRoIAlignGradient);

}  // namespace
}  // namespace doppio
