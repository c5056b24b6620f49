// Loops over neighbours, compiled once for each instruction set (Highway's foreach_target includes
// this file again and again, hence no plain include guard).
#if defined(DOPPIO_KERNEL_LANES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef DOPPIO_KERNEL_LANES_INL_H_
#undef DOPPIO_KERNEL_LANES_INL_H_
#else
#define DOPPIO_KERNEL_LANES_INL_H_
#endif

#include <cstdint>

#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace doppio {
namespace HWY_NAMESPACE {
namespace {

// Calls f(0) ... f(n - 1), which have nothing to do with each other; in blocks of equal steps,
// which the compiler makes vectors of for each processor.
template <typename F>
HWY_INLINE void ForLanes(int64_t n, const F& f) {
  constexpr int64_t kBlock = 16;
  int64_t i = 0;
  for (; i + kBlock <= n; i += kBlock) {
#pragma GCC ivdep
    for (int64_t lane = 0; lane < kBlock; ++lane) f(i + lane);
  }
  for (; i < n; ++i) f(i);
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace doppio
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
