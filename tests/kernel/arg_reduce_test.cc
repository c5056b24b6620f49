#include "src/kernel/arg_reduce.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <vector>

#include "doppio/dtype.h"
#include "tests/kernel/shapes.h"

namespace doppio {
namespace {

template <typename T>
std::vector<int64_t> CallArgMax(const std::vector<T>& x, int64_t outer, int64_t n, int64_t inner) {
  CPUContext context;
  std::vector<int64_t> y(outer * inner, -1);
  ArgMax<T>(x.data(), outer, n, inner, y.data(), &context);
  return y;
}

template <typename T>
class ArgMaxTest : public testing::Test {};
using Compared =
    testing::Types<float, double, int32_t, int64_t, int8_t, uint8_t, uint16_t, float16, bfloat16>;
TYPED_TEST_SUITE(ArgMaxTest, Compared);

TYPED_TEST(ArgMaxTest, FindsTheFirstOfTheLargestForAnyNumberOfThreads) {
  std::mt19937 generator(5);
  for (int64_t outer : {1, 2, 3, 700}) {
    for (int64_t n : {1, 2, 3, 63, 64, 65, 200}) {
      for (int64_t inner : {1, 2, 3, 17, 600}) {
        if (outer * inner > 10000 || outer * n * inner > 150'000) continue;
        std::vector<TypeParam> x;
        for (int64_t number : RandomNumbers(generator, outer * n * inner, 0, 90)) {
          x.push_back(static_cast<TypeParam>(static_cast<float>(number)));
        }
        std::vector<int64_t> expected(outer * inner);
        for (int64_t o = 0; o < outer; ++o) {
          for (int64_t j = 0; j < inner; ++j) {
            float largest = -1;
            for (int64_t i = 0; i < n; ++i) {
              const float value = static_cast<float>(x[(o * n + i) * inner + j]);
              if (value > largest) expected[o * inner + j] = i;
              largest = std::max(largest, value);
            }
          }
        }
        for (int threads : {1, 2, 3}) {
          ThreadsFor scope(threads);
          ASSERT_EQ(CallArgMax(x, outer, n, inner), expected) << outer << " " << n << " " << inner;
        }
      }
    }
  }
}

TEST(ArgMaxOfNaNTest, TakesTheFirstNaN) {
  for (int64_t n : {5, 64, 200}) {
    for (int64_t inner : {1, 3}) {
      std::vector<float> x(n * inner, 1.0f);
      x[(n - 1) * inner] = std::numeric_limits<float>::infinity();
      EXPECT_EQ(CallArgMax(x, 1, n, inner)[0], n - 1);
      x[3 * inner] = std::numeric_limits<float>::quiet_NaN();
      x[4 * inner] = std::numeric_limits<float>::quiet_NaN();
      EXPECT_EQ(CallArgMax(x, 1, n, inner)[0], 3);
      x[0] = std::numeric_limits<float>::quiet_NaN();
      EXPECT_EQ(CallArgMax(x, 1, n, inner)[0], 0);
    }
  }
}

TEST(ArgMaxOfNaNTest, TakesTheFirstOfEqualInfinities) {
  const float low = -std::numeric_limits<float>::infinity();
  EXPECT_THAT(CallArgMax<float>(std::vector<float>(130, low), 1, 130, 1), testing::ElementsAre(0));
}

TEST(ArgMaxOfNothingTest, WritesNothing) {
  EXPECT_THAT(CallArgMax<float>({}, 0, 4, 3), testing::IsEmpty());
  EXPECT_THAT(CallArgMax<float>({}, 3, 4, 0), testing::IsEmpty());
  EXPECT_THAT(CallArgMax<float>({}, 0, 0, 1), testing::IsEmpty());
}

}  // namespace
}  // namespace doppio
