#include "src/kernel/transpose_rows.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <random>
#include <vector>

#include "doppio/parallel.h"

namespace doppio {
namespace {

ImageStrides RowMajor(int64_t channels, const Spatial& size) {
  ImageStrides strides;
  strides.spatial = {size[1] * size[2], size[2], 1};
  strides.inner = size[0] * size[1] * size[2];
  strides.outer = channels * strides.inner;
  return strides;
}

class Drawer {
 public:
  explicit Drawer(uint64_t seed) : generator_(seed) {}

  int64_t Int(int64_t least, int64_t most) {
    return least + static_cast<int64_t>(generator_() % static_cast<uint64_t>(most - least + 1));
  }

  // Whole numbers, whose sums are exact in any order.
  std::vector<float> Values(int64_t size) {
    std::vector<float> values(static_cast<size_t>(size));
    for (float& value : values) value = static_cast<float>(Int(-3, 3));
    return values;
  }

  // Shapes that are not for TransposeRows among them.
  PlainConvolution Shape() {
    PlainConvolution c;
    const bool large = Int(0, 9) == 0;
    c.batch = Int(1, 2);
    c.groups = Int(1, 3);
    c.inputs = Int(1, large ? 20 : 8);
    c.outputs = Int(1, large ? 200 : 6);
    c.kernel = {1, Int(1, large ? 20 : 5), Int(1, large ? 80 : 6)};
    c.stride = {1, Int(1, 4), Int(1, Int(0, 5) == 0 ? 3 : 2)};
    c.dilation = {1, 1, Int(0, 9) == 0 ? 2 : 1};
    c.pad = {0, Int(0, 3), Int(0, 3)};
    for (size_t d = 1; d < 3; ++d) {
      const int64_t reach = (c.kernel[d] - 1) * c.dilation[d] + 1;
      c.out[d] = Int(1, d == 2 && Int(0, 5) == 0 ? 700 : 20);
      // Some columns of the image may have no place that reaches them.
      c.in[d] = std::max<int64_t>(
          1, (c.out[d] - 1) * c.stride[d] + reach - 2 * c.pad[d] + Int(0, c.stride[d] + 1));
    }
    c.x = RowMajor(c.groups * c.inputs, c.in);
    c.w = RowMajor(c.inputs, c.kernel);
    c.y = RowMajor(c.groups * c.outputs, c.out);
    return c;
  }

 private:
  std::mt19937_64 generator_;
};

TEST(TransposeRowsTest, GivesWhatPlainLoopsGive) {
  Drawer drawer(1);
  int taken = 0;
  int refused = 0;
  for (int i = 0; i < 400; ++i) {
    const PlainConvolution c = drawer.Shape();
    const std::vector<float> y = drawer.Values(c.batch * c.y.outer);
    const std::vector<float> w = drawer.Values(c.groups * c.outputs * c.w.outer);
    const std::vector<float> b = drawer.Values(c.groups * c.inputs);
    if (!TransposesByRows(c, w.data())) {
      ++refused;
      continue;
    }
    ++taken;
    std::vector<float> expected(static_cast<size_t>(c.batch * c.x.outer));
    std::vector<float> x(expected.size(), -1e6F);
    CPUContext context;
    ConvolveBackwardData(c, y.data(), w.data(), expected.data(), &context);
    const bool has_bias = i % 3 != 0;
    for (size_t at = 0; has_bias && at < expected.size(); ++at) {
      const int64_t channel = static_cast<int64_t>(at) / c.x.inner % (c.groups * c.inputs);
      expected[at] += b[static_cast<size_t>(channel)];
    }
    TransposeRows(c, y.data(), w.data(), has_bias ? b.data() : nullptr, x.data(), &context);
    ASSERT_EQ(x, expected) << "case " << i;
  }
  EXPECT_GT(taken, 200);
  EXPECT_GT(refused, 10);
}

TEST(TransposeRowsTest, GivesTheSameBitsForAnyNumberOfThreads) {
  const int threads_before = NumThreads();
  std::mt19937 random(1);
  std::normal_distribution<float> normal;
  PlainConvolution c;
  c.inputs = 5;
  c.outputs = 7;
  c.kernel = {1, 3, 4};
  c.stride = {1, 2, 2};
  c.pad = {0, 1, 1};
  c.out = {1, 90, 301};
  c.in = {1, 179, 602};
  c.x = RowMajor(c.inputs, c.in);
  c.w = RowMajor(c.inputs, c.kernel);
  c.y = RowMajor(c.outputs, c.out);
  std::vector<float> y(static_cast<size_t>(c.y.outer));
  std::vector<float> w(static_cast<size_t>(c.outputs * c.w.outer));
  for (std::vector<float>* values : {&y, &w}) {
    for (float& value : *values) value = normal(random);
  }
  std::vector<float> expected;
  for (const int threads : {1, 2, 3}) {
    SetNumThreads(threads);
    std::vector<float> x(static_cast<size_t>(c.x.outer));
    CPUContext context;
    TransposeRows(c, y.data(), w.data(), nullptr, x.data(), &context);
    if (expected.empty()) expected = x;
    EXPECT_EQ(x, expected) << threads;
  }
  SetNumThreads(threads_before);
}

// At the image's edge such a filter would meet what is beside the places, which is not there.
TEST(TransposeRowsTest, FiltersThatAreNotFiniteAreLeftToOthers) {
  PlainConvolution c;
  c.kernel = {1, 1, 2};
  c.out = {1, 1, 3};
  c.in = {1, 1, 4};
  c.x = RowMajor(1, c.in);
  c.w = RowMajor(1, c.kernel);
  c.y = RowMajor(1, c.out);
  std::vector<float> w = {1, 2};
  EXPECT_TRUE(TransposesByRows(c, w.data()));
  w[1] = std::numeric_limits<float>::infinity();
  EXPECT_FALSE(TransposesByRows(c, w.data()));
}

}  // namespace
}  // namespace doppio
