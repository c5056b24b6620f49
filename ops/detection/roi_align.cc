#include "ops/detection/roi_align.h"

namespace doppio {
namespace {

struct UprightRois {
  static constexpr const char* kName = "RoIAlign";
  static constexpr int kNumbers = 4;
  template <typename T>
  using Region = AlignedRegion<T>;

  template <typename T, typename R>
  static absl::StatusOr<Region<T>> Read(const RoIAlignArguments& args, const RoiRows<R>& rois,
                                        int64_t i, int64_t images) {
    DOPPIO_ASSIGN_OR_RETURN(const ScaledRoi<T> roi,
                            (ReadRoi<T>(rois, i, images, args.spatial_scale)));
    const T shift = args.aligned ? T(0.5) : T(0);
    const T x1 = roi.x1 - shift;
    const T y1 = roi.y1 - shift;
    DOPPIO_ASSIGN_OR_RETURN(const RegionSize<T> size, RegionSize<T>::Of(args, (roi.x2 - shift) - x1,
                                                                        (roi.y2 - shift) - y1, i));
    return Region<T>{roi.image, x1, y1, size.width, size.height, size.grid_x, size.grid_y};
  }
};

DOPPIO_OPERATOR_SCHEMA(RoIAlign)
    .FillUsing([](OpSchema& schema) { StateRoIAlign(schema, UprightRois::kNumbers); })
    .Doc(R"DOC(
A piece of a feature map for each region of interest, all of one size: the region is divided into
pooled_h by pooled_w bins, and each element of Y is the mean of X at points that lie regularly in
its bin. Between four pixels X is interpolated bilinearly; more than a pixel outside of the map it
is 0. Nothing is rounded, in contrast to RoIPool (He and others, Mask R-CNN, 2017).

Unless `aligned` is set, regions that are narrower or lower than a pixel of the map count as that
large. With it, a region of negative size is an error, and an adaptive grid over a region without
any area gives 0.
)DOC")
    .Input(1, "RoIs",
           "[R,5] of float or double: image, x1, y1, x2, y2 in pixels of the image; or [R,4] "
           "without the image where there is one");

DOPPIO_OPERATOR_SCHEMA(RoIAlignGradient)
    .FillUsing(StateRoIAlignGradient)
    .Doc(
        "The gradient of RoIAlign for X: each element of dY is added, in equal parts, to the four "
        "pixels around each point that its bin was sampled at, by their weights. The regions get "
        "no gradient.");

using ForwardOp = RoIAlignOp<CPUContext, UprightRois>;
using GradientOp = RoIAlignGradientOp<CPUContext, UprightRois>;
DOPPIO_REGISTER_CPU_OPERATOR(RoIAlign, ForwardOp);
DOPPIO_REGISTER_CPU_OPERATOR(RoIAlignGradient, GradientOp);
DOPPIO_REGISTER_GRADIENT(RoIAlign, GetRoIAlignGradient);

}  // namespace
}  // namespace doppio
