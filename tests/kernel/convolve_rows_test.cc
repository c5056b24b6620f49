#include "src/kernel/convolve_rows.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

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

  // Windows that are too large for ConvolveRows among them.
  PlainConvolution Shape() {
    PlainConvolution c;
    const bool large = Int(0, 9) == 0;
    c.batch = Int(1, 2);
    c.groups = Int(1, 3);
    c.inputs = Int(1, 8);
    c.outputs = Int(1, 5);
    c.kernel = {1, Int(1, large ? 120 : 5), Int(1, large ? 90 : 6)};
    c.stride = {1, Int(1, 5), 1};
    c.dilation = {1, Int(1, large ? 9 : 3), Int(1, large ? 9 : 3)};
    c.pad = {0, Int(0, 4), Int(0, 4)};
    for (size_t d = 1; d < 3; ++d) {
      const int64_t reach = (c.kernel[d] - 1) * c.dilation[d] + 1;
      const int64_t more = d == 2 && Int(0, 9) == 0 ? 600 : 20;
      c.in[d] = std::max<int64_t>(1, reach - c.pad[d] + Int(0, large ? 3 : more));
      c.out[d] = (std::max(c.in[d] + c.pad[d] + Int(0, 3), reach) - reach) / c.stride[d] + 1;
    }
    c.x = RowMajor(c.groups * c.inputs, c.in);
    c.w = RowMajor(c.inputs, c.kernel);
    c.y = RowMajor(c.groups * c.outputs, c.out);
    return c;
  }

 private:
  std::mt19937_64 generator_;
};

TEST(ConvolveRowsTest, GivesWhatPlainLoopsGive) {
  Drawer drawer(1);
  int taken = 0;
  int refused = 0;
  for (int i = 0; i < 400; ++i) {
    const PlainConvolution c = drawer.Shape();
    if (!ConvolvesByRows(c)) {
      ++refused;
      continue;
    }
    ++taken;
    const std::vector<float> x = drawer.Values(c.batch * c.x.outer);
    const std::vector<float> w = drawer.Values(c.groups * c.outputs * c.w.outer);
    const std::vector<float> b = drawer.Values(c.groups * c.outputs);
    std::vector<float> expected(static_cast<size_t>(c.batch * c.y.outer));
    std::vector<float> y(expected.size(), -1e6F);
    CPUContext context;
    const float* bias = i % 3 == 0 ? nullptr : b.data();
    Convolve(c, x.data(), w.data(), bias, expected.data(), &context);
    ConvolveRows(c, x.data(), w.data(), bias, y.data(), &context);
    ASSERT_EQ(y, expected) << "case " << i;
  }
  EXPECT_GT(taken, 200);
  EXPECT_GT(refused, 10);
}

}  // namespace
}  // namespace doppio
