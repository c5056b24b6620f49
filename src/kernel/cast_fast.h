#ifndef DOPPIO_KERNEL_CAST_FAST_H_
#define DOPPIO_KERNEL_CAST_FAST_H_

#include <cstdint>
#include <limits>

#include "doppio/float16.h"

namespace doppio {

// The conversions of cast.h in vectors, on the calling thread:
// - from an integer to one of another size, which is unsigned here, and to float and double;
// - from float and double to each other, and to all integers but those of 64 bits unsigned;
// - from float to float16 and back;
// - to bool from any integer, unsigned where that is of less than 32 bits, and from float and
// double.
template <typename From, typename To>
void CastFast(const From* x, To* y, int64_t n);

// Rounds doubles toward the neighbour with an odd last bit where a float is inexact: what is
// rounded again, to float16, is what rounding once would have given.
void RoundToOddFloats(const double* x, float* y, int64_t n);

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
