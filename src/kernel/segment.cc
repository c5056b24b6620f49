#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "src/kernel/segment.cc"
#include "hwy/foreach_target.h"  // must come before highway.h
//
#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>

#include "doppio/float16.h"
#include "doppio/parallel.h"
#include "hwy/cache_control.h"
#include "hwy/highway.h"
#include "src/kernel/segment.h"
#include "src/kernel/sum-inl.h"

#ifndef DOPPIO_KERNEL_SEGMENT_PIECE_
#define DOPPIO_KERNEL_SEGMENT_PIECE_
namespace doppio {
namespace {

// One segment, or a piece of it: positions [begin, end) with the weights that begin at `weights`.
// `last` is the end of all positions.
template <typename In, typename T, typename Index>
struct Piece {
  const SegmentRows<In, T, Index>& rows;
  int64_t begin;
  int64_t end;
  int64_t last;
  const T* weights;
  T first;    // what reducing begins with
  T divisor;  // of the result

  HWY_INLINE const In* Row(int64_t p) const {
    const int64_t row = rows.rows == nullptr ? p : static_cast<int64_t>(rows.rows[p]);
    return rows.table + row * rows.block;
  }
};

// What SpreadSegments is given.
template <typename T>
struct Spread {
  const T* dy;
  int64_t block;
  const SegmentRuns& runs;
  const int32_t* segments;
  const T* weights;
  bool mean;
  T* dx;
};

}  // namespace
}  // namespace doppio
#endif

HWY_BEFORE_NAMESPACE();
namespace doppio {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

// Rows whose place memory can not foresee are asked for so many positions before they are read.
constexpr int64_t kAhead = 16;
constexpr int64_t kLineBytes = 64;

// So many rows are reduced by themselves before they join the others: rounding errors of a sum then
// grow with the number of stretches and not with that of rows.
constexpr int64_t kStretch = 256;

template <class D, typename T>
HWY_INLINE hn::Vec<D> LoadElements(D d, const T* x) {
  return hn::LoadU(d, x);
}
template <class D>
HWY_INLINE hn::Vec<D> LoadElements(D d, const float16* x) {
#if HWY_TARGET == HWY_AVX2 || HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX3_DL
  const hn::Rebind<hwy::float16_t, D> dh;
  return hn::PromoteTo(d, hn::LoadU(dh, reinterpret_cast<const hwy::float16_t*>(x)));
#else
  HWY_ALIGN float room[HWY_MAX_BYTES / sizeof(float)];
  for (size_t i = 0; i < hn::Lanes(d); ++i) room[i] = static_cast<float>(x[i]);
  return hn::Load(d, room);
#endif
}

struct PlainSum {
  using Join = PlainSum;  // of the results of two stretches

  template <class V>
  static HWY_INLINE V Next(V sum, V, V x) {
    return hn::Add(sum, x);
  }
  template <typename T>
  static HWY_INLINE T Next(T sum, T, T x, int) {
    return sum + x;
  }
};
struct WeightedSum {
  using Join = PlainSum;
  template <class V>
  static HWY_INLINE V Next(V sum, V weight, V x) {
    return hn::MulAdd(weight, x, sum);
  }
  template <typename T>
  static HWY_INLINE T Next(T sum, T weight, T x, int) {
    return sum + weight * x;
  }
};
struct Largest {  // NaN stays
  using Join = Largest;
  template <class V>
  static HWY_INLINE V Next(V most, V, V x) {
    return hn::IfThenElse(hn::Or(hn::Gt(x, most), hn::Ne(x, x)), x, most);
  }
  template <typename T>
  static HWY_INLINE T Next(T most, T, T x, int) {
    return x > most || x != x ? x : most;
  }
};

// kVectors vectors of columns from `column` on.
template <class Reducer, int kVectors, typename In, typename T, typename Index>
HWY_INLINE void ReduceVectors(const Piece<In, T, Index>& piece, int64_t column, T* y) {
  using Join = typename Reducer::Join;
  const hn::ScalableTag<T> d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  const auto first = hn::Set(d, piece.first);
  auto y0 = first;
  auto y1 = first;
  auto y2 = first;
  auto y3 = first;
  auto weight = hn::Set(d, T(1));
  const bool prefetches = piece.rows.rows != nullptr;
  for (int64_t p = piece.begin; p < piece.end;) {
    auto v0 = first;
    auto v1 = first;
    auto v2 = first;
    auto v3 = first;
    for (const int64_t stop = std::min(p + kStretch, piece.end); p < stop; ++p) {
      if (prefetches && p + kAhead < piece.last) {
        const char* next = reinterpret_cast<const char*>(piece.Row(p + kAhead) + column);
        const int64_t bytes = kVectors * lanes * static_cast<int64_t>(sizeof(In));
        for (int64_t i = 0; i < bytes; i += kLineBytes) hwy::Prefetch(next + i);
      }
      if (piece.weights != nullptr) weight = hn::Set(d, piece.weights[p - piece.begin]);
      const In* row = piece.Row(p) + column;
      v0 = Reducer::Next(v0, weight, LoadElements(d, row));
      if constexpr (kVectors > 1) {
        v1 = Reducer::Next(v1, weight, LoadElements(d, row + lanes));
        v2 = Reducer::Next(v2, weight, LoadElements(d, row + 2 * lanes));
        v3 = Reducer::Next(v3, weight, LoadElements(d, row + 3 * lanes));
      }
    }
    y0 = Join::Next(y0, weight, v0);
    if constexpr (kVectors > 1) {
      y1 = Join::Next(y1, weight, v1);
      y2 = Join::Next(y2, weight, v2);
      y3 = Join::Next(y3, weight, v3);
    }
  }
  const auto divisor = hn::Set(d, piece.divisor);
  hn::StoreU(hn::Div(y0, divisor), d, y + column);
  if constexpr (kVectors > 1) {
    hn::StoreU(hn::Div(y1, divisor), d, y + column + lanes);
    hn::StoreU(hn::Div(y2, divisor), d, y + column + 2 * lanes);
    hn::StoreU(hn::Div(y3, divisor), d, y + column + 3 * lanes);
  }
}

template <class Reducer, typename In, typename T, typename Index>
HWY_INLINE void ReducePiece(const Piece<In, T, Index>& piece, T* y) {
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(hn::ScalableTag<T>()));
  const int64_t block = piece.rows.block;
  int64_t column = 0;
  for (; column + 4 * lanes <= block; column += 4 * lanes) {
    ReduceVectors<Reducer, 4>(piece, column, y);
  }
  for (; column + lanes <= block; column += lanes) ReduceVectors<Reducer, 1>(piece, column, y);
  if (column == block) return;
  const int64_t left = block - column;
  std::fill_n(y + column, left, piece.first);
  T results[HWY_MAX_BYTES / sizeof(T)];
  for (int64_t p = piece.begin; p < piece.end;) {
    std::fill_n(results, left, piece.first);
    for (const int64_t stop = std::min(p + kStretch, piece.end); p < stop; ++p) {
      const T weight = piece.weights == nullptr ? T(1) : piece.weights[p - piece.begin];
      const In* row = piece.Row(p) + column;
      for (int64_t i = 0; i < left; ++i) {
        results[i] = Reducer::Next(results[i], weight, static_cast<T>(row[i]), 0);
      }
    }
    for (int64_t i = 0; i < left; ++i) {
      y[column + i] = Reducer::Join::Next(y[column + i], T(1), results[i], 0);
    }
  }
  for (int64_t i = 0; i < left; ++i) y[column + i] /= piece.divisor;
}

template <typename In, typename T, typename Index>
HWY_INLINE void SumPiece(const Piece<In, T, Index>& piece, T* y) {
  if (piece.weights == nullptr) {
    ReducePiece<PlainSum>(piece, y);
  } else {
    ReducePiece<WeightedSum>(piece, y);
  }
}

#define DOPPIO_SUM_PIECE_(Name, In, T, Index) \
  void Name(const Piece<In, T, Index>& piece, T* y) { SumPiece(piece, y); }
DOPPIO_SUM_PIECE_(SumFloat32, float, float, int32_t)
DOPPIO_SUM_PIECE_(SumFloat64, float, float, int64_t)
DOPPIO_SUM_PIECE_(SumDouble32, double, double, int32_t)
DOPPIO_SUM_PIECE_(SumDouble64, double, double, int64_t)
DOPPIO_SUM_PIECE_(SumHalf32, float16, float, int32_t)
DOPPIO_SUM_PIECE_(SumHalf64, float16, float, int64_t)
#undef DOPPIO_SUM_PIECE_

void LargestFloat(const Piece<float, float, int32_t>& piece, float* y) {
  ReducePiece<Largest>(piece, y);
}
void LargestDouble(const Piece<double, double, int32_t>& piece, double* y) {
  ReducePiece<Largest>(piece, y);
}

template <typename T>
HWY_INLINE void ScaleRow(const T* x, int64_t n, T scale, T* y) {
  const hn::ScalableTag<T> d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  const auto factor = hn::Set(d, scale);
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) hn::StoreU(hn::Mul(hn::LoadU(d, x + i), factor), d, y + i);
  for (; i < n; ++i) y[i] = x[i] * scale;
}
// Positions [begin, end), the first of which is in segment k.
template <typename T>
HWY_INLINE void SpreadPiece(const Spread<T>& spread, int64_t begin, int64_t end, int64_t k) {
  const int64_t block = spread.block;
  for (int64_t p = begin; p < end; ++p) {
    if (spread.segments != nullptr) {
      k = spread.segments[p];
    } else {
      while (p >= spread.runs.offsets[k + 1]) ++k;
    }
    T scale = spread.weights == nullptr ? T(1) : spread.weights[p];
    if (spread.mean) {
      scale /= static_cast<T>(spread.runs.offsets[k + 1] - spread.runs.offsets[k]);
    }
    ScaleRow(spread.dy + k * block, block, scale, spread.dx + p * block);
  }
}
void SpreadFloat(const Spread<float>& spread, int64_t begin, int64_t end, int64_t k) {
  SpreadPiece(spread, begin, end, k);
}
void SpreadDouble(const Spread<double>& spread, int64_t begin, int64_t end, int64_t k) {
  SpreadPiece(spread, begin, end, k);
}

template <typename In, typename T>
HWY_INLINE T DotOfRows(const T* a, const In* b, int64_t n) {
  return static_cast<T>(SumOf<T>(n, [=](int64_t i) { return a[i] * static_cast<T>(b[i]); }));
}
float DotFloat(const float* a, const float* b, int64_t n) { return DotOfRows(a, b, n); }
double DotDouble(const double* a, const double* b, int64_t n) { return DotOfRows(a, b, n); }
float DotHalf(const float* a, const float16* b, int64_t n) { return DotOfRows(a, b, n); }

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace doppio
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace doppio {
namespace {

// Elements that are worth a thread: it takes longer to wake one than to read some thousand rows.
constexpr int64_t kGrain = 512 << 10;

// A segment is long from so many rows and elements on.
constexpr int64_t kLongRows = 8 * kSegmentPieces;
constexpr int64_t kLongElements = 128 << 10;

int64_t CeilDiv(int64_t a, int64_t b) { return (a - 1) / b + 1; }

HWY_EXPORT(SumFloat32);
HWY_EXPORT(SumFloat64);
HWY_EXPORT(SumDouble32);
HWY_EXPORT(SumDouble64);
HWY_EXPORT(SumHalf32);
HWY_EXPORT(SumHalf64);
HWY_EXPORT(LargestFloat);
HWY_EXPORT(LargestDouble);
HWY_EXPORT(SpreadFloat);
HWY_EXPORT(SpreadDouble);
HWY_EXPORT(DotFloat);
HWY_EXPORT(DotDouble);
HWY_EXPORT(DotHalf);

void SumPiece(const Piece<float, float, int32_t>& piece, float* y) {
  HWY_DYNAMIC_DISPATCH(SumFloat32)(piece, y);
}
void SumPiece(const Piece<float, float, int64_t>& piece, float* y) {
  HWY_DYNAMIC_DISPATCH(SumFloat64)(piece, y);
}
void SumPiece(const Piece<double, double, int32_t>& piece, double* y) {
  HWY_DYNAMIC_DISPATCH(SumDouble32)(piece, y);
}
void SumPiece(const Piece<double, double, int64_t>& piece, double* y) {
  HWY_DYNAMIC_DISPATCH(SumDouble64)(piece, y);
}
void SumPiece(const Piece<float16, float, int32_t>& piece, float* y) {
  HWY_DYNAMIC_DISPATCH(SumHalf32)(piece, y);
}
void SumPiece(const Piece<float16, float, int64_t>& piece, float* y) {
  HWY_DYNAMIC_DISPATCH(SumHalf64)(piece, y);
}

template <typename In, typename T, typename Index>
void ReducePiece(SegmentReducer reducer, const Piece<In, T, Index>& piece, T* y) {
  if constexpr (std::is_same_v<Index, int32_t> && std::is_same_v<In, float>) {
    if (reducer == SegmentReducer::kMax) return HWY_DYNAMIC_DISPATCH(LargestFloat)(piece, y);
  } else if constexpr (std::is_same_v<Index, int32_t> && std::is_same_v<In, double>) {
    if (reducer == SegmentReducer::kMax) return HWY_DYNAMIC_DISPATCH(LargestDouble)(piece, y);
  }
  SumPiece(piece, y);
}

// The log of the sum of exponentials: of the differences from the largest, so that none overflows.
template <typename In, typename T, typename Index>
void LogSumExpSegment(const SegmentRows<In, T, Index>& rows, int64_t begin, int64_t end, T divisor,
                      T* y) {
  const Piece<In, T, Index> piece{rows, begin, end, end, nullptr, T(0), T(1)};
  for (int64_t i = 0; i < rows.block; ++i) {
    T most = -std::numeric_limits<T>::infinity();
    for (int64_t p = begin; p < end; ++p) {
      const T x = static_cast<T>(piece.Row(p)[i]);
      if (x > most || std::isnan(x)) most = x;
    }
    const T shift = std::isinf(most) ? T(0) : most;
    T sum = 0;
    for (int64_t p = begin; p < end; ++p) {
      sum += std::exp(static_cast<T>(piece.Row(p)[i]) - shift);
    }
    y[i] = std::log(sum / divisor) + shift;
  }
}

template <typename In, typename T, typename Index>
void ReduceSegment(SegmentReducer reducer, const SegmentRows<In, T, Index>& rows, int64_t begin,
                   int64_t end, int64_t last, T* y) {
  if (begin == end) {
    std::fill_n(y, rows.block, T(0));
    return;
  }
  const T length = static_cast<T>(end - begin);
  if (reducer == SegmentReducer::kLogSumExp || reducer == SegmentReducer::kLogMeanExp) {
    const T divisor = reducer == SegmentReducer::kLogMeanExp ? length : T(1);
    return LogSumExpSegment(rows, begin, end, divisor, y);
  }
  const T* weights = rows.weights;
  if (weights != nullptr && !rows.by_place) weights += begin;
  const T first = reducer == SegmentReducer::kMax ? -std::numeric_limits<T>::infinity() : T(0);
  const T divisor = reducer == SegmentReducer::kMean ? length : T(1);
  ReducePiece(reducer, Piece<In, T, Index>{rows, begin, end, last, weights, first, divisor}, y);
}

bool IsLong(SegmentReducer reducer, int64_t length, int64_t block) {
  return length >= kLongRows && length >= CeilDiv(kLongElements, block) &&
         reducer != SegmentReducer::kLogSumExp && reducer != SegmentReducer::kLogMeanExp;
}

// The pieces side by side, then their results in order.
template <typename In, typename T, typename Index>
void ReduceLongSegment(SegmentReducer reducer, const SegmentRows<In, T, Index>& rows, int64_t begin,
                       int64_t end, int64_t last, T* scratch, T* y) {
  const SegmentReducer inner =
      reducer == SegmentReducer::kMax ? SegmentReducer::kMax : SegmentReducer::kSum;
  const int64_t size = CeilDiv(end - begin, kSegmentPieces);
  const int64_t pieces = CeilDiv(end - begin, size);
  ParallelFor(pieces, 1, [&](int64_t from, int64_t to) {
    for (int64_t i = from; i < to; ++i) {
      const int64_t start = begin + i * size;
      SegmentRows<In, T, Index> part = rows;
      if (rows.by_place && rows.weights != nullptr) part.weights += i * size;
      ReduceSegment(inner, part, start, std::min(end, start + size), last,
                    scratch + i * rows.block);
    }
  });
  const SegmentRows<T, T, int32_t> results{scratch, rows.block, nullptr, nullptr, false};
  ReduceSegment(inner, results, 0, pieces, pieces, y);
  if (reducer != SegmentReducer::kMean) return;
  for (int64_t i = 0; i < rows.block; ++i) y[i] /= static_cast<T>(end - begin);
}

// Calls body(begin, end) for ranges of segments with about the same number of elements to read and
// write. A range of the work w begins with the first segment k for which offsets[k] + k >= w.
template <typename Body>
void ForSegments(const SegmentRuns& runs, int64_t block, const Body& body) {
  const auto first_from = [&](int64_t work) {
    int64_t low = 0;
    int64_t high = runs.count;
    while (low < high) {
      const int64_t middle = low + (high - low) / 2;
      if (runs.offsets[middle] + middle < work) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  };
  const int64_t total = runs.positions() + runs.count;
  ParallelFor(total, kGrain / block + 1, [&](int64_t begin, int64_t end) {
    body(first_from(begin), end == total ? runs.count : first_from(end));
  });
}

// The segment of position p.
int64_t SegmentOf(const SegmentRuns& runs, int64_t p) {
  return std::upper_bound(runs.offsets, runs.offsets + runs.count + 1, p) - runs.offsets - 1;
}

// Calls body(p, k) for every position p and its segment k.
template <typename Body>
void ForPositions(const SegmentRuns& runs, int64_t block, const Body& body) {
  ParallelFor(runs.positions(), kGrain / block + 1, [&](int64_t begin, int64_t end) {
    int64_t k = SegmentOf(runs, begin);
    for (int64_t p = begin; p < end; ++p) {
      while (p >= runs.offsets[k + 1]) ++k;
      body(p, k);
    }
  });
}

void SpreadPiece(const Spread<float>& spread, int64_t begin, int64_t end, int64_t k) {
  HWY_DYNAMIC_DISPATCH(SpreadFloat)(spread, begin, end, k);
}
void SpreadPiece(const Spread<double>& spread, int64_t begin, int64_t end, int64_t k) {
  HWY_DYNAMIC_DISPATCH(SpreadDouble)(spread, begin, end, k);
}

float Dot(const float* a, const float* b, int64_t n) {
  return HWY_DYNAMIC_DISPATCH(DotFloat)(a, b, n);
}
double Dot(const double* a, const double* b, int64_t n) {
  return HWY_DYNAMIC_DISPATCH(DotDouble)(a, b, n);
}
float Dot(const float* a, const float16* b, int64_t n) {
  return HWY_DYNAMIC_DISPATCH(DotHalf)(a, b, n);
}

}  // namespace

template <typename In, typename T, typename Index>
void ReduceSegments(SegmentReducer reducer, const SegmentRows<In, T, Index>& rows,
                    const SegmentRuns& runs, T* scratch, T* y, CPUContext*) {
  if (rows.block == 0) return;
  const auto is_long = [&](int64_t k) {
    return IsLong(reducer, runs.offsets[k + 1] - runs.offsets[k], rows.block);
  };
  ForSegments(runs, rows.block, [&](int64_t begin, int64_t end) {
    for (int64_t k = begin; k < end; ++k) {
      if (is_long(k)) continue;
      ReduceSegment(reducer, rows, runs.offsets[k], runs.offsets[k + 1], runs.positions(),
                    y + k * rows.block);
    }
  });
  // A table of fewer rows has no long segment.
  if (!IsLong(reducer, runs.positions(), rows.block)) return;
  for (int64_t k = 0; k < runs.count; ++k) {
    if (!is_long(k)) continue;
    ReduceLongSegment(reducer, rows, runs.offsets[k], runs.offsets[k + 1], runs.positions(),
                      scratch, y + k * rows.block);
  }
}

template <typename T>
void SpreadSegments(const T* dy, int64_t block, const SegmentRuns& runs, const int32_t* segments,
                    const T* weights, bool mean, T* dx, CPUContext*) {
  if (block == 0) return;
  const Spread<T> spread{dy, block, runs, segments, weights, mean, dx};
  ParallelFor(runs.positions(), kGrain / block + 1, [&](int64_t begin, int64_t end) {
    SpreadPiece(spread, begin, end, segments == nullptr ? SegmentOf(runs, begin) : 0);
  });
}

template <typename In, typename T, typename Index>
void SegmentWeightGradient(const T* dy, const SegmentRows<In, T, Index>& rows,
                           const SegmentRuns& runs, T* dweights, CPUContext*) {
  const Piece<In, T, Index> all{rows, 0, runs.positions(), runs.positions(), nullptr, T(0), T(1)};
  ForPositions(runs, rows.block + 1, [&](int64_t p, int64_t k) {
    dweights[p] = Dot(dy + k * rows.block, all.Row(p), rows.block);
  });
}

template <typename T>
void SegmentExtremeGradient(SegmentReducer reducer, const T* dy, const T* x, const T* y,
                            int64_t block, const SegmentRuns& runs, T* dx, CPUContext*) {
  if (block == 0) return;
  ForPositions(runs, block, [&](int64_t p, int64_t k) {
    const T* gradient = dy + k * block;
    const T* result = y + k * block;
    const T* from = x + p * block;
    T* to = dx + p * block;
    if (reducer == SegmentReducer::kMax) {
      for (int64_t i = 0; i < block; ++i) to[i] = from[i] == result[i] ? gradient[i] : T(0);
      return;
    }
    const int64_t length = runs.offsets[k + 1] - runs.offsets[k];
    const T divisor = reducer == SegmentReducer::kLogMeanExp ? static_cast<T>(length) : T(1);
    for (int64_t i = 0; i < block; ++i) {
      to[i] = gradient[i] * std::exp(from[i] - result[i]) / divisor;
    }
  });
}

#define DOPPIO_INSTANTIATE_ROWS_(In, T, Index)                                                  \
  template void ReduceSegments<In, T, Index>(SegmentReducer, const SegmentRows<In, T, Index>&,  \
                                             const SegmentRuns&, T*, T*, CPUContext*);          \
  template void SegmentWeightGradient<In, T, Index>(const T*, const SegmentRows<In, T, Index>&, \
                                                    const SegmentRuns&, T*, CPUContext*);
#define DOPPIO_INSTANTIATE_(T)                                                                     \
  template void SpreadSegments<T>(const T*, int64_t, const SegmentRuns&, const int32_t*, const T*, \
                                  bool, T*, CPUContext*);                                          \
  template void SegmentExtremeGradient<T>(SegmentReducer, const T*, const T*, const T*, int64_t,   \
                                          const SegmentRuns&, T*, CPUContext*);
DOPPIO_INSTANTIATE_ROWS_(float, float, int32_t)
DOPPIO_INSTANTIATE_ROWS_(float, float, int64_t)
DOPPIO_INSTANTIATE_ROWS_(double, double, int32_t)
DOPPIO_INSTANTIATE_ROWS_(double, double, int64_t)
DOPPIO_INSTANTIATE_ROWS_(float16, float, int32_t)
DOPPIO_INSTANTIATE_ROWS_(float16, float, int64_t)
DOPPIO_INSTANTIATE_(float)
DOPPIO_INSTANTIATE_(double)
#undef DOPPIO_INSTANTIATE_ROWS_
#undef DOPPIO_INSTANTIATE_

}  // namespace doppio
#endif  // HWY_ONCE
