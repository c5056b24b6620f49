#ifndef DOPPIO_OPS_ONNX_QUANTIZATION_H_
#define DOPPIO_OPS_ONNX_QUANTIZATION_H_

// Numbers of 8 bits with a scale and a zero point, one of each for all elements or for each index
// of a dimension.

#include <cmath>
#include <limits>
#include <vector>

#include "doppio/registry.h"

namespace doppio {

// X as [outer, channels, inner]; one channel where there is one scale.
struct QuantizedAxis {
  int64_t outer;
  int64_t channels;
  int64_t inner;
};

inline absl::StatusOr<QuantizedAxis> ReadQuantizedAxis(int axis_argument, DimsView x,
                                                       DimsView scale, const DimsView* zero_point) {
  if (zero_point != nullptr && SizeFromDim(*zero_point, 0) != SizeFromDim(scale, 0)) {
    return absl::InvalidArgumentError(absl::StrCat("the zero point ", ShapeToString(*zero_point),
                                                   " must have the shape of the ", "scale ",
                                                   ShapeToString(scale)));
  }
  if (scale.size() <= 1 && SizeFromDim(scale, 0) == 1) {
    return QuantizedAxis{1, 1, SizeFromDim(x, 0)};
  }
  DOPPIO_ASSIGN_OR_RETURN(const int axis, CanonicalAxis(axis_argument, static_cast<int>(x.size())));
  const QuantizedAxis sizes{SizeToDim(x, axis), x[static_cast<size_t>(axis)],
                            SizeFromDim(x, axis + 1)};
  if (scale.size() == 1 && scale[0] == sizes.channels) return sizes;
  return absl::InvalidArgumentError(absl::StrCat(
      "the scale ", ShapeToString(scale), " must be a single number, or one for each of ",
      sizes.channels, " in dimension ", axis, " of X ", ShapeToString(x)));
}

// The nearest whole number, ties to even, within what Q has; NaN gives the least.
template <typename Q, typename Real>
Q Quantized(Real x, Real scale, int32_t zero_point) {
  const Real value = std::nearbyint(x / scale) + static_cast<Real>(zero_point);
  constexpr Real kLeast = std::numeric_limits<Q>::min();
  constexpr Real kMost = std::numeric_limits<Q>::max();
  if (!(value > kLeast)) return std::numeric_limits<Q>::min();
  return value < kMost ? static_cast<Q>(value) : std::numeric_limits<Q>::max();
}

}  // namespace doppio

#endif  // DOPPIO_OPS_ONNX_QUANTIZATION_H_
