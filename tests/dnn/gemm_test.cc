#include "src/dnn/gemm.h"

#include <dirent.h>

#include <algorithm>
#include <cstring>
#include <random>
#include <vector>

#include "doppio/parallel.h"
#include "gtest/gtest.h"

namespace doppio {
namespace {

std::vector<float> Random(int64_t size) {
  std::mt19937 generator(7);
  std::uniform_real_distribution<float> real(-1, 1);
  std::vector<float> values(static_cast<size_t>(size));
  for (float& value : values) value = real(generator);
  return values;
}

struct Shape {
  int64_t m;
  int64_t n;
  int64_t k;
};

class GemmTest : public testing::TestWithParam<Shape> {};

TEST_P(GemmTest, IsTheProductForEveryTransposition) {
  const auto [m, n, k] = GetParam();
  const std::vector<float> a = Random(m * k);
  const std::vector<float> b = Random(k * n);
  CPUContext context;
  for (bool trans_a : {false, true}) {
    for (bool trans_b : {false, true}) {
      std::vector<float> c(static_cast<size_t>(m * n), -1);
      std::vector<float> added(static_cast<size_t>(m * n), -1);
      ASSERT_TRUE(Gemm(trans_a, trans_b, m, n, k, a.data(), b.data(), c.data(), &context).ok());
      ASSERT_TRUE(
          GemmAdd(trans_a, trans_b, m, n, k, a.data(), b.data(), added.data(), &context).ok());
      for (int64_t i = 0; i < m; ++i) {
        for (int64_t j = 0; j < n; ++j) {
          double sum = 0;
          for (int64_t l = 0; l < k; ++l) {
            sum += static_cast<double>(a[static_cast<size_t>(trans_a ? l * m + i : i * k + l)]) *
                   b[static_cast<size_t>(trans_b ? j * k + l : l * n + j)];
          }
          const auto place = static_cast<size_t>(i * n + j);
          const double tolerance = 1e-6 * static_cast<double>(100 + k);
          ASSERT_NEAR(c[place], sum, tolerance) << i << "," << j;
          ASSERT_NEAR(added[place], sum - 1, tolerance) << i << "," << j;
        }
      }
    }
  }
}

TEST_P(GemmTest, GivesTheSameBitsForAnyNumberOfThreads) {
  const auto [m, n, k] = GetParam();
  const std::vector<float> a = Random(m * k);
  const std::vector<float> b = Random(k * n);
  CPUContext context;
  const int threads_before = NumThreads();
  const auto same_bits = [](float a, float b) { return std::memcmp(&a, &b, sizeof(a)) == 0; };
  for (bool trans_a : {false, true}) {
    for (bool trans_b : {false, true}) {
      std::vector<std::vector<float>> results;
      for (int threads : {1, 2, 3, 5}) {
        SetNumThreads(threads);
        std::vector<float> c(static_cast<size_t>(m * n));
        ASSERT_TRUE(Gemm(trans_a, trans_b, m, n, k, a.data(), b.data(), c.data(), &context).ok());
        ASSERT_TRUE(
            GemmAdd(trans_a, trans_b, m, n, k, a.data(), b.data(), c.data(), &context).ok());
        results.push_back(std::move(c));
      }
      SetNumThreads(threads_before);
      for (const std::vector<float>& result : results) {
        EXPECT_TRUE(std::equal(result.begin(), result.end(), results[0].begin(), same_bits));
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Shapes, GemmTest,
                         testing::Values(Shape{1, 1, 1}, Shape{3, 5, 7}, Shape{1, 300, 20},
                                         Shape{1, 999, 403}, Shape{300, 1, 20}, Shape{17, 33, 5},
                                         Shape{200, 130, 90}, Shape{5, 700, 64},
                                         Shape{600, 300, 64}, Shape{256, 1024, 40},
                                         Shape{70, 1024, 1024}, Shape{512, 90, 64}, Shape{4, 4, 0},
                                         Shape{0, 4, 4}, Shape{4, 0, 4}));

int CountThreads() {
  DIR* const tasks = opendir("/proc/self/task");
  if (tasks == nullptr) return -1;
  int count = 0;
  while (const dirent* entry = readdir(tasks)) count += entry->d_name[0] != '.';
  closedir(tasks);
  return count;
}

// Needs a process of its own (as ctest gives each test): threads that exist already stay.
TEST(GemmThreadsTest, MakesNoPoolForOneThread) {
  if (CountThreads() != 1) GTEST_SKIP() << "other tests of this process have made threads";
  const int threads_before = NumThreads();
  SetNumThreads(1);
  const std::vector<float> a = Random(512 * 512);
  std::vector<float> c(a.size());
  CPUContext context;
  ASSERT_TRUE(Gemm(false, false, 512, 512, 512, a.data(), a.data(), c.data(), &context).ok());
  EXPECT_EQ(CountThreads(), 1);
  SetNumThreads(threads_before);
}

TEST(GemmMultiplyAddsTest, CountsEveryTermAndDoesNotOverflow) {
  EXPECT_EQ(GemmMultiplyAdds(2, 3, 4), 24);
  EXPECT_EQ(GemmMultiplyAdds(2, 0, 4), 0);
  const int64_t huge = int64_t{1} << 40;
  EXPECT_GE(GemmMultiplyAdds(huge, huge, huge), int64_t{1} << 59);
}

}  // namespace
}  // namespace doppio
