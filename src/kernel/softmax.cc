#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "src/kernel/softmax.cc"
#include "hwy/foreach_target.h"  // must come before highway.h
//
#include <algorithm>
#include <cmath>

#include "doppio/parallel.h"
#include "hwy/contrib/math/math-inl.h"
#include "hwy/highway.h"
#include "src/kernel/elementwise-inl.h"
#include "src/kernel/softmax.h"
#include "src/kernel/sum-inl.h"

HWY_BEFORE_NAMESPACE();
namespace doppio {
namespace HWY_NAMESPACE {
namespace {

float MaxOfRow(const float* x, int64_t n) {
  const Tag<float> d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  float best = x[0];
  int64_t i = 0;
  if (n >= lanes) {
    auto most = hn::LoadU(d, x);
    for (i = lanes; i + lanes <= n; i += lanes) most = hn::Max(most, hn::LoadU(d, x + i));
    best = hn::GetLane(hn::MaxOfLanes(d, most));
  }
  for (; i < n; ++i) best = std::max(best, x[i]);
  return best;
}

struct VectorShiftedExp {
  float max;
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x) const {  // NaN, of which there is no exponential here, stays
    const V shifted = hn::Sub(x, hn::Set(d, max));
    return hn::IfThenElse(hn::Eq(shifted, shifted), hn::Exp(d, shifted), shifted);
  }
};

void ExpOfRow(const float* x, int64_t n, float max, float* y) {
  MapRow(x, y, n, VectorShiftedExp{max});
}

void ScaleRow(float* y, int64_t n, float scale) {
  for (int64_t i = 0; i < n; ++i) y[i] *= scale;
}

double SumOfRow(const float* y, int64_t n) {
  return SumOf<float>(n, [=](int64_t i) { return y[i]; });
}

template <typename T>
HWY_INLINE void GradientOfRow(const T* y, const T* dy, int64_t n, T* dx) {
  const T dot = static_cast<T>(SumOf<T>(n, [=](int64_t i) { return y[i] * dy[i]; }));
#pragma GCC ivdep
  for (int64_t i = 0; i < n; ++i) dx[i] = y[i] * (dy[i] - dot);
}
void GradientOfRow_float(const float* y, const float* dy, int64_t n, float* dx) {
  GradientOfRow(y, dy, n, dx);
}
void GradientOfRow_double(const double* y, const double* dy, int64_t n, double* dx) {
  GradientOfRow(y, dy, n, dx);
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace doppio
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace doppio {
namespace {

constexpr int64_t kGrain = 1 << 13;  // exponentials that are worth a thread

int64_t RowsPerThread(int64_t n) { return kGrain / std::max<int64_t>(n, 1) + 1; }

HWY_EXPORT(MaxOfRow);
HWY_EXPORT(ExpOfRow);
HWY_EXPORT(ScaleRow);
HWY_EXPORT(SumOfRow);
HWY_EXPORT(GradientOfRow_float);
HWY_EXPORT(GradientOfRow_double);

// y = exp(x - max), and the sum of that.
double ExpAndSum(const float* x, int64_t n, float* y, float* max) {
  *max = HWY_DYNAMIC_DISPATCH(MaxOfRow)(x, n);
  HWY_DYNAMIC_DISPATCH(ExpOfRow)(x, n, *max, y);
  return HWY_DYNAMIC_DISPATCH(SumOfRow)(y, n);
}
double ExpAndSum(const double* x, int64_t n, double* y, double* max) {
  *max = *std::max_element(x, x + n);
  double sum = 0;
  for (int64_t i = 0; i < n; ++i) sum += y[i] = std::exp(x[i] - *max);
  return sum;
}

void Scale(float* y, int64_t n, float scale) { HWY_DYNAMIC_DISPATCH(ScaleRow)(y, n, scale); }
void Scale(double* y, int64_t n, double scale) {
  for (int64_t i = 0; i < n; ++i) y[i] *= scale;
}

void Gradient(const float* y, const float* dy, int64_t n, float* dx) {
  HWY_DYNAMIC_DISPATCH(GradientOfRow_float)(y, dy, n, dx);
}
void Gradient(const double* y, const double* dy, int64_t n, double* dx) {
  HWY_DYNAMIC_DISPATCH(GradientOfRow_double)(y, dy, n, dx);
}

}  // namespace

template <typename T>
void Softmax(const T* x, int64_t rows, int64_t n, T* y, T* row_max, T* log_norm, CPUContext*) {
  if (n == 0) return;
  ParallelFor(rows, RowsPerThread(n), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      T max;
      const double sum = ExpAndSum(x + i * n, n, y + i * n, &max);
      Scale(y + i * n, n, static_cast<T>(1 / sum));
      if (row_max != nullptr) row_max[i] = max;
      if (log_norm != nullptr) log_norm[i] = static_cast<T>(std::log(sum));
    }
  });
}

template <typename T>
void SoftmaxGradient(const T* y, const T* dy, int64_t rows, int64_t n, T* dx, CPUContext*) {
  if (n == 0) return;
  ParallelFor(rows, RowsPerThread(n), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) Gradient(y + i * n, dy + i * n, n, dx + i * n);
  });
}

template void Softmax<float>(const float*, int64_t, int64_t, float*, float*, float*, CPUContext*);
template void Softmax<double>(const double*, int64_t, int64_t, double*, double*, double*,
                              CPUContext*);
template void SoftmaxGradient<float>(const float*, const float*, int64_t, int64_t, float*,
                                     CPUContext*);
template void SoftmaxGradient<double>(const double*, const double*, int64_t, int64_t, double*,
                                      CPUContext*);

}  // namespace doppio
#endif  // HWY_ONCE
