#ifndef DOPPIO_FLOAT16_H_
#define DOPPIO_FLOAT16_H_

// The two 16-bit floating point types, for storage: arithmetic converts to float and back.
// Conversions round to the nearest value, ties to even (IEEE 754-2019, 4.3.1); NaN stays NaN,
// overflow becomes infinity.
//
// Threads: all functions may be called from many at once.

#include <cstdint>
#include <cstring>

namespace doppio {

namespace internal {

inline uint32_t FloatBits(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof(bits));
  return bits;
}

inline float FloatFromBits(uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, sizeof(value));
  return value;
}

inline uint16_t FloatToHalfBits(float value) {
  const uint32_t bits = FloatBits(value);
  const uint32_t sign = (bits >> 16) & 0x8000u;
  const uint32_t magnitude = bits & 0x7fffffffu;
  if (magnitude > 0x7f800000u)
    return static_cast<uint16_t>(sign | 0x7e00u | ((magnitude >> 13) & 0x3ffu));
  if (magnitude >= 0x477ff000u) return static_cast<uint16_t>(sign | 0x7c00u);
  if (magnitude < 0x38800000u) {
    // Subnormal: adding 0.5 aligns the units of half precision with the last bit of the float.
    const float aligned = FloatFromBits(magnitude) + 0.5f;
    return static_cast<uint16_t>(sign | (FloatBits(aligned) - 0x3f000000u));
  }
  const uint32_t rounded = magnitude + 0xfffu + ((magnitude >> 13) & 1u);
  return static_cast<uint16_t>(sign | ((rounded - 0x38000000u) >> 13));
}

inline float HalfBitsToFloat(uint16_t half) {
  const uint32_t sign = static_cast<uint32_t>(half & 0x8000u) << 16;
  const uint32_t magnitude = half & 0x7fffu;
  if (magnitude >= 0x7c00u) return FloatFromBits(sign | 0x7f800000u | ((magnitude & 0x3ffu) << 13));
  if (magnitude >= 0x0400u) return FloatFromBits(sign | ((magnitude << 13) + 0x38000000u));
  constexpr float kSubnormalUnit = 5.9604644775390625e-8f;  // 2^-24
  return FloatFromBits(sign | FloatBits(static_cast<float>(magnitude) * kSubnormalUnit));
}

inline uint16_t FloatToBfloatBits(float value) {
  const uint32_t bits = FloatBits(value);
  if ((bits & 0x7fffffffu) > 0x7f800000u) return static_cast<uint16_t>((bits >> 16) | 0x40u);
  return static_cast<uint16_t>((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}

}  // namespace internal

// IEEE 754 binary16.
struct float16 {
  uint16_t bits = 0;

  float16() = default;
  explicit float16(float value) : bits(internal::FloatToHalfBits(value)) {}
  explicit operator float() const { return internal::HalfBitsToFloat(bits); }
  static float16 FromBits(uint16_t bits) {
    float16 value;
    value.bits = bits;
    return value;
  }
};

// The upper half of a binary32.
struct bfloat16 {
  uint16_t bits = 0;

  bfloat16() = default;
  explicit bfloat16(float value) : bits(internal::FloatToBfloatBits(value)) {}
  explicit operator float() const {
    return internal::FloatFromBits(static_cast<uint32_t>(bits) << 16);
  }
  static bfloat16 FromBits(uint16_t bits) {
    bfloat16 value;
    value.bits = bits;
    return value;
  }
};

}  // namespace doppio

#endif  // DOPPIO_FLOAT16_H_
