#ifndef DOPPIO_OPS_DETECTION_ROI_ALIGN_H_
#define DOPPIO_OPS_DETECTION_ROI_ALIGN_H_

// What RoIAlign and RoIAlignRotated have in common: all but what a region is.

#include <algorithm>
#include <cmath>
#include <tuple>

#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "ops/detection/rois.h"
#include "src/kernel/roi_align.h"
#include "src/operator/storage_order.h"

namespace doppio {

// Of samples along one axis of a bin: what is beyond them is a mistake, and would take for ever.
inline constexpr int64_t kMostSamplingRatio = 1024;
inline constexpr int64_t kMostAdaptiveGrid = int64_t{1} << 20;
inline constexpr int64_t kMostBins = int64_t{1}
                                     << 20;  // along one axis; their lists take memory too

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

inline void StateRoIAlignArguments(OpSchema& schema) {
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

inline int64_t SamplingFlops(const OperatorDef& def, const TensorInfo& y) {
  ArgumentReader reader(def, nullptr);
  int64_t ratio = reader.GetSingleArgument<int>("sampling_ratio", -1);
  // An adaptive grid depends on the regions; two by two is common.
  ratio = ratio <= 0 ? 2 : std::min(ratio, kMostSamplingRatio);
  return SizeFromDim(*y.dims, 0) * 8 * ratio * ratio;
}

// What the schemas of both forward operators state; rois are rows of `numbers` after the image.
inline void StateRoIAlign(OpSchema& schema, int numbers) {
  schema.NumInputs(2)
      .NumOutputs(1)
      .FillUsing(StateRoIAlignArguments)
      .Input(0, "X", "feature map [N,C,H,W] or [N,H,W,C] of float or double")
      .Output(0, "Y", "[R,C,pooled_h,pooled_w] or [R,pooled_h,pooled_w,C], of X's type")
      .Flops([](const OperatorDef& def, const auto&, const std::vector<TensorInfo>& outputs) {
        return SamplingFlops(def, outputs[0]);
      })
      .TensorInference([numbers](InferenceContext* context) -> absl::Status {
        const RoIAlignArguments args(context);
        DOPPIO_ASSIGN_OR_RETURN(const Dims dims,
                                PooledShape(args, args.channels_last, context->dims(0),
                                            context->dims(1), {numbers, false}));
        context->SetOutput(0, context->dtype(0), dims);
        return absl::OkStatus();
      });
}

// The same of both gradient operators.
inline void StateRoIAlignGradient(OpSchema& schema) {
  schema.NumInputs(3)
      .NumOutputs(1)
      .FillUsing(StateRoIAlignArguments)
      .Input(0, "X", "the forward operator's input, of which only the shape is used")
      .Input(1, "RoIs", "the regions")
      .Input(2, "dY", "gradient of its output, float or double")
      .Output(0, "dX", "gradient of X, of X's shape and dY's type")
      .Flops([](const OperatorDef& def, const std::vector<TensorInfo>& inputs, const auto&) {
        return SamplingFlops(def, inputs[2]);
      })
      .TensorInference([](InferenceContext* context) {
        context->SetOutput(0, context->dtype(2), context->dims(0));
        return absl::OkStatus();
      });
}

inline RoIAlignShape ShapeOf(const RoIAlignArguments& args, DimsView x) {
  const size_t first = args.channels_last ? 1 : 2;
  return {args.channels_last, x[args.channels_last ? 3 : 1],
          x[first],           x[first + 1],
          args.pooled_height, args.pooled_width};
}

// Width and height of a region on the feature map as they count, and how many samples its bins
// take: an error for sizes below 0, and for more samples than there may be.
template <typename T>
struct RegionSize {
  static absl::StatusOr<RegionSize> Of(const RoIAlignArguments& args, T width, T height,
                                       int64_t i) {
    RegionSize size{width, height, 0, 0};
    if (!args.aligned) {
      size.width = std::max(width, T(1));
      size.height = std::max(height, T(1));
    }
    if (size.width < 0 || size.height < 0) {
      return absl::InvalidArgumentError(
          absl::StrCat("roi ", i, " is ", size.width, " wide and ", size.height,
                       " high on the feature map, but must be at least 0"));
    }
    if (!Grid(args, size.width, args.pooled_width, &size.grid_x) ||
        !Grid(args, size.height, args.pooled_height, &size.grid_y)) {
      return absl::InvalidArgumentError(
          absl::StrCat("roi ", i, " is ", size.width, " wide and ", size.height,
                       " high on the feature map: without a sampling_ratio its bins may be ",
                       kMostAdaptiveGrid, " at most"));
    }
    return size;
  }

  // False where a bin needs too many samples.
  static bool Grid(const RoIAlignArguments& args, T size, int64_t pooled, int64_t* grid) {
    *grid = args.sampling_ratio;
    if (args.sampling_ratio > 0) return std::isfinite(size);
    const T samples = std::ceil(size / static_cast<T>(pooled));
    if (!(samples <= static_cast<T>(kMostAdaptiveGrid))) return false;
    *grid = static_cast<int64_t>(samples);
    return true;
  }

  T width;
  T height;
  int64_t grid_x;
  int64_t grid_y;
};

// The regions and scratch of an operator, kept from run to run. Kind says what a region is:
//   static constexpr const char* kName: of the forward operator
//   static constexpr int kNumbers: of a roi, after the image
//   template <typename T> using Region
//   template <typename T, typename R> static absl::StatusOr<Region<T>> Read(
//       const RoIAlignArguments&, const RoiRows<R>&, int64_t i, int64_t images): roi i
template <class Kind, typename T>
struct RegionBuffer {
  using Region = typename Kind::template Region<T>;

  absl::Status Read(const RoIAlignArguments& args, const Tensor& rois, int64_t images) {
    return DispatchType(TypeList<float, double>(), rois.dtype(), [&](auto tag) -> absl::Status {
      using R = typename decltype(tag)::type;
      const RoiRows<R> rows{rois.data<R>(), rois.dim(1), Kind::kNumbers};
      regions.clear();
      for (int64_t i = 0; i < rois.dim(0); ++i) {
        DOPPIO_ASSIGN_OR_RETURN(const Region region,
                                (Kind::template Read<T, R>(args, rows, i, images)));
        regions.push_back(region);
      }
      return absl::OkStatus();
    });
  }

  std::vector<Region> regions;
  RoIAlignScratch<T> scratch;
};

// For each of the types one.
template <class Kind>
struct RegionBuffers {
  template <typename T>
  RegionBuffer<Kind, T>* Get() {
    return &std::get<RegionBuffer<Kind, T>>(buffers);
  }
  std::tuple<RegionBuffer<Kind, float>, RegionBuffer<Kind, double>> buffers;
};

template <class Context, class Kind>
class RoIAlignOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit RoIAlignOp(OperatorInit* init) : Operator<Context>(init), args_(init) {}

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(0);
    const Tensor& rois = Input(1);
    DOPPIO_ASSIGN_OR_RETURN(const Dims dims, PooledShape(args_, args_.channels_last, x.dims(),
                                                         rois.dims(), {Kind::kNumbers, false}));
    return DispatchType(TypeList<float, double>(), x.dtype(), [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      RegionBuffer<Kind, T>* buffer = buffers_.template Get<T>();
      DOPPIO_RETURN_IF_ERROR(buffer->Read(args_, rois, x.dim(0)));
      DOPPIO_ASSIGN_OR_RETURN(Tensor * y, Output(0, x.dtype(), dims));
      RoIAlign<T, typename Kind::template Region<T>>(x.data<T>(), buffer->regions,
                                                     ShapeOf(args_, x.dims()), y->mutable_data<T>(),
                                                     &buffer->scratch);
      return absl::OkStatus();
    });
  }

 private:
  const RoIAlignArguments args_;
  RegionBuffers<Kind> buffers_;
};

template <class Context, class Kind>
class RoIAlignGradientOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit RoIAlignGradientOp(OperatorInit* init) : Operator<Context>(init), args_(init) {}

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(0);
    const Tensor& rois = Input(1);
    const Tensor& dy = Input(2);
    DOPPIO_ASSIGN_OR_RETURN(const Dims dims, PooledShape(args_, args_.channels_last, x.dims(),
                                                         rois.dims(), {Kind::kNumbers, false}));
    if (dy.dims() != DimsView(dims)) {
      return absl::InvalidArgumentError(absl::StrCat("dY ", DescribeInput(2), " is not what ",
                                                     Kind::kName, " makes of X ", DescribeInput(0),
                                                     " and the rois ", DescribeInput(1)));
    }
    return DispatchType(TypeList<float, double>(), dy.dtype(), [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      RegionBuffer<Kind, T>* buffer = buffers_.template Get<T>();
      DOPPIO_RETURN_IF_ERROR(buffer->Read(args_, rois, x.dim(0)));
      DOPPIO_ASSIGN_OR_RETURN(Tensor * dx, Output(0, dy.dtype(), x.dims()));
      std::fill_n(dx->mutable_data<T>(), dx->numel(), T(0));
      RoIAlignGradient<T, typename Kind::template Region<T>>(
          dy.data<T>(), buffer->regions, ShapeOf(args_, x.dims()), dx->mutable_data<T>(),
          &buffer->scratch);
      return absl::OkStatus();
    });
  }

 private:
  const RoIAlignArguments args_;
  RegionBuffers<Kind> buffers_;
};

// Of either operator.
class GetRoIAlignGradient final : public GradientMakerBase {
  using GradientMakerBase::GradientMakerBase;
  std::vector<OperatorDef> GetGradientDefs() override {
    return SingleGradientDef(Def().type() + "Gradient", "", {I(0), I(1), GO(0)}, {GI(0)});
  }
};

}  // namespace doppio

#endif  // DOPPIO_OPS_DETECTION_ROI_ALIGN_H_
