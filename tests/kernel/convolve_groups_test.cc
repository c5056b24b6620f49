#include "src/kernel/convolve_groups.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "doppio/parallel.h"

namespace doppio {
namespace {

// Floats that are aligned as those of tensors are.
class Aligned {
 public:
  explicit Aligned(int64_t size) : lines_(static_cast<size_t>(size) / kLine + 1), size_(size) {}
  float* data() { return lines_.front().data(); }
  int64_t size() const { return size_; }

 private:
  static constexpr size_t kLine = 16;
  struct alignas(64) Line : std::array<float, kLine> {};

  std::vector<Line> lines_;
  int64_t size_;
};

class ConvolveGroupsTest : public testing::Test {
 protected:
  ~ConvolveGroupsTest() override { SetNumThreads(threads_); }

  int64_t Int(int64_t least, int64_t most) {
    return std::uniform_int_distribution<int64_t>(least, most)(random_);
  }

  // Whole numbers, whose sums are exact in any order.
  Aligned Values(int64_t size) {
    Aligned values(size);
    for (int64_t i = 0; i < size; ++i) values.data()[i] = static_cast<float>(Int(-3, 3));
    return values;
  }

  GroupConvolution Shape() {
    GroupConvolution c;
    c.batch = Int(1, 2);
    c.lanes = 8 * Int(1, 2);
    c.channels = c.lanes * Int(1, 3);
    c.group = int64_t{1} << Int(1, 3);
    c.kernel_rows = Int(1, 5);
    c.kernel_columns = Int(1, 5);
    c.row_stride = Int(1, 3);
    c.column_stride = Int(1, 3);
    c.row_dilation = Int(1, 3);
    c.column_dilation = Int(1, 3);
    c.pad_top = Int(0, 3);
    c.pad_left = Int(0, 3);
    c.in_rows = Int(1, 20);
    c.in_columns = Int(1, Int(0, 9) == 0 ? 300 : 25);
    c.out_rows = Int(1, 12);
    c.out_columns = Int(1, 24);
    return c;
  }

  static int64_t At(const GroupConvolution& c, int64_t n, int64_t channel, int64_t row,
                    int64_t column, int64_t rows, int64_t columns) {
    const int64_t block = (n * c.channels + channel) / c.lanes;
    return ((block * rows + row) * columns + column) * c.lanes + channel % c.lanes;
  }

  static float SumOfTaps(const GroupConvolution& c, float* x, float* w, int64_t n, int64_t m,
                         int64_t row, int64_t column) {
    float sum = 0;
    for (int64_t k = 0; k < c.group; ++k) {
      for (int64_t i = 0; i < c.kernel_rows; ++i) {
        for (int64_t j = 0; j < c.kernel_columns; ++j) {
          const int64_t at = row * c.row_stride - c.pad_top + i * c.row_dilation;
          const int64_t beside = column * c.column_stride - c.pad_left + j * c.column_dilation;
          if (at < 0 || at >= c.in_rows || beside < 0 || beside >= c.in_columns) continue;
          sum += x[At(c, n, m / c.group * c.group + k, at, beside, c.in_rows, c.in_columns)] *
                 w[((m * c.group + k) * c.kernel_rows + i) * c.kernel_columns + j];
        }
      }
    }
    return sum;
  }

  std::mt19937 random_{8};

 private:
  const int threads_ = NumThreads();
};

TEST_F(ConvolveGroupsTest, GivesTheSumsOfTapsForAnyNumberOfThreads) {
  int taken = 0;
  for (int test = 0; test < 300; ++test) {
    const GroupConvolution c = Shape();
    if (!ConvolvesByGroups(c)) continue;
    ++taken;
    Aligned x = Values(c.batch * c.channels * c.in_rows * c.in_columns);
    Aligned w = Values(c.channels * c.group * c.kernel_rows * c.kernel_columns);
    Aligned bias = Values(c.channels);
    const Aligned before = Values(c.batch * c.channels * c.out_rows * c.out_columns);
    Aligned filters(w.size());
    PackGroupFilters(c, w.data(), filters.data());
    ConvolutionEnding ending;
    ending.adds = Int(0, 1) == 1;
    if (Int(0, 1) == 1) ending.activation = ConvolutionEnding::Activation::kRelu;
    const bool has_bias = Int(0, 1) == 1;
    SetNumThreads(static_cast<int>(Int(1, 4)));
    Aligned y = before;
    CPUContext context;
    ConvolveGroups(c, x.data(), filters.data(), has_bias ? bias.data() : nullptr, ending, y.data(),
                   &context);
    Aligned added = before;
    for (int64_t n = 0; n < c.batch; ++n) {
      for (int64_t m = 0; m < c.channels; ++m) {
        for (int64_t i = 0; i < c.out_rows; ++i) {
          for (int64_t j = 0; j < c.out_columns; ++j) {
            const int64_t at = At(c, n, m, i, j, c.out_rows, c.out_columns);
            float expected = SumOfTaps(c, x.data(), w.data(), n, m, i, j);
            if (has_bias) expected += bias.data()[m];
            if (ending.adds) expected += added.data()[at];
            if (ending.activation != ConvolutionEnding::Activation::kNone) {
              expected = std::max(expected, 0.0F);
            }
            ASSERT_EQ(y.data()[at], expected) << "case " << test << ", " << at;
          }
        }
      }
    }
  }
  EXPECT_GT(taken, 200);
}

TEST_F(ConvolveGroupsTest, NumbersThatAreNotFiniteStayInTheirGroupAndUnderTheirWindows) {
  GroupConvolution c;
  c.channels = 8;
  c.group = 2;
  c.in_rows = c.in_columns = c.out_rows = c.out_columns = 9;
  c.kernel_rows = c.kernel_columns = 3;
  c.pad_top = c.pad_left = 1;
  Aligned x = Values(c.channels * 81);
  Aligned w = Values(c.channels * c.group * 9);
  std::replace(w.data(), w.data() + w.size(), 0.0F, 1.0F);
  x.data()[At(c, 0, 3, 4, 4, 9, 9)] = std::numeric_limits<float>::quiet_NaN();
  Aligned filters(w.size());
  PackGroupFilters(c, w.data(), filters.data());
  Aligned y(c.channels * 81);
  CPUContext context;
  ConvolveGroups(c, x.data(), filters.data(), nullptr, {}, y.data(), &context);
  for (int64_t m = 0; m < c.channels; ++m) {
    for (int64_t i = 0; i < 9; ++i) {
      for (int64_t j = 0; j < 9; ++j) {
        const bool is_reached = m / 2 == 1 && std::abs(i - 4) <= 1 && std::abs(j - 4) <= 1;
        EXPECT_EQ(std::isnan(y.data()[At(c, 0, m, i, j, 9, 9)]), is_reached) << m << i << j;
      }
    }
  }
}

TEST_F(ConvolveGroupsTest, LeavesOtherGroupsAndHugeWindowsToOthers) {
  GroupConvolution c;
  c.channels = 16;
  c.in_rows = c.in_columns = c.out_rows = c.out_columns = 9;
  c.kernel_rows = c.kernel_columns = 3;
  for (const int64_t group : {1, 2, 3, 4, 6, 8, 16}) {
    c.group = group;
    EXPECT_EQ(ConvolvesByGroups(c), group == 2 || group == 4 || group == 8) << group;
  }
  c.group = 4;
  c.row_dilation = 1000;
  EXPECT_FALSE(ConvolvesByGroups(c));
}

}  // namespace
}  // namespace doppio
