#ifndef DOPPIO_OPS_DETECTION_BOX_ARGUMENTS_H_
#define DOPPIO_OPS_DETECTION_BOX_ARGUMENTS_H_

// What BBoxTransform and GenerateProposals have in common: how deltas move boxes.

#include <cmath>

#include "doppio/operator.h"
#include "doppio/schema.h"
#include "src/kernel/boxes.h"

namespace doppio {

inline void StatePlusOne(OpSchema& schema) {
  schema.Arg<bool>("legacy_plus_one",
                   "whether x2 and y2 are the last pixels of a box, which then is x2 - x1 + 1 wide",
                   true);
}

inline void StateBoxArguments(OpSchema& schema) {
  schema
      .Arg<bool>("correct_transform_coords",
                 "whether the new x2 and y2 are the last pixels of the box too; Caffe2 has always "
                 "done so since 2019, before that it left them one pixel further unless told to. "
                 "Means nothing without legacy_plus_one",
                 true)
      .Arg<bool>("angle_bound_on",
                 "of rotated boxes: whether angles outside [angle_bound_lo, angle_bound_hi] are "
                 "moved by one period",
                 true)
      .Arg<int>("angle_bound_lo", "degrees", -90)
      .Arg<int>("angle_bound_hi",
                "degrees; the difference of the two is the period, a multiple of 180", 90)
      .Arg<float>("clip_angle_thresh",
                  "rotated boxes are moved into the image if they are at most so many degrees from "
                  "upright; negative: none is",
                  1.0f);
  StatePlusOne(schema);
}

struct BoxArguments {
  explicit BoxArguments(OperatorInit* init)
      : clip_angle(init->GetSingleArgument<float>("clip_angle_thresh")) {
    decoding.plus_one = init->GetSingleArgument<bool>("legacy_plus_one");
    decoding.ends_inside = init->GetSingleArgument<bool>("correct_transform_coords");
    decoding.bound_angle = init->GetSingleArgument<bool>("angle_bound_on");
    const int64_t low = init->GetSingleArgument<int>("angle_bound_lo");
    const int64_t high = init->GetSingleArgument<int>("angle_bound_hi");
    decoding.angle_low = static_cast<float>(low);
    decoding.angle_high = static_cast<float>(high);
    if (decoding.bound_angle && (high <= low || (high - low) % 180 != 0)) {
      init->Fail(absl::InvalidArgumentError(
          absl::StrCat("angle_bound_lo is ", low, " and angle_bound_hi ", high,
                       ": their difference must be a positive multiple of 180")));
    }
  }

  // The box, of `size` 4 or with an angle 5, moved by the delta and into an image of that height
  // and width.
  void Transform(const float* box, const float* delta, int size, float height, float width,
                 float* out) const {
    if (size == 5) {
      DecodeRotatedBox(box, delta, decoding, out);
      ClipRotatedBox(height, width, clip_angle, decoding.plus_one, out);
    } else {
      DecodeBox(box, delta, decoding, out);
      ClipBox(height, width, decoding.plus_one, out);
    }
  }

  BoxDecoding decoding;
  float clip_angle;
};

// Rows of im_info [images, 3]: height and width in pixels, and the factor by which the image was
// scaled to them. All of them are looked at, since none may be other than that.
inline absl::Status CheckImageInfo(const Tensor& im_info) {
  const float* row = im_info.data<float>();
  for (int64_t i = 0; i < im_info.dim(0); ++i, row += 3) {
    if (std::isfinite(row[0]) && std::isfinite(row[1]) && std::isfinite(row[2]) && row[2] > 0) {
      continue;
    }
    return absl::InvalidArgumentError(
        absl::StrCat("image ", i, " of im_info is [", row[0], ", ", row[1], ", ", row[2],
                     "], but must be a finite height, width and scale, the scale above 0"));
  }
  return absl::OkStatus();
}

inline absl::Status ExpectFloat(const char* name, DataType type) {
  if (type == DataType::kFloat) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(name, " must be float, but is ", DataTypeName(type)));
}

}  // namespace doppio

#endif  // DOPPIO_OPS_DETECTION_BOX_ARGUMENTS_H_
