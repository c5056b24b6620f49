#include "src/kernel/broadcast.h"

#include <algorithm>
#include <cstdint>

#include "doppio/parallel.h"
#include "src/kernel/bytes.h"
#include "src/kernel/coalesce.h"

namespace doppio {
namespace {

// Writes y, or a range of it, in the order of its addresses. A "step" of loop `depth` is one of its
// iterations; x and y point to where the steps at hand begin.
class Expander {
 public:
  Expander(const BroadcastLoops& loops, int64_t element_size, Stores stores)
      : loops_(loops), size_(element_size), stores_(stores) {}

  // Elements [begin, end) of what loop `depth` writes.
  void Range(size_t depth, const char* x, char* y, int64_t begin, int64_t end) const {
    if (depth == loops_.size()) return CopyBytes(x, y, size_, Stores::kCached);
    const BroadcastLoop& loop = loops_[depth];
    const int64_t step = loop.y_stride;
    const int64_t first = (begin + step - 1) / step;  // the whole steps
    const int64_t last = end / step;
    if (first > last) return Part(depth, x, y, last, begin - last * step, end - last * step);
    if (begin < first * step) Part(depth, x, y, first - 1, begin - (first - 1) * step, step);
    Steps(depth, x + first * loop.x_stride * size_, y + first * step * size_, last - first);
    if (last * step < end) Part(depth, x, y, last, 0, end - last * step);
  }

 private:
  // A range within step i.
  void Part(size_t depth, const char* x, char* y, int64_t i, int64_t begin, int64_t end) const {
    const BroadcastLoop& loop = loops_[depth];
    Range(depth + 1, x + i * loop.x_stride * size_, y + i * loop.y_stride * size_, begin, end);
  }

  void Steps(size_t depth, const char* x, char* y, int64_t count) const {
    if (count == 0) return;
    const BroadcastLoop& loop = loops_[depth];
    const int64_t step_bytes = loop.y_stride * size_;
    const size_t inside = loops_.size() - 1 - depth;
    if (inside == 0) {
      if (loop.repeated) return RepeatElements(size_, x, 1, count, y, stores_);
      return CopyBytes(x, y, count * size_, stores_);
    }
    if (inside == 1) {
      if (loop.repeated) return RepeatRow(x, step_bytes, y, count, stores_);
      return RepeatElements(size_, x, count, loops_[depth + 1].size, y, stores_);
    }
    if (loop.repeated && count > 1 && step_bytes <= kReusedBytes) {
      const Expander cached(loops_, size_, Stores::kCached);
      cached.Steps(depth, x, y, 1);
      return RepeatRow(y, step_bytes, y + step_bytes, count - 1, stores_);
    }
    for (int64_t i = 0; i < count; ++i) {
      Steps(depth + 1, x + i * loop.x_stride * size_, y + i * step_bytes, loops_[depth + 1].size);
    }
  }

  // What was written once is copied, rather than made again, while it is in the second-level cache.
  static constexpr int64_t kReusedBytes = 128 << 10;

  const BroadcastLoops& loops_;
  const int64_t size_;
  const Stores stores_;
};

void BroadcastStrings(const BroadcastLoops& loops, size_t depth, const std::string* x,
                      std::string* y) {
  if (depth == loops.size()) {
    *y = *x;
    return;
  }
  const BroadcastLoop& loop = loops[depth];
  for (int64_t i = 0; i < loop.size; ++i) {
    BroadcastStrings(loops, depth + 1, x + i * loop.x_stride, y + i * loop.y_stride);
  }
}

}  // namespace

void Broadcast(size_t element_size, const void* x, DimsView x_dims, void* y, DimsView y_dims,
               CPUContext*) {
  const int64_t count = CountElements(y_dims);
  if (count == 0) return;
  const BroadcastLoops loops = CoalesceBroadcast(x_dims, y_dims);
  const int64_t size = static_cast<int64_t>(element_size);
  const Stores stores = StoresFor(count * size);
  const Expander expander(loops, size, stores);
  // Threads meet at borders of cache lines (if y begins at one).
  const int64_t line = 64 / size;
  ParallelFor((count - 1) / line + 1, kGrainBytes / 64, [&](int64_t begin, int64_t end) {
    expander.Range(0, static_cast<const char*>(x), static_cast<char*>(y), begin * line,
                   std::min(end * line, count));
    FlushStores(stores);
  });
}

void Broadcast(const std::string* x, DimsView x_dims, std::string* y, DimsView y_dims,
               CPUContext*) {
  if (CountElements(y_dims) == 0) return;
  BroadcastStrings(CoalesceBroadcast(x_dims, y_dims), 0, x, y);
}

BroadcastReader::BroadcastReader(size_t element_size, const void* x, DimsView x_dims,
                                 DimsView y_dims)
    : size_(static_cast<int64_t>(element_size)),
      x_(static_cast<const char*>(x)),
      loops_(CoalesceBroadcast(x_dims, y_dims)) {}

const void* BroadcastReader::Read(int64_t begin, int64_t end, void* room) const {
  const bool is_whole = loops_.empty() || (loops_.size() == 1 && !loops_[0].repeated);
  if (is_whole) return x_ + begin * size_;
  Expander(loops_, size_, Stores::kCached)
      .Range(0, x_, static_cast<char*>(room) - begin * size_, begin, end);
  return room;
}

}  // namespace doppio
