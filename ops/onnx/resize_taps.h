#ifndef DOPPIO_OPS_ONNX_RESIZE_TAPS_H_
#define DOPPIO_OPS_ONNX_RESIZE_TAPS_H_

// How ONNX's Resize finds the elements that an element of a resized line is made of.

#include "doppio/arguments.h"
#include "src/kernel/resample.h"

namespace doppio {

// One dimension of X and of Y.
struct ResizedAxis {
  int64_t in;
  int64_t out;
  double scale;
  double start = 0;  // of the region that tf_crop_and_resize takes, as parts of the dimension
  double end = 1;

  // Of the resized line; a fraction where a scale was given that leaves one.
  double length() const { return scale * static_cast<double>(in); }
};

class ResizeRule {
 public:
  enum class Mode { kNearest, kLinear, kCubic };
  enum class Transformation {
    kHalfPixel,
    kPytorchHalfPixel,
    kAlignCorners,
    kAsymmetric,
    kTfHalfPixelForNn,
    kTfCropAndResize,
  };
  enum class Rounding { kPreferFloor, kPreferCeil, kFloor, kCeil };

  // What is wrong with the arguments is reported to the reader.
  explicit ResizeRule(ArgumentReader* args);

  Mode mode() const { return mode_; }
  bool crops() const { return transformation_ == Transformation::kTfCropAndResize; }
  // Where element o of the resized line lies in the original one.
  double PlaceOf(int64_t o, const ResizedAxis& axis) const;
  // Whether that is outside of X, so that Y has the extrapolation value there.
  bool IsOutside(int64_t o, const ResizedAxis& axis) const;
  void FindTaps(const ResizedAxis& axis, ResampleTaps* taps) const;

 private:
  int64_t Nearest(double place) const;

  Mode mode_;
  Transformation transformation_;
  Rounding rounding_;
  double cubic_a_;
  bool exclude_outside_;
};

}  // namespace doppio

#endif  // DOPPIO_OPS_ONNX_RESIZE_TAPS_H_
