#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "src/kernel/extreme_box.cc"
#include "hwy/foreach_target.h"  // must come before highway.h
//
#include <algorithm>
#include <cstring>
#include <limits>
#include <type_traits>

#include "hwy/highway.h"
#include "src/kernel/extreme_box.h"

HWY_BEFORE_NAMESPACE();
namespace doppio {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;
using internal::PieceWatch;

// The elements of a type as whole numbers in the same order, of which the greatest (least) stands
// for NaN where it is to win.
template <typename T>
using Key = std::conditional_t<sizeof(T) == 2, int16_t,
                               std::conditional_t<sizeof(T) == 4, int32_t, int64_t>>;
template <typename T>
constexpr Key<T> kMost = std::numeric_limits<Key<T>>::max();
template <bool kLargest, typename T>
constexpr Key<T> kNan = kLargest ? kMost<T> : std::numeric_limits<Key<T>>::min();
// Without its sign, the bits of a NaN are above these.
template <typename T>
constexpr Key<T> kInfinity = kMost<T>;
template <>
constexpr int32_t kInfinity<float> = 0x7f800000;
template <>
constexpr int64_t kInfinity<double> = 0x7ff0000000000000;
template <>
constexpr int16_t kInfinity<float16> = 0x7c00;
template <>
constexpr int16_t kInfinity<bfloat16> = 0x7f80;

// What follows the sign of a number is turned over where that is set, and back.
template <typename T>
HWY_INLINE Key<T> Turned(Key<T> bits) {
  return std::is_integral_v<T> ? bits : static_cast<Key<T>>(bits ^ (bits < 0 ? kMost<T> : 0));
}
template <bool kLargest, typename T>
HWY_INLINE Key<T> KeyOf(T value) {
  Key<T> bits;
  std::memcpy(&bits, &value, sizeof(T));
  return (bits & kMost<T>) > kInfinity<T> ? kNan<kLargest, T> : Turned<T>(bits);
}
template <typename T>
HWY_INLINE T ValueOf(Key<T> key) {
  const Key<T> bits = Turned<T>(key);
  T value;
  std::memcpy(static_cast<void*>(&value), &bits, sizeof(T));
  return value;
}
template <bool kLargest, typename K>
HWY_INLINE K Better(K a, K b) {
  return kLargest ? std::max(a, b) : std::min(a, b);
}

// The same for vectors of them.
template <typename T>
using Tag = hn::ScalableTag<Key<T>>;
template <typename T>
using Vec = hn::Vec<Tag<T>>;

template <bool kLargest, typename T>
HWY_INLINE Vec<T> LoadKeys(const T* x) {
  const Tag<T> d;
  const Vec<T> bits = hn::LoadU(d, reinterpret_cast<const Key<T>*>(x));
  if constexpr (std::is_integral_v<T>) return bits;
  const Vec<T> most = hn::Set(d, kMost<T>);
  const Vec<T> turned = hn::Xor(bits, hn::And(hn::BroadcastSignBit(bits), most));
  const auto is_nan = hn::Gt(hn::And(bits, most), hn::Set(d, kInfinity<T>));
  return hn::IfThenElse(is_nan, hn::Set(d, kNan<kLargest, T>), turned);
}
template <bool kLargest, class V>
HWY_INLINE V BetterOf(V a, V b) {
  if constexpr (kLargest) {
    return hn::Max(a, b);
  } else {
    return hn::Min(a, b);
  }
}

// The key of the extreme of whole vectors of numbers as the processor compares them, which takes
// half the time. False where that leaves it open: among zeros.
template <bool kLargest, typename T>
HWY_INLINE bool ExtremeOfNumbers(const T* x, int64_t groups, Key<T>* key) {
  const hn::ScalableTag<T> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  auto best0 = hn::LoadU(d, x);
  auto best1 = best0, best2 = best0, best3 = best0;
  auto is_nan = hn::IsNaN(best0);
  for (int64_t i = 0; i < groups; ++i, x += 4 * lanes) {
    const auto x0 = hn::LoadU(d, x);
    const auto x1 = hn::LoadU(d, x + lanes);
    const auto x2 = hn::LoadU(d, x + 2 * lanes);
    const auto x3 = hn::LoadU(d, x + 3 * lanes);
    best0 = BetterOf<kLargest>(best0, x0);
    best1 = BetterOf<kLargest>(best1, x1);
    best2 = BetterOf<kLargest>(best2, x2);
    best3 = BetterOf<kLargest>(best3, x3);
    const auto of_pair0 = hn::Or(hn::IsNaN(x0), hn::IsNaN(x1));
    const auto of_pair1 = hn::Or(hn::IsNaN(x2), hn::IsNaN(x3));
    is_nan = hn::Or(is_nan, hn::Or(of_pair0, of_pair1));
  }
  if (!hn::AllFalse(d, is_nan)) {
    *key = kNan<kLargest, T>;
    return true;
  }
  best0 = BetterOf<kLargest>(BetterOf<kLargest>(best0, best1), BetterOf<kLargest>(best2, best3));
  HWY_ALIGN T of_lanes[hn::MaxLanes(d)];
  hn::Store(best0, d, of_lanes);
  T best = of_lanes[0];
  for (int64_t lane = 1; lane < lanes; ++lane) best = Better<kLargest>(best, of_lanes[lane]);
  *key = KeyOf<kLargest>(best);
  return best != 0;
}

// The key of the extreme of n elements, at least one, that lie together.
template <bool kLargest, typename T>
HWY_INLINE Key<T> ExtremeOfPiece(const T* x, int64_t n) {
  const Tag<T> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t i = 0;
  Key<T> best = KeyOf<kLargest>(x[0]);
  if constexpr (std::is_floating_point_v<T>) {
    const int64_t groups = n / (4 * lanes);
    if (groups > 0 && ExtremeOfNumbers<kLargest>(x, groups, &best)) i = groups * 4 * lanes;
  }
  if (i == 0 && n >= 4 * lanes) {
    Vec<T> best0 = LoadKeys<kLargest>(x);
    Vec<T> best1 = best0, best2 = best0, best3 = best0;
    for (; i + 4 * lanes <= n; i += 4 * lanes) {
      best0 = BetterOf<kLargest>(best0, LoadKeys<kLargest>(x + i));
      best1 = BetterOf<kLargest>(best1, LoadKeys<kLargest>(x + i + lanes));
      best2 = BetterOf<kLargest>(best2, LoadKeys<kLargest>(x + i + 2 * lanes));
      best3 = BetterOf<kLargest>(best3, LoadKeys<kLargest>(x + i + 3 * lanes));
    }
    best0 = BetterOf<kLargest>(BetterOf<kLargest>(best0, best1), BetterOf<kLargest>(best2, best3));
    HWY_ALIGN Key<T> of_lanes[hn::MaxLanes(d)];
    hn::Store(best0, d, of_lanes);
    for (int64_t lane = 0; lane < lanes; ++lane) best = Better<kLargest>(best, of_lanes[lane]);
  }
  for (; i < n; ++i) best = Better<kLargest>(best, KeyOf<kLargest>(x[i]));
  return best;
}

template <bool kLargest, typename T>
HWY_INLINE Key<T> ExtremeOfRun(const T* x, int64_t n, PieceWatch* watch) {
  constexpr int64_t kPiece = 1 << 20;
  Key<T> best = ExtremeOfPiece<kLargest>(x, std::min(n, kPiece));
  for (int64_t i = kPiece; i < n && watch->GoesOn(); i += kPiece) {
    best = Better<kLargest>(best, ExtremeOfPiece<kLargest>(x + i, std::min(n - i, kPiece)));
  }
  return best;
}

template <bool kLargest, typename T>
HWY_INLINE void Put(Key<T> key, bool first, T* y) {
  *y = ValueOf<T>(first ? key : Better<kLargest>(key, KeyOf<kLargest>(*y)));
}

// y[i * y_stride] gets the extreme of the n elements that begin at x + i * x_stride, fewer than
// vectors take at a time: of four such runs at once, since none of them keeps the processor busy.
template <bool kLargest, typename T>
HWY_INLINE void ExtremesOfShortRuns(const T* x, int64_t x_stride, int64_t runs, int64_t n, T* y,
                                    int64_t y_stride, bool first, PieceWatch* watch) {
  constexpr int64_t kRuns = 4;
  int64_t i = 0;
  for (; i + kRuns <= runs; i += kRuns) {
    const T* run = x + i * x_stride;
    Key<T> best[kRuns];
    HWY_UNROLL(4)
    for (int64_t r = 0; r < kRuns; ++r) best[r] = KeyOf<kLargest>(run[r * x_stride]);
    for (int64_t j = 1; j < n; ++j) {
      HWY_UNROLL(4)
      for (int64_t r = 0; r < kRuns; ++r) {
        best[r] = Better<kLargest>(best[r], KeyOf<kLargest>(run[r * x_stride + j]));
      }
    }
    HWY_UNROLL(4)
    for (int64_t r = 0; r < kRuns; ++r) Put<kLargest>(best[r], first, y + (i + r) * y_stride);
    if (!watch->GoesOnAfter(i / kRuns)) return;
  }
  for (; i < runs; ++i) {
    Put<kLargest>(ExtremeOfPiece<kLargest>(x + i * x_stride, n), first, y + i * y_stride);
  }
}

constexpr int64_t kRows = 8;  // at a time: keys are loaded and stored once for them

// The keys of the extremes of vectors that lie below each other in some rows.
template <bool kLargest, typename T>
HWY_INLINE Vec<T> ExtremesOfVectors(const T* const* rows, int64_t j) {
  if constexpr (std::is_floating_point_v<T>) {
    // As in ExtremeOfNumbers.
    const hn::ScalableTag<T> d;
    auto best = hn::LoadU(d, rows[0] + j);
    auto is_open = hn::IsNaN(best);
    HWY_UNROLL(8)
    for (int64_t r = 1; r < kRows; ++r) {
      const auto value = hn::LoadU(d, rows[r] + j);
      best = BetterOf<kLargest>(best, value);
      is_open = hn::Or(is_open, hn::IsNaN(value));
    }
    is_open = hn::Or(is_open, hn::Eq(best, hn::Zero(d)));
    if (hn::AllFalse(d, is_open)) {
      const Tag<T> keys;
      const Vec<T> bits = hn::BitCast(keys, best);
      return hn::Xor(bits, hn::And(hn::BroadcastSignBit(bits), hn::Set(keys, kMost<T>)));
    }
  }
  Vec<T> best = LoadKeys<kLargest>(rows[0] + j);
  HWY_UNROLL(8)
  for (int64_t r = 1; r < kRows; ++r)
    best = BetterOf<kLargest>(best, LoadKeys<kLargest>(rows[r] + j));
  return best;
}

// best[j] = the key of the extreme of column j of some rows, at least one.
template <bool kLargest, typename T>
HWY_INLINE void ExtremesOfColumns(const T* x, int64_t stride, int64_t rows, int64_t cols,
                                  Key<T>* best, PieceWatch* watch) {
  const Tag<T> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  for (int64_t row = 0; row < rows; row += kRows) {
    const T* from[kRows];
    for (int64_t r = 0; r < kRows; ++r) from[r] = x + std::min(row + r, rows - 1) * stride;
    int64_t j = 0;
    for (; j + lanes <= cols; j += lanes) {
      Vec<T> all = ExtremesOfVectors<kLargest>(from, j);
      if (row > 0) all = BetterOf<kLargest>(all, hn::LoadU(d, best + j));
      hn::StoreU(all, d, best + j);
    }
    for (; j < cols; ++j) {
      Key<T> all = row > 0 ? best[j] : KeyOf<kLargest>(from[0][j]);
      for (const T* one : from) all = Better<kLargest>(all, KeyOf<kLargest>(one[j]));
      best[j] = all;
    }
    if (!watch->GoesOnAfter(row / kRows)) return;
  }
}

constexpr int64_t kShortRun = 16;
constexpr int64_t kMostColumns = 1024;  // whose keys stay near

template <bool kLargest, typename T>
void ReduceRows(const T* x, int64_t stride, int64_t rows, int64_t cols, T* y, bool first,
                PieceWatch* watch) {
  HWY_ALIGN Key<T> best[kMostColumns];
  constexpr int64_t kShort = 64;
  if (cols < kShort && cols == stride && rows >= 2 * kShort) {
    // Short rows that lie together: several of them make a long one.
    const int64_t joined = 4 * kShort / cols;
    const int64_t whole = rows / joined * joined;
    ExtremesOfColumns<kLargest>(x, joined * cols, rows / joined, joined * cols, best, watch);
    for (int64_t r = 1; r < joined; ++r) {
      for (int64_t j = 0; j < cols; ++j) {
        best[j] = Better<kLargest>(best[j], best[r * cols + j]);
      }
    }
    for (int64_t i = whole * cols; i < rows * cols; ++i) {
      best[i % cols] = Better<kLargest>(best[i % cols], KeyOf<kLargest>(x[i]));
    }
    for (int64_t j = 0; j < cols; ++j) Put<kLargest>(best[j], first, y + j);
    return;
  }
  for (int64_t begin = 0; begin < cols; begin += kMostColumns) {
    const int64_t count = std::min(kMostColumns, cols - begin);
    ExtremesOfColumns<kLargest>(x + begin, stride, rows, count, best, watch);
    for (int64_t j = 0; j < count; ++j) Put<kLargest>(best[j], first, y + begin + j);
  }
}

template <bool kLargest, typename T>
void BoxImpl(const BroadcastLoop* loops, size_t count, const T* x, T* y, bool first,
             PieceWatch* watch) {
  const BroadcastLoop& loop = loops[0];
  if (count == 1 && loop.repeated) {
    Put<kLargest>(ExtremeOfRun<kLargest>(x, loop.size, watch), first, y);
  } else if (count == 1) {
    ReduceRows<kLargest>(x, loop.size, 1, loop.size, y, first, watch);
  } else if (count == 2 && !loop.repeated && loops[1].repeated && loops[1].size < kShortRun) {
    ExtremesOfShortRuns<kLargest>(x, loop.y_stride, loop.size, loops[1].size, y, loop.x_stride,
                                  first, watch);
  } else if (count == 2 && !loop.repeated && loops[1].repeated) {
    for (int64_t i = 0; i < loop.size; ++i) {
      Put<kLargest>(ExtremeOfRun<kLargest>(x + i * loop.y_stride, loops[1].size, watch), first,
                    y + i * loop.x_stride);
      if (!watch->GoesOnAfter(i)) return;
    }
  } else if (count == 2 && loop.repeated && !loops[1].repeated) {
    ReduceRows<kLargest>(x, loop.y_stride, loop.size, loops[1].size, y, first, watch);
  } else {
    for (int64_t i = 0; i < loop.size; ++i) {
      BoxImpl<kLargest>(loops + 1, count - 1, x + i * loop.y_stride, y + i * loop.x_stride,
                        first && (!loop.repeated || i == 0), watch);
      if (!watch->GoesOnAfter(i)) return;
    }
  }
}

#define DOPPIO_EXTREMES(T, name)                                                         \
  void name##Largest(const BroadcastLoop* loops, size_t count, const T* x, T* y, bool f, \
                     PieceWatch* w) {                                                    \
    BoxImpl<true>(loops, count, x, y, f, w);                                             \
  }                                                                                      \
  void name##Least(const BroadcastLoop* loops, size_t count, const T* x, T* y, bool f,   \
                   PieceWatch* w) {                                                      \
    BoxImpl<false>(loops, count, x, y, f, w);                                            \
  }
DOPPIO_EXTREMES(int32_t, Int32)
DOPPIO_EXTREMES(int64_t, Int64)
DOPPIO_EXTREMES(float, Float)
DOPPIO_EXTREMES(double, Double)
DOPPIO_EXTREMES(float16, Float16)
DOPPIO_EXTREMES(bfloat16, BFloat16)
#undef DOPPIO_EXTREMES

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace doppio
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace doppio {

#define DOPPIO_EXTREMES(T, largest, name)                                                 \
  HWY_EXPORT(name);                                                                       \
  template <>                                                                             \
  void ExtremesOfBox<largest, T>(absl::Span<const BroadcastLoop> loops, const T* x, T* y, \
                                 bool first, internal::PieceWatch* watch) {               \
    HWY_DYNAMIC_DISPATCH(name)(loops.data(), loops.size(), x, y, first, watch);           \
  }
DOPPIO_EXTREMES(int32_t, true, Int32Largest)
DOPPIO_EXTREMES(int32_t, false, Int32Least)
DOPPIO_EXTREMES(int64_t, true, Int64Largest)
DOPPIO_EXTREMES(int64_t, false, Int64Least)
DOPPIO_EXTREMES(float, true, FloatLargest)
DOPPIO_EXTREMES(float, false, FloatLeast)
DOPPIO_EXTREMES(double, true, DoubleLargest)
DOPPIO_EXTREMES(double, false, DoubleLeast)
DOPPIO_EXTREMES(float16, true, Float16Largest)
DOPPIO_EXTREMES(float16, false, Float16Least)
DOPPIO_EXTREMES(bfloat16, true, BFloat16Largest)
DOPPIO_EXTREMES(bfloat16, false, BFloat16Least)
#undef DOPPIO_EXTREMES

}  // namespace doppio
#endif  // HWY_ONCE
