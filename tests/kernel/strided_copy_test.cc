#include "src/kernel/strided_copy.h"

#include <gtest/gtest.h>

#include <cstring>
#include <numeric>
#include <string>
#include <vector>

#include "tests/kernel/shapes.h"

namespace doppio {
namespace {

std::vector<int32_t> Numbered(int64_t count) {
  std::vector<int32_t> values(count);
  for (int64_t i = 0; i < count; ++i) values[i] = static_cast<int32_t>(i + 1);
  return values;
}

void ExpectBox(const Shape& x_dims, const Shape& starts, const Shape& sizes) {
  CPUContext context;
  const std::vector<int32_t> x = Numbered(Count(x_dims));
  std::vector<int32_t> box(Count(sizes) + 1, -1);
  std::vector<int32_t> expected = box;
  std::vector<int32_t> scattered(x.size() + 1, -1);
  std::vector<int32_t> expected_scattered(x.size() + 1, 0);
  expected_scattered.back() = -1;
  const Shape strides = Strides(x_dims);
  const int64_t first =
      std::inner_product(starts.begin(), starts.end(), strides.begin(), int64_t{0});
  const std::vector<int64_t> offsets = Offsets(sizes, strides);
  for (size_t i = 0; i < offsets.size(); ++i) {
    const int64_t offset = first + offsets[i];
    expected[i] = x[offset];
    expected_scattered[offset] = x[offset];
  }
  CopyBox(sizeof(int32_t), x.data(), x_dims, starts, sizes, box.data(), &context);
  ASSERT_TRUE(box == expected) << ShapeToString(starts) << " + " << ShapeToString(sizes) << " of "
                               << ShapeToString(x_dims);
  ScatterBox(sizeof(int32_t), box.data(), sizes, starts, scattered.data(), x_dims, &context);
  ASSERT_TRUE(scattered == expected_scattered)
      << ShapeToString(starts) << " + " << ShapeToString(sizes) << " of " << ShapeToString(x_dims);
  if (x.size() > 1000) return;
  std::vector<std::string> strings(x.size());
  for (size_t i = 0; i < x.size(); ++i) strings[i] = std::to_string(x[i]);
  std::vector<std::string> string_box(Count(sizes));
  CopyBox(strings.data(), x_dims, starts, sizes, string_box.data(), &context);
  for (int64_t i = 0; i < Count(sizes); ++i) ASSERT_EQ(string_box[i], std::to_string(expected[i]));
}

// Every box of every shape of this rank.
void ExpectAllBoxes(const Shape& x_dims, Shape& starts, Shape& sizes) {
  const size_t depth = starts.size();
  if (depth == x_dims.size()) return ExpectBox(x_dims, starts, sizes);
  for (int64_t start = 0; start <= x_dims[depth]; ++start) {
    for (int64_t size = 0; start + size <= x_dims[depth]; ++size) {
      starts.push_back(start);
      sizes.push_back(size);
      ASSERT_NO_FATAL_FAILURE(ExpectAllBoxes(x_dims, starts, sizes));
      starts.pop_back();
      sizes.pop_back();
    }
  }
}

TEST(CopyBoxTest, AgreesWithTheDefinitionOnAllBoxesOfAllSmallShapes) {
  for (const Shape& x_dims : AllShapes(3, 3)) {
    Shape starts;
    Shape sizes;
    ASSERT_NO_FATAL_FAILURE(ExpectAllBoxes(x_dims, starts, sizes));
  }
}

TEST(CopyBoxTest, AgreesWithTheDefinitionOnRandomBoxesForAnyNumberOfThreads) {
  std::mt19937 generator = SeededGenerator();
  for (int i = 0; i < 60; ++i) {
    const Shape x_dims = RandomShape(generator);
    Shape starts;
    Shape sizes;
    for (int64_t size : x_dims) {
      const bool whole = RandomBetween(generator, 0, 1) == 0;
      starts.push_back(whole ? 0 : RandomBetween(generator, 0, size));
      sizes.push_back(whole ? size : RandomBetween(generator, 0, size - starts.back()));
    }
    for (int threads : {1, 2, 3}) {
      ThreadsFor scope(threads);
      ASSERT_NO_FATAL_FAILURE(ExpectBox(x_dims, starts, sizes));
    }
  }
}

TEST(CopyBoxTest, TakesShapesOfTheHighestRank) {
  Shape x_dims(32, 1);
  Shape starts(32, 0);
  for (int i = 0; i < 32; i += 3) x_dims[i] = 2;
  Shape sizes = x_dims;
  starts[3] = starts[9] = sizes[3] = sizes[9] = 1;
  ASSERT_NO_FATAL_FAILURE(ExpectBox(x_dims, starts, sizes));
}

TEST(CopyBlocksTest, CopiesBlocksOfAnySizeBetweenAnyStrides) {
  CPUContext context;
  for (int64_t block : {0, 1, 2, 3, 4, 7, 8, 12, 16, 31, 32, 100, 5000}) {
    for (int64_t count : {0, 1, 2, 9, 300}) {
      const int64_t from_stride = block + 3;
      const int64_t to_stride = block + block % 5;
      std::vector<char> src(count * from_stride + 1);
      for (size_t i = 0; i < src.size(); ++i) src[i] = static_cast<char>(i * 31 + i / 251);
      std::vector<char> expected(count * to_stride + 1, 'x');
      for (int64_t i = 0; i < count; ++i) {
        std::memcpy(&expected[i * to_stride], &src[i * from_stride], block);
      }
      for (int threads : {1, 2, 3}) {
        ThreadsFor scope(threads);
        std::vector<char> dst(count * to_stride + 1, 'x');
        CopyBlocks(src.data(), from_stride, dst.data(), to_stride, block, count, &context);
        ASSERT_TRUE(dst == expected) << block << " bytes, " << count << " times";
      }
    }
  }
}

TEST(CopyBlocksTest, CopiesStrings) {
  CPUContext context;
  const std::vector<std::string> src = {"a", "b", "c", "d", "e", "f"};
  std::vector<std::string> dst(4);
  CopyBlocks(src.data() + 1, 3, dst.data(), 2, 2, 2, &context);
  EXPECT_EQ(dst, (std::vector<std::string>{"b", "c", "e", "f"}));
}

}  // namespace
}  // namespace doppio
