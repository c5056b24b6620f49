#include "src/kernel/broadcast.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "tests/kernel/shapes.h"

namespace doppio {
namespace {

template <typename T>
std::vector<T> Numbered(int64_t count) {
  std::vector<T> values(count);
  for (int64_t i = 0; i < count; ++i) values[i] = static_cast<T>(i * 2654435761u + 1);
  return values;
}

template <>
std::vector<std::string> Numbered(int64_t count) {
  std::vector<std::string> values(count);
  for (int64_t i = 0; i < count; ++i) values[i] = std::to_string(i);
  return values;
}

template <typename T>
void CallBroadcast(const T* x, const Shape& x_dims, T* y, const Shape& y_dims) {
  CPUContext context;
  Broadcast(sizeof(T), x, x_dims, y, y_dims, &context);
}

void CallBroadcast(const std::string* x, const Shape& x_dims, std::string* y, const Shape& y_dims) {
  CPUContext context;
  Broadcast(x, x_dims, y, y_dims, &context);
}

// What broadcasts to what, found once; then Broadcast can be tried in several ways.
template <typename T>
class Expectation {
 public:
  Expectation(Shape x_dims, Shape y_dims)
      : x_dims_(std::move(x_dims)),
        y_dims_(std::move(y_dims)),
        x_(Numbered<T>(Count(x_dims_))),
        y_(Count(y_dims_)),
        untouched_(kMostMisaligned + y_.size() + 16, Numbered<T>(8)[7]) {
    const std::vector<int64_t> offsets = SourceOffsets(x_dims_, y_dims_);
    for (size_t i = 0; i < y_.size(); ++i) y_[i] = x_[offsets[i]];
  }

  // Also that nothing beyond y is written, with y `misaligned` elements from where it lies best.
  void Check(int misaligned = 0) const {
    std::vector<T> memory = untouched_;
    const auto y = memory.begin() + misaligned;
    CallBroadcast(x_.data(), x_dims_, memory.data() + misaligned, y_dims_);
    ASSERT_TRUE(std::equal(y_.begin(), y_.end(), y) &&
                std::equal(memory.begin(), y, untouched_.begin()) &&
                std::equal(y + y_.size(), memory.end(), untouched_.begin()))
        << ShapeToString(x_dims_) << " -> " << ShapeToString(y_dims_) << ", elements of "
        << sizeof(T) << " bytes, misaligned by " << misaligned << ", threads " << NumThreads();
  }

  static constexpr int kMostMisaligned = 3;

 private:
  Shape x_dims_;
  Shape y_dims_;
  std::vector<T> x_;
  std::vector<T> y_;
  std::vector<T> untouched_;
};

template <typename T>
void ExpectBroadcast(const Shape& x_dims, const Shape& y_dims, int misaligned = 0) {
  Expectation<T>(x_dims, y_dims).Check(misaligned);
}

template <typename T>
class BroadcastTest : public testing::Test {};
using ElementTypes = testing::Types<uint8_t, uint16_t, uint32_t, uint64_t, std::string>;
TYPED_TEST_SUITE(BroadcastTest, ElementTypes);

TYPED_TEST(BroadcastTest, AgreesWithTheDefinitionOnAllSmallShapes) {
  ForEachTarget([] {
    for (const Shape& y_dims : AllShapes(4, 3)) {
      for (const Shape& x_dims : AllSources(y_dims)) {
        ASSERT_NO_FATAL_FAILURE(ExpectBroadcast<TypeParam>(x_dims, y_dims));
      }
    }
  });
}

TYPED_TEST(BroadcastTest, AgreesWithTheDefinitionOnRandomShapesForAnyNumberOfThreads) {
  std::mt19937 generator = SeededGenerator();
  for (int i = 0; i < 100; ++i) {
    const Shape y_dims = RandomShape(generator);
    if (std::is_same_v<TypeParam, std::string> && Count(y_dims) > 1000) continue;
    const Shape x_dims = RandomSource(generator, y_dims);
    const Expectation<TypeParam> expectation(x_dims, y_dims);
    const int misaligned =
        static_cast<int>(RandomBetween(generator, 0, expectation.kMostMisaligned));
    for (int threads : {1, 2, 3}) {
      ThreadsFor scope(threads);
      ASSERT_NO_FATAL_FAILURE(expectation.Check(misaligned));
    }
  }
}

TYPED_TEST(BroadcastTest, AgreesWithTheDefinitionForRowsAndRunsOfAnyLength) {
  const int64_t longest = std::is_same_v<TypeParam, std::string> ? 10 : 300;
  ForEachTarget([longest] {
    for (int64_t size = 1; size <= longest; ++size) {
      ASSERT_NO_FATAL_FAILURE(ExpectBroadcast<TypeParam>({size}, {7, size}, size % 3));
      ASSERT_NO_FATAL_FAILURE(ExpectBroadcast<TypeParam>({7, 1}, {7, size}, size % 3));
      ASSERT_NO_FATAL_FAILURE(ExpectBroadcast<TypeParam>({3, 1, size}, {3, 5, size}, size % 3));
      ASSERT_NO_FATAL_FAILURE(ExpectBroadcast<TypeParam>({5, 1}, {3, 5, size}, size % 3));
    }
  });
}

TYPED_TEST(BroadcastTest, AgreesWithTheDefinitionOnLargeShapesForAnyNumberOfThreads) {
  if (std::is_same_v<TypeParam, std::string>) return;  // strings have no fast path
  const std::vector<std::pair<Shape, Shape>> cases = {
      {{1, 1500}, {1100, 1500}},  {{1100, 1}, {1100, 1500}},
      {{1}, {1500001}},           {{2, 1, 64, 1, 16}, {2, 8, 64, 8, 16}},
      {{300, 1}, {5, 300, 1000}}, {{1000003}, {1, 1000003}},
      {{100, 1}, {3000, 100, 4}}, {{7, 1, 100, 1}, {7, 500, 100, 4}},
      {{3}, {400000, 3}},         {{400000, 1}, {400000, 3}},
  };
  for (const auto& [x_dims, y_dims] : cases) {
    const Expectation<TypeParam> expectation(x_dims, y_dims);
    for (int threads : {1, 2, 3}) {
      ThreadsFor scope(threads);
      ASSERT_NO_FATAL_FAILURE(expectation.Check());
      ASSERT_NO_FATAL_FAILURE(expectation.Check(1));
    }
  }
}

TYPED_TEST(BroadcastTest, TakesSourcesOfHigherRankThanTheTarget) {
  std::vector<TypeParam> x = Numbered<TypeParam>(3);
  std::vector<TypeParam> y(6);
  CallBroadcast(x.data(), {1, 1, 1, 3}, y.data(), {2, 3});
  EXPECT_THAT(y, testing::ElementsAre(x[0], x[1], x[2], x[0], x[1], x[2]));
}

TYPED_TEST(BroadcastTest, TakesShapesOfTheHighestRank) {
  Shape x_dims(32, 1);
  Shape y_dims(32, 1);
  for (int i = 0; i < 32; i += 2) y_dims[i] = 2;
  x_dims[4] = 2;
  x_dims[16] = 2;
  ASSERT_NO_FATAL_FAILURE(ExpectBroadcast<TypeParam>(x_dims, y_dims));
}

}  // namespace
}  // namespace doppio
