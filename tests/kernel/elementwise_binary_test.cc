#include "src/kernel/elementwise_binary.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "doppio/parallel.h"
#include "gtest/gtest.h"
#include "src/kernel/broadcast_binary.h"

namespace doppio {
namespace {

// Element i of the broadcast of x, by the definition.
template <typename T>
T At(const std::vector<T>& x, DimsView x_dims, DimsView c_dims, int64_t i) {
  int64_t offset = 0;
  int64_t stride = 1;
  for (size_t back = 1; back <= c_dims.size(); ++back) {
    const int64_t size = c_dims[c_dims.size() - back];
    const int64_t index = i % size;
    i /= size;
    if (back > x_dims.size()) continue;
    const int64_t x_size = x_dims[x_dims.size() - back];
    if (x_size != 1) offset += index * stride;
    stride *= x_size;
  }
  return x[static_cast<size_t>(offset)];
}

template <typename T>
std::vector<T> Values(DimsView dims, int first) {
  std::vector<T> values;
  for (int64_t i = 0; i < SizeFromDim(dims, 0); ++i) {
    values.push_back(static_cast<T>((first + i * 7) % 23 + 1));
  }
  return values;
}

template <typename T>
void ExpectAllRight(const Dims& a_dims, const Dims& b_dims) {
  SCOPED_TRACE(ShapeToString(a_dims) + " and " + ShapeToString(b_dims));
  const Dims c_dims = BroadcastShapes(a_dims, b_dims).value();
  const std::vector<T> a = Values<T>(a_dims, 3);
  const std::vector<T> b = Values<T>(b_dims, 11);
  const int64_t n = SizeFromDim(c_dims, 0);
  std::vector<T> sum(static_cast<size_t>(n)), difference(sum), product(sum), quotient(sum);
  std::vector<T> largest(sum), smallest(sum);
  CPUContext context;
  Add(a.data(), a_dims, b.data(), b_dims, sum.data(), c_dims, &context);
  Sub(a.data(), a_dims, b.data(), b_dims, difference.data(), c_dims, &context);
  Mul(a.data(), a_dims, b.data(), b_dims, product.data(), c_dims, &context);
  Div(a.data(), a_dims, b.data(), b_dims, quotient.data(), c_dims, &context);
  Max(a.data(), a_dims, b.data(), b_dims, largest.data(), c_dims, &context);
  Min(a.data(), a_dims, b.data(), b_dims, smallest.data(), c_dims, &context);
  for (int64_t i = 0; i < n; ++i) {
    const size_t at = static_cast<size_t>(i);
    const T x = At(a, a_dims, c_dims, i);
    const T y = At(b, b_dims, c_dims, i);
    ASSERT_EQ(sum[at], static_cast<T>(x + y)) << "element " << i;
    ASSERT_EQ(difference[at], static_cast<T>(x - y)) << "element " << i;
    ASSERT_EQ(product[at], static_cast<T>(x * y)) << "element " << i;
    ASSERT_EQ(quotient[at], static_cast<T>(x / y)) << "element " << i;
    ASSERT_EQ(largest[at], std::max(x, y)) << "element " << i;
    ASSERT_EQ(smallest[at], std::min(x, y)) << "element " << i;
  }
}

TEST(ElementwiseBinaryTest, EqualsTheDefinitionOnRandomShapes) {
  std::mt19937 random(7);
  for (int round = 0; round < 300; ++round) {
    Dims c(random() % 5);
    for (int64_t& size : c)
      size = random() % 16 == 0 ? 0 : std::vector<int64_t>{1, 2, 3, 5, 7, 33, 40}[random() % 7];
    if (NumElements(c).value() > 200000) continue;
    const auto operand = [&] {
      Dims dims = c;
      for (int64_t& size : dims) size = random() % 3 == 0 ? 1 : size;
      dims.erase(dims.begin(), dims.begin() + static_cast<int64_t>(random() % (dims.size() + 1)));
      return dims;
    };
    const Dims a = operand();
    const Dims b = operand();
    ExpectAllRight<float>(a, b);
    ExpectAllRight<double>(a, b);
    ExpectAllRight<int32_t>(a, b);
    ExpectAllRight<int64_t>(a, b);
  }
}

TEST(ElementwiseBinaryTest, ThreadsSplitRowsAnywhere) {
  const int threads = NumThreads();
  SetNumThreads(3);
  ExpectAllRight<float>({2, 70001}, {2, 1});
  ExpectAllRight<float>({70001, 3}, {3});
  ExpectAllRight<int32_t>({300, 7, 50}, {7, 1});
  ExpectAllRight<int64_t>({1, 401}, {401, 1});
  SetNumThreads(threads);
}

TEST(ElementwiseBinaryTest, LoopsAreAsFewAsPossible) {
  EXPECT_EQ(CoalesceBinary({2, 3, 4}, {2, 3, 4}, {2, 3, 4}).size(), 1u);
  EXPECT_EQ(CoalesceBinary({2, 3, 4}, {1, 1}, {2, 3, 4}).size(), 1u);
  EXPECT_EQ(CoalesceBinary({2, 3, 4}, {3, 4}, {2, 3, 4}).size(), 2u);
  EXPECT_EQ(CoalesceBinary({2, 3, 4}, {3, 1}, {2, 3, 4}).size(), 3u);
  EXPECT_EQ(CoalesceBinary({}, {1, 1}, {1, 1}).size(), 1u);
}

TEST(ElementwiseBinaryTest, IntegersWrapAndTheLeastByMinusOneStays) {
  const int32_t least = std::numeric_limits<int32_t>::min();
  for (int64_t n : {2, 50}) {
    const Dims dims = {n};
    const std::vector<int32_t> a(static_cast<size_t>(n), least);
    const std::vector<int32_t> b(static_cast<size_t>(n), -1);
    std::vector<int32_t> c(a.size());
    CPUContext context;
    Div(a.data(), dims, b.data(), dims, c.data(), dims, &context);
    EXPECT_EQ(c.back(), least);
    Add(a.data(), dims, b.data(), dims, c.data(), dims, &context);
    EXPECT_EQ(c.back(), std::numeric_limits<int32_t>::max());
    Mul(a.data(), dims, b.data(), dims, c.data(), dims, &context);
    EXPECT_EQ(c.back(), least);
  }
}

TEST(ElementwiseBinaryTest, ProductsOf64BitsWrap) {
  std::mt19937_64 random(3);
  for (size_t n : {1, 15, 16, 17, 100}) {
    std::vector<int64_t> a;
    std::vector<int64_t> b;
    for (size_t i = 0; i < n; ++i) {
      a.push_back(static_cast<int64_t>(random()));
      b.push_back(static_cast<int64_t>(random() >> (i % 64)));
    }
    std::vector<int64_t> c(n);
    const Dims dims = {static_cast<int64_t>(n)};
    CPUContext context;
    Mul(a.data(), dims, b.data(), dims, c.data(), dims, &context);
    for (size_t i = 0; i < n; ++i) {
      EXPECT_EQ(static_cast<uint64_t>(c[i]),
                static_cast<uint64_t>(a[i]) * static_cast<uint64_t>(b[i]));
    }
  }
}

TEST(ElementwiseBinaryTest, NanWinsWhereverItStands) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  for (size_t n : {3, 40}) {  // one by one, and as vectors
    std::vector<float> a(n, 1.0f);
    std::vector<float> b(n, 2.0f);
    a[0] = nan;
    b[1] = nan;
    std::vector<float> c(n);
    const Dims dims = {static_cast<int64_t>(n)};
    CPUContext context;
    for (auto function : {Max<float>, Min<float>}) {
      function(a.data(), dims, b.data(), dims, c.data(), dims, &context);
      EXPECT_TRUE(std::isnan(c[0]) && std::isnan(c[1]));
      EXPECT_EQ(c.back(), function == Max<float> ? 2.0f : 1.0f);
    }
  }
}

TEST(ElementwiseBinaryTest, SumOfAddsInOrderAndInPlace) {
  std::vector<float> x(9000, 1e8f);
  const std::vector<float> y(9000, 1.0f);
  const std::vector<float> z(9000, -1e8f);
  const float* terms[] = {x.data(), y.data(), z.data()};
  CPUContext context;
  SumOf<float>(terms, x.data(), 9000, &context);
  EXPECT_EQ(x[0], (1e8f + 1.0f) - 1e8f);
  EXPECT_EQ(x[8999], x[0]);
}

}  // namespace
}  // namespace doppio
