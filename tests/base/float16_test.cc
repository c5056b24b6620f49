#include "doppio/float16.h"

#include <cmath>
#include <limits>
#include <random>

#include "gtest/gtest.h"

namespace doppio {
namespace {

// A binary16 by the definition of IEEE 754, without bit tricks.
double SlowHalfToDouble(int bits) {
  const double sign = (bits & 0x8000) != 0 ? -1 : 1;
  const int exponent = (bits >> 10) & 0x1f;
  const int fraction = bits & 0x3ff;
  if (exponent == 31) {
    return fraction != 0 ? std::nan("") : sign * std::numeric_limits<double>::infinity();
  }
  if (exponent == 0) return sign * std::ldexp(fraction, -24);
  return sign * std::ldexp(1024 + fraction, exponent - 25);
}

// The value that `value` becomes with `digits` bits of fraction and that least exponent.
double SlowRound(double value, int digits, int least_exponent, double largest) {
  if (std::isnan(value) || std::isinf(value) || value == 0) return value;
  const int exponent = std::max(std::ilogb(value), least_exponent);
  const double unit = std::ldexp(1.0, exponent - digits);
  const double rounded = std::nearbyint(value / unit) * unit;  // ties to even
  if (std::abs(rounded) <= largest) return rounded;
  return std::copysign(std::numeric_limits<double>::infinity(), value);
}

void ExpectRoundsToHalf(float value) {
  const float16 half(value);
  const double expected = SlowRound(value, 10, -14, 65504);
  const double actual = SlowHalfToDouble(half.bits);
  if (std::isnan(expected)) {
    EXPECT_TRUE(std::isnan(actual)) << value;
  } else {
    EXPECT_EQ(actual, expected) << value;
    EXPECT_EQ(half.bits >> 15, std::signbit(value) ? 1 : 0) << value;
  }
}

void ExpectRoundsToBfloat(float value) {
  const bfloat16 rounded(value);
  const double expected = SlowRound(value, 7, -126, 0x1.fep127);
  const float actual = static_cast<float>(rounded);
  if (std::isnan(expected)) {
    EXPECT_TRUE(std::isnan(actual)) << value;
  } else {
    EXPECT_EQ(static_cast<double>(actual), expected) << value;
    EXPECT_EQ(std::signbit(actual), std::signbit(value)) << value;
  }
}

TEST(Float16Test, EveryHalfHasItsValueAndComesBack) {
  for (int bits = 0; bits < 65536; ++bits) {
    const float16 half = float16::FromBits(static_cast<uint16_t>(bits));
    const float value = static_cast<float>(half);
    const double expected = SlowHalfToDouble(bits);
    if (std::isnan(expected)) {
      ASSERT_TRUE(std::isnan(value)) << bits;
      ASSERT_TRUE(std::isnan(static_cast<float>(float16(value)))) << bits;
      continue;
    }
    ASSERT_EQ(static_cast<double>(value), expected) << bits;
    ASSERT_EQ(float16(value).bits, bits);
  }
}

TEST(Float16Test, RoundsToTheNearestWithTiesToEvenAtEveryHalf) {
  for (int bits = 0; bits < 0x7c00; ++bits) {
    const double low = SlowHalfToDouble(bits);
    const double high = bits == 0x7bff ? 65536.0 : SlowHalfToDouble(bits + 1);
    const float middle = static_cast<float>((low + high) / 2);
    for (float value : {static_cast<float>(low), middle, std::nextafterf(middle, 0.0f),
                        std::nextafterf(middle, 1e9f)}) {
      ExpectRoundsToHalf(value);
      ExpectRoundsToHalf(-value);
    }
    ASSERT_FALSE(testing::Test::HasFailure()) << bits;
  }
}

TEST(Float16Test, RoundsAnyFloat) {
  std::mt19937 random(7);
  for (int i = 0; i < 300'000; ++i) {
    float value;
    const uint32_t bits = random();
    std::memcpy(&value, &bits, sizeof(value));
    ExpectRoundsToHalf(value);
    ExpectRoundsToBfloat(value);
    // Most floats are outside of what a half can hold.
    ExpectRoundsToHalf(std::ldexp(static_cast<float>(static_cast<int32_t>(bits)), -48));
    ASSERT_FALSE(testing::Test::HasFailure());
  }
}

TEST(Float16Test, OverflowBecomesInfinityAndUnderflowZero) {
  EXPECT_EQ(float16(65504.0f).bits, 0x7bff);
  EXPECT_EQ(float16(65519.996f).bits, 0x7bff);
  EXPECT_EQ(float16(65520.0f).bits, 0x7c00);
  EXPECT_EQ(float16(-1e30f).bits, 0xfc00);
  EXPECT_EQ(float16(std::ldexp(1.0f, -25)).bits, 0);
  EXPECT_EQ(float16(std::nextafterf(std::ldexp(1.0f, -25), 1.0f)).bits, 1);
  EXPECT_EQ(float16(-0.0f).bits, 0x8000);
}

TEST(BFloat16Test, EveryOneComesBack) {
  for (int bits = 0; bits < 65536; ++bits) {
    const float value = static_cast<float>(bfloat16::FromBits(static_cast<uint16_t>(bits)));
    if (std::isnan(value)) {
      ASSERT_TRUE(std::isnan(static_cast<float>(bfloat16(value)))) << bits;
    } else {
      ASSERT_EQ(bfloat16(value).bits, bits);
    }
  }
}

TEST(BFloat16Test, RoundsHalfwayCasesToEven) {
  EXPECT_EQ(bfloat16(internal::FloatFromBits(0x3f808000)).bits, 0x3f80);
  EXPECT_EQ(bfloat16(internal::FloatFromBits(0x3f818000)).bits, 0x3f82);
  EXPECT_EQ(bfloat16(internal::FloatFromBits(0x3f808001)).bits, 0x3f81);
  EXPECT_EQ(bfloat16(std::numeric_limits<float>::max()).bits, 0x7f80);
}

TEST(BFloat16Test, ANaNWhoseUpperHalfIsEmptyStaysNaN) {
  EXPECT_TRUE(std::isnan(static_cast<float>(bfloat16(internal::FloatFromBits(0x7f800001)))));
  EXPECT_TRUE(std::isnan(static_cast<float>(float16(internal::FloatFromBits(0x7f800001)))));
}

}  // namespace
}  // namespace doppio
