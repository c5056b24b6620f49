#include "src/kernel/reduce_extreme.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "doppio/cancellation.h"
#include "doppio/dtype.h"
#include "tests/kernel/shapes.h"

namespace doppio {
namespace {

template <typename T>
bool IsNan(T value) {
  return std::isnan(static_cast<float>(value));
}

// Few different values, so that some are equal, and all that is special.
template <typename T>
std::vector<T> RandomValues(std::mt19937& generator, int64_t count, bool with_nan) {
  const std::vector<int64_t> numbers = RandomNumbers(generator, count, -40, 40);
  std::vector<T> values;
  for (const int64_t number : numbers) {
    float value = static_cast<float>(number);
    if constexpr (!std::is_integral_v<T>) {
      if (number == 40) value = std::numeric_limits<float>::infinity();
      if (number == -40) value = -std::numeric_limits<float>::infinity();
      if (number == 39 && with_nan) value = std::numeric_limits<float>::quiet_NaN();
      if (number == -39 && with_nan) value = -std::numeric_limits<float>::quiet_NaN();
      if (number == 1) value = -0.0f;
    }
    values.push_back(static_cast<T>(value));
  }
  return values;
}

template <bool kLargest, typename T>
void ExpectExtremes(std::mt19937& generator, const Shape& x_dims, const Shape& kept) {
  const std::vector<T> x = RandomValues<T>(generator, Count(x_dims), Count(x_dims) % 2 == 0);
  const std::vector<int64_t> places = SourceOffsets(kept, x_dims);
  std::vector<T> expected(Count(kept), T(77));
  std::vector<bool> is_first(expected.size(), true);
  for (size_t i = 0; i < x.size(); ++i) {
    T& best = expected[places[i]];
    const float value = static_cast<float>(x[i]);
    const float other = static_cast<float>(best);
    const bool is_better = kLargest ? value > other : value < other;
    if (is_first[places[i]] || IsNan(x[i]) || (!IsNan(best) && is_better)) best = x[i];
    is_first[places[i]] = false;
  }
  for (int threads : {1, 3}) {
    ThreadsFor scope(threads);
    std::vector<T> y(expected.size() + 1, T(77));
    EXPECT_TRUE(ReduceExtremeTo<kLargest>(x.data(), x_dims, y.data(), kept).ok());
    ASSERT_EQ(static_cast<float>(y.back()), 77);
    for (size_t i = 0; i < expected.size(); ++i) {
      ASSERT_TRUE(IsNan(expected[i]) ? IsNan(y[i])
                                     : static_cast<float>(y[i]) == static_cast<float>(expected[i]))
          << ShapeToString(x_dims) << " to " << ShapeToString(kept) << " at " << i << ": "
          << static_cast<float>(y[i]) << ", not " << static_cast<float>(expected[i]);
    }
  }
}

template <typename T>
class ReduceExtremeTest : public testing::Test {};
using ComparedTypes = testing::Types<int32_t, int64_t, float, double, float16, bfloat16>;
TYPED_TEST_SUITE(ReduceExtremeTest, ComparedTypes);

TYPED_TEST(ReduceExtremeTest, AgreesWithTheDefinitionOnAllSmallShapes) {
  std::mt19937 generator(1);
  for (const Shape& x_dims : AllShapes(4, 3)) {
    for (const Shape& kept : AllSources(x_dims)) {
      ASSERT_NO_FATAL_FAILURE((ExpectExtremes<true, TypeParam>(generator, x_dims, kept)));
      ASSERT_NO_FATAL_FAILURE((ExpectExtremes<false, TypeParam>(generator, x_dims, kept)));
    }
  }
}

TYPED_TEST(ReduceExtremeTest, AgreesWithTheDefinitionForRunsAndRowsOfAnyLength) {
  std::mt19937 generator(2);
  for (int64_t n : {1, 7, 31, 32, 33, 150}) {
    for (const Shape& kept : {Shape{3, 1, 1}, Shape{1, n, 1}, Shape{3, n, 1}, Shape{3, 1, n}}) {
      ASSERT_NO_FATAL_FAILURE((ExpectExtremes<true, TypeParam>(generator, {3, n, n}, kept)));
      ASSERT_NO_FATAL_FAILURE((ExpectExtremes<false, TypeParam>(generator, {3, n, n}, kept)));
    }
  }
}

// Short rows that are joined, columns beyond those whose keys stay near, and pieces for threads.
TYPED_TEST(ReduceExtremeTest, AgreesWithTheDefinitionWhereMuchIsTakenApart) {
  std::mt19937 generator(3);
  const std::vector<std::pair<Shape, Shape>> cases = {
      {{1001, 3}, {1, 3}},     {{1001, 3}, {1001, 1}}, {{131, 1}, {1, 1}},
      {{19, 2051}, {1, 2051}}, {{2051, 19}, {1, 19}},  {{7, 1001, 5}, {7, 1, 5}},
      {{(1 << 18) + 5}, {1}},  {{70001, 5}, {1, 5}},
  };
  for (const auto& [x_dims, kept] : cases) {
    ASSERT_NO_FATAL_FAILURE((ExpectExtremes<true, TypeParam>(generator, x_dims, kept)));
    ASSERT_NO_FATAL_FAILURE((ExpectExtremes<false, TypeParam>(generator, x_dims, kept)));
  }
}

TEST(ReduceExtremeToTest, GivesTheSameZeroInAnyOrder) {
  for (const std::vector<float>& x : {std::vector<float>{0, -0.0f}, {-0.0f, 0}}) {
    float y = 7;
    EXPECT_TRUE(ReduceExtremeTo<true>(x.data(), {2}, &y, {1}).ok());
    EXPECT_FALSE(std::signbit(y));
    EXPECT_TRUE(ReduceExtremeTo<false>(x.data(), {2}, &y, {1}).ok());
    EXPECT_TRUE(std::signbit(y));
  }
}

TEST(ReduceExtremeToTest, LeavesTheOutputAloneWhereThereIsNothing) {
  float y = 7;
  EXPECT_TRUE(ReduceExtremeTo<true>(static_cast<const float*>(nullptr), {0}, &y, {1}).ok());
  EXPECT_EQ(y, 7);
}

TEST(ReduceExtremeToTest, LooksInBetweenWhetherToGoOn) {
  const std::vector<float> x(1 << 22, 1.0f);
  for (const auto& [x_dims, kept] : std::vector<std::pair<Shape, Shape>>{
           {{1 << 22}, {1}}, {{1 << 12, 1 << 10}, {1, 1 << 10}}, {{4, 1 << 20}, {1, 1}}}) {
    std::vector<float> y(Count(kept));
    EXPECT_TRUE(ReduceExtremeTo<true>(x.data(), x_dims, y.data(), kept).ok());
    EXPECT_EQ(y[0], 1);
    const CancellationScope over(Cancellation::After(absl::ZeroDuration()));
    const absl::Status late = ReduceExtremeTo<true>(x.data(), x_dims, y.data(), kept);
    EXPECT_TRUE(absl::IsDeadlineExceeded(late)) << late;
  }
}

}  // namespace
}  // namespace doppio
