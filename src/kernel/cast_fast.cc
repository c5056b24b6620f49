#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "src/kernel/cast_fast.cc"
#include "hwy/foreach_target.h"  // must come before highway.h
//
#include "hwy/highway.h"
#include "src/kernel/cast_fast.h"

HWY_BEFORE_NAMESPACE();
namespace doppio {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

void FloatToHalf(const float* x, float16* y, int64_t n) {
  int64_t i = 0;
#if HWY_TARGET == HWY_AVX2 || HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX3_DL
  const hn::ScalableTag<float> d;
  const hn::Rebind<hwy::float16_t, decltype(d)> dh;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  for (; i + lanes <= n; i += lanes) {
    hn::StoreU(hn::DemoteTo(dh, hn::LoadU(d, x + i)), dh, reinterpret_cast<hwy::float16_t*>(y + i));
  }
#endif
  for (; i < n; ++i) y[i] = float16(x[i]);
}

void HalfToFloat(const float16* x, float* y, int64_t n) {
  int64_t i = 0;
#if HWY_TARGET == HWY_AVX2 || HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX3_DL
  const hn::ScalableTag<float> d;
  const hn::Rebind<hwy::float16_t, decltype(d)> dh;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  for (; i + lanes <= n; i += lanes) {
    hn::StoreU(hn::PromoteTo(d, hn::LoadU(dh, reinterpret_cast<const hwy::float16_t*>(x + i))), d,
               y + i);
  }
#endif
  for (; i < n; ++i) y[i] = static_cast<float>(x[i]);
}

void FloatToInt32(const float* x, int32_t* y, int64_t n) {
  int64_t i = 0;
#if HWY_TARGET != HWY_SCALAR
  const hn::ScalableTag<float> d;
  const hn::ScalableTag<int32_t> di;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  for (; i + lanes <= n; i += lanes) {
    const auto v = hn::LoadU(d, x + i);
    hn::StoreU(hn::ConvertTo(di, hn::IfThenElseZero(hn::Eq(v, v), v)), di, y + i);  // saturates
  }
#endif
  for (; i < n; ++i) y[i] = FloatToInteger<int32_t>(x[i]);
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace doppio
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace doppio {

HWY_EXPORT(FloatToHalf);
HWY_EXPORT(HalfToFloat);
HWY_EXPORT(FloatToInt32);

void CastFast(const float* x, float16* y, int64_t n) { HWY_DYNAMIC_DISPATCH(FloatToHalf)(x, y, n); }

void CastFast(const float16* x, float* y, int64_t n) { HWY_DYNAMIC_DISPATCH(HalfToFloat)(x, y, n); }

void CastFast(const float* x, int32_t* y, int64_t n) {
  HWY_DYNAMIC_DISPATCH(FloatToInt32)(x, y, n);
}

}  // namespace doppio
#endif  // HWY_ONCE
