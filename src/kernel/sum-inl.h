// Sums of what a function gives, compiled once for each instruction set (Highway's foreach_target
// includes this file again and again, hence no plain include guard).
#if defined(DOPPIO_KERNEL_SUM_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef DOPPIO_KERNEL_SUM_INL_H_
#undef DOPPIO_KERNEL_SUM_INL_H_
#else
#define DOPPIO_KERNEL_SUM_INL_H_
#endif

#include <algorithm>
#include <cstdint>

#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace doppio {
namespace HWY_NAMESPACE {
namespace {

// Loops of this many equal steps, which the compiler makes vectors of for each processor.
constexpr int kLanes = 16;
// Elements that are added up in T before they go to double.
constexpr int64_t kPiece = 512 * kLanes;

// The sum of f(0) ... f(n - 1), in an order that n alone determines.
template <typename T, typename F>
HWY_INLINE double SumOf(int64_t n, const F& f) {
  double total = 0;
  for (int64_t begin = 0; begin < n; begin += kPiece) {
    const int64_t end = std::min(n, begin + kPiece);
    T lanes[kLanes] = {};
    int64_t i = begin;
    for (; i + kLanes <= end; i += kLanes) {
      for (int lane = 0; lane < kLanes; ++lane) lanes[lane] += f(i + lane);
    }
    for (int lane = 0; i < end; ++i, ++lane) lanes[lane] += f(i);
    for (int step = kLanes / 2; step > 0; step /= 2) {
      for (int lane = 0; lane < step; ++lane) lanes[lane] += lanes[lane + step];
    }
    total += static_cast<double>(lanes[0]);
  }
  return total;
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace doppio
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
