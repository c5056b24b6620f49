#include "src/kernel/prelu_blocks.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

namespace doppio {
namespace {

TEST(PreluBlocksTest, NumbersThatAreNotAboveZeroTakeTheSlopeOfTheirChannel) {
  std::mt19937 random(1);
  std::normal_distribution<float> normal;
  const auto draw = [&](int64_t n) {
    std::vector<float> values(static_cast<size_t>(n));
    for (float& value : values) value = normal(random);
    return values;
  };
  // The last ones are for several threads, which do not begin where rows do.
  const std::vector<PreluBlocks> shapes = {{1, 1, 1, 8},  {6, 3, 5, 8},     {4, 2, 7, 16},
                                           {2, 1, 3, 32}, {0, 1, 3, 8},     {1, 1, 0, 8},
                                           {2, 2, 1, 16}, {6, 2, 2477, 16}, {3, 3, 9001, 8}};
  for (const PreluBlocks& shape : shapes) {
    std::vector<float> x = draw(shape.rows * shape.pixels * shape.lanes);
    const std::vector<float> slopes = draw(shape.blocks * shape.lanes);
    if (!x.empty()) x.back() = std::nanf("");
    std::vector<float> y(x.size());
    CPUContext context;
    PreluOfBlocks(x.data(), slopes.data(), shape, y.data(), &context);
    for (size_t i = 0; i < x.size(); ++i) {
      const auto at = static_cast<int64_t>(i);
      const int64_t row = at / shape.lanes / shape.pixels;
      const int64_t slope = row % shape.blocks * shape.lanes + at % shape.lanes;
      const float expected = x[i] > 0 ? x[i] : slopes[static_cast<size_t>(slope)] * x[i];
      ASSERT_TRUE(y[i] == expected || (std::isnan(y[i]) && std::isnan(expected)))
          << i << ": " << y[i] << ", must be " << expected;
    }
    PreluOfBlocks(x.data(), slopes.data(), shape, x.data(), &context);
    for (size_t i = 0; i + 1 < x.size(); ++i) ASSERT_EQ(x[i], y[i]) << i;
  }
}

}  // namespace
}  // namespace doppio
