#ifndef DOPPIO_KERNEL_SPATIAL_H_
#define DOPPIO_KERNEL_SPATIAL_H_

#include <algorithm>
#include <array>
#include <cstdint>

#include "doppio/shape.h"

namespace doppio {

// Three spatial dimensions; those that are not there have size 1.
using Spatial = std::array<int64_t, 3>;

// A tensor whose element (i, j, s) stands at i * outer + j * inner + the sum of s * spatial.
struct ImageStrides {
  int64_t outer = 0;
  int64_t inner = 0;
  Spatial spatial{};
};

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

// Where the element at `index` stands.
inline int64_t Offset(const Spatial& index, const Spatial& strides) {
  return index[0] * strides[0] + index[1] * strides[1] + index[2] * strides[2];
}

// A window in all its places on images: it begins at place * stride - pad and takes every
// dilation-th element.
struct SlidingWindow {
  int64_t batch = 1;
  Spatial in{1, 1, 1};      // size of an image
  Spatial out{1, 1, 1};     // places
  Spatial kernel{1, 1, 1};  // taps
  Spatial stride{1, 1, 1};
  Spatial dilation{1, 1, 1};
  Spatial pad{};

  // Where the element under a tap of the window at `place` stands in an image with those strides;
  // -1 for padding.
  int64_t OffsetUnder(const Spatial& place, const Spatial& tap, const Spatial& strides) const {
    int64_t offset = 0;
    for (size_t d = 0; d < 3; ++d) {
      const int64_t i = place[d] * stride[d] - pad[d] + tap[d] * dilation[d];
      if (i < 0 || i >= in[d]) return -1;
      offset += i * strides[d];
    }
    return offset;
  }
};

// Calls f(index) for all indices from `begin` to before `end`, the last dimension fastest.
template <typename F>
void ForEachSpatial(const Spatial& begin, const Spatial& end, F&& f) {
  Spatial i;
  for (i[0] = begin[0]; i[0] < end[0]; ++i[0]) {
    for (i[1] = begin[1]; i[1] < end[1]; ++i[1]) {
      for (i[2] = begin[2]; i[2] < end[2]; ++i[2]) f(i);
    }
  }
}

}  // namespace doppio

#endif  // DOPPIO_KERNEL_SPATIAL_H_
