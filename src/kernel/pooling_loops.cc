#include "src/kernel/pooling_loops.h"

#include <algorithm>
#include <limits>

#include "src/kernel/pooling_rows.h"
#include "src/kernel/window_pieces.h"

namespace doppio {
namespace {

// The part of a window that lies in the image.
struct Box {
  Spatial begin;
  Spatial end;
  int64_t size;
};

Box BoxAt(const PlainPool& p, const Spatial& place) {
  Box box;
  box.size = 1;
  for (size_t d = 0; d < 3; ++d) {
    const int64_t first = place[d] * p.stride[d] - p.pad[d];
    box.begin[d] = std::max<int64_t>(first, 0);
    box.end[d] = std::min(first + p.kernel[d], p.in[d]);
    box.size *= std::max<int64_t>(box.end[d] - box.begin[d], 0);
  }
  return box;
}

template <typename T>
void Clear(const PlainPool& p, int64_t lanes, T* dx) {
  ForEachSpatial({0, 0, 0}, p.in, [&](const Spatial& at) {
    std::fill_n(dx + Offset(at, p.x.spatial), lanes, T(0));
  });
}

int64_t Divisor(const PlainPool& p, bool count_include_pad, const Box& box) {
  return count_include_pad ? p.kernel[0] * p.kernel[1] * p.kernel[2] : box.size;
}

}  // namespace

template <typename T>
void MaxPool(const PlainPool& p, const T* x, T* y, CPUContext*) {
  const bool by_rows = PoolsByRows(p);
  ForEachPiece(p, p.channels, p.x, p.y, [&](int64_t x_offset, int64_t y_offset, int64_t lanes) {
    if (by_rows && lanes == 1) return MaxPoolRows(p, x + x_offset, y + y_offset);
    ForEachSpatial({0, 0, 0}, p.out, [&](const Spatial& place) {
      const Box box = BoxAt(p, place);
      T* best = y + y_offset + Offset(place, p.y.spatial);
      std::fill_n(best, lanes, std::numeric_limits<T>::lowest());
      ForEachSpatial(box.begin, box.end, [&](const Spatial& at) {
        const T* from = x + x_offset + Offset(at, p.x.spatial);
        for (int64_t i = 0; i < lanes; ++i) best[i] = from[i] > best[i] ? from[i] : best[i];
      });
    });
  });
}

template <typename T>
void AveragePool(const PlainPool& p, bool count_include_pad, const T* x, T* y, CPUContext*) {
  const bool by_rows = PoolsByRows(p);
  ForEachPiece(p, p.channels, p.x, p.y, [&](int64_t x_offset, int64_t y_offset, int64_t lanes) {
    if (by_rows && lanes == 1)
      return AveragePoolRows(p, count_include_pad, x + x_offset, y + y_offset);
    ForEachSpatial({0, 0, 0}, p.out, [&](const Spatial& place) {
      const Box box = BoxAt(p, place);
      T* sum = y + y_offset + Offset(place, p.y.spatial);
      std::fill_n(sum, lanes, T(0));
      ForEachSpatial(box.begin, box.end, [&](const Spatial& at) {
        const T* from = x + x_offset + Offset(at, p.x.spatial);
        for (int64_t i = 0; i < lanes; ++i) sum[i] += from[i];
      });
      const T divisor = static_cast<T>(Divisor(p, count_include_pad, box));
      for (int64_t i = 0; i < lanes; ++i) sum[i] /= divisor;
    });
  });
}

template <typename T>
void MaxPoolGradient(const PlainPool& p, const T* x, const T* y, const T* dy, T* dx, CPUContext*) {
  const bool by_rows = PoolsByRows(p);
  ForEachPiece(p, p.channels, p.x, p.y, [&](int64_t x_offset, int64_t y_offset, int64_t lanes) {
    if (by_rows && lanes == 1)
      return MaxPoolGradientRows(p, x + x_offset, y + y_offset, dy + y_offset, dx + x_offset);
    Clear(p, lanes, dx + x_offset);
    ForEachSpatial({0, 0, 0}, p.out, [&](const Spatial& place) {
      const Box box = BoxAt(p, place);
      const int64_t out = y_offset + Offset(place, p.y.spatial);
      ForEachSpatial(box.begin, box.end, [&](const Spatial& at) {
        const int64_t in = x_offset + Offset(at, p.x.spatial);
        for (int64_t i = 0; i < lanes; ++i)
          dx[in + i] += x[in + i] == y[out + i] ? dy[out + i] : T(0);
      });
    });
  });
}

template <typename T>
void AveragePoolGradient(const PlainPool& p, bool count_include_pad, const T* dy, T* dx,
                         CPUContext*) {
  const bool by_rows = PoolsByRows(p);
  ForEachPiece(p, p.channels, p.x, p.y, [&](int64_t x_offset, int64_t y_offset, int64_t lanes) {
    if (by_rows && lanes == 1)
      return AveragePoolGradientRows(p, count_include_pad, dy + y_offset, dx + x_offset);
    Clear(p, lanes, dx + x_offset);
    ForEachSpatial({0, 0, 0}, p.out, [&](const Spatial& place) {
      const Box box = BoxAt(p, place);
      const T* from = dy + y_offset + Offset(place, p.y.spatial);
      const T divisor = static_cast<T>(Divisor(p, count_include_pad, box));
      ForEachSpatial(box.begin, box.end, [&](const Spatial& at) {
        T* to = dx + x_offset + Offset(at, p.x.spatial);
        for (int64_t i = 0; i < lanes; ++i) to[i] += from[i] / divisor;
      });
    });
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
