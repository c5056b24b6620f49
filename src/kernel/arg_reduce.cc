#include "src/kernel/arg_reduce.h"

#include <algorithm>

#include "doppio/dtype.h"
#include "doppio/parallel.h"

namespace doppio {
namespace {

template <typename T>
struct Comparable {
  using type = T;
};
template <>
struct Comparable<float16> {
  using type = float;
};
template <>
struct Comparable<bfloat16> {
  using type = float;
};

template <typename T>
using Value = typename Comparable<T>::type;

// Whether `value` comes before `best`, NaN being larger than all else. `best` is not NaN.
template <typename V>
bool IsLarger(V value, V best) {
  return value > best || value != value;
}

// Blocks in which nothing is larger than the best so far are only looked at as a whole.
template <typename T>
int64_t ArgMaxOfRun(const T* x, int64_t n) {
  using V = Value<T>;
  constexpr int64_t kBlock = 128;
  V best = static_cast<V>(x[0]);
  int64_t index = 0;
  for (int64_t begin = 0; begin < n && best == best; begin += kBlock) {
    const int64_t end = std::min(n, begin + kBlock);
    if (end - begin == kBlock) {
      int any_larger = 0;  // not a bool, so that the loop vectorises
      for (int64_t i = 0; i < kBlock; ++i) {
        any_larger |= static_cast<V>(x[begin + i]) <= best ? 0 : 1;
      }
      if (any_larger == 0) continue;
    }
    for (int64_t i = begin; i < end && best == best; ++i) {
      const V value = static_cast<V>(x[i]);
      if (!IsLarger(value, best)) continue;
      best = value;
      index = i;
    }
  }
  return index;
}

// `count` columns, `inner` apart from row to row; at most kColumns.
constexpr int64_t kColumns = 512;

template <typename T>
void ArgMaxOfColumns(const T* x, int64_t n, int64_t inner, int64_t count, int64_t* y) {
  using V = Value<T>;
  V best[kColumns];
  for (int64_t j = 0; j < count; ++j) {
    best[j] = static_cast<V>(x[j]);
    y[j] = 0;
  }
  for (int64_t i = 1; i < n; ++i) {
    const T* row = x + i * inner;
    for (int64_t j = 0; j < count; ++j) {
      const V value = static_cast<V>(row[j]);
      const bool larger = best[j] == best[j] && IsLarger(value, best[j]);
      best[j] = larger ? value : best[j];
      y[j] = larger ? i : y[j];
    }
  }
}

}  // namespace

template <typename T>
void ArgMax(const T* x, int64_t outer, int64_t n, int64_t inner, int64_t* y, CPUContext*) {
  constexpr int64_t kGrain = 32 << 10;  // elements
  if (inner == 1) {
    ParallelFor(outer, std::max<int64_t>(1, kGrain / std::max<int64_t>(n, 1)),
                [&](int64_t begin, int64_t end) {
                  for (int64_t o = begin; o < end; ++o) y[o] = ArgMaxOfRun(x + o * n, n);
                });
    return;
  }
  if (inner == 0) return;
  const int64_t pieces = (inner - 1) / kColumns + 1;  // of a row of columns
  ParallelFor(outer * pieces,
              std::max<int64_t>(1, kGrain / std::max<int64_t>(n * std::min(inner, kColumns), 1)),
              [&](int64_t begin, int64_t end) {
                for (int64_t i = begin; i < end; ++i) {
                  const int64_t o = i / pieces;
                  const int64_t first = i % pieces * kColumns;
                  ArgMaxOfColumns(x + o * n * inner + first, n, inner,
                                  std::min(kColumns, inner - first), y + o * inner + first);
                }
              });
}

#define DOPPIO_INSTANTIATE_ARG_MAX(T, unused) \
  template void ArgMax<T>(const T*, int64_t, int64_t, int64_t, int64_t*, CPUContext*);
DOPPIO_FOR_EACH_NUMERIC_TYPE(DOPPIO_INSTANTIATE_ARG_MAX)
#undef DOPPIO_INSTANTIATE_ARG_MAX

}  // namespace doppio
