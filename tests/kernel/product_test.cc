#include "src/kernel/product.h"

#include <cmath>
#include <cstring>
#include <random>
#include <vector>

#include "doppio/parallel.h"
#include "gtest/gtest.h"

namespace doppio {
namespace {

std::vector<float> Random(int64_t size, std::mt19937* random) {
  std::uniform_real_distribution<float> real(-1, 1);
  std::vector<float> values(static_cast<size_t>(size));
  for (float& value : values) value = real(*random);
  return values;
}

float At(MatrixView view, int64_t i, int64_t j) { return *view.From(i, j).data; }

std::vector<float> Packed(MatrixView b, int64_t k, int64_t n) {
  const int64_t wide = PanelColumns();
  std::vector<float> panels(static_cast<size_t>((n + wide - 1) / wide * wide * k), NAN);
  PackPanels(b, k, n, panels.data());
  return panels;
}

class ProductTest : public testing::Test {
 protected:
  ~ProductTest() override { SetNumThreads(before_); }

 private:
  const int before_ = NumThreads();
};

TEST_F(ProductTest, IsTheProductForEveryShapeLayoutAndEnd) {
  const auto seed = std::random_device()();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  for (int round = 0; round < 100; ++round) {
    const int64_t limit = round % 20 == 0 ? 300 : 40;
    const auto m = static_cast<int64_t>(random() % (round % 2 == 0 ? limit : kMostFewRows + 1));
    const auto n = static_cast<int64_t>(random() % limit);
    const auto k = static_cast<int64_t>(random() % (round % 7 == 0 ? 1100 : limit));
    const bool trans_a = random() % 2 == 0;
    const bool trans_b = random() % 2 == 0;
    const int64_t gap = random() % 3;  // between rows
    const std::vector<float> a_data = Random((m + gap) * (k + gap), &random);
    const std::vector<float> b_data = Random((k + gap) * (n + gap), &random);
    const std::vector<float> bias = Random(n, &random);
    const MatrixView a{a_data.data(), (trans_a ? m : k) + gap, trans_a};
    const MatrixView b{b_data.data(), (trans_b ? k : n) + gap, trans_b};
    const ProductEnd end{random() % 2 == 0, random() % 2 == 0 ? bias.data() : nullptr,
                         random() % 2 == 0};
    std::vector<float> c((m + 1) * (n + gap), -0.5F);
    if (m <= kMostFewRows && random() % 2 == 0) {
      MultiplyFewRows(a, b, m, n, k, end, c.data(), n + gap);
    } else {
      MultiplyPanels(a, Packed(b, k, n).data(), m, n, k, end, c.data(), n + gap);
    }
    for (int64_t i = 0; i <= m; ++i) {
      for (int64_t j = 0; j < n + gap; ++j) {
        double wanted = -0.5;
        if (i < m && j < n) {
          wanted = end.add ? -0.5 : 0;
          for (int64_t l = 0; l < k; ++l) wanted += double{At(a, i, l)} * At(b, l, j);
          if (end.bias != nullptr) wanted += bias[j];
          if (end.relu && wanted < 0) wanted = 0;
        }
        ASSERT_NEAR(c[i * (n + gap) + j], wanted, 1e-6 * static_cast<double>(10 + k))
            << m << "," << n << "," << k << " at " << i << "," << j;
      }
    }
  }
}

// What a row of the result is does not depend on the rows beside it, nor on who computes it.
TEST_F(ProductTest, GivesTheSameBitsForAnyRowsAndThreads) {
  std::mt19937 random(7);
  constexpr int64_t kRows = 120;
  constexpr int64_t kDepth = 700;
  constexpr int64_t kColumns = 133;
  const std::vector<float> a = Random(kRows * kDepth, &random);
  const std::vector<float> b = Random(kDepth * kColumns, &random);
  const std::vector<float> panels = Packed({b.data(), kColumns}, kDepth, kColumns);
  std::vector<float> all(kRows * kColumns);
  SetNumThreads(1);
  MultiplyPanels({a.data(), kDepth}, panels.data(), kRows, kColumns, kDepth, {}, all.data(),
                 kColumns);
  for (int threads : {1, 2, 3}) {
    SetNumThreads(threads);
    for (int64_t rows : {1, 2, 3, 4, 5, 7, 12, 13, 64, 97, 120}) {
      std::vector<float> some(rows * kColumns);
      MultiplyPanels({a.data(), kDepth}, panels.data(), rows, kColumns, kDepth, {}, some.data(),
                     kColumns);
      EXPECT_EQ(std::memcmp(some.data(), all.data(), some.size() * sizeof(float)), 0)
          << rows << " rows, " << threads << " threads";
    }
  }
}

TEST_F(ProductTest, KeepsNaN) {
  const float a = NAN;
  const float b = 1;
  float c = 0;
  MultiplyPanels({&a, 1}, Packed({&b, 1}, 1, 1).data(), 1, 1, 1, {false, nullptr, true}, &c, 1);
  EXPECT_TRUE(std::isnan(c));
}

}  // namespace
}  // namespace doppio
