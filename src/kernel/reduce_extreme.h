#ifndef DOPPIO_KERNEL_REDUCE_EXTREME_H_
#define DOPPIO_KERNEL_REDUCE_EXTREME_H_

// The largest or smallest elements along dimensions.

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <limits>
#include <type_traits>

#include "absl/types/span.h"
#include "doppio/parallel.h"
#include "doppio/shape.h"
#include "doppio/status.h"
#include "src/base/run_scope.h"
#include "src/kernel/coalesce.h"

namespace doppio {

// Calls f(i, j, first) for every element i of a tensor `x_dims`, in order, where j is the element
// of the reduced tensor that it belongs to: `kept` is x_dims with 1 for every reduced dimension.
// `first` says that none came before for that j.
template <typename F>
void ForEachReduced(DimsView x_dims, DimsView kept, const F& f) {
  const int rank = static_cast<int>(x_dims.size());
  const int64_t size = SizeFromDim(x_dims, 0);
  Dims strides = ContiguousStrides(kept);
  for (int d = 0; d < rank; ++d) {
    if (kept[d] != x_dims[d]) strides[d] = 0;
  }
  Dims index(x_dims.size(), 0);
  int64_t to = 0;
  int64_t reduced = 0;  // the sum of the indices that are reduced
  for (int64_t i = 0; i < size; ++i) {
    f(i, to, reduced == 0);
    for (int d = rank - 1; d >= 0; --d) {
      const bool is_reduced = strides[d] == 0 && x_dims[d] != 1;
      to += strides[d];
      reduced += is_reduced ? 1 : 0;
      if (++index[d] < x_dims[d]) break;
      to -= strides[d] * x_dims[d];
      reduced -= is_reduced ? x_dims[d] : 0;
      index[d] = 0;
    }
  }
}

// The elements of a type as whole numbers in the same order, of which the greatest (least) stands
// for NaN where it is to win. So the extreme of some elements is the same, to the bit, in whatever
// order they are looked at: -0 is less than 0.
template <bool kLargest, typename T>
struct ExtremeKey {
  using Key = std::conditional_t<sizeof(T) == 2, int16_t,
                                 std::conditional_t<sizeof(T) == 4, int32_t, int64_t>>;
  static constexpr Key kMost = std::numeric_limits<Key>::max();
  static constexpr Key kNan = kLargest ? kMost : std::numeric_limits<Key>::min();

  // Of numbers with a sign, what follows it is turned over where that is set.
  static Key Turned(Key bits) {
    return std::is_integral_v<T> ? bits : static_cast<Key>(bits ^ (bits < 0 ? kMost : 0));
  }
  static Key Of(T value) {
    using Number = std::conditional_t<std::is_arithmetic_v<T>, T, float>;  // 16-bit types as float
    const Number number = static_cast<Number>(value);
    Key bits;
    std::memcpy(&bits, &value, sizeof(T));
    return number != number ? kNan : Turned(bits);
  }
  static T Value(Key key) {
    const Key bits = Turned(key);
    T value;
    std::memcpy(static_cast<void*>(&value), &bits, sizeof(T));
    return value;
  }
  static Key Better(Key a, Key b) { return kLargest ? std::max(a, b) : std::min(a, b); }
};

template <bool kLargest, typename T>
T ExtremeOfRun(const T* x, int64_t n) {
  using Keys = ExtremeKey<kLargest, T>;
  constexpr int kLanes = 16;
  typename Keys::Key best = Keys::Of(x[0]);
  int64_t i = 0;
  if (n >= 2 * kLanes) {
    typename Keys::Key lanes[kLanes];
    for (int lane = 0; lane < kLanes; ++lane) lanes[lane] = Keys::Of(x[lane]);
    for (i = kLanes; i + kLanes <= n; i += kLanes) {
      for (int lane = 0; lane < kLanes; ++lane) {
        lanes[lane] = Keys::Better(lanes[lane], Keys::Of(x[i + lane]));
      }
    }
    for (const auto lane : lanes) best = Keys::Better(best, lane);
  }
  for (; i < n; ++i) best = Keys::Better(best, Keys::Of(x[i]));
  return Keys::Value(best);
}

// Of a box whose loops run along x (there y_stride) and y; `first` where nothing is in y yet. Ends
// anywhere where `watch`, asked now and then, says so.
template <bool kLargest, typename T>
void ExtremesOfBox(absl::Span<const BroadcastLoop> loops, const T* x, T* y, bool first,
                   internal::PieceWatch* watch) {
  constexpr int64_t kPiece = 1 << 20;  // elements
  using Keys = ExtremeKey<kLargest, T>;
  const auto better = [](T a, T b) { return Keys::Value(Keys::Better(Keys::Of(a), Keys::Of(b))); };
  const BroadcastLoop& loop = loops[0];
  if (loops.size() > 1) {
    for (int64_t i = 0; i < loop.size; ++i) {
      ExtremesOfBox<kLargest>(loops.subspan(1), x + i * loop.y_stride, y + i * loop.x_stride,
                              first && (!loop.repeated || i == 0), watch);
      if (!watch->GoesOnAfter(i)) return;
    }
  } else if (loop.repeated) {
    T best = ExtremeOfRun<kLargest>(x, std::min(loop.size, kPiece));
    for (int64_t i = kPiece; i < loop.size && watch->GoesOn(); i += kPiece) {
      best = better(best, ExtremeOfRun<kLargest>(x + i, std::min(loop.size - i, kPiece)));
    }
    *y = first ? best : better(*y, best);
  } else if (first) {
    std::copy_n(x, loop.size, y);
  } else {
    for (int64_t i = 0; i < loop.size; ++i) y[i] = better(y[i], x[i]);
  }
}

// y[j] = the largest (or smallest) of its elements of x; NaN wins. Leaves y alone where there are
// none. Errors: as those of ReduceSumTo (reduce.h).
template <bool kLargest, typename T>
absl::Status ReduceExtremeTo(const T* x, DimsView x_dims, T* y, DimsView kept) {
  constexpr int64_t kGrain = 64 << 10;
  const int64_t elements = CountElements(x_dims);
  if (elements == 0) return absl::OkStatus();
  BroadcastLoops loops = CoalesceBroadcast(kept, x_dims);
  if (loops.empty()) loops.push_back({1, true, 0, 1});
  const auto is_kept = [](const BroadcastLoop& loop) { return !loop.repeated; };
  const auto split = std::find_if(loops.begin(), loops.end(), is_kept);
  internal::PieceWatch watch;
  if (split == loops.end()) {
    ExtremesOfBox<kLargest, T>(loops, x, y, true, &watch);
    return watch.status();
  }
  const int64_t steps = split->size;
  const size_t place = static_cast<size_t>(split - loops.begin());
  ParallelFor(steps, std::max<int64_t>(1, kGrain * steps / elements),
              [&](int64_t begin, int64_t end) {
                BroadcastLoops box = loops;
                box[place].size = end - begin;
                ExtremesOfBox<kLargest, T>(box, x + begin * box[place].y_stride,
                                           y + begin * box[place].x_stride, true, &watch);
              });
  return watch.status();
}

}  // namespace doppio

#endif  // DOPPIO_KERNEL_REDUCE_EXTREME_H_
