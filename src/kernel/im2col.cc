#include "src/kernel/im2col.h"

#include <algorithm>

#include "doppio/parallel.h"

namespace doppio {
namespace {

constexpr int64_t kLanes = 64;           // channels, where they are neighbours
constexpr double kThreadWork = 1 << 15;  // elements of columns that are worth a thread

// Calls f(x offset, column offset, lanes) for channels that no other call touches.
template <typename F>
void ForEachPiece(const ColumnShape& c, F&& f) {
  const bool neighbours = c.x.inner == 1 && c.columns.inner == 1;
  const int64_t lanes = neighbours ? std::min(kLanes, c.channels) : 1;
  const int64_t pieces = (c.channels - 1) / lanes + 1;
  double work = static_cast<double>(lanes);
  for (size_t d = 0; d < 3; ++d) {
    work *= static_cast<double>(c.out[d]) * static_cast<double>(c.kernel[d]);
  }
  ParallelFor(c.batch * pieces, static_cast<int64_t>(std::max(1.0, kThreadWork / work)),
              [&](int64_t begin, int64_t end) {
                for (int64_t i = begin; i < end; ++i) {
                  const int64_t channel = i % pieces * lanes;
                  f(i / pieces * c.x.outer + channel * c.x.inner,
                    i / pieces * c.columns.outer + channel * c.columns.inner,
                    std::min(lanes, c.channels - channel));
                }
              });
}

// Calls f(x offset or -1 for padding, column offset) for every element of the columns of a channel.
template <typename F>
void ForEachElement(const ColumnShape& c, F&& f) {
  ForEachSpatial({0, 0, 0}, c.kernel, [&](const Spatial& tap) {
    const int64_t tap_offset = Offset(tap, c.taps);
    ForEachSpatial({0, 0, 0}, c.out, [&](const Spatial& place) {
      int64_t from = 0;
      for (size_t d = 0; d < 3; ++d) {
        const int64_t i = place[d] * c.stride[d] - c.pad[d] + tap[d] * c.dilation[d];
        if (i < 0 || i >= c.in[d]) {
          from = -1;
          break;
        }
        from += i * c.x.spatial[d];
      }
      f(from, tap_offset + Offset(place, c.columns.spatial));
    });
  });
}

}  // namespace

template <typename T>
void Im2Col(const ColumnShape& c, const T* x, T* columns, CPUContext*) {
  ForEachPiece(c, [&](int64_t x_offset, int64_t column_offset, int64_t lanes) {
    ForEachElement(c, [&](int64_t from, int64_t to) {
      T* out = columns + column_offset + to;
      if (from < 0) {
        std::fill_n(out, lanes, T(0));
      } else {
        std::copy_n(x + x_offset + from, lanes, out);
      }
    });
  });
}

template <typename T>
void Col2Im(const ColumnShape& c, const T* columns, T* x, CPUContext*) {
  ForEachPiece(c, [&](int64_t x_offset, int64_t column_offset, int64_t lanes) {
    ForEachSpatial({0, 0, 0}, c.in, [&](const Spatial& at) {
      std::fill_n(x + x_offset + Offset(at, c.x.spatial), lanes, T(0));
    });
    ForEachElement(c, [&](int64_t to, int64_t from) {
      if (to < 0) return;
      T* out = x + x_offset + to;
      const T* in = columns + column_offset + from;
      for (int64_t i = 0; i < lanes; ++i) out[i] += in[i];
    });
  });
}

template void Im2Col<float>(const ColumnShape&, const float*, float*, CPUContext*);
template void Im2Col<double>(const ColumnShape&, const double*, double*, CPUContext*);
template void Col2Im<float>(const ColumnShape&, const float*, float*, CPUContext*);
template void Col2Im<double>(const ColumnShape&, const double*, double*, CPUContext*);

}  // namespace doppio
