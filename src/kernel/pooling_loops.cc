#include "src/kernel/pooling_loops.h"

#include "src/kernel/pooling_lanes.h"
#include "src/kernel/pooling_rows.h"
#include "src/kernel/window_pieces.h"

namespace doppio {

template <typename T>
void MaxPool(const PlainPool& p, const T* x, T* y, CPUContext*) {
  const bool by_rows = PoolsByRows(p);
  ForEachPiece(p, p.channels, p.x, p.y, [&](int64_t x_offset, int64_t y_offset, int64_t lanes) {
    if (by_rows && lanes == 1) return MaxPoolRows(p, x + x_offset, y + y_offset);
    MaxPoolLanes(p, lanes, x + x_offset, y + y_offset);
  });
}

template <typename T>
void AveragePool(const PlainPool& p, bool count_include_pad, const T* x, T* y, CPUContext*) {
  const bool by_rows = PoolsByRows(p);
  ForEachPiece(p, p.channels, p.x, p.y, [&](int64_t x_offset, int64_t y_offset, int64_t lanes) {
    if (by_rows && lanes == 1)
      return AveragePoolRows(p, count_include_pad, x + x_offset, y + y_offset);
    AveragePoolLanes(p, lanes, count_include_pad, x + x_offset, y + y_offset);
  });
}

template <typename T>
void MaxPoolGradient(const PlainPool& p, const T* x, const T* y, const T* dy, T* dx, CPUContext*) {
  const bool by_rows = PoolsByRows(p);
  ForEachPiece(p, p.channels, p.x, p.y, [&](int64_t x_offset, int64_t y_offset, int64_t lanes) {
    if (by_rows && lanes == 1)
      return MaxPoolGradientRows(p, x + x_offset, y + y_offset, dy + y_offset, dx + x_offset);
    MaxPoolGradientLanes(p, lanes, x + x_offset, y + y_offset, dy + y_offset, dx + x_offset);
  });
}

template <typename T>
void AveragePoolGradient(const PlainPool& p, bool count_include_pad, const T* dy, T* dx,
                         CPUContext*) {
  const bool by_rows = PoolsByRows(p);
  ForEachPiece(p, p.channels, p.x, p.y, [&](int64_t x_offset, int64_t y_offset, int64_t lanes) {
    if (by_rows && lanes == 1)
      return AveragePoolGradientRows(p, count_include_pad, dy + y_offset, dx + x_offset);
    AveragePoolGradientLanes(p, lanes, count_include_pad, dy + y_offset, dx + x_offset);
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
