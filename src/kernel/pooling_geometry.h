#ifndef DOPPIO_KERNEL_POOLING_GEOMETRY_H_
#define DOPPIO_KERNEL_POOLING_GEOMETRY_H_

// Where the windows of a pool lie, for those who pool row by row.

#include <algorithm>
#include <cstdint>

#include "src/kernel/pooling_loops.h"

namespace doppio {

inline constexpr int64_t kRoom = 4096;  // elements of a padded row; a multiple of two vectors

inline int64_t Elements(const Spatial& size) { return size[0] * size[1] * size[2]; }

// Columns from the first window's first to the last one's last, padding included.
inline int64_t PaddedColumns(const PlainPool& p) {
  return (p.out[2] - 1) * p.stride[2] + p.kernel[2];
}

// The taps of a window at `place` that lie in the image.
struct Taps {
  Taps(const PlainPool& p, size_t d, int64_t place)
      : begin(std::max<int64_t>(place * p.stride[d] - p.pad[d], 0)),
        end(std::min(place * p.stride[d] - p.pad[d] + p.kernel[d], p.in[d])) {}

  int64_t size() const { return std::max<int64_t>(end - begin, 0); }

  int64_t begin;
  int64_t end;
};

// The numbers by which the sums of a row of places are divided: of the columns under each.
template <typename T>
inline void CountColumns(const PlainPool& p, bool count_include_pad, T* counts) {
  std::fill_n(counts, p.out[2], static_cast<T>(p.kernel[2]));
  if (count_include_pad) return;
  const auto reaches_out = [&](int64_t w) {
    const int64_t first = w * p.stride[2] - p.pad[2];
    return first < 0 || first + p.kernel[2] > p.in[2];
  };
  int64_t w = 0;
  for (; w < p.out[2] && reaches_out(w); ++w) counts[w] = static_cast<T>(Taps(p, 2, w).size());
  for (int64_t v = p.out[2] - 1; v > w && reaches_out(v); --v) {
    counts[v] = static_cast<T>(Taps(p, 2, v).size());
  }
}

// Whether the only window sees the whole image.
inline bool SeesAll(const PlainPool& p) {
  bool all = true;
  for (size_t d = 0; d < 3; ++d) all = all && p.out[d] == 1 && Taps(p, d, 0).size() == p.in[d];
  return all;
}

inline int64_t CountRows(const PlainPool& p, bool count_include_pad, int64_t depth,
                         int64_t height) {
  return count_include_pad ? p.kernel[0] * p.kernel[1]
                           : Taps(p, 0, depth).size() * Taps(p, 1, height).size();
}

}  // namespace doppio

#endif  // DOPPIO_KERNEL_POOLING_GEOMETRY_H_
