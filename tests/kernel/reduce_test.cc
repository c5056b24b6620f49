#include "src/kernel/reduce.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <cstring>
#include <limits>
#include <type_traits>
#include <vector>

#include "doppio/cancellation.h"
#include "doppio/dtype.h"
#include "doppio/interrupt.h"
#include "tests/kernel/shapes.h"

namespace doppio {
namespace {

template <typename T>
double ToDouble(T value) {
  if constexpr (std::is_same_v<T, float16> || std::is_same_v<T, bfloat16>) {
    return static_cast<double>(static_cast<float>(value));
  } else {
    return static_cast<double>(value);
  }
}

// Relative to the sum of the magnitudes; the sums here are short or summed in blocks.
template <typename T>
double Tolerance() {
  if constexpr (std::is_integral_v<T>) return 0;
  if constexpr (std::is_same_v<T, double>) return 1e-14;
  if constexpr (std::is_same_v<T, float>) return 2e-6;
  if constexpr (std::is_same_v<T, float16>) return 6e-4;
  return 5e-3;
}

template <typename T>
std::vector<T> RandomValues(std::mt19937& generator, int64_t count) {
  const std::vector<int64_t> numbers = RandomNumbers(generator, count, -1000, 1000);
  std::vector<T> values(count);
  for (int64_t i = 0; i < count; ++i) {
    if constexpr (std::is_integral_v<T>) {
      values[i] = static_cast<T>(numbers[i]);
    } else {
      values[i] = static_cast<T>(static_cast<float>(numbers[i]) / 64.0f);
    }
  }
  return values;
}

template <typename T>
void ExpectSum(std::mt19937& generator, const Shape& y_dims, const Shape& x_dims) {
  const std::vector<T> y = RandomValues<T>(generator, Count(y_dims));
  const int64_t count = Count(x_dims);
  std::vector<double> sums(count);
  std::vector<double> magnitudes(count);
  const std::vector<int64_t> offsets = SourceOffsets(x_dims, y_dims);
  for (size_t i = 0; i < y.size(); ++i) {
    const int64_t at = offsets[i];
    sums[at] += ToDouble(y[i]);
    magnitudes[at] += std::fabs(ToDouble(y[i]));
  }
  CPUContext context;
  std::vector<T> x(count + 1, T(77));
  EXPECT_TRUE(ReduceSumTo<T>(y.data(), y_dims, x.data(), x_dims, &context).ok());
  std::vector<T> mean(count + 1, T(77));
  EXPECT_TRUE(ReduceMeanTo<T>(y.data(), y_dims, mean.data(), x_dims, &context).ok());
  ASSERT_EQ(ToDouble(x[count]), 77);
  ASSERT_EQ(ToDouble(mean[count]), 77);
  for (int64_t i = 0; i < count; ++i) {
    ASSERT_NEAR(ToDouble(x[i]), sums[i], Tolerance<T>() * magnitudes[i])
        << ShapeToString(y_dims) << " to " << ShapeToString(x_dims) << " at " << i;
    if (y.empty()) continue;
    const double n = static_cast<double>(Count(y_dims)) / static_cast<double>(count);
    const double expected = std::is_integral_v<T> ? std::trunc(sums[i] / n) : sums[i] / n;
    ASSERT_NEAR(ToDouble(mean[i]), expected, Tolerance<T>() * magnitudes[i] / n)
        << "mean, " << ShapeToString(y_dims) << " to " << ShapeToString(x_dims) << " at " << i;
  }
  const auto expect_the_same_bits = [&] {
    std::vector<T> again(count + 1, T(77));
    EXPECT_TRUE(ReduceSumTo<T>(y.data(), y_dims, again.data(), x_dims, &context).ok());
    ASSERT_EQ(std::memcmp(x.data(), again.data(), count * sizeof(T)), 0)
        << ShapeToString(y_dims) << " to " << ShapeToString(x_dims) << ", threads " << NumThreads();
  };
  for (int threads : {1, 2, 3}) {
    ThreadsFor scope(threads);
    expect_the_same_bits();
  }
  ForEachTarget(expect_the_same_bits);
}

template <typename T>
class ReduceTest : public testing::Test {};
using SummedTypes = testing::Types<int32_t, int64_t, float, double, float16, bfloat16>;
TYPED_TEST_SUITE(ReduceTest, SummedTypes);

TYPED_TEST(ReduceTest, AgreesWithTheDefinitionOnAllSmallShapes) {
  std::mt19937 generator(1);
  for (const Shape& y_dims : AllShapes(4, 3)) {
    for (const Shape& x_dims : AllSources(y_dims)) {
      ASSERT_NO_FATAL_FAILURE(ExpectSum<TypeParam>(generator, y_dims, x_dims));
    }
  }
}

TYPED_TEST(ReduceTest, AgreesWithTheDefinitionOnRandomShapes) {
  std::mt19937 generator = SeededGenerator();
  for (int i = 0; i < 30; ++i) {
    const Shape y_dims = RandomShape(generator);
    const Shape x_dims = RandomSource(generator, y_dims);
    ASSERT_NO_FATAL_FAILURE(ExpectSum<TypeParam>(generator, y_dims, x_dims));
  }
}

TYPED_TEST(ReduceTest, AgreesWithTheDefinitionForRowsAndRunsOfAnyLength) {
  std::mt19937 generator(2);
  for (int64_t size = 1; size <= 140; ++size) {
    ASSERT_NO_FATAL_FAILURE(ExpectSum<TypeParam>(generator, {7, size}, {size}));
    ASSERT_NO_FATAL_FAILURE(ExpectSum<TypeParam>(generator, {7, size}, {7, 1}));
    ASSERT_NO_FATAL_FAILURE(ExpectSum<TypeParam>(generator, {size, 7}, {7}));
    ASSERT_NO_FATAL_FAILURE(ExpectSum<TypeParam>(generator, {3, 5, size}, {3, 1, size}));
    ASSERT_NO_FATAL_FAILURE(ExpectSum<TypeParam>(generator, {3, 5, size}, {5, 1}));
  }
  for (int64_t size : {511, 512, 513, 1023, 1024, 1025, 4095, 4097, 70001}) {
    ASSERT_NO_FATAL_FAILURE(ExpectSum<TypeParam>(generator, {3, size}, {3, 1}));
    ASSERT_NO_FATAL_FAILURE(ExpectSum<TypeParam>(generator, {3, size}, {size}));
    ASSERT_NO_FATAL_FAILURE(ExpectSum<TypeParam>(generator, {size, 3}, {3}));
    ASSERT_NO_FATAL_FAILURE(ExpectSum<TypeParam>(generator, {size}, {}));
  }
}

// A few sums of many elements: pieces of a run, and of what lies around it, are short.
TYPED_TEST(ReduceTest, AgreesWithTheDefinitionWhereRunsAreTakenApart) {
  std::mt19937 generator(2);
  ASSERT_NO_FATAL_FAILURE(ExpectSum<TypeParam>(generator, {3, 256, 400}, {1, 256, 1}));
  ASSERT_NO_FATAL_FAILURE(ExpectSum<TypeParam>(generator, {70, 250, 16}, {1, 250, 1}));
}

TYPED_TEST(ReduceTest, GivesTheSameBitsForAnyNumberOfThreadsAndAnyVectors) {
  std::mt19937 generator(3);
  const std::vector<std::pair<Shape, Shape>> cases = {
      {{1100, 1500}, {1, 1500}},  {{1100, 1500}, {1100, 1}},
      {{1500001}, {1}},           {{300000, 5}, {5}},
      {{3, 500001}, {3, 1}},      {{2, 8, 64, 8, 64}, {2, 1, 64, 1, 64}},
      {{40, 9000, 3}, {9000, 1}}, {{12, 64, 28, 28}, {64, 1, 1}},
      {{500000, 2, 2}, {2, 1}},
  };
  for (const auto& [y_dims, x_dims] : cases) {
    ASSERT_NO_FATAL_FAILURE(ExpectSum<TypeParam>(generator, y_dims, x_dims));
  }
}

TYPED_TEST(ReduceTest, SumsNothingToZero) {
  CPUContext context;
  std::vector<TypeParam> x(3, TypeParam(5));
  EXPECT_TRUE(ReduceSumTo<TypeParam>(nullptr, {0, 3}, x.data(), {1, 3}, &context).ok());
  for (TypeParam value : x) EXPECT_EQ(ToDouble(value), 0);
  EXPECT_TRUE(ReduceMeanTo<TypeParam>(nullptr, {0, 3}, x.data(), {1, 3}, &context).ok());
  for (TypeParam value : x) {
    if (std::is_integral_v<TypeParam>) {
      EXPECT_EQ(ToDouble(value), 0);
    } else {
      EXPECT_TRUE(std::isnan(ToDouble(value)));
    }
  }
}

TEST(ReduceSumToTest, WrapsIntegers) {
  CPUContext context;
  const std::vector<int32_t> y(4, std::numeric_limits<int32_t>::max());
  int32_t x = 0;
  EXPECT_TRUE(ReduceSumTo<int32_t>(y.data(), {4}, &x, {}, &context).ok());
  EXPECT_EQ(x, -4);
  const std::vector<int64_t> z(3, std::numeric_limits<int64_t>::min());
  int64_t w = 0;
  EXPECT_TRUE(ReduceSumTo<int64_t>(z.data(), {3}, &w, {}, &context).ok());
  EXPECT_EQ(w, std::numeric_limits<int64_t>::min());
}

TEST(ReduceSumToTest, KeepsManySmallTermsBesideALargeSum) {
  CPUContext context;
  const std::vector<float> y(1 << 24, 0.1f);
  float x = 0;
  EXPECT_TRUE(ReduceSumTo<float>(y.data(), {1 << 24}, &x, {}, &context).ok());
  EXPECT_NEAR(x, 1677721.6 + 0.025, 0.5);  // 0.1f is 0.1 + 1.5e-9
  std::vector<float> columns(2);
  EXPECT_TRUE(ReduceSumTo<float>(y.data(), {1 << 23, 2}, columns.data(), {2}, &context).ok());
  EXPECT_NEAR(columns[0], 838860.8 + 0.0125, 2);
}

TEST(ReduceSumToTest, SumsHalvesInFloat) {
  CPUContext context;
  const std::vector<float16> y(4096, float16(1.0f));  // in half precision the sum stops at 2048
  float16 x;
  EXPECT_TRUE(ReduceSumTo<float16>(y.data(), {4096}, &x, {}, &context).ok());
  EXPECT_EQ(static_cast<float>(x), 4096.0f);
}

TEST(ReduceSumToTest, PassesInfinityAndNaNOn) {
  CPUContext context;
  std::vector<float> y(100, 1.0f);
  y[3] = std::numeric_limits<float>::infinity();
  float x = 0;
  EXPECT_TRUE(ReduceSumTo<float>(y.data(), {100}, &x, {}, &context).ok());
  EXPECT_EQ(x, std::numeric_limits<float>::infinity());
  y[70] = -y[3];
  EXPECT_TRUE(ReduceSumTo<float>(y.data(), {100}, &x, {}, &context).ok());
  EXPECT_TRUE(std::isnan(x));
}

// Of elements that are repeated, so that little memory makes a long sum.
class LongSumTest : public testing::Test {
 protected:
  LongSumTest() { SetInterruptPoll(&CountPolls); }
  ~LongSumTest() override { SetInterruptPoll(nullptr); }

  static bool CountPolls() {
    ++polls_;
    return false;
  }

  template <typename T>
  absl::Status Sum(const Shape& element_dims, const Shape& y_dims, const Shape& x_dims) {
    const std::vector<T> elements(Count(element_dims), T(1));
    std::vector<T> x(Count(x_dims));
    CPUContext context;
    polls_ = 0;
    const absl::StatusOr<bool> is_done =
        ReduceSumRepeated(elements.data(), element_dims, y_dims, x.data(), x_dims, &context);
    EXPECT_TRUE(!is_done.ok() || *is_done);
    if (is_done.ok()) {
      EXPECT_EQ(ToDouble(x[0]), static_cast<double>(Count(y_dims) / Count(x_dims)));
    }
    return is_done.status();
  }

  static inline std::atomic<int> polls_{0};
};

// By every way to add: rows, runs, rows of runs, runs of rows, few sums and many.
TEST_F(LongSumTest, LooksInBetweenWhetherToGoOn) {
  struct Case {
    Shape elements, y, x;
  };
  for (const Case& sum :
       {Case{{1, 1024}, {1 << 14, 1024}, {1, 1024}}, Case{{1, 40}, {1 << 18, 40}, {1, 40}},
        Case{{1, 1 << 14}, {1024, 1 << 14}, {1024, 1}}, Case{{1, 1 << 23}, {4, 1 << 23}, {4, 1}},
        Case{{1, 64, 1024}, {256, 64, 1024}, {1, 64, 1}},
        Case{{1, 16, 1, 64}, {256, 16, 64, 64}, {1, 16, 1, 64}}}) {
    for (const int threads : {1, 3}) {
      ThreadsFor scope(threads);
      SCOPED_TRACE(ShapeToString(sum.y) + " to " + ShapeToString(sum.x));
      EXPECT_TRUE(Sum<int32_t>(sum.elements, sum.y, sum.x).ok());
      EXPECT_GE(polls_, 4);
      const int polls = polls_;
      const CancellationScope over(Cancellation::After(absl::ZeroDuration()));
      EXPECT_TRUE(absl::IsDeadlineExceeded(Sum<int32_t>(sum.elements, sum.y, sum.x)));
      EXPECT_LE(polls_, polls / 2);
    }
  }
}

TEST_F(LongSumTest, DoesNotLookWhereThereIsLittleToDo) {
  const CancellationScope over(Cancellation::After(absl::ZeroDuration()));
  EXPECT_TRUE(Sum<float>({1, 64}, {16, 64}, {1, 64}).ok());
  EXPECT_EQ(polls_, 0);
}

}  // namespace
}  // namespace doppio
