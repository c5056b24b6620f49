#include "src/kernel/max_pool_places.h"

#include <limits>

#include "doppio/parallel.h"

namespace doppio {
namespace {

// The place of the element at `offset` of a row-major image, counted by columns.
int64_t ByColumns(const Spatial& in, int64_t offset) {
  const int64_t column = offset % in[2];
  const int64_t row = offset / in[2] % in[1];
  const int64_t plane = offset / in[2] / in[1];
  return plane + in[0] * (row + in[1] * column);
}

}  // namespace

template <typename T>
void MaxPoolPlaces(const SlidingWindow& window, bool by_columns, const T* x, T* y,
                   int64_t* places) {
  const Spatial strides = {window.in[1] * window.in[2], window.in[2], 1};
  const int64_t in = window.in[0] * strides[0];
  const int64_t out = window.out[0] * window.out[1] * window.out[2];
  const int64_t taps = window.kernel[0] * window.kernel[1] * window.kernel[2];
  ParallelFor(window.batch, (1 << 15) / (out * taps + 1) + 1, [&](int64_t begin, int64_t end) {
    for (int64_t image = begin; image < end; ++image) {
      const T* from = x + image * in;
      int64_t at = image * out;
      ForEachSpatial({}, window.out, [&](const Spatial& place) {
        T most = std::numeric_limits<T>::lowest();
        int64_t best = -1;
        ForEachSpatial({}, window.kernel, [&](const Spatial& tap) {
          const int64_t offset = window.OffsetUnder(place, tap, strides);
          if (offset < 0 || !(from[offset] > most || (best < 0 && from[offset] == most))) return;
          most = from[offset];
          best = offset;
        });
        y[at] = most;
        if (places != nullptr) {
          const int64_t in_image = best >= 0 && by_columns ? ByColumns(window.in, best) : best;
          places[at] = best < 0 ? -1 : image * in + in_image;
        }
        ++at;
      });
    }
  });
}

template void MaxPoolPlaces(const SlidingWindow&, bool, const float*, float*, int64_t*);
template void MaxPoolPlaces(const SlidingWindow&, bool, const double*, double*, int64_t*);
template void MaxPoolPlaces(const SlidingWindow&, bool, const int8_t*, int8_t*, int64_t*);
template void MaxPoolPlaces(const SlidingWindow&, bool, const uint8_t*, uint8_t*, int64_t*);

}  // namespace doppio
