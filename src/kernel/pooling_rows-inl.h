// What pools and their gradients do with rows, compiled once for each instruction set (Highway's
// foreach_target includes this file again and again, hence no plain include guard).
#if defined(DOPPIO_KERNEL_POOLING_ROWS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef DOPPIO_KERNEL_POOLING_ROWS_INL_H_
#undef DOPPIO_KERNEL_POOLING_ROWS_INL_H_
#else
#define DOPPIO_KERNEL_POOLING_ROWS_INL_H_
#endif

#include <cstdint>

#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace doppio {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

struct Plus {
  template <class V>
  static HWY_INLINE V Of(V x, V sum) {
    return hn::Add(x, sum);
  }
  template <typename T>
  static HWY_INLINE T Of(T x, T sum, int) {
    return x + sum;
  }
};

// into[i] = Op(from[i], into[i]).
template <class Op, typename T>
HWY_INLINE void Combine(const T* from, int64_t count, T* into) {
  const hn::ScalableTag<T> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    hn::StoreU(Op::Of(hn::LoadU(d, from + i), hn::LoadU(d, into + i)), d, into + i);
  }
  for (; i < count; ++i) into[i] = Op::Of(from[i], into[i], 0);
}

// to[i] = from[i] / (rows * columns[i]).
template <typename T>
HWY_INLINE void DivideByCounts(const T* from, T rows, const T* columns, int64_t count, T* to) {
  const hn::ScalableTag<T> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const auto all_rows = hn::Set(d, rows);
  int64_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    const auto divisor = hn::Mul(all_rows, hn::LoadU(d, columns + i));
    hn::StoreU(hn::Div(hn::LoadU(d, from + i), divisor), d, to + i);
  }
  for (; i < count; ++i) to[i] = from[i] / (rows * columns[i]);
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace doppio
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
