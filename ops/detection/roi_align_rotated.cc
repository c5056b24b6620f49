#include "ops/detection/roi_align.h"

namespace doppio {
namespace {

struct RotatedRois {
  static constexpr const char* kName = "RoIAlignRotated";
  static constexpr int kNumbers = 5;
  template <typename T>
  using Region = RotatedRegion<T>;

  template <typename T, typename R>
  static absl::StatusOr<Region<T>> Read(const RoIAlignArguments& args, const RoiRows<R>& rois,
                                        int64_t i, int64_t images) {
    // Centre, width and height stand where an upright region has its corners.
    DOPPIO_ASSIGN_OR_RETURN(const ScaledRoi<T> roi,
                            (ReadRoi<T>(rois, i, images, args.spatial_scale)));
    const double degrees = static_cast<double>(rois.row(i)[rois.columns - 1]);
    if (!std::isfinite(degrees)) {
      return absl::InvalidArgumentError(
          absl::StrCat("roi ", i, " has the angle ", degrees, ", which is not finite"));
    }
    DOPPIO_ASSIGN_OR_RETURN(const RegionSize<T> size, RegionSize<T>::Of(args, roi.x2, roi.y2, i));
    const T shift = args.aligned ? T(0.5) : T(0);
    const double angle = degrees * (3.14159265358979323846 / 180);
    return Region<T>{roi.image,
                     roi.x1 - shift,
                     roi.y1 - shift,
                     size.width,
                     size.height,
                     static_cast<T>(std::cos(angle)),
                     static_cast<T>(std::sin(angle)),
                     size.grid_x,
                     size.grid_y};
  }
};

DOPPIO_OPERATOR_SCHEMA(RoIAlignRotated)
    .FillUsing([](OpSchema& schema) { StateRoIAlign(schema, RotatedRois::kNumbers); })
    .Doc(R"DOC(
RoIAlign of regions that are turned around their centres, counter-clockwise: the grid of points at
which X is sampled is turned with them (Ma and others, Arbitrary-Oriented Scene Text Detection via
Rotation Proposals, 2017). A region that is not turned gives what RoIAlign gives.

Example: X [1,1,3,3] = [[[[1,2,3],[4,5,6],[7,8,9]]]] and RoIs [1,5] = [[1,1,2,2,90]], with pooled_h
and pooled_w 2 and sampling_ratio 1, give Y [1,1,2,2] = [[[[6,3],[7,4]]]].
)DOC")
    .Input(1, "RoIs",
           "[R,6] of float or double: image, centre x, centre y, width and height in pixels of the "
           "image, angle in degrees; or [R,5] without the image where there is one");

DOPPIO_OPERATOR_SCHEMA(RoIAlignRotatedGradient)
    .FillUsing(StateRoIAlignGradient)
    .Doc(
        "The gradient of RoIAlignRotated for X, as RoIAlignGradient is that of RoIAlign. Caffe2 "
        "has "
        "it on a GPU alone, for [R,6] and without `aligned`.");

using ForwardOp = RoIAlignOp<CPUContext, RotatedRois>;
using GradientOp = RoIAlignGradientOp<CPUContext, RotatedRois>;
DOPPIO_REGISTER_CPU_OPERATOR(RoIAlignRotated, ForwardOp);
DOPPIO_REGISTER_CPU_OPERATOR(RoIAlignRotatedGradient, GradientOp);
DOPPIO_REGISTER_GRADIENT(RoIAlignRotated, GetRoIAlignGradient);

}  // namespace
}  // namespace doppio
