#include "src/kernel/elementwise_unary.h"

#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "gtest/gtest.h"
#include "src/kernel/elementwise_gradient.h"

namespace doppio {
namespace {

using Function = void (*)(const float*, float*, int64_t, CPUContext*);

// How many floats lie between the two; 0 for two NaN.
int64_t UlpsBetween(float a, float b) {
  if (std::isnan(a) && std::isnan(b)) return 0;
  if (std::isnan(a) || std::isnan(b)) return std::numeric_limits<int64_t>::max();
  const auto ordered = [](float value) {
    int32_t bits;
    std::memcpy(&bits, &value, sizeof(bits));
    return bits < 0 ? int64_t{std::numeric_limits<int32_t>::min()} - bits : int64_t{bits};
  };
  return std::abs(ordered(a) - ordered(b));
}

// Floats of all kinds, evenly over their bit patterns: also denormal, infinite and NaN ones.
std::vector<float> FloatsOfAllKinds() {
  std::vector<float> floats;
  for (uint64_t bits = 0; bits < (uint64_t{1} << 32); bits += 65521) {
    const uint32_t pattern = static_cast<uint32_t>(bits);
    float value;
    std::memcpy(&value, &pattern, sizeof(value));
    floats.push_back(value);
  }
  const float infinity = std::numeric_limits<float>::infinity();
  for (float value : {0.0f, -0.0f, 1.0f, -1.0f, 0.625f, 88.72f, 88.73f, -87.4f, -103.9f, -104.0f,
                      104.1f, infinity, -infinity, std::nanf("")}) {
    floats.push_back(value);
  }
  return floats;
}

void ExpectNearTo(double (*exact)(double), Function function, int64_t ulps) {
  const std::vector<float> x = FloatsOfAllKinds();
  std::vector<float> y(x.size());
  CPUContext context;
  function(x.data(), y.data(), static_cast<int64_t>(x.size()), &context);
  int64_t worst = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    const int64_t distance = UlpsBetween(y[i], static_cast<float>(exact(x[i])));
    if (distance > worst) {
      worst = distance;
      EXPECT_LE(distance, ulps) << "f(" << x[i] << ") = " << y[i] << ", not " << exact(x[i]);
    }
  }
}

TEST(ElementwiseUnaryTest, ExpIsWithinTwoUlps) { ExpectNearTo(std::exp, Exp<float>, 2); }
TEST(ElementwiseUnaryTest, LogIsWithinTwoUlps) { ExpectNearTo(std::log, Log<float>, 2); }
TEST(ElementwiseUnaryTest, TanhIsWithinTwoUlps) { ExpectNearTo(std::tanh, Tanh<float>, 2); }
TEST(ElementwiseUnaryTest, SigmoidIsWithinThreeUlps) {
  ExpectNearTo([](double x) { return 1 / (1 + std::exp(-x)); }, Sigmoid<float>, 3);
}
TEST(ElementwiseUnaryTest, ReluKeepsNaN) {
  ExpectNearTo([](double x) { return x < 0 ? 0 : x; }, Relu<float>, 0);
}
TEST(ElementwiseUnaryTest, SqrSqrtNegativeAndAbsAreExact) {
  ExpectNearTo([](double x) { return x * x; }, Sqr<float>, 0);
  ExpectNearTo([](double x) { return std::sqrt(x); }, Sqrt<float>, 0);
  ExpectNearTo([](double x) { return -x; }, Negative<float>, 0);
  ExpectNearTo([](double x) { return std::abs(x); }, Abs<float>, 0);
}

TEST(ElementwiseUnaryTest, SqrtOfDoublesIsTheLibrarys) {
  for (int64_t n : {3, 40}) {  // one by one, and as vectors
    std::vector<double> x(static_cast<size_t>(n), 2.0);
    std::vector<double> y(x.size());
    x[1] = -1;
    x[2] = 1e-310;
    CPUContext context;
    Sqrt(x.data(), y.data(), n, &context);
    EXPECT_EQ(y[0], std::sqrt(2.0));
    EXPECT_TRUE(std::isnan(y[1]));
    EXPECT_EQ(y[2], std::sqrt(1e-310));
    EXPECT_EQ(y.back(), std::sqrt(x.back()));
  }
}

TEST(ElementwiseUnaryTest, IntegersWrap) {
  const int64_t least = std::numeric_limits<int64_t>::min();
  for (int64_t n : {3, 40}) {  // one by one, and as vectors
    std::vector<int64_t> x(static_cast<size_t>(n), least);
    std::vector<int64_t> y(x.size());
    x[1] = -5;
    CPUContext context;
    Negative(x.data(), y.data(), n, &context);
    EXPECT_EQ(y[0], least);
    EXPECT_EQ(y[1], 5);
    Abs(x.data(), x.data(), n, &context);
    EXPECT_EQ(x[0], least);
    EXPECT_EQ(x[1], 5);
  }
}

TEST(ElementwiseUnaryTest, AnElementsBitsDependOnItsValueAlone) {
  const std::vector<float> x = FloatsOfAllKinds();
  const int64_t n = static_cast<int64_t>(x.size());
  CPUContext context;
  for (Function function : {Relu<float>, Sqr<float>, Sqrt<float>, Exp<float>, Log<float>,
                            Tanh<float>, Sigmoid<float>, Abs<float>, Negative<float>}) {
    std::vector<float> together(x.size());
    function(x.data(), together.data(), n, &context);
    std::vector<float> apart = x;  // in place, in pieces of many sizes
    for (int64_t begin = 0, size = 1; begin < n; begin += size, size = size % 37 + 1) {
      size = std::min(size, n - begin);
      function(apart.data() + begin, apart.data() + begin, size, &context);
    }
    EXPECT_EQ(std::memcmp(together.data(), apart.data(), x.size() * sizeof(float)), 0);
  }
}

TEST(ElementwiseUnaryTest, ThreadsDoNotChangeTheBits) {
  std::vector<float> x = FloatsOfAllKinds();
  x.resize(x.size() * 5 + 3, 0.7f);
  std::vector<float> one(x.size());
  std::vector<float> many(x.size());
  const int threads = NumThreads();
  CPUContext context;
  for (Function function : {Relu<float>, Exp<float>, Tanh<float>}) {
    SetNumThreads(1);
    function(x.data(), one.data(), static_cast<int64_t>(x.size()), &context);
    SetNumThreads(3);
    function(x.data(), many.data(), static_cast<int64_t>(x.size()), &context);
    EXPECT_EQ(std::memcmp(one.data(), many.data(), x.size() * sizeof(float)), 0);
  }
  SetNumThreads(threads);
}

TEST(ElementwiseGradientTest, ComputesEachFormula) {
  std::vector<double> x;
  std::vector<double> dy;
  for (int i = 0; i < 45; ++i) {
    x.push_back((i - 20) * 0.125);
    dy.push_back(3.0 - 0.25 * i);
  }
  const int64_t n = static_cast<int64_t>(x.size());
  std::vector<double> relu(x.size());
  std::vector<double> abs(x.size());
  std::vector<double> tanh(x.size());
  std::vector<double> sigmoid = dy;  // in place
  CPUContext context;
  ReluGradient(x.data(), dy.data(), relu.data(), n, &context);
  AbsGradient(x.data(), dy.data(), abs.data(), n, &context);
  TanhGradient(x.data(), dy.data(), tanh.data(), n, &context);
  SigmoidGradient(x.data(), sigmoid.data(), sigmoid.data(), n, &context);
  for (size_t i = 0; i < x.size(); ++i) {
    EXPECT_EQ(relu[i], x[i] > 0 ? dy[i] : 0.0);
    EXPECT_EQ(abs[i], x[i] > 0 ? dy[i] : x[i] < 0 ? -dy[i] : 0.0);
    EXPECT_DOUBLE_EQ(tanh[i], dy[i] * (1 - x[i] * x[i]));
    EXPECT_DOUBLE_EQ(sigmoid[i], dy[i] * (x[i] - x[i] * x[i]));
  }
}

}  // namespace
}  // namespace doppio
