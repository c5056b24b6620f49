#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "gtest/gtest.h"
#include "src/kernel/logical_binary.h"
#include "src/kernel/select.h"

namespace doppio {
namespace {

template <typename T>
class CompareTest : public testing::Test {
 protected:
  // Few values, so that many are equal, the extreme ones, and NaN.
  T Value() {
    if (random_() % 8 == 0) return std::numeric_limits<T>::max();
    if (random_() % 8 == 0) return std::numeric_limits<T>::lowest();
    if (std::is_floating_point_v<T> && random_() % 8 == 0) return T(std::nanf(""));
    return static_cast<T>(static_cast<int>(random_() % 5) - 2);
  }
  std::vector<T> Values(int64_t n) {
    std::vector<T> values;
    for (int64_t i = 0; i < n; ++i) values.push_back(Value());
    return values;
  }
  // Of vectors of sizes n, or of one element that is repeated.
  void ExpectRight(const std::vector<T>& a, const std::vector<T>& b, int64_t n) {
    const std::array<int64_t, 1> a_dims = {static_cast<int64_t>(a.size())};
    const std::array<int64_t, 1> b_dims = {static_cast<int64_t>(b.size())};
    const std::array<int64_t, 1> c_dims = {n};
    std::vector<uint8_t> c(static_cast<size_t>(n) + 1, 7);
    for (Comparison comparison :
         {Comparison::kEqual, Comparison::kNotEqual, Comparison::kLess, Comparison::kLessEqual}) {
      CPUContext context;
      Compare(comparison, DataTypeOf<T>::value, a.data(), a_dims, b.data(), b_dims,
              reinterpret_cast<bool*>(c.data()), c_dims, &context);
      for (size_t i = 0; i < static_cast<size_t>(n); ++i) {
        const T x = a[a.size() == 1 ? 0 : i];
        const T y = b[b.size() == 1 ? 0 : i];
        const bool expected = comparison == Comparison::kEqual      ? x == y
                              : comparison == Comparison::kNotEqual ? x != y
                              : comparison == Comparison::kLess     ? x < y
                                                                    : x <= y;
        ASSERT_EQ(c[i], expected ? 1 : 0) << "element " << i << " of " << n;
      }
      ASSERT_EQ(c.back(), 7) << "written behind the end";
    }
  }

  std::mt19937 random_{11};
};

using ComparedTypes =
    testing::Types<float, double, int8_t, int16_t, int32_t, int64_t, uint8_t, uint16_t>;
TYPED_TEST_SUITE(CompareTest, ComparedTypes);

TYPED_TEST(CompareTest, EqualsTheDefinitionForAnySize) {
  for (int64_t n : {1, 2, 7, 15, 16, 17, 31, 33, 64, 100, 255, 256, 257, 1000}) {
    this->ExpectRight(this->Values(n), this->Values(n), n);
    this->ExpectRight(this->Values(1), this->Values(n), n);
    this->ExpectRight(this->Values(n), this->Values(1), n);
  }
}

template <typename T>
void ExpectSelects() {
  std::mt19937 random(5);
  for (size_t n : {1, 3, 15, 16, 17, 40, 1000}) {
    std::vector<uint8_t> condition(n);
    std::vector<T> x(n);
    std::vector<T> y(n);
    for (size_t i = 0; i < n; ++i) {
      condition[i] = random() % 2;
      x[i] = static_cast<T>(random());
      y[i] = static_cast<T>(random());
    }
    std::vector<T> z(n);
    std::vector<T> in_place = y;
    const auto* chosen = reinterpret_cast<const bool*>(condition.data());
    SelectElements(sizeof(T), chosen, x.data(), y.data(), z.data(), static_cast<int64_t>(n));
    SelectElements(sizeof(T), chosen, x.data(), in_place.data(), in_place.data(),
                   static_cast<int64_t>(n));
    for (size_t i = 0; i < n; ++i) ASSERT_EQ(z[i], condition[i] ? x[i] : y[i]);
    EXPECT_EQ(z, in_place);
  }
}

TEST(SelectTest, ChoosesElementsOfAllSizes) {
  ExpectSelects<uint8_t>();
  ExpectSelects<uint16_t>();
  ExpectSelects<uint32_t>();
  ExpectSelects<uint64_t>();
}

}  // namespace
}  // namespace doppio
