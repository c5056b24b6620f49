#include "src/kernel/transpose.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <string>
#include <type_traits>
#include <vector>

#include "tests/kernel/shapes.h"

namespace doppio {
namespace {

template <typename T>
void ExpectTransposed(const Shape& x_dims, const std::vector<int>& axes,
                      const std::vector<int>& numbers_of_threads = {NumThreads()}) {
  const int64_t count = Count(x_dims);
  std::vector<T> x(count);
  for (int64_t i = 0; i < count; ++i) {
    if constexpr (std::is_same_v<T, std::string>) {
      x[i] = std::to_string(i);
    } else {
      x[i] = static_cast<T>(i * 2654435761u + 1);
    }
  }
  const Shape x_strides = Strides(x_dims);
  Shape y_dims;
  Shape strides;
  for (int axis : axes) {
    y_dims.push_back(x_dims[axis]);
    strides.push_back(x_strides[axis]);
  }
  const std::vector<int64_t> offsets = Offsets(y_dims, strides);
  std::vector<T> expected(count + 1);
  for (int64_t i = 0; i < count; ++i) expected[i] = x[offsets[i]];
  CPUContext context;
  for (int threads : numbers_of_threads) {
    ThreadsFor scope(threads);
    std::vector<T> y(count + 1);
    if constexpr (std::is_same_v<T, std::string>) {
      Transpose(x.data(), x_dims, axes, y.data(), &context);
    } else {
      Transpose(sizeof(T), x.data(), x_dims, axes, y.data(), &context);
    }
    ASSERT_TRUE(y == expected) << ShapeToString(x_dims) << " by "
                               << ShapeToString(Shape(axes.begin(), axes.end())) << ", threads "
                               << threads;
  }
}

template <typename T>
class TransposeTest : public testing::Test {};
using ElementTypes = testing::Types<uint8_t, uint16_t, uint32_t, uint64_t, std::string>;
TYPED_TEST_SUITE(TransposeTest, ElementTypes);

TYPED_TEST(TransposeTest, AgreesWithTheDefinitionOnAllSmallShapes) {
  ForEachTarget([] {
    for (const Shape& x_dims : AllShapes(4, 3)) {
      std::vector<int> axes(x_dims.size());
      std::iota(axes.begin(), axes.end(), 0);
      do {
        ASSERT_NO_FATAL_FAILURE(ExpectTransposed<TypeParam>(x_dims, axes));
      } while (std::next_permutation(axes.begin(), axes.end()));
    }
  });
}

TYPED_TEST(TransposeTest, AgreesWithTheDefinitionOnMatricesOfAnySize) {
  ForEachTarget([] {
    for (int64_t rows : {1, 2, 3, 4, 5, 7, 8, 15, 16, 17, 31, 32, 33, 63, 64, 65, 100}) {
      for (int64_t cols : {1, 2, 3, 4, 5, 8, 9, 16, 30, 32, 34, 64, 66, 130}) {
        ASSERT_NO_FATAL_FAILURE(ExpectTransposed<TypeParam>({rows, cols}, {1, 0}));
        ASSERT_NO_FATAL_FAILURE(ExpectTransposed<TypeParam>({2, rows, cols}, {0, 2, 1}));
      }
    }
  });
}

TYPED_TEST(TransposeTest, AgreesWithTheDefinitionOnRandomShapesForAnyNumberOfThreads) {
  std::mt19937 generator = SeededGenerator();
  for (int i = 0; i < 60; ++i) {
    const Shape x_dims = RandomShape(generator);
    if (std::is_same_v<TypeParam, std::string> && Count(x_dims) > 1000) continue;
    std::vector<int> axes(x_dims.size());
    std::iota(axes.begin(), axes.end(), 0);
    std::shuffle(axes.begin(), axes.end(), generator);
    ASSERT_NO_FATAL_FAILURE(ExpectTransposed<TypeParam>(x_dims, axes, {1, 2, 3}));
  }
}

TYPED_TEST(TransposeTest, TakesShapesOfTheHighestRank) {
  Shape x_dims(32, 1);
  std::vector<int> axes(32);
  for (int i = 0; i < 32; ++i) {
    axes[i] = 31 - i;
    if (i % 3 == 0) x_dims[i] = 2;
  }
  ASSERT_NO_FATAL_FAILURE(ExpectTransposed<TypeParam>(x_dims, axes));
}

}  // namespace
}  // namespace doppio
