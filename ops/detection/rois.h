#ifndef DOPPIO_OPS_DETECTION_ROIS_H_
#define DOPPIO_OPS_DETECTION_ROIS_H_

// Regions of interest, as RoIAlign and RoIPool take them: rows of four numbers (five with an angle)
// after the number of the image, which may be left out where there is only one.

#include <cmath>

#include "doppio/operator.h"
#include "doppio/schema.h"

namespace doppio {

inline void StateSpatialScale(OpSchema& schema) {
  schema.Arg<float>("spatial_scale", "size of the feature map relative to the image", 1.0f);
}

inline float ReadSpatialScale(ArgumentReader* args) {
  const float scale = args->GetSingleArgument<float>("spatial_scale", 1.0f);
  if (!std::isfinite(scale) || scale <= 0) {
    args->Fail(absl::InvalidArgumentError(
        absl::StrCat("spatial_scale is ", scale, ", must be a finite number above 0")));
  }
  return scale;
}

inline void StateRoiArguments(OpSchema& schema) {
  schema.FillUsing(StateSpatialScale)
      .Arg<int>("pooled_h", "height of the output", 1)
      .Arg<int>("pooled_w", "width of the output", 1);
}

// The arguments above; wrong ones go to init->Fail.
struct RoiArguments {
  explicit RoiArguments(ArgumentReader* args)
      : spatial_scale(ReadSpatialScale(args)),
        pooled_height(args->GetSingleArgument<int>("pooled_h", 1)),
        pooled_width(args->GetSingleArgument<int>("pooled_w", 1)) {
    if (pooled_height < 1 || pooled_width < 1) {
      args->Fail(
          absl::InvalidArgumentError(absl::StrCat("pooled_h and pooled_w are ", pooled_height,
                                                  " and ", pooled_width, ", must be at least 1")));
    }
  }

  float spatial_scale;
  int64_t pooled_height;
  int64_t pooled_width;
};

// What a row of rois has.
struct RoiColumns {
  int numbers;  // after the image
  bool needs_image;
};

// The shape of the output for a feature map and rois of those shapes.
inline absl::StatusOr<Dims> PooledShape(const RoiArguments& args, bool channels_last, DimsView x,
                                        DimsView rois, RoiColumns columns) {
  if (x.size() != 4) {
    return absl::InvalidArgumentError(
        absl::StrCat("X must have four dimensions, but is ", ShapeToString(x)));
  }
  const int numbers = columns.numbers;
  if (rois.size() != 2 || (rois[1] != numbers + 1 && (columns.needs_image || rois[1] != numbers))) {
    return absl::InvalidArgumentError(
        absl::StrCat("the rois must be [R,", numbers + 1, "]",
                     columns.needs_image ? "" : absl::StrCat(", or [R,", numbers, "] of one image"),
                     ", but are ", ShapeToString(rois)));
  }
  const Dims dims = channels_last ? Dims{rois[0], args.pooled_height, args.pooled_width, x[3]}
                                  : Dims{rois[0], x[1], args.pooled_height, args.pooled_width};
  DOPPIO_RETURN_IF_ERROR(NumElements(dims).status());
  return dims;
}

// A matrix of rois whose shape was found right.
template <typename R>
struct RoiRows {
  const R* data;
  int64_t columns;
  int numbers;  // after the image

  const R* row(int64_t i) const { return data + i * columns; }
  bool has_image() const { return columns > numbers; }
};

// One region in pixels of the feature map, sides not yet in order.
template <typename T>
struct ScaledRoi {
  int64_t image;
  T x1, y1, x2, y2;
};

// Region i, scaled. An error for an image that is not in [0, images), and for coordinates that are
// not finite.
template <typename T, typename R>
absl::StatusOr<ScaledRoi<T>> ReadRoi(const RoiRows<R>& rois, int64_t i, int64_t images,
                                     float spatial_scale) {
  const R* roi = rois.row(i);
  double image = 0;
  if (rois.has_image()) image = static_cast<double>(*roi++);
  if (!(image >= 0 && image < static_cast<double>(images))) {
    return absl::InvalidArgumentError(absl::StrCat("roi ", i, " is of image ", image,
                                                   ", but must be of one in [0, ", images, ")"));
  }
  T scaled[4];
  for (int k = 0; k < 4; ++k) {
    scaled[k] = static_cast<T>(roi[k]) * static_cast<T>(spatial_scale);
    if (std::isfinite(scaled[k])) continue;
    return absl::InvalidArgumentError(absl::StrCat("roi ", i, " is [", roi[0], ", ", roi[1], ", ",
                                                   roi[2], ", ", roi[3], "], which is not finite"));
  }
  return ScaledRoi<T>{static_cast<int64_t>(image), scaled[0], scaled[1], scaled[2], scaled[3]};
}

// An error for a region that reaches further than pixels are numbered.
template <typename T>
absl::Status CheckReach(const ScaledRoi<T>& roi, int64_t i) {
  constexpr int64_t kMostCoordinate = int64_t{1} << 30;  // pixels of the feature map
  for (T side : {roi.x1, roi.y1, roi.x2, roi.y2}) {
    if (std::abs(side) < static_cast<T>(kMostCoordinate)) continue;
    return absl::InvalidArgumentError(absl::StrCat("roi ", i, " reaches to ", side,
                                                   " on the feature map, but must stay within ",
                                                   kMostCoordinate));
  }
  return absl::OkStatus();
}

}  // namespace doppio

#endif  // DOPPIO_OPS_DETECTION_ROIS_H_
