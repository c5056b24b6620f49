#include "src/kernel/reduce.h"

#include <algorithm>
#include <type_traits>

#include "doppio/parallel.h"
#include "src/base/run_scope.h"
#include "src/kernel/bytes.h"
#include "src/kernel/coalesce.h"
#include "src/kernel/reduce_box.h"

namespace doppio {
namespace {

// Elements that are worth a thread of their own.
constexpr int64_t kGrain = 64 << 10;

// Few sums of many elements: the elements are split, always in the same way, into at most kChunks
// boxes whose sums are added as a tree.
constexpr int64_t kChunks = 16;
constexpr int64_t kFewSums = 256;
constexpr int64_t kManyElements = 256 << 10;

int64_t CeilDiv(int64_t a, int64_t b) { return (a - 1) / b + 1; }

template <typename T, typename Finish>
absl::Status ReduceFew(const BroadcastLoops& loops, const T* y, int64_t elements, T* x,
                       int64_t outputs, const Finish& finish) {
  size_t split = 0;
  for (size_t i = 0; i < loops.size(); ++i) {
    const bool longer = !loops[split].repeated || loops[i].size > loops[split].size;
    if (loops[i].repeated && longer) split = i;
    if (loops[split].repeated && loops[split].size >= kChunks) break;  // so pieces lie together
  }
  const int64_t piece = CeilDiv(loops[split].size, kChunks);
  const int64_t chunks = CeilDiv(loops[split].size, piece);
  Acc<T> sums[kChunks * kFewSums];
  std::fill_n(sums, chunks * outputs, Acc<T>(0));
  internal::PieceWatch watch;
  ParallelFor(chunks, std::max<int64_t>(1, kGrain * chunks / elements),
              [&](int64_t begin, int64_t end) {
                BroadcastLoops box = loops;
                for (int64_t i = begin; i < end; ++i) {
                  if (i > begin && !watch.GoesOn()) return;
                  box[split].size = std::min(piece, loops[split].size - i * piece);
                  SumBox<T>(box, y + i * piece * loops[split].y_stride, sums + i * outputs, &watch);
                }
              });
  DOPPIO_RETURN_IF_ERROR(watch.status());
  for (int64_t distance = 1; distance < chunks; distance *= 2) {
    for (int64_t i = 0; i + distance < chunks; i += 2 * distance) {
      for (int64_t j = 0; j < outputs; ++j) {
        sums[i * outputs + j] += sums[(i + distance) * outputs + j];
      }
    }
  }
  for (int64_t j = 0; j < outputs; ++j) x[j] = finish(sums[j]);
  return absl::OkStatus();
}

// Many sums: each is made by one thread, in boxes of at most kMaxSums of them that lie together.
template <typename T, typename Finish>
absl::Status ReduceMany(const BroadcastLoops& loops, const T* y, int64_t elements, T* x,
                        int64_t outputs, const Finish& finish) {
  // The outermost kept loop that a box does not take whole, and the sums of one of its steps.
  size_t cut = loops.size();
  for (size_t i = loops.size(); i-- > 0;) {
    if (loops[i].repeated) continue;
    cut = i;
    if (loops[i].x_stride * loops[i].size > kMaxSums) break;
  }
  const int64_t step = loops[cut].x_stride;
  const int64_t size = loops[cut].size;
  int64_t pieces = CeilDiv(size, std::max<int64_t>(1, kMaxSums / step));
  const int64_t outer = outputs / (step * size);
  // Here alone the number of threads counts, and no sum is made differently for it: rows that are
  // short enough to be joined stay whole.
  const int64_t smallest = CeilDiv(kShortRow<Acc<T>>, step);
  if (outer * pieces < NumThreads() && elements >= 2 * kGrain) {
    pieces = std::max(pieces, std::min<int64_t>(NumThreads(), size / smallest));
  }
  const int64_t piece = CeilDiv(size, pieces);
  pieces = CeilDiv(size, piece);
  const int64_t boxes = outer * pieces;
  internal::PieceWatch watch;
  ParallelFor(boxes, std::max<int64_t>(1, kGrain * boxes / elements),
              [&](int64_t begin, int64_t end) {
                Acc<T> sums[kMaxSums];
                for (int64_t b = begin; b < end; ++b) {
                  BroadcastLoops box;
                  int64_t rest = b / pieces;
                  const int64_t first = b % pieces * piece;
                  int64_t x_offset = first * step;
                  int64_t y_offset = first * loops[cut].y_stride;
                  for (size_t i = cut; i-- > 0;) {
                    if (loops[i].repeated) continue;
                    x_offset += rest % loops[i].size * loops[i].x_stride;
                    y_offset += rest % loops[i].size * loops[i].y_stride;
                    rest /= loops[i].size;
                  }
                  for (size_t i = 0; i < loops.size(); ++i) {
                    if (i >= cut || loops[i].repeated) box.push_back(loops[i]);
                    if (i == cut) box.back().size = std::min(piece, size - first);
                  }
                  const int64_t count = std::min(piece, size - first) * step;
                  std::fill_n(sums, count, Acc<T>(0));
                  SumBox<T>(box, y + y_offset, sums, &watch);
                  for (int64_t j = 0; j < count; ++j) x[x_offset + j] = finish(sums[j]);
                  if (!watch.GoesOnAfter(b - begin)) return;
                }
              });
  return watch.status();
}

template <typename T, typename Finish>
absl::Status ReduceLoops(const BroadcastLoops& loops, const T* y, int64_t elements, T* x,
                         int64_t outputs, const Finish& finish) {
  const bool one_sum = loops.size() == 1;
  if (one_sum || (outputs <= kFewSums && elements >= kManyElements)) {
    return ReduceFew(loops, y, elements, x, outputs, finish);
  }
  return ReduceMany(loops, y, elements, x, outputs, finish);
}

template <typename T, typename Finish>
absl::Status Reduce(const T* y, DimsView y_dims, T* x, DimsView x_dims, const Finish& finish) {
  const int64_t outputs = CountElements(x_dims);
  const int64_t elements = CountElements(y_dims);
  if (outputs == 0) return absl::OkStatus();
  if (elements == 0) {
    std::fill_n(x, outputs, finish(Acc<T>(0)));
    return absl::OkStatus();
  }
  if (elements == outputs) {
    ParallelFor(outputs, kGrain, [&](int64_t begin, int64_t end) {
      CopyBytes(y + begin, x + begin, (end - begin) * static_cast<int64_t>(sizeof(T)),
                Stores::kCached);
    });
    return absl::OkStatus();
  }
  return ReduceLoops(CoalesceBroadcast(x_dims, y_dims), y, elements, x, outputs, finish);
}

// Where elements of y are repeated along a loop, y does not advance.
template <typename T>
bool RepeatLoops(DimsView element_dims, DimsView y_dims, BroadcastLoops* loops) {
  absl::InlinedVector<bool, kMaxRank> repeats;
  int64_t rest = 1;  // of the loop at hand
  for (size_t d = 0; d < y_dims.size(); ++d) {
    if (y_dims[d] == 1) continue;
    const bool is_repeated = element_dims[d] != y_dims[d];
    if (rest == 1) {
      rest = (*loops)[repeats.size()].size;
      repeats.push_back(is_repeated);
    }
    if (repeats.back() != is_repeated) return false;
    rest /= y_dims[d];
  }
  const BroadcastLoop& inner = loops->back();
  const bool is_short = !inner.repeated && inner.size < kShortRow<Acc<T>>;
  if (repeats.back() || is_short) return false;
  int64_t stride = 1;
  for (size_t i = loops->size(); i-- > 0;) {
    (*loops)[i].y_stride = repeats[i] ? 0 : stride;
    if (!repeats[i]) stride *= (*loops)[i].size;
  }
  return true;
}

template <typename T, typename Finish>
absl::StatusOr<bool> ReduceRepeated(const T* y, DimsView element_dims, DimsView y_dims, T* x,
                                    DimsView x_dims, const Finish& finish) {
  const int64_t outputs = CountElements(x_dims);
  const int64_t elements = CountElements(y_dims);
  if (elements == 0 || elements == outputs) return false;
  BroadcastLoops loops = CoalesceBroadcast(x_dims, y_dims);
  if (!RepeatLoops<T>(element_dims, y_dims, &loops)) return false;
  DOPPIO_RETURN_IF_ERROR(ReduceLoops(loops, y, elements, x, outputs, finish));
  return true;
}

template <typename T>
auto FinishSum() {
  return [](Acc<T> sum) { return static_cast<T>(sum); };
}

template <typename T>
auto FinishMean(DimsView y_dims, DimsView x_dims) {
  const int64_t outputs = CountElements(x_dims);
  const int64_t count = outputs == 0 ? 0 : CountElements(y_dims) / outputs;
  return [count](Acc<T> sum) -> T {
    if constexpr (std::is_integral_v<T>) {
      return count == 0 ? T(0) : static_cast<T>(static_cast<T>(sum) / count);
    } else {
      return static_cast<T>(sum / static_cast<Acc<T>>(count));
    }
  };
}

}  // namespace

template <typename T>
absl::Status ReduceSumTo(const T* y, DimsView y_dims, T* x, DimsView x_dims, CPUContext*) {
  return Reduce(y, y_dims, x, x_dims, FinishSum<T>());
}

template <typename T>
absl::Status ReduceMeanTo(const T* y, DimsView y_dims, T* x, DimsView x_dims, CPUContext*) {
  return Reduce(y, y_dims, x, x_dims, FinishMean<T>(y_dims, x_dims));
}

template <typename T>
absl::StatusOr<bool> ReduceSumRepeated(const T* elements, DimsView element_dims, DimsView y_dims,
                                       T* x, DimsView x_dims, CPUContext*) {
  return ReduceRepeated(elements, element_dims, y_dims, x, x_dims, FinishSum<T>());
}

template <typename T>
absl::StatusOr<bool> ReduceMeanRepeated(const T* elements, DimsView element_dims, DimsView y_dims,
                                        T* x, DimsView x_dims, CPUContext*) {
  return ReduceRepeated(elements, element_dims, y_dims, x, x_dims, FinishMean<T>(y_dims, x_dims));
}

#define DOPPIO_INSTANTIATE_REDUCE(T)                                                              \
  template absl::Status ReduceSumTo<T>(const T*, DimsView, T*, DimsView, CPUContext*);            \
  template absl::Status ReduceMeanTo<T>(const T*, DimsView, T*, DimsView, CPUContext*);           \
  template absl::StatusOr<bool> ReduceSumRepeated<T>(const T*, DimsView, DimsView, T*, DimsView,  \
                                                     CPUContext*);                                \
  template absl::StatusOr<bool> ReduceMeanRepeated<T>(const T*, DimsView, DimsView, T*, DimsView, \
                                                      CPUContext*);
DOPPIO_INSTANTIATE_REDUCE(int32_t)
DOPPIO_INSTANTIATE_REDUCE(int64_t)
DOPPIO_INSTANTIATE_REDUCE(float)
DOPPIO_INSTANTIATE_REDUCE(double)
DOPPIO_INSTANTIATE_REDUCE(float16)
DOPPIO_INSTANTIATE_REDUCE(bfloat16)
#undef DOPPIO_INSTANTIATE_REDUCE

}  // namespace doppio
