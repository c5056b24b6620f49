#include "src/kernel/im2col.h"

#include <algorithm>

#include "src/kernel/window_pieces.h"

namespace doppio {
namespace {

// Calls f(x offset or -1 for padding, column offset) for every element of the columns of a channel.
template <typename F>
void ForEachElement(const ColumnShape& c, F&& f) {
  ForEachSpatial({0, 0, 0}, c.kernel, [&](const Spatial& tap) {
    const int64_t tap_offset = Offset(tap, c.taps);
    ForEachSpatial({0, 0, 0}, c.out, [&](const Spatial& place) {
      f(c.OffsetUnder(place, tap, c.x.spatial), tap_offset + Offset(place, c.columns.spatial));
    });
  });
}

}  // namespace

template <typename T>
void Im2Col(const ColumnShape& c, const T* x, T* columns, CPUContext*) {
  const auto copy = [&](int64_t x_offset, int64_t column_offset, int64_t lanes) {
    ForEachElement(c, [&](int64_t from, int64_t to) {
      T* out = columns + column_offset + to;
      if (from < 0) {
        std::fill_n(out, lanes, T(0));
      } else {
        std::copy_n(x + x_offset + from, lanes, out);
      }
    });
  };
  ForEachPiece(c, c.channels, c.x, c.columns, copy);
}

template <typename T>
void Col2Im(const ColumnShape& c, const T* columns, T* x, CPUContext*) {
  const auto add = [&](int64_t x_offset, int64_t column_offset, int64_t lanes) {
    ForEachSpatial({0, 0, 0}, c.in, [&](const Spatial& at) {
      std::fill_n(x + x_offset + Offset(at, c.x.spatial), lanes, T(0));
    });
    ForEachElement(c, [&](int64_t to, int64_t from) {
      if (to < 0) return;
      T* out = x + x_offset + to;
      const T* in = columns + column_offset + from;
      for (int64_t i = 0; i < lanes; ++i) out[i] += in[i];
    });
  };
  ForEachPiece(c, c.channels, c.x, c.columns, add);
}

template void Im2Col<float>(const ColumnShape&, const float*, float*, CPUContext*);
template void Im2Col<double>(const ColumnShape&, const double*, double*, CPUContext*);
template void Col2Im<float>(const ColumnShape&, const float*, float*, CPUContext*);
template void Col2Im<double>(const ColumnShape&, const double*, double*, CPUContext*);

}  // namespace doppio
