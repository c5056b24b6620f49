#ifndef DOPPIO_OPS_NN_SPATIAL_H_
#define DOPPIO_OPS_NN_SPATIAL_H_

// Images as the plain kernels know them.

#include <algorithm>

#include "doppio/shape.h"
#include "src/kernel/spatial.h"

namespace doppio {

// One to three sizes as three: `fill` stands for those that are not there.
inline Spatial ToSpatial(DimsView dims, int64_t fill) {
  Spatial spatial{fill, fill, fill};
  std::copy(dims.begin(), dims.end(), spatial.begin() + static_cast<int64_t>(3 - dims.size()));
  return spatial;
}

// Of a tensor [outer, channels, size...], or [outer, size..., channels].
inline ImageStrides StridesOf(int64_t channels, const Spatial& size, bool channels_last) {
  const int64_t pixel = channels_last ? channels : 1;
  ImageStrides strides;
  strides.spatial = {size[1] * size[2] * pixel, size[2] * pixel, pixel};
  const int64_t image = size[0] * size[1] * size[2];
  strides.inner = channels_last ? 1 : image;
  strides.outer = channels * image;
  return strides;
}

}  // namespace doppio

#endif  // DOPPIO_OPS_NN_SPATIAL_H_
