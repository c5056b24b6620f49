#include "src/kernel/cast.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <memory>
#include <type_traits>
#include <vector>

#include "tests/kernel/shapes.h"

namespace doppio {
namespace {

template <typename To, typename From>
std::vector<To> CastTo(const std::vector<From>& x) {
  // Arrays, since a vector of bool has none.
  const std::unique_ptr<From[]> in(new From[x.size()]);
  const std::unique_ptr<To[]> out(new To[x.size()]);
  std::copy(x.begin(), x.end(), in.get());
  CPUContext context;
  Cast(DataTypeOf<From>::value, in.get(), DataTypeOf<To>::value, out.get(),
       static_cast<int64_t>(x.size()), &context);
  return std::vector<To>(out.get(), out.get() + x.size());
}

template <typename T>
constexpr bool kIsHalf = std::is_same_v<T, float16> || std::is_same_v<T, bfloat16>;

// Exact for every type.
template <typename T>
long double Wide(T value) {
  if constexpr (kIsHalf<T>) {
    return static_cast<float>(value);
  } else {
    return value;
  }
}

// The nearest value of a type with `digits` binary digits and exponents from `lowest`, ties to
// even.
long double RoundTo(int digits, int lowest, long double largest, long double value) {
  if (value == 0 || std::isinf(value)) return value;
  int exponent;
  std::frexp(value, &exponent);
  const int unit = std::max(exponent - digits, lowest);
  const long double rounded = std::ldexp(std::rint(std::ldexp(value, -unit)), unit);
  if (std::fabs(rounded) <= largest) return rounded;
  return std::copysign(std::numeric_limits<long double>::infinity(), value);
}

// The slow, obvious rule, by way of long double, which holds all 64 bits of an integer.
template <typename To>
long double Expected(long double x, bool from_integer) {
  if constexpr (std::is_same_v<To, bool>) {
    return x != 0;
  } else if constexpr (std::is_integral_v<To>) {
    if (std::isnan(x)) return 0;
    const long double lowest = std::numeric_limits<To>::min();
    const long double largest = std::numeric_limits<To>::max();
    if (!from_integer) return std::fmin(std::fmax(std::trunc(x), lowest), largest);
    const long double modulus = largest - lowest + 1;
    return x - modulus * std::floor((x - lowest) / modulus);
  } else if (std::isnan(x)) {
    return x;
  } else if constexpr (std::is_same_v<To, float16>) {
    return RoundTo(11, -24, 65504, x);
  } else if constexpr (std::is_same_v<To, bfloat16>) {
    return RoundTo(8, -133, 3.3895313892515355e38L, x);
  } else {
    return static_cast<To>(x);
  }
}

// What lies at borders, and numbers of every size.
template <typename T>
std::vector<T> Interesting(std::mt19937& generator) {
  std::vector<T> values;
  if constexpr (std::is_same_v<T, bool>) {
    for (int i = 0; i < 200; ++i) values.push_back(i % 3 == 0);
  } else if constexpr (kIsHalf<T>) {
    for (uint32_t bits = 0; bits < 65536; ++bits) {
      values.push_back(T::FromBits(static_cast<uint16_t>(bits)));
    }
  } else if constexpr (std::is_integral_v<T>) {
    for (int shift = 0; shift < static_cast<int>(sizeof(T) * 8); ++shift) {
      for (int64_t offset : {-2, -1, 0, 1, 2}) {
        const uint64_t power = uint64_t{1} << shift;
        values.push_back(static_cast<T>(power + static_cast<uint64_t>(offset)));
        values.push_back(static_cast<T>(uint64_t{0} - power + static_cast<uint64_t>(offset)));
      }
    }
    for (int i = 0; i < 20000; ++i) {
      const uint64_t bits = (uint64_t{generator()} << 32) | generator();
      values.push_back(static_cast<T>(bits >> RandomBetween(generator, 0, 63)));
    }
  } else {
    for (double special : {0.0, -0.0, 0.5, -0.5, 0.999, 65504.0, 65519.99, 65520.0, 1e300, -1e300,
                           2049.0, 2050.0, 2051.0, 5e-8, 2.98023223876953125e-8}) {
      values.push_back(static_cast<T>(special));
    }
    values.push_back(std::numeric_limits<T>::quiet_NaN());
    values.push_back(std::numeric_limits<T>::infinity());
    values.push_back(-std::numeric_limits<T>::infinity());
    values.push_back(std::numeric_limits<T>::denorm_min());
    values.push_back(std::numeric_limits<T>::max());
    for (int power = -30; power < 66; ++power) {
      for (T value :
           {std::ldexp(T(1), power), std::ldexp(T(1), power) + std::ldexp(T(1), power - 9)}) {
        for (T near : {value, std::nextafter(value, T(0)), std::nextafter(value, T(1e30))}) {
          values.push_back(near);
          values.push_back(-near);
        }
      }
    }
    for (int i = 0; i < 20000; ++i) {
      const T fraction = std::uniform_real_distribution<T>(-1, 1)(generator);
      values.push_back(std::ldexp(fraction, static_cast<int>(RandomBetween(generator, -150, 130))));
    }
  }
  return values;
}

template <typename From, typename To>
void ExpectCast(const std::vector<From>& x) {
  const std::vector<To> y = CastTo<To>(x);
  for (size_t i = 0; i < x.size(); ++i) {
    const long double expected = Expected<To>(Wide(x[i]), std::is_integral_v<From>);
    const long double got = Wide(y[i]);
    if (std::isnan(expected)) {
      ASSERT_TRUE(std::isnan(got));
    } else {
      ASSERT_EQ(got, expected) << "of " << Wide(x[i]) << ", from "
                               << DataTypeName(DataTypeOf<From>::value) << " to "
                               << DataTypeName(DataTypeOf<To>::value);
      if (!std::is_integral_v<To>) {
        ASSERT_EQ(std::signbit(got), std::signbit(expected));
      }
    }
  }
}

template <typename T>
class CastRuleTest : public testing::Test {};
template <typename List>
struct ToTestTypes;
template <typename... Types>
struct ToTestTypes<TypeList<Types...>> {
  using type = testing::Types<Types...>;
};
TYPED_TEST_SUITE(CastRuleTest, ToTestTypes<AllNumericTypes>::type);

TYPED_TEST(CastRuleTest, AgreesWithTheRuleForEveryType) {
  std::mt19937 generator = SeededGenerator();
  const std::vector<TypeParam> x = Interesting<TypeParam>(generator);
  ForEachTarget([&x] {
    ExpectCast<TypeParam, float>(x);
    ExpectCast<TypeParam, double>(x);
    ExpectCast<TypeParam, bool>(x);
    ExpectCast<TypeParam, int8_t>(x);
    ExpectCast<TypeParam, int16_t>(x);
    ExpectCast<TypeParam, int32_t>(x);
    ExpectCast<TypeParam, int64_t>(x);
    ExpectCast<TypeParam, uint8_t>(x);
    ExpectCast<TypeParam, uint16_t>(x);
    ExpectCast<TypeParam, float16>(x);
    ExpectCast<TypeParam, bfloat16>(x);
  });
}

TEST(CastTest, RoundsDoublesToHalvesOnce) {
  // Just above the middle between two halves: by way of float it would be a tie, rounded to even.
  const std::vector<double> x = {1.0 + 0x1p-11 + 0x1p-40, 1.0 + 0x1p-11 - 0x1p-40};
  const std::vector<float16> y = CastTo<float16>(x);
  EXPECT_EQ(static_cast<float>(y[0]), 1.0f + 0x1p-10f);
  EXPECT_EQ(static_cast<float>(y[1]), 1.0f);
  const std::vector<int64_t> large = {(int64_t{1} << 60) + (int64_t{1} << 52) + 1};
  EXPECT_EQ(static_cast<float>(CastTo<bfloat16>(large)[0]), 0x1p60f + 0x1p53f);
}

TEST(CastTest, WorksInPlaceBetweenTypesOfTheSameSize) {
  CPUContext context;
  std::vector<int32_t> values = {1, -2, 3, 4, 5, 6, 7, 8, -9};
  Cast(DataType::kInt32, values.data(), DataType::kFloat, values.data(), 9, &context);
  std::vector<float> floats(9);
  std::memcpy(floats.data(), values.data(), 9 * sizeof(float));
  EXPECT_EQ(floats, (std::vector<float>{1, -2, 3, 4, 5, 6, 7, 8, -9}));
}

TEST(CastTest, GivesTheSameForAnyNumberOfThreads) {
  std::vector<float> x(500001);
  for (size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i) * 0.37f - 1000;
  std::vector<int16_t> first;
  for (int threads : {1, 2, 3}) {
    ThreadsFor scope(threads);
    const std::vector<int16_t> y = CastTo<int16_t>(x);
    if (threads == 1) first = y;
    EXPECT_TRUE(y == first);
  }
}

}  // namespace
}  // namespace doppio
