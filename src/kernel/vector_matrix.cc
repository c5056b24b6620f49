#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "src/kernel/vector_matrix.cc"
#include "hwy/foreach_target.h"  // must come before highway.h
//
#include <algorithm>

#include "doppio/parallel.h"
#include "hwy/highway.h"
#include "src/kernel/vector_matrix.h"

HWY_BEFORE_NAMESPACE();
namespace doppio {
namespace HWY_NAMESPACE {
namespace {

// Columns [begin, end) of y. Four rows of w at a time, so that y is written less often.
void CombineColumns(const float* x, const float* w, int64_t k, int64_t n, int64_t begin,
                    int64_t end, float* y) {
  std::fill(y + begin, y + end, 0.0f);
  int64_t l = 0;
  for (; l + 4 <= k; l += 4) {
    const float* w0 = w + l * n;
    const float* w1 = w0 + n;
    const float* w2 = w1 + n;
    const float* w3 = w2 + n;
    const float x0 = x[l];
    const float x1 = x[l + 1];
    const float x2 = x[l + 2];
    const float x3 = x[l + 3];
#pragma GCC ivdep
    for (int64_t j = begin; j < end; ++j) {
      y[j] += x0 * w0[j] + x1 * w1[j] + (x2 * w2[j] + x3 * w3[j]);
    }
  }
  for (; l < k; ++l) {
    const float* row = w + l * n;
    const float factor = x[l];
#pragma GCC ivdep
    for (int64_t j = begin; j < end; ++j) y[j] += factor * row[j];
  }
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace doppio
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace doppio {
namespace {

HWY_EXPORT(CombineColumns);

}  // namespace

void VectorTimesMatrix(const float* x, const float* w, int64_t k, int64_t n, float* y,
                       CPUContext*) {
  constexpr int64_t kStrip = 64;  // columns: vectors are the same whatever strips a thread gets
  constexpr int64_t kGrain = 1 << 17;  // elements of w that are worth a thread
  ParallelFor((n + kStrip - 1) / kStrip, kGrain / (kStrip * std::max<int64_t>(k, 1)) + 1,
              [&](int64_t begin, int64_t end) {
                HWY_DYNAMIC_DISPATCH(CombineColumns)
                (x, w, k, n, begin * kStrip, std::min(n, end * kStrip), y);
              });
}

}  // namespace doppio
#endif  // HWY_ONCE
