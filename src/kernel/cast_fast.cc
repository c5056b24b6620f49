#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "src/kernel/cast_fast.cc"
#include "hwy/foreach_target.h"  // must come before highway.h
//
#include <algorithm>
#include <cstring>
#include <limits>
#include <type_traits>

#include "hwy/highway.h"
#include "src/kernel/cast_fast.h"
#include "src/kernel/lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace doppio {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

// Conversions for which compilers know instructions.
#define DOPPIO_PLAIN_CASTS(X) \
  X(int8_t, uint16_t)         \
  X(int8_t, uint32_t)         \
  X(int8_t, uint64_t)         \
  X(int8_t, float)            \
  X(int8_t, double)           \
  X(uint8_t, uint16_t)        \
  X(uint8_t, uint32_t)        \
  X(uint8_t, uint64_t)        \
  X(uint8_t, float)           \
  X(uint8_t, double)          \
  X(int16_t, uint8_t)         \
  X(int16_t, uint32_t)        \
  X(int16_t, uint64_t)        \
  X(int16_t, float)           \
  X(int16_t, double)          \
  X(uint16_t, uint8_t)        \
  X(uint16_t, uint32_t)       \
  X(uint16_t, uint64_t)       \
  X(uint16_t, float)          \
  X(uint16_t, double)         \
  X(int32_t, uint8_t)         \
  X(int32_t, uint16_t)        \
  X(int32_t, uint64_t)        \
  X(int32_t, float)           \
  X(int32_t, double)          \
  X(int64_t, uint8_t)         \
  X(int64_t, uint16_t)        \
  X(int64_t, uint32_t)        \
  X(int64_t, float)           \
  X(int64_t, double)          \
  X(float, double)            \
  X(double, float)

#define DOPPIO_DEFINE_CAST(From, To)                                        \
  void From##_to_##To(const From* x, To* y, int64_t n) {                    \
    ForLanes(n, [=](int64_t i) HWY_ATTR { y[i] = static_cast<To>(x[i]); }); \
  }
DOPPIO_PLAIN_CASTS(DOPPIO_DEFINE_CAST)
#undef DOPPIO_DEFINE_CAST

#define DOPPIO_CASTS_TO_BOOL(X) \
  X(uint8_t, bool)              \
  X(uint16_t, bool)             \
  X(int32_t, bool)              \
  X(int64_t, bool)              \
  X(float, bool)                \
  X(double, bool)

#define DOPPIO_DEFINE_CAST(From, To)                            \
  void From##_to_##To(const From* x, To* y, int64_t n) {        \
    ForLanes(n, [=](int64_t i) HWY_ATTR { y[i] = x[i] != 0; }); \
  }
DOPPIO_CASTS_TO_BOOL(DOPPIO_DEFINE_CAST)
#undef DOPPIO_DEFINE_CAST

#if HWY_TARGET != HWY_SCALAR
// Truncates toward zero and keeps within To; NaN becomes 0.
template <typename To, class D, class V>
HWY_INLINE hn::Vec<hn::Rebind<int32_t, D>> ToInt32(D d, V x) {
  using From = hn::TFromD<D>;
  V number = hn::IfThenElseZero(hn::Eq(x, x), x);
  if constexpr (sizeof(To) < sizeof(int32_t)) {
    // Highway's narrower DemoteTo does not saturate what is far out of range.
    number = hn::Max(number, hn::Set(d, static_cast<From>(std::numeric_limits<To>::min())));
    number = hn::Min(number, hn::Set(d, static_cast<From>(std::numeric_limits<To>::max())));
  }
  if constexpr (sizeof(From) == sizeof(double)) {
    return hn::DemoteTo(hn::Rebind<int32_t, D>(), number);  // saturates
  } else {
    return hn::ConvertTo(hn::Rebind<int32_t, D>(), number);  // saturates
  }
}
#endif

template <typename From, typename To>
HWY_INLINE void Saturate(const From* x, To* y, int64_t n) {
  int64_t i = 0;
#if HWY_TARGET != HWY_SCALAR
  const hn::ScalableTag<From> d;
  const hn::Rebind<int32_t, decltype(d)> di;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  if constexpr (sizeof(To) == sizeof(int32_t)) {
    for (; i + lanes <= n; i += lanes) hn::StoreU(ToInt32<To>(d, hn::LoadU(d, x + i)), di, y + i);
  } else {
    constexpr int64_t kRoom = 512;
    HWY_ALIGN int32_t room[kRoom];
    while (i + lanes <= n) {
      const int64_t count = std::min(kRoom, (n - i) / lanes * lanes);
      for (int64_t k = 0; k < count; k += lanes) {
        hn::Store(ToInt32<To>(d, hn::LoadU(d, x + i + k)), di, room + k);
      }
      To* const to = y + i;
      const int32_t* const from = room;
      ForLanes(count, [=](int64_t k) HWY_ATTR { to[k] = static_cast<To>(from[k]); });
      i += count;
    }
  }
#endif
  for (; i < n; ++i) y[i] = FloatToInteger<To>(x[i]);
}

// Numbers below 2^51 stand in the last bits of their sum with 1.5 * 2^52; others go one by one.
template <class D, class V>
HWY_INLINE void StoreInt64(D d, V x, int64_t* y) {
  constexpr double kLimit = 2251799813685248.0;
  constexpr double kLastBitIsOne = 6755399441055744.0;
  const hn::Rebind<int64_t, D> di;
  if (HWY_LIKELY(hn::AllTrue(d, hn::Lt(hn::Abs(x), hn::Set(d, kLimit))))) {
    const V shift = hn::Set(d, kLastBitIsOne);
    const auto bits = hn::BitCast(di, hn::Add(hn::Trunc(x), shift));
    hn::StoreU(hn::Sub(bits, hn::BitCast(di, shift)), di, y);
    return;
  }
  HWY_ALIGN double room[HWY_MAX_BYTES / sizeof(double)];
  hn::Store(x, d, room);
  for (size_t i = 0; i < hn::Lanes(d); ++i) y[i] = FloatToInteger<int64_t>(room[i]);
}

template <typename From>
HWY_INLINE void Saturate(const From* x, int64_t* y, int64_t n) {
  const hn::ScalableTag<double> d;
  const hn::Rebind<From, decltype(d)> from;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    if constexpr (std::is_same_v<From, double>) {
      StoreInt64(d, hn::LoadU(d, x + i), y + i);
    } else {
      StoreInt64(d, hn::PromoteTo(d, hn::LoadU(from, x + i)), y + i);
    }
  }
  for (; i < n; ++i) y[i] = FloatToInteger<int64_t>(x[i]);
}

#define DOPPIO_SATURATING_CASTS(X) \
  X(float, int8_t)                 \
  X(float, uint8_t)                \
  X(float, int16_t)                \
  X(float, uint16_t)               \
  X(float, int32_t)                \
  X(float, int64_t)                \
  X(double, int8_t)                \
  X(double, uint8_t)               \
  X(double, int16_t)               \
  X(double, uint16_t)              \
  X(double, int32_t)               \
  X(double, int64_t)

#define DOPPIO_DEFINE_CAST(From, To) \
  void From##_to_##To(const From* x, To* y, int64_t n) { Saturate(x, y, n); }
DOPPIO_SATURATING_CASTS(DOPPIO_DEFINE_CAST)
#undef DOPPIO_DEFINE_CAST

void float_to_float16(const float* x, float16* y, int64_t n) {
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

void float16_to_float(const float16* x, float* y, int64_t n) {
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

// The bits that a float has no room for become its last one, before the conversion, which is then
// exact. Numbers that would be denormal floats are 0 as float16.
void RoundToOdd(const double* x, float* y, int64_t n) {
  ForLanes(n, [=](int64_t i) HWY_ATTR {
    constexpr uint64_t kDropped = (uint64_t{1} << 29) - 1;
    uint64_t bits;
    std::memcpy(&bits, x + i, sizeof(bits));
    const uint64_t is_inexact = ((bits & kDropped) + kDropped) & (kDropped + 1);
    bits = (bits & ~kDropped) | is_inexact;
    double odd;
    std::memcpy(&odd, &bits, sizeof(odd));
    y[i] = static_cast<float>(odd);
  });
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace doppio
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace doppio {

#define DOPPIO_CAST_FAST(From, To)                 \
  HWY_EXPORT(From##_to_##To);                      \
  template <>                                      \
  void CastFast(const From* x, To* y, int64_t n) { \
    HWY_DYNAMIC_DISPATCH(From##_to_##To)(x, y, n); \
  }
DOPPIO_PLAIN_CASTS(DOPPIO_CAST_FAST)
DOPPIO_CASTS_TO_BOOL(DOPPIO_CAST_FAST)
DOPPIO_SATURATING_CASTS(DOPPIO_CAST_FAST)
DOPPIO_CAST_FAST(float, float16)
DOPPIO_CAST_FAST(float16, float)
#undef DOPPIO_CAST_FAST

HWY_EXPORT(RoundToOdd);
void RoundToOddFloats(const double* x, float* y, int64_t n) {
  HWY_DYNAMIC_DISPATCH(RoundToOdd)(x, y, n);
}

}  // namespace doppio
#endif  // HWY_ONCE
