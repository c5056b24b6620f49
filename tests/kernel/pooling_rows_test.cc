#include "src/kernel/pooling_rows.h"

#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "doppio/tensor.h"
#include "gtest/gtest.h"

namespace doppio {
namespace {

constexpr int kShapes = 600;
constexpr size_t kBehind = 32;

// Images with the elements of X and Y `gap` apart: with gaps, the plain loops pool them.
PlainPool Spread(PlainPool shape, int64_t gap) {
  const auto strides = [&](const Spatial& size) {
    ImageStrides result;
    result.spatial = {size[1] * size[2] * gap, size[2] * gap, gap};
    result.inner = size[0] * size[1] * size[2] * gap;
    result.outer = shape.channels * result.inner;
    return result;
  };
  shape.x = strides(shape.in);
  shape.y = strides(shape.out);
  return shape;
}

PlainPool RandomShape(std::mt19937& random) {
  const auto draw = [&](int64_t least, int64_t most) {
    return least + static_cast<int64_t>(random() % static_cast<uint64_t>(most - least + 1));
  };
  PlainPool shape;
  shape.batch = draw(1, 2);
  shape.channels = draw(1, 3);
  const bool sees_all = draw(0, 9) == 0;
  for (size_t d = 0; d < 3; ++d) {
    shape.in[d] = d == 2 ? draw(1, 60) : draw(1, 4);
    shape.kernel[d] = draw(1, std::min<int64_t>(shape.in[d] + 1, 7));
    shape.stride[d] = draw(1, 4);
    shape.pad[d] = draw(0, shape.kernel[d] - 1);
    if (sees_all) {
      shape.kernel[d] = shape.in[d] + shape.pad[d] + draw(0, 2);
      continue;  // one place
    }
    const int64_t room = shape.in[d] + shape.pad[d] + draw(0, shape.kernel[d] - 1);
    shape.out[d] = std::max<int64_t>(0, room - shape.kernel[d]) / shape.stride[d] + 1;
  }
  return Spread(shape, 1);
}

template <typename T>
std::vector<T> RandomValues(std::mt19937& random, int64_t count) {
  std::vector<T> values(static_cast<size_t>(count));
  // Few values, so that maxima are equal often, and now and then no number.
  for (T& value : values) value = static_cast<T>(static_cast<int>(random() % 9) - 4);
  if (count > 0 && random() % 4 == 0) {
    values[random() % values.size()] = std::numeric_limits<T>::quiet_NaN();
  }
  return values;
}

template <typename T>
std::vector<T> WithGaps(const std::vector<T>& values) {
  std::vector<T> spread(2 * values.size(), T(77));
  for (size_t i = 0; i < values.size(); ++i) spread[2 * i] = values[i];
  return spread;
}

template <typename T>
void ExpectAlike(const std::vector<T>& rows, const std::vector<T>& spread) {
  for (size_t i = 0; i < rows.size(); ++i) {
    const T expected = spread[2 * i];
    if (std::isnan(expected)) {
      ASSERT_TRUE(std::isnan(rows[i])) << i;
    } else {
      ASSERT_NEAR(rows[i], expected, 1e-5) << i;
    }
  }
}

int64_t Size(const Spatial& size) { return size[0] * size[1] * size[2]; }

// An image of X, or of Y, is of this size.
int64_t Elements(const PlainPool& shape, const Spatial& size) {
  return shape.batch * shape.channels * Size(size);
}

template <typename T>
class PoolingRowsTest : public testing::Test {};
using Types = testing::Types<float, double>;
TYPED_TEST_SUITE(PoolingRowsTest, Types);

TYPED_TEST(PoolingRowsTest, GiveWhatThePlainLoopsGive) {
  using T = TypeParam;
  std::mt19937 random(7);
  for (int i = 0; i < kShapes; ++i) {
    const PlainPool rows = RandomShape(random);
    const PlainPool spread = Spread(rows, 2);
    SCOPED_TRACE(absl::StrCat("shape ", i, ": in ", ShapeToString(rows.in), " kernel ",
                              ShapeToString(rows.kernel), " stride ", ShapeToString(rows.stride),
                              " pad ", ShapeToString(rows.pad)));
    ASSERT_TRUE(PoolsByRows(rows));
    ASSERT_FALSE(PoolsByRows(spread) && Size(rows.in) > 1);
    const std::vector<T> x = RandomValues<T>(random, Elements(rows, rows.in));
    const std::vector<T> dy = RandomValues<T>(random, Elements(rows, rows.out));
    std::vector<T> y(dy.size());
    std::vector<T> dx(x.size() + kBehind, T(55));
    const std::vector<T> spread_x = WithGaps(x);
    const std::vector<T> spread_dy = WithGaps(dy);
    std::vector<T> spread_y = WithGaps(y);
    std::vector<T> spread_dx = WithGaps(dx);  // what is behind the images stays there
    CPUContext context;
    for (const bool count_include_pad : {false, true}) {
      AveragePool(rows, count_include_pad, x.data(), y.data(), &context);
      AveragePool(spread, count_include_pad, spread_x.data(), spread_y.data(), &context);
      ExpectAlike(y, spread_y);
      AveragePoolGradient(rows, count_include_pad, dy.data(), dx.data(), &context);
      AveragePoolGradient(spread, count_include_pad, spread_dy.data(), spread_dx.data(), &context);
      ExpectAlike(dx, spread_dx);
    }
    MaxPool(rows, x.data(), y.data(), &context);
    MaxPool(spread, spread_x.data(), spread_y.data(), &context);
    ExpectAlike(y, spread_y);
    MaxPoolGradient(rows, x.data(), y.data(), dy.data(), dx.data(), &context);
    MaxPoolGradient(spread, spread_x.data(), spread_y.data(), spread_dy.data(), spread_dx.data(),
                    &context);
    ExpectAlike(dx, spread_dx);
  }
}

TEST(PoolsByRowsTest, LeavesRowsThatAreTooLongForItsScratch) {
  PlainPool shape;
  shape.in = {1, 1, 5000};
  shape.out = {1, 1, 5000};
  shape = Spread(shape, 1);
  EXPECT_FALSE(PoolsByRows(shape));
  const std::vector<float> x(5000, 3);
  std::vector<float> y(5000);
  CPUContext context;
  MaxPool(shape, x.data(), y.data(), &context);
  EXPECT_EQ(x, y);
}

}  // namespace
}  // namespace doppio
