#ifndef DOPPIO_KERNEL_CAST_FAST_H_
#define DOPPIO_KERNEL_CAST_FAST_H_

#include <cstdint>
#include <limits>

#include "doppio/float16.h"

namespace doppio {

// The conversions of cast.h, with the processor's instructions where it has them, on the calling
// thread.
void CastFast(const float* x, float16* y, int64_t n);
void CastFast(const float16* x, float* y, int64_t n);
void CastFast(const float* x, int32_t* y, int64_t n);

// Truncates toward zero and saturates; NaN becomes 0.
template <typename To, typename From>
To FloatToInteger(From value) {
  constexpr From kLowest = static_cast<From>(std::numeric_limits<To>::min());
  // 2^digits, the first value above the range; max() itself may not be representable.
  constexpr From kAbove = static_cast<From>(std::numeric_limits<To>::max() / 2 + 1) * 2;
  if (!(value >= kLowest)) return value < kLowest ? std::numeric_limits<To>::min() : To(0);
  return value >= kAbove ? std::numeric_limits<To>::max() : static_cast<To>(value);
}

}  // namespace doppio

#endif  // DOPPIO_KERNEL_CAST_FAST_H_
