#include "src/kernel/winograd.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "doppio/parallel.h"

namespace doppio {
namespace {

using Activation = ConvolutionEnding::Activation;

constexpr int64_t kLanes = kWinogradLanes;
constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

std::string ToString(const WinogradConvolution& c) {
  return absl::StrCat("batch ", c.batch, ", ", c.groups, " x channels ", c.inputs, " to ",
                      c.outputs, ", image ", c.in_rows, " x ", c.in_columns, ", places ",
                      c.out_rows, " x ", c.out_columns, ", pads ", c.pad_top, " and ", c.pad_left);
}

WinogradConvolution Shape(int64_t batch, int64_t in_channels, int64_t out_channels, int64_t rows,
                          int64_t columns, int64_t top, int64_t left, int64_t bottom,
                          int64_t right) {
  return {batch,
          1,
          in_channels,
          out_channels,
          rows,
          columns,
          rows + top + bottom - 2,
          columns + left + right - 2,
          top,
          left};
}

// Floats that are aligned as those of tensors are.
class Buffer {
 public:
  explicit Buffer(int64_t size, float value = 0)
      : lines_(static_cast<size_t>(size) / kLine + 1), size_(size) {
    std::fill_n(data(), size, value);
  }

  float* data() { return lines_.front().data(); }
  const float* data() const { return lines_.front().data(); }
  int64_t size() const { return size_; }

 private:
  static constexpr size_t kLine = 16;
  struct alignas(64) Line : std::array<float, kLine> {};

  std::vector<Line> lines_;
  int64_t size_;
};

// A convolution and what it is given.
class Example {
 public:
  Example(const WinogradConvolution& c, uint32_t seed)
      : c_(c),
        random_(seed),
        x_(Normal(c.batch * c.in_channels() * c.in_rows * c.in_columns, 1)),
        w_(Normal(c.out_channels() * c.inputs * 9,
                  1 / std::sqrt(9 * static_cast<float>(c.inputs)))),
        bias_(Normal(c.out_channels(), 1)),
        before_(Normal(c.batch * c.out_channels() * c.out_rows * c.out_columns, 1)) {}

  float* x() { return x_.data(); }
  float* w() { return w_.data(); }
  ConvolutionEnding ending;
  bool has_bias = true;

  std::vector<float> Winograd(int64_t pieces = 1) const {
    CPUContext context;
    const WinogradFilterShape filters = {c_.groups, c_.outputs, c_.inputs};
    Buffer transformed(WinogradFilterSize(filters));
    TransformWinogradFilters(filters, w_.data(), transformed.data(), &context);
    Buffer room(WinogradRoomSize(c_, pieces), kNan);
    Buffer y = before_;
    ConvolveWinograd(c_, x_.data(),
                     {w_.data(), transformed.data(), has_bias ? bias_.data() : nullptr}, ending,
                     pieces, room.data(), y.data(), &context);
    return {y.data(), y.data() + y.size()};
  }

  // Tap by tap, in T.
  template <typename T>
  std::vector<T> Direct() const {
    std::vector<T> y(static_cast<size_t>(before_.size()));
    for (int64_t n = 0; n < c_.batch; ++n) {
      for (int64_t m = 0; m < c_.out_channels(); ++m) {
        for (int64_t i = 0; i < c_.out_rows; ++i) {
          for (int64_t j = 0; j < c_.out_columns; ++j) {
            const int64_t at = At(n, m, i, j, c_.out_channels(), c_.out_rows, c_.out_columns);
            T value = SumOfTaps<T>(n, m, i, j);
            if (has_bias) value += static_cast<T>(bias_.data()[m]);
            if (ending.adds) value += static_cast<T>(before_.data()[at]);
            y[static_cast<size_t>(at)] = Activate(value);
          }
        }
      }
    }
    return y;
  }

  // The root of the mean of squared differences to the exact result.
  template <typename T>
  double Error(const std::vector<T>& y) const {
    const std::vector<double> exact = Direct<double>();
    double sum = 0;
    for (size_t i = 0; i < y.size(); ++i) sum += std::pow(y[i] - exact[i], 2);
    return std::sqrt(sum / static_cast<double>(y.size()));
  }

 private:
  Buffer Normal(int64_t size, float scale) {
    std::normal_distribution<float> normal(0, scale);
    Buffer numbers(size);
    for (int64_t i = 0; i < size; ++i) numbers.data()[i] = normal(random_);
    return numbers;
  }

  static int64_t At(int64_t n, int64_t channel, int64_t row, int64_t column, int64_t channels,
                    int64_t rows, int64_t columns) {
    const int64_t block = (n * channels + channel / kLanes * kLanes) / kLanes;
    return ((block * rows + row) * columns + column) * kLanes + channel % kLanes;
  }

  template <typename T>
  T SumOfTaps(int64_t n, int64_t m, int64_t row, int64_t column) const {
    T sum = 0;
    const int64_t first = m / c_.outputs * c_.inputs;
    for (int64_t k = 0; k < c_.inputs; ++k) {
      for (int64_t tap = 0; tap < 9; ++tap) {
        const int64_t i = row + tap / 3 - c_.pad_top;
        const int64_t j = column + tap % 3 - c_.pad_left;
        if (i < 0 || i >= c_.in_rows || j < 0 || j >= c_.in_columns) continue;
        const float x =
            x_.data()[At(n, first + k, i, j, c_.in_channels(), c_.in_rows, c_.in_columns)];
        sum += static_cast<T>(w_.data()[(m * c_.inputs + k) * 9 + tap]) * static_cast<T>(x);
      }
    }
    return sum;
  }

  template <typename T>
  T Activate(T value) const {
    if (ending.activation == Activation::kRelu) {
      return value > 0 ? value : value * static_cast<T>(ending.slope);
    }
    if (ending.activation == Activation::kClip) {
      return std::clamp<T>(value, static_cast<T>(ending.least), static_cast<T>(ending.most));
    }
    return value;
  }

  WinogradConvolution c_;
  std::mt19937 random_;
  Buffer x_, w_, bias_, before_;
};

class WinogradTest : public testing::Test {
 protected:
  ~WinogradTest() override { SetNumThreads(before_); }

  // Shapes of all kinds: without and with padding, also at one side alone; tiles that are full and
  // such that are not; more of them than are transformed at once.
  std::vector<WinogradConvolution> Shapes() {
    std::vector<WinogradConvolution> shapes = {
        Shape(1, 8, 8, 3, 3, 0, 0, 0, 0),    Shape(1, 8, 8, 1, 1, 1, 1, 1, 1),
        Shape(1, 16, 24, 4, 4, 1, 1, 1, 1),  Shape(2, 64, 32, 14, 14, 1, 1, 1, 1),
        Shape(1, 8, 40, 1, 30, 2, 0, 1, 2),  Shape(3, 8, 8, 19, 2, 0, 2, 1, 0),
        Shape(1, 512, 16, 7, 7, 1, 1, 1, 1), Shape(1, 256, 8, 30, 34, 1, 1, 1, 1)};
    const auto draw = [this](int64_t least, int64_t most) {
      return std::uniform_int_distribution<int64_t>(least, most)(random_);
    };
    for (int i = 0; i < 20; ++i) {
      shapes.push_back(Shape(draw(1, 3), 8 * draw(1, 6), 8 * draw(1, 6), draw(2, 23), draw(2, 23),
                             draw(0, 2), draw(0, 2), draw(1, 2), draw(1, 2)));
      if (i % 2 == 1) shapes.back().groups = draw(2, 4);
    }
    return shapes;
  }

  std::mt19937 random_{20};

 private:
  const int before_ = NumThreads();
};

TEST_F(WinogradTest, ErrsAboutTwiceAsMuchAsTapsThatAreAddedUp) {
  for (const WinogradConvolution& c : Shapes()) {
    SCOPED_TRACE(ToString(c));
    const Example example(c, 3);
    const double direct = example.Error(example.Direct<float>());
    EXPECT_LT(example.Error(example.Winograd()), 4 * direct + 1e-6);
  }
}

TEST_F(WinogradTest, AddsWhatWasThereAndAppliesTheActivation) {
  for (const bool has_bias : {false, true}) {
    for (const bool adds : {false, true}) {
      for (const ConvolutionEnding& ending :
           {ConvolutionEnding{adds, Activation::kNone}, ConvolutionEnding{adds, Activation::kRelu},
            ConvolutionEnding{adds, Activation::kRelu, 0.25F},
            ConvolutionEnding{adds, Activation::kClip, 0, -0.5F, 0.75F}}) {
        Example example(Shape(2, 16, 24, 9, 6, 1, 1, 1, 1), 4);
        example.ending = ending;
        example.has_bias = has_bias;
        const std::vector<float> y = example.Winograd();
        const std::vector<double> expected = example.Direct<double>();
        for (size_t i = 0; i < y.size(); ++i) ASSERT_NEAR(y[i], expected[i], 2e-5) << i;
      }
    }
  }
}

TEST_F(WinogradTest, BitsDependNeitherOnTheNumberOfThreadsNorOnThatOfPieces) {
  for (const WinogradConvolution& c : Shapes()) {
    SCOPED_TRACE(ToString(c));
    const Example example(c, 5);
    SetNumThreads(1);
    const std::vector<float> expected = example.Winograd();
    for (const int threads : {1, 2, 3, 4}) {
      SetNumThreads(threads);
      for (const int64_t pieces : {1, 2, 3, 7}) {
        if (pieces > WinogradTiles(c)) continue;
        const std::vector<float> y = example.Winograd(pieces);
        EXPECT_EQ(std::memcmp(y.data(), expected.data(), y.size() * sizeof(float)), 0)
            << threads << " threads, " << pieces << " pieces";
      }
    }
  }
}

// Of 97 tiles one piece has 48, which are two chunks of 24, and the other one 49, three of at
// most 17.
TEST_F(WinogradTest, PiecesOfDifferentSizesKeepToTheirRooms) {
  const WinogradConvolution c = Shape(1, 256, 64, 4, 388, 1, 1, 1, 1);
  ASSERT_EQ(WinogradTiles(c), 97);
  const Example example(c, 7);
  const std::vector<float> expected = example.Winograd();
  SetNumThreads(2);
  for (int run = 0; run < 5; ++run) EXPECT_TRUE(example.Winograd(2) == expected);
}

TEST_F(WinogradTest, ThreadsHavePiecesOfTheirOwnWhereEachHasEnoughTiles) {
  const WinogradConvolution c = Shape(1, 16, 16, 28, 28, 1, 1, 1, 1);
  ASSERT_EQ(WinogradTiles(c), 49);
  EXPECT_EQ(WinogradPieces(c, 1), 1);
  EXPECT_EQ(WinogradPieces(c, 2), 2);
  EXPECT_EQ(WinogradPieces(c, 3), 1);
}

TEST_F(WinogradTest, NumbersThatAreNotFiniteStayUnderTheirWindows) {
  const WinogradConvolution c = Shape(2, 16, 16, 13, 11, 1, 1, 1, 1);
  for (const float odd : {kNan, kInf, -kInf, 3e38F, 1e37F}) {
    Example example(c, 6);
    for (const int64_t at : {0, 77, 1000, 2300, 4500}) example.x()[at] = odd;
    const std::vector<float> y = example.Winograd();
    const std::vector<double> expected = example.Direct<double>();
    for (size_t i = 0; i < y.size(); ++i) {
      ASSERT_EQ(std::isnan(y[i]), std::isnan(expected[i])) << odd << " " << i;
      if (std::isinf(expected[i])) {
        ASSERT_EQ(static_cast<double>(y[i]), expected[i]) << odd << " " << i;
      } else if (!std::isnan(expected[i])) {
        // Rounding errors are those of the largest number in the tile.
        const double error = std::isfinite(odd) ? 1e-6 * std::abs(odd) : 2e-5;
        ASSERT_NEAR(y[i], expected[i], error) << odd << " " << i;
      }
    }
  }
}

TEST_F(WinogradTest, AFilterThatIsNotFiniteSpoilsItsOwnChannelAlone) {
  Example example(Shape(1, 8, 16, 9, 9, 0, 0, 0, 0), 7);
  example.w()[9 * 8 * 5 + 3] = kInf;
  const std::vector<float> y = example.Winograd();
  const std::vector<double> expected = example.Direct<double>();
  for (size_t i = 0; i < y.size(); ++i) {
    if (std::isfinite(expected[i])) {
      ASSERT_NEAR(y[i], expected[i], 2e-5) << i;
    } else {
      ASSERT_EQ(static_cast<double>(y[i]), expected[i]) << i;
    }
  }
}

}  // namespace
}  // namespace doppio
