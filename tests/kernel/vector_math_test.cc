// How far functions of vectors are from the exact value, by the functions of long double in the C
// library, and that an element's result depends on its value alone.

#include <algorithm>
#include <cmath>
#include <cstring>
#include <iostream>
#include <limits>
#include <random>
#include <vector>

#include "doppio/parallel.h"
#include "gtest/gtest.h"
#include "src/kernel/activation.h"
#include "src/kernel/elementwise_math.h"
#include "src/kernel/elementwise_unary.h"
#include "tests/kernel/shapes.h"

namespace doppio {
namespace {

template <typename T>
struct TestedFunction {
  const char* name;
  void (*function)(const T*, T*, int64_t, CPUContext*);
  long double (*exact)(long double);
  double ulps;  // as far as results may be from the exact value
  double least = -std::numeric_limits<double>::infinity();  // of the arguments that are looked at
};

long double Sigmoid(long double x) { return 1 / (1 + std::exp(-x)); }
long double Softplus(long double x) { return std::max(x, 0.0L) + log1pl(std::exp(-std::abs(x))); }
long double Swish(long double x) { return x < -11000 ? 0 : x / (1 + std::exp(-x)); }
long double Gelu(long double x) { return x * erfcl(-x * std::sqrt(0.5L)) / 2; }
long double Rsqrt(long double x) { return 1 / std::sqrt(x); }
long double RootPower(long double x) { return powl(x, 0.5L); }

const TestedFunction<float> kFloatFunctions[] = {
    {"exp", doppio::Exp<float>, expl, 1.5},
    {"log", doppio::Log<float>, logl, 1},
    {"log1p", doppio::Log1p<float>, log1pl, 1},
    {"tanh", doppio::Tanh<float>, tanhl, 2},
    {"sigmoid", doppio::Sigmoid<float>, Sigmoid, 2.5},
    {"sin", doppio::Sin<float>, sinl, 1.5},
    {"cos", doppio::Cos<float>, cosl, 1.5},
    {"tan", doppio::Tan<float>, tanl, 3},
    {"asin", doppio::Asin<float>, asinl, 1},
    {"acos", doppio::Acos<float>, acosl, 1},
    {"atan", doppio::Atan<float>, atanl, 2},
    {"sinh", doppio::Sinh<float>, sinhl, 0.51},
    {"cosh", doppio::Cosh<float>, coshl, 0.51},
    {"erf", doppio::Erf<float>, erfl, 0.51},
    {"cbrt", doppio::Cbrt<float>, cbrtl, 0.51},
    {"root", doppio::RootPower<float>, RootPower, 0.51},
    {"rsqrt", doppio::Rsqrt<float>, Rsqrt, 1.5},
    {"swish", doppio::Swish<float>, Swish, 3, -86},
    {"softplus", doppio::Softplus<float>, Softplus, 2.5},
    {"gelu", doppio::Gelu<float>, Gelu, 8},
};
const TestedFunction<double> kDoubleFunctions[] = {
    {"exp", doppio::Exp<double>, expl, 1},
    {"log", doppio::Log<double>, logl, 1},
    {"log1p", doppio::Log1p<double>, log1pl, 1},
    {"tanh", doppio::Tanh<double>, tanhl, 3},
    {"sigmoid", doppio::Sigmoid<double>, Sigmoid, 3},
    {"sin", doppio::Sin<double>, sinl, 1.5},
    {"cos", doppio::Cos<double>, cosl, 1.5},
    {"tan", doppio::Tan<double>, tanl, 3},
    {"asin", doppio::Asin<double>, asinl, 1},
    {"acos", doppio::Acos<double>, acosl, 1},
    {"atan", doppio::Atan<double>, atanl, 2},
    {"sinh", doppio::Sinh<double>, sinhl, 3},
    {"cosh", doppio::Cosh<double>, coshl, 1.5},
    {"erf", doppio::Erf<double>, erfl, 1.5},
    {"cbrt", doppio::Cbrt<double>, cbrtl, 4},  // the C library's
    {"root", doppio::RootPower<double>, RootPower, 0.51},
    {"rsqrt", doppio::Rsqrt<double>, Rsqrt, 1.5},
    {"swish", doppio::Swish<double>, Swish, 3, -700},
    {"softplus", doppio::Softplus<double>, Softplus, 2.5},
};

// How far `value` is from `exact`, in units of the last place of a T that is near `exact`. NaN is
// right for NaN only, and a zero has to have its sign.
template <typename T>
double UlpsFrom(T value, long double exact) {
  constexpr double kWrong = std::numeric_limits<double>::infinity();
  const T nearest = static_cast<T>(exact);
  if (std::isnan(value) || std::isnan(nearest)) {
    return std::isnan(value) && std::isnan(nearest) ? 0 : kWrong;
  }
  if (value == nearest && (value == 0 || std::isinf(value))) {
    return std::signbit(value) == std::signbit(nearest) ? 0 : kWrong;
  }
  const T magnitude = std::min(std::abs(nearest), std::numeric_limits<T>::max());
  const long double below = std::nextafter(magnitude, T(0));
  const long double above = std::nextafter(magnitude, std::numeric_limits<T>::infinity());
  const long double ulp = std::isinf(above) ? magnitude - below : above - magnitude;
  // An infinite result stands for the number after the largest one.
  const auto finite = [&](T v) -> long double {
    if (!std::isinf(v)) return v;
    return std::copysign(std::numeric_limits<T>::max() + ulp, static_cast<long double>(v));
  };
  const long double there = std::isinf(nearest) ? finite(nearest) : exact;
  return static_cast<double>(std::abs(finite(value) - there) / ulp);
}

template <typename T>
std::vector<T> EdgesOfAll() {
  using Limits = std::numeric_limits<T>;
  std::vector<T> edges = {0,
                          Limits::infinity(),
                          Limits::quiet_NaN(),
                          Limits::denorm_min(),
                          Limits::min(),
                          Limits::max(),
                          Limits::epsilon()};
  for (double value : {0.25,
                       0.34657359027997264,
                       0.41421356237309503,
                       0.5,
                       0.625,
                       0.67449,
                       0.7,
                       0.70710678118654752,
                       1.0,
                       1.4142135623730951,
                       1.5707963267948966,
                       2.0,
                       2.414213562373095,
                       3.0,
                       3.1415926535897931,
                       3.9,
                       4.0,
                       5.9,
                       6.0,
                       9.0,
                       10.4,
                       14.2,
                       14.7,
                       20.0,
                       22.0,
                       88.02,
                       88.72,
                       88.73,
                       87.4,
                       89.4,
                       89.5,
                       103.9,
                       104.0,
                       104.1,
                       110.0,
                       500.0,
                       708.3,
                       708.4,
                       709.78,
                       709.79,
                       710.47,
                       710.48,
                       710.6,
                       745.1,
                       745.2,
                       746.0,
                       1e4,
                       99999.0,
                       100000.0,
                       100001.0,
                       2999999.0,
                       3e6,
                       3000001.0,
                       1e9,
                       1e15,
                       1e22,
                       1e38}) {
    for (T near : {static_cast<T>(value), static_cast<T>(-1 + value)}) {
      edges.push_back(near);
      edges.push_back(std::nextafter(near, T(0)));
      edges.push_back(std::nextafter(near, Limits::infinity()));
    }
  }
  const size_t count = edges.size();
  for (size_t i = 0; i < count; ++i) edges.push_back(-edges[i]);
  return edges;
}

// Floats evenly over their bit patterns: also denormal, infinite and NaN ones.
std::vector<float> Arguments(float) {
  std::vector<float> x = EdgesOfAll<float>();
  constexpr uint64_t kStep = 16381;
  for (uint64_t bits = 0; bits < (uint64_t{1} << 32); bits += kStep) {
    const uint32_t pattern = static_cast<uint32_t>(bits);
    float value;
    std::memcpy(&value, &pattern, sizeof(value));
    x.push_back(value);
  }
  return x;
}

// Doubles at random: of all bit patterns, and where the functions are neither constant nor linear.
std::vector<double> Arguments(double) {
  const uint32_t seed = std::random_device()();
  std::cout << "seed " << seed << "\n";
  std::mt19937_64 random(seed);
  std::vector<double> x = EdgesOfAll<double>();
  constexpr int kCount = 30000;
  for (int i = 0; i < kCount; ++i) {
    const uint64_t pattern = random();
    double value;
    std::memcpy(&value, &pattern, sizeof(value));
    x.push_back(value);
    for (double reach : {1.0, 8.0, 800.0, 3e6}) {
      x.push_back(std::uniform_real_distribution<double>(-reach, reach)(random));
    }
    // Near a multiple of pi/2.
    x.push_back(1.5707963267948966 * static_cast<double>(random() % 1000000));
  }
  return x;
}

template <typename T>
void ExpectWithin(const TestedFunction<T>& tested, std::vector<T> x) {
  const auto is_left_out = [&](T value) { return value < tested.least; };
  x.erase(std::remove_if(x.begin(), x.end(), is_left_out), x.end());
  std::vector<long double> exact;
  for (T value : x) exact.push_back(tested.exact(value));
  ForEachTarget([&] {
    std::vector<T> y(x.size());
    CPUContext context;
    tested.function(x.data(), y.data(), static_cast<int64_t>(x.size()), &context);
    double worst = tested.ulps;
    for (size_t i = 0; i < x.size(); ++i) {
      const double ulps = UlpsFrom(y[i], exact[i]);
      if (ulps <= worst) continue;
      worst = ulps;
      ADD_FAILURE() << tested.name << "(" << std::hexfloat << x[i] << ") is " << y[i] << ", not "
                    << static_cast<T>(exact[i]) << ", from which it is " << std::defaultfloat
                    << ulps << " units of the last place away";
    }
  });
}

TEST(VectorMathTest, FloatsAreWithinTheirUlps) {
  const std::vector<float> x = Arguments(float());
  for (const auto& tested : kFloatFunctions) ExpectWithin(tested, x);
}

TEST(VectorMathTest, DoublesAreWithinTheirUlps) {
  const std::vector<double> x = Arguments(double());
  for (const auto& tested : kDoubleFunctions) ExpectWithin(tested, x);
}

TEST(VectorMathTest, PowersOfFloatsAreWithinOneUlp) {
  const uint32_t seed = std::random_device()();
  std::cout << "seed " << seed << "\n";
  std::mt19937_64 random(seed);
  std::vector<float> x;
  std::vector<float> exponent;
  const auto add = [&](float base, float power) {
    x.push_back(base);
    exponent.push_back(power);
  };
  const float infinity = std::numeric_limits<float>::infinity();
  const float specials[] = {0.0f,        -0.0f,         1.0f,        -1.0f,     0.5f,  -0.5f,
                            2.0f,        -2.0f,         3.0f,        -3.0f,     1e38f, -1e38f,
                            1e-40f,      -1e-40f,       infinity,    -infinity, 1e9f,  16777215.0f,
                            16777216.0f, std::nanf(""), 0.99999994f, 1.0000001f};
  for (float base : specials) {
    for (float power : specials) add(base, power);
  }
  std::uniform_real_distribution<float> logarithm(-88, 88);
  for (int i = 0; i < 50000; ++i) {
    const float log = logarithm(random);
    add(std::exp(log), logarithm(random) / std::abs(log));
    add(std::exp(log / 40), logarithm(random));
    add(-std::exp(log / 10), static_cast<float>(static_cast<int>(random() % 41) - 20));
  }
  ForEachTarget([&] {
    std::vector<float> y(x.size());
    const int64_t dims[] = {static_cast<int64_t>(x.size())};
    CPUContext context;
    Pow(x.data(), dims, exponent.data(), dims, y.data(), dims, &context);
    for (size_t i = 0; i < x.size(); ++i) {
      ASSERT_LE(UlpsFrom(y[i], powl(x[i], exponent[i])), 0.51) << x[i] << " ^ " << exponent[i];
    }
  });
}

TEST(VectorMathTest, PowersTakeOperandsThatAreRepeated) {
  for (int64_t n : {1, 7, 8, 9, 100}) {
    std::vector<float> x(static_cast<size_t>(n));
    for (int64_t i = 0; i < n; ++i) x[static_cast<size_t>(i)] = 0.5f + static_cast<float>(i);
    const float two = 2.0f;
    std::vector<float> y(x.size());
    const int64_t dims[] = {n};
    CPUContext context;
    Pow(x.data(), dims, &two, {}, y.data(), dims, &context);
    for (size_t i = 0; i < x.size(); ++i) EXPECT_EQ(y[i], x[i] * x[i]);
    Pow(&two, {}, x.data(), dims, y.data(), dims, &context);
    for (size_t i = 0; i < x.size(); ++i) EXPECT_EQ(y[i], std::exp2(x[i]));
  }
}

// In place, in pieces of many sizes, and by threads.
template <typename T>
void ExpectSameBitsInPieces(const TestedFunction<T>& tested, const std::vector<T>& x) {
  const int64_t n = static_cast<int64_t>(x.size());
  std::vector<T> together(x.size());
  CPUContext context;
  SetNumThreads(3);
  tested.function(x.data(), together.data(), n, &context);
  SetNumThreads(1);
  std::vector<T> apart = x;
  for (int64_t begin = 0, size = 1; begin < n; begin += size, size = size % 37 + 1) {
    size = std::min(size, n - begin);
    tested.function(apart.data() + begin, apart.data() + begin, size, &context);
  }
  EXPECT_EQ(std::memcmp(together.data(), apart.data(), x.size() * sizeof(T)), 0) << tested.name;
}

TEST(VectorMathTest, AnElementsBitsDependOnItsValueAlone) {
  const int threads = NumThreads();
  const std::vector<float> floats = Arguments(float());
  const std::vector<double> doubles = Arguments(double());
  for (const auto& tested : kFloatFunctions) ExpectSameBitsInPieces(tested, floats);
  for (const auto& tested : kDoubleFunctions) ExpectSameBitsInPieces(tested, doubles);
  SetNumThreads(threads);
}

}  // namespace
}  // namespace doppio
