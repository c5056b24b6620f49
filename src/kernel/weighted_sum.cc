#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "src/kernel/weighted_sum.cc"
#include "hwy/foreach_target.h"  // must come before highway.h
//
#include "hwy/highway.h"
#include "src/kernel/elementwise-inl.h"
#include "src/kernel/weighted_sum.h"

HWY_BEFORE_NAMESPACE();
namespace doppio {
namespace HWY_NAMESPACE {
namespace {

template <typename T>
void Scaled(T w, const T* x, int64_t n, T* y) {
  MapRow(x, y, n, [w](auto d, auto v) HWY_ATTR { return hn::Mul(hn::Set(d, w), v); });
}

template <typename T>
void SumOfTwo(T w0, const T* x0, T w1, const T* x1, int64_t n, T* y) {
  if (n == 0) return;
  MapRows<false, false>(x0, x1, y, n, [w0, w1](auto d, auto v0, auto v1) HWY_ATTR {
    return hn::MulAdd(hn::Set(d, w1), v1, hn::Mul(hn::Set(d, w0), v0));
  });
}

// One name each, for HWY_EXPORT.
void ScaledFloats(float w, const float* x, int64_t n, float* y) { Scaled(w, x, n, y); }
void ScaledDoubles(double w, const double* x, int64_t n, double* y) { Scaled(w, x, n, y); }
void SumOfFloats(float w0, const float* x0, float w1, const float* x1, int64_t n, float* y) {
  SumOfTwo(w0, x0, w1, x1, n, y);
}
void SumOfDoubles(double w0, const double* x0, double w1, const double* x1, int64_t n, double* y) {
  SumOfTwo(w0, x0, w1, x1, n, y);
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace doppio
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace doppio {

HWY_EXPORT(ScaledFloats);
HWY_EXPORT(ScaledDoubles);
HWY_EXPORT(SumOfFloats);
HWY_EXPORT(SumOfDoubles);

template <>
void WeightedSum(float w, const float* x, int64_t n, float* y) {
  HWY_DYNAMIC_DISPATCH(ScaledFloats)(w, x, n, y);
}

template <>
void WeightedSum(double w, const double* x, int64_t n, double* y) {
  HWY_DYNAMIC_DISPATCH(ScaledDoubles)(w, x, n, y);
}

template <>
void WeightedSum(float w0, const float* x0, float w1, const float* x1, int64_t n, float* y) {
  HWY_DYNAMIC_DISPATCH(SumOfFloats)(w0, x0, w1, x1, n, y);
}

template <>
void WeightedSum(double w0, const double* x0, double w1, const double* x1, int64_t n, double* y) {
  HWY_DYNAMIC_DISPATCH(SumOfDoubles)(w0, x0, w1, x1, n, y);
}

}  // namespace doppio
#endif  // HWY_ONCE
