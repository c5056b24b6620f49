#include "src/kernel/transpose.h"

#include <algorithm>
#include <cstdint>

#include "doppio/parallel.h"
#include "src/kernel/bytes.h"
#include "src/kernel/coalesce.h"
#include "src/kernel/strided_copy.h"
#include "src/kernel/transpose_tile.h"

namespace doppio {
namespace {

// One loop over y, outermost first, and the stride in x that goes with it. Both in elements.
struct AxisLoop {
  int64_t size;
  int64_t x_stride;
  int64_t y_stride;
};
using AxisLoops = absl::InlinedVector<AxisLoop, kMaxRank>;

// Without dimensions of size 1, and with those joined that follow one another in x as in y.
AxisLoops CoalesceAxes(DimsView x_dims, absl::Span<const int> axes) {
  absl::InlinedVector<int64_t, kMaxRank> x_strides(x_dims.size());
  int64_t stride = 1;
  for (size_t i = x_dims.size(); i-- > 0;) {
    x_strides[i] = stride;
    stride *= x_dims[i];
  }
  AxisLoops loops;
  for (int axis : axes) {
    const int64_t size = x_dims[axis];
    if (size == 1) continue;
    if (!loops.empty() && loops.back().x_stride == size * x_strides[axis]) {
      loops.back().size *= size;
      loops.back().x_stride = x_strides[axis];
    } else {
      loops.push_back({size, x_strides[axis], 0});
    }
  }
  stride = 1;
  for (size_t i = loops.size(); i-- > 0;) {
    loops[i].y_stride = stride;
    stride *= loops[i].size;
  }
  return loops;
}

// Calls body(x offset, y offset, index of the last loop) for steps [begin, end) of the loops
// `outer`, counted over all.
template <typename Body>
void ForEachStep(const AxisLoops& outer, int64_t begin, int64_t end, const Body& body) {
  absl::InlinedVector<int64_t, kMaxRank> index(outer.size());
  int64_t x_offset = 0;
  int64_t y_offset = 0;
  int64_t rest = begin;
  for (size_t i = outer.size(); i-- > 0;) {
    index[i] = rest % outer[i].size;
    rest /= outer[i].size;
    x_offset += index[i] * outer[i].x_stride;
    y_offset += index[i] * outer[i].y_stride;
  }
  for (int64_t step = begin; step < end; ++step) {
    body(x_offset, y_offset, outer.empty() ? 0 : index.back());
    for (size_t i = outer.size(); i-- > 0;) {
      x_offset += outer[i].x_stride;
      y_offset += outer[i].y_stride;
      if (++index[i] < outer[i].size) break;
      x_offset -= outer[i].size * outer[i].x_stride;
      y_offset -= outer[i].size * outer[i].y_stride;
      index[i] = 0;
    }
  }
}

// The last dimension of x is another one of y: the planes of these two are transposed by tiles.
template <typename T>
void MoveTiles(const AxisLoops& loops, const T* x, T* y) {
  size_t rows_at = 0;
  while (loops[rows_at].x_stride != 1) ++rows_at;
  const AxisLoop rows = loops[rows_at];  // contiguous in x
  const AxisLoop cols = loops.back();    // contiguous in y
  AxisLoops outer;
  for (size_t i = 0; i + 1 < loops.size(); ++i) {
    if (i != rows_at) outer.push_back(loops[i]);
  }
  const int64_t strip = std::min(kTile<T>, rows.size);
  outer.push_back({(rows.size - 1) / strip + 1, strip, strip * rows.y_stride});
  int64_t steps = 1;
  for (const AxisLoop& loop : outer) steps *= loop.size;
  const int64_t step_bytes = strip * cols.size * static_cast<int64_t>(sizeof(T));
  const auto move_strip = [&](int64_t x_offset, int64_t y_offset, int64_t index) {
    const int64_t count = std::min(strip, rows.size - index * strip);
    for (int64_t j = 0; j < cols.size; j += kTile<T>) {
      TransposeTile(x + x_offset + j * cols.x_stride, cols.x_stride, y + y_offset + j,
                    rows.y_stride, count, std::min(kTile<T>, cols.size - j));
    }
  };
  ParallelFor(steps, std::max<int64_t>(1, kGrainBytes / step_bytes),
              [&](int64_t begin, int64_t end) { ForEachStep(outer, begin, end, move_strip); });
}

template <typename T>
void TransposeTyped(const AxisLoops& loops, const void* x, void* y) {
  const T* from = static_cast<const T*>(x);
  T* to = static_cast<T*>(y);
  if (loops.back().x_stride != 1) return MoveTiles(loops, from, to);
  AxisLoops outer = loops;
  const int64_t row = loops.back().size;
  outer.pop_back();
  int64_t rows = 1;
  for (const AxisLoop& loop : outer) rows *= loop.size;
  const int64_t row_bytes = row * static_cast<int64_t>(sizeof(T));
  const Stores stores = row_bytes >= 512 ? StoresFor(rows * row_bytes) : Stores::kCached;
  ParallelFor(rows, std::max<int64_t>(1, kGrainBytes / row_bytes), [&](int64_t begin, int64_t end) {
    ForEachStep(outer, begin, end, [&](int64_t x_offset, int64_t y_offset, int64_t) {
      CopyBytes(from + x_offset, to + y_offset, row_bytes, stores);
    });
    FlushStores(stores);
  });
}

}  // namespace

void Transpose(size_t element_size, const void* x, DimsView x_dims, absl::Span<const int> axes,
               void* y, CPUContext* context) {
  const int64_t count = CountElements(x_dims);
  if (count == 0) return;
  const AxisLoops loops = CoalesceAxes(x_dims, axes);
  const int64_t bytes = count * static_cast<int64_t>(element_size);
  if (loops.size() < 2) return CopyBlocks(x, bytes, y, bytes, bytes, 1, context);
  switch (element_size) {
    case 1:
      return TransposeTyped<uint8_t>(loops, x, y);
    case 2:
      return TransposeTyped<uint16_t>(loops, x, y);
    case 4:
      return TransposeTyped<uint32_t>(loops, x, y);
    default:
      return TransposeTyped<uint64_t>(loops, x, y);
  }
}

void Transpose(const std::string* x, DimsView x_dims, absl::Span<const int> axes, std::string* y,
               CPUContext*) {
  const int64_t count = CountElements(x_dims);
  if (count == 0) return;
  ForEachStep(CoalesceAxes(x_dims, axes), 0, count,
              [&](int64_t x_offset, int64_t y_offset, int64_t) { y[y_offset] = x[x_offset]; });
}

}  // namespace doppio
