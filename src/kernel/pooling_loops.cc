#include "src/kernel/pooling_loops.h"

#include "doppio/parallel.h"
#include "src/kernel/pooling_lanes.h"
#include "src/kernel/pooling_rows.h"
#include "src/kernel/window_pieces.h"

namespace doppio {

namespace {

// Calls by_rows(images, x offset, y offset) for some images of one channel at a time, or
// by_lanes(lanes, x offset, y offset) for some channels of an image, whatever is faster.
template <typename Rows, typename Lanes>
void ForEachPart(const PlainPool& p, const Rows& by_rows, const Lanes& by_lanes) {
  if (!PoolsByRows(p)) {
    ForEachPiece(p, p.channels, p.x, p.y,
                 [&](int64_t x, int64_t y, int64_t lanes) { by_lanes(lanes, x, y); });
    return;
  }
  const int64_t in = p.in[0] * p.in[1] * p.in[2];
  const int64_t out = p.out[0] * p.out[1] * p.out[2];
  ParallelFor(p.batch * p.channels, PieceGrain(p, 1),
              [&](int64_t begin, int64_t end) { by_rows(end - begin, begin * in, begin * out); });
}

}  // namespace

template <typename T>
void MaxPool(const PlainPool& p, const T* x, T* y, CPUContext*) {
  ForEachPart(
      p, [&](int64_t images, int64_t i, int64_t o) { MaxPoolRows(p, images, x + i, y + o); },
      [&](int64_t lanes, int64_t i, int64_t o) { MaxPoolLanes(p, lanes, x + i, y + o); });
}

template <typename T>
void AveragePool(const PlainPool& p, bool count_include_pad, const T* x, T* y, CPUContext*) {
  ForEachPart(
      p,
      [&](int64_t images, int64_t i, int64_t o) {
        AveragePoolRows(p, images, count_include_pad, x + i, y + o);
      },
      [&](int64_t lanes, int64_t i, int64_t o) {
        AveragePoolLanes(p, lanes, count_include_pad, x + i, y + o);
      });
}

template <typename T>
void MaxPoolGradient(const PlainPool& p, const T* x, const T* y, const T* dy, T* dx, CPUContext*) {
  ForEachPart(
      p,
      [&](int64_t images, int64_t i, int64_t o) {
        MaxPoolGradientRows(p, images, x + i, y + o, dy + o, dx + i);
      },
      [&](int64_t lanes, int64_t i, int64_t o) {
        MaxPoolGradientLanes(p, lanes, x + i, y + o, dy + o, dx + i);
      });
}

template <typename T>
void AveragePoolGradient(const PlainPool& p, bool count_include_pad, const T* dy, T* dx,
                         CPUContext*) {
  ForEachPart(
      p,
      [&](int64_t images, int64_t i, int64_t o) {
        AveragePoolGradientRows(p, images, count_include_pad, dy + o, dx + i);
      },
      [&](int64_t lanes, int64_t i, int64_t o) {
        AveragePoolGradientLanes(p, lanes, count_include_pad, dy + o, dx + i);
      });
}

#define DOPPIO_POOL_(T)                                                                \
  template void MaxPool<T>(const PlainPool&, const T*, T*, CPUContext*);               \
  template void AveragePool<T>(const PlainPool&, bool, const T*, T*, CPUContext*);     \
  template void MaxPoolGradient<T>(const PlainPool&, const T*, const T*, const T*, T*, \
                                   CPUContext*);                                       \
  template void AveragePoolGradient<T>(const PlainPool&, bool, const T*, T*, CPUContext*);
DOPPIO_POOL_(float)
DOPPIO_POOL_(double)
#undef DOPPIO_POOL_

}  // namespace doppio
