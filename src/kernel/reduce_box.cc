#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "src/kernel/reduce_box.cc"
#include "hwy/foreach_target.h"  // must come before highway.h
//
#include <algorithm>

#include "hwy/highway.h"
#include "src/kernel/reduce_box.h"

HWY_BEFORE_NAMESPACE();
namespace doppio {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;
using internal::PieceWatch;

// As many partial sums as 128 bytes hold stand beside each other, whatever the vectors' width.
template <typename A>
constexpr int64_t kLanes = 128 / static_cast<int64_t>(sizeof(A));
template <typename A>
constexpr int64_t kVector = HWY_HAVE_SCALABLE ? 16 / sizeof(A) : HWY_LANES(A);
template <typename A>
constexpr int64_t kVectors = kLanes<A> / kVector<A>;
template <typename A>
using Tag = hn::FixedTag<A, kVector<A>>;
template <typename A>
using Vec = hn::Vec<Tag<A>>;

HWY_INLINE Vec<float> LoadY(const float* y) { return hn::LoadU(Tag<float>(), y); }
HWY_INLINE Vec<double> LoadY(const double* y) { return hn::LoadU(Tag<double>(), y); }
HWY_INLINE Vec<uint32_t> LoadY(const int32_t* y) {
  return hn::LoadU(Tag<uint32_t>(), reinterpret_cast<const uint32_t*>(y));
}
HWY_INLINE Vec<uint64_t> LoadY(const int64_t* y) {
  return hn::LoadU(Tag<uint64_t>(), reinterpret_cast<const uint64_t*>(y));
}
HWY_INLINE Vec<uint32_t> LoadY(const uint32_t* y) { return hn::LoadU(Tag<uint32_t>(), y); }
HWY_INLINE Vec<uint64_t> LoadY(const uint64_t* y) { return hn::LoadU(Tag<uint64_t>(), y); }
HWY_INLINE Vec<float> LoadY(const bfloat16* y) {
  const hn::Rebind<uint16_t, Tag<float>> half;
  const hn::Rebind<uint32_t, Tag<float>> bits;
  const auto loaded = hn::LoadU(half, reinterpret_cast<const uint16_t*>(y));
  return hn::BitCast(Tag<float>(), hn::ShiftLeft<16>(hn::PromoteTo(bits, loaded)));
}
HWY_INLINE Vec<float> LoadY(const float16* y) {
#if HWY_TARGET == HWY_AVX2 || HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX3_DL
  const hn::Rebind<hwy::float16_t, Tag<float>> half;
  return hn::PromoteTo(Tag<float>(), hn::LoadU(half, reinterpret_cast<const hwy::float16_t*>(y)));
#else
  HWY_ALIGN float converted[kVector<float>];
  for (int64_t i = 0; i < kVector<float>; ++i) converted[i] = static_cast<float>(y[i]);
  return hn::Load(Tag<float>(), converted);
#endif
}

// The lanes of a vector added as a tree, the upper half to the lower one.
#if HWY_TARGET == HWY_SCALAR
template <class D>
HWY_INLINE hn::TFromD<D> SumOfHalves(D, hn::Vec<D> v) {
  return hn::GetLane(v);
}
#else
template <class D>
HWY_INLINE hn::TFromD<D> SumOfHalves(D d, hn::Vec<D> v) {
  using A = hn::TFromD<D>;
  if constexpr (sizeof(A) * hn::MaxLanes(d) > 16) {
    const hn::Half<D> half;
    return SumOfHalves(half, hn::Add(hn::LowerHalf(half, v), hn::UpperHalf(half, v)));
  } else if constexpr (sizeof(A) == 8) {
    return hn::GetLane(hn::Add(v, hn::Shuffle01(v)));
  } else {
    const auto pairs = hn::Add(v, hn::Shuffle1032(v));
    return hn::GetLane(hn::Add(pairs, hn::Shuffle2301(pairs)));
  }
}
#endif

// sum[v] = the sum of vector v of so many groups of kLanes elements, at least one. Unrolled, so
// that the sums stay in registers.
template <typename T>
HWY_INLINE void SumVectors(const T* y, int64_t groups, Vec<Acc<T>>* sum) {
  using A = Acc<T>;
  Vec<A> near[kVectors<A>];
  HWY_UNROLL(8)
  for (int64_t v = 0; v < kVectors<A>; ++v) near[v] = LoadY(y + v * kVector<A>);
  HWY_UNROLL(1)
  for (int64_t g = 1; g < groups; ++g) {
    HWY_UNROLL(8)
    for (int64_t v = 0; v < kVectors<A>; ++v) {
      near[v] = hn::Add(near[v], LoadY(y + g * kLanes<A> + v * kVector<A>));
    }
  }
  HWY_UNROLL(8)
  for (int64_t v = 0; v < kVectors<A>; ++v) sum[v] = near[v];
}

template <typename A>
HWY_INLINE A SumOfVectors(Vec<A>* sum) {
  HWY_UNROLL(4)
  for (int64_t half = kVectors<A> / 2; half > 0; half /= 2) {
    HWY_UNROLL(4)
    for (int64_t v = 0; v < half; ++v) sum[v] = hn::Add(sum[v], sum[v + half]);
  }
  return SumOfHalves(Tag<A>(), sum[0]);
}

// The sum of so many times kLanes elements, at least one: of a few of them.
template <typename T>
HWY_INLINE Acc<T> SumGroups(const T* y, int64_t groups) {
  Vec<Acc<T>> sum[kVectors<Acc<T>>];
  SumVectors(y, groups, sum);
  return SumOfVectors<Acc<T>>(sum);
}

// Groups that SumRun adds in one go.
constexpr int64_t kRunBlock = 16;

// The sum of so many times kLanes elements. Lane i of the partial sums takes elements i, i +
// kLanes, ...; after every kRunBlock of them it is put aside, and what was put aside is added as a
// tree.
template <typename T>
HWY_NOINLINE Acc<T> SumBlocks(const T* y, int64_t groups, PieceWatch* watch) {
  using A = Acc<T>;
  constexpr int kLevels = 60;
  constexpr int kLongLevel = 10;  // of so many blocks that the watch is asked
  const Tag<A> d;
  Vec<A> sum[kVectors<A>];
  HWY_ALIGN A
      aside[kLevels][kLanes<A>];  // aside[k]: the sum of 2^k blocks, if bit k of blocks is set
  for (int64_t blocks = 0; groups > 0; ++blocks) {
    const int64_t count = std::min(groups, kRunBlock);
    SumVectors(y, count, sum);
    y += count * kLanes<A>;
    groups -= count;
    int level = 0;
    for (int64_t left = blocks; groups > 0 ? (left & 1) != 0 : left != 0; left >>= 1, ++level) {
      if ((left & 1) == 0) continue;  // at the end everything put aside is added
      HWY_UNROLL(8)
      for (int64_t v = 0; v < kVectors<A>; ++v) {
        sum[v] = hn::Add(hn::Load(d, aside[level] + v * kVector<A>), sum[v]);
      }
    }
    if (groups == 0) break;
    HWY_UNROLL(8)
    for (int64_t v = 0; v < kVectors<A>; ++v) hn::Store(sum[v], d, aside[level] + v * kVector<A>);
    if (level >= kLongLevel && !watch->GoesOn()) return A(0);
  }
  return SumOfVectors<A>(sum);
}

// The sum of n elements that lie together.
template <typename T>
Acc<T> SumRun(const T* y, int64_t n, PieceWatch* watch) {
  using A = Acc<T>;
  A rest = 0;
  for (int64_t i = n / kLanes<A> * kLanes<A>; i < n; ++i) rest += static_cast<A>(y[i]);
  const int64_t groups = n / kLanes<A>;
  if (groups == 0) return rest;
  return (groups <= kRunBlock ? SumGroups(y, groups) : SumBlocks(y, groups, watch)) + rest;
}

// sums[i * x_stride] += the sum of n elements that begin at y + i * y_stride, fewer than SumRun has
// lanes: of four such runs at a time, since an addition takes longer than a load.
template <typename T>
void AddShortRuns(const T* y, int64_t y_stride, int64_t runs, int64_t n, Acc<T>* sums,
                  int64_t x_stride) {
  using A = Acc<T>;
  int64_t i = 0;
  for (; i + 4 <= runs; i += 4) {
    const T* run = y + i * y_stride;
    A sum0 = 0;
    A sum1 = 0;
    A sum2 = 0;
    A sum3 = 0;
    for (int64_t j = 0; j < n; ++j) {
      sum0 += static_cast<A>(run[j]);
      sum1 += static_cast<A>(run[y_stride + j]);
      sum2 += static_cast<A>(run[2 * y_stride + j]);
      sum3 += static_cast<A>(run[3 * y_stride + j]);
    }
    sums[i * x_stride] += sum0;
    sums[(i + 1) * x_stride] += sum1;
    sums[(i + 2) * x_stride] += sum2;
    sums[(i + 3) * x_stride] += sum3;
  }
  for (; i < runs; ++i) {
    A sum = 0;
    for (int64_t j = 0; j < n; ++j) sum += static_cast<A>(y[i * y_stride + j]);
    sums[i * x_stride] += sum;
  }
}

// sums[j] = or += y[j].
template <bool kFirst, typename T>
HWY_INLINE void AddRow(const T* y, int64_t cols, Acc<T>* sums) {
  using A = Acc<T>;
  const Tag<A> d;
  int64_t j = 0;
  for (; j + kVector<A> <= cols; j += kVector<A>) {
    const Vec<A> value = LoadY(y + j);
    hn::StoreU(kFirst ? value : hn::Add(hn::LoadU(d, sums + j), value), d, sums + j);
  }
  for (; j < cols; ++j) sums[j] = kFirst ? static_cast<A>(y[j]) : sums[j] + static_cast<A>(y[j]);
}

// sums[j] = or += the sum of column j of 8 rows. Long rows are read side by side; those of a few
// vectors by pieces of several, nearly in the order of their addresses, and those in between one
// after the other, or the processor would not fetch ahead.
template <bool kFirst, typename T>
HWY_INLINE void AddEightRows(const T* y, int64_t stride, int64_t cols, Acc<T>* sums) {
  using A = Acc<T>;
  constexpr int64_t kPiece = std::min<int64_t>(8, 256 / (kVector<A> * sizeof(A)));
  constexpr int64_t kShortBytes = 512;
  constexpr int64_t kLongBytes = 2048;
  const Tag<A> d;
  const int64_t bytes = cols * static_cast<int64_t>(sizeof(T));
  if (bytes > kShortBytes && bytes <= kLongBytes) {
    HWY_ALIGN A eight[kLongBytes / sizeof(T)];
    AddRow<true>(y, cols, eight);
    for (int64_t r = 1; r < 8; ++r) AddRow<false>(y + r * stride, cols, eight);
    AddRow<kFirst>(eight, cols, sums);
    return;
  }
  int64_t j = 0;
  for (; bytes <= kShortBytes && j + kPiece * kVector<A> <= cols; j += kPiece * kVector<A>) {
    Vec<A> sum[kPiece];
    HWY_UNROLL(8)
    for (int64_t v = 0; v < kPiece; ++v) sum[v] = LoadY(y + j + v * kVector<A>);
    HWY_UNROLL(1)
    for (int64_t r = 1; r < 8; ++r) {
      HWY_UNROLL(8)
      for (int64_t v = 0; v < kPiece; ++v) {
        sum[v] = hn::Add(sum[v], LoadY(y + r * stride + j + v * kVector<A>));
      }
    }
    HWY_UNROLL(8)
    for (int64_t v = 0; v < kPiece; ++v) {
      A* to = sums + j + v * kVector<A>;
      hn::StoreU(kFirst ? sum[v] : hn::Add(hn::LoadU(d, to), sum[v]), d, to);
    }
  }
  for (; j + kVector<A> <= cols; j += kVector<A>) {
    Vec<A> sum = LoadY(y + j);
    for (int64_t r = 1; r < 8; ++r) sum = hn::Add(sum, LoadY(y + r * stride + j));
    hn::StoreU(kFirst ? sum : hn::Add(hn::LoadU(d, sums + j), sum), d, sums + j);
  }
  for (; j < cols; ++j) {
    A sum = static_cast<A>(y[j]);
    for (int64_t r = 1; r < 8; ++r) sum += static_cast<A>(y[r * stride + j]);
    sums[j] = kFirst ? sum : sums[j] + sum;
  }
}

// sums[j] += the sum of column j. Long columns are summed by blocks of kBlock rows.
template <typename T>
void AddRows(const T* y, int64_t stride, int64_t rows, int64_t cols, Acc<T>* sums,
             PieceWatch* watch) {
  constexpr int64_t kBlock = 512;
  int64_t row = 0;
  if (rows > kBlock) {
    HWY_ALIGN Acc<T> block[kMaxSums];
    for (; row + kBlock <= rows; row += kBlock) {
      AddEightRows<true>(y + row * stride, stride, cols, block);
      for (int64_t r = row + 8; r < row + kBlock; r += 8) {
        AddEightRows<false>(y + r * stride, stride, cols, block);
      }
      for (int64_t j = 0; j < cols; ++j) sums[j] += block[j];
      if (!watch->GoesOn()) return;
    }
  }
  for (; row + 8 <= rows; row += 8) AddEightRows<false>(y + row * stride, stride, cols, sums);
  for (; row < rows; ++row) AddRow<false>(y + row * stride, cols, sums);
}

// Rows shorter than a few vectors that lie together: several of them make one long row.
template <typename T>
void AddShortRows(const T* y, int64_t rows, int64_t cols, Acc<T>* sums, PieceWatch* watch) {
  using A = Acc<T>;
  const int64_t joined = 2 * kLanes<A> / cols;
  HWY_ALIGN A wide[2 * kLanes<A>] = {};
  AddRows(y, joined * cols, rows / joined, joined * cols, wide, watch);
  for (int64_t r = 0; r < joined; ++r) {
    for (int64_t j = 0; j < cols; ++j) sums[j] += wide[r * cols + j];
  }
  for (int64_t r = rows / joined * joined; r < rows; ++r) {
    for (int64_t j = 0; j < cols; ++j) sums[j] += static_cast<A>(y[r * cols + j]);
  }
}

template <typename T>
void SumBoxImpl(const BroadcastLoop* loops, size_t count, const T* y, Acc<T>* sums,
                PieceWatch* watch) {
  if (count == 0) {
    sums[0] += static_cast<Acc<T>>(y[0]);
    return;
  }
  const BroadcastLoop& loop = loops[0];
  const bool inner_repeated = count == 2 && loops[1].repeated;
  if (count == 1) {
    if (loop.repeated) {
      sums[0] += SumRun(y, loop.size, watch);
    } else {
      AddRow<false>(y, loop.size, sums);
    }
  } else if (loop.repeated && count == 2 && !inner_repeated) {
    const int64_t cols = loops[1].size;
    if (cols < kShortRow<Acc<T>> && cols == loop.y_stride && loop.size > kShortRow<Acc<T>>) {
      AddShortRows(y, loop.size, cols, sums, watch);
    } else {
      AddRows(y, loop.y_stride, loop.size, cols, sums, watch);
    }
  } else if (!loop.repeated && inner_repeated && loops[1].size < kLanes<Acc<T>>) {
    AddShortRuns(y, loop.y_stride, loop.size, loops[1].size, sums, loop.x_stride);
  } else if (!loop.repeated && inner_repeated) {
    for (int64_t i = 0; i < loop.size; ++i) {
      sums[i * loop.x_stride] += SumRun(y + i * loop.y_stride, loops[1].size, watch);
      if (!watch->GoesOnAfter(i)) return;
    }
  } else {
    for (int64_t i = 0; i < loop.size; ++i) {
      SumBoxImpl(loops + 1, count - 1, y + i * loop.y_stride, sums + i * loop.x_stride, watch);
      if (!watch->GoesOnAfter(i)) return;
    }
  }
}

#define DOPPIO_SUM_BOX(T, name)                                                 \
  void name(const BroadcastLoop* loops, size_t count, const T* y, Acc<T>* sums, \
            PieceWatch* watch) {                                                \
    SumBoxImpl<T>(loops, count, y, sums, watch);                                \
  }
DOPPIO_SUM_BOX(int32_t, SumBoxInt32)
DOPPIO_SUM_BOX(int64_t, SumBoxInt64)
DOPPIO_SUM_BOX(float, SumBoxFloat)
DOPPIO_SUM_BOX(double, SumBoxDouble)
DOPPIO_SUM_BOX(float16, SumBoxFloat16)
DOPPIO_SUM_BOX(bfloat16, SumBoxBFloat16)
#undef DOPPIO_SUM_BOX

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace doppio
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace doppio {

#define DOPPIO_SUM_BOX(T, name)                                                   \
  HWY_EXPORT(name);                                                               \
  template <>                                                                     \
  void SumBox<T>(absl::Span<const BroadcastLoop> loops, const T* y, Acc<T>* sums, \
                 internal::PieceWatch* watch) {                                   \
    HWY_DYNAMIC_DISPATCH(name)(loops.data(), loops.size(), y, sums, watch);       \
  }
DOPPIO_SUM_BOX(int32_t, SumBoxInt32)
DOPPIO_SUM_BOX(int64_t, SumBoxInt64)
DOPPIO_SUM_BOX(float, SumBoxFloat)
DOPPIO_SUM_BOX(double, SumBoxDouble)
DOPPIO_SUM_BOX(float16, SumBoxFloat16)
DOPPIO_SUM_BOX(bfloat16, SumBoxBFloat16)
#undef DOPPIO_SUM_BOX

}  // namespace doppio
#endif  // HWY_ONCE
