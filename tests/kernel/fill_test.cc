#include "src/kernel/fill.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "doppio/dtype.h"
#include "tests/kernel/shapes.h"

namespace doppio {
namespace {

template <typename T>
void ExpectFilled(const T& value, const T& guard) {
  CPUContext context;
  for (int64_t n : {0, 1, 2, 3, 7, 8, 15, 31, 100, 300000}) {
    for (int threads : {1, 2, 3}) {
      ThreadsFor scope(threads);
      std::vector<T> y(n + 2, guard);
      std::vector<T> expected(n + 2, value);
      expected.front() = expected.back() = guard;
      Fill(value, y.data() + 1, n, &context);
      ASSERT_TRUE(y == expected) << n;
    }
  }
}

TEST(FillTest, WritesEveryElementAndNoOther) {
  ExpectFilled<int8_t>(3, -1);
  ExpectFilled<uint16_t>(51966, 1);
  ExpectFilled<float>(2.5f, -1);
  ExpectFilled<double>(0.1, -1);
  ExpectFilled<int64_t>(int64_t{1} << 40, -1);
  ExpectFilled<std::string>("a string that is longer than the small ones", "guard");
}

TEST(FillTest, TakesAValueFromWhatItFills) {
  CPUContext context;
  std::vector<int32_t> y = {1, 2, 3, 4, 5, 6, 7, 8, 9};
  Fill(y[4], y.data(), 9, &context);
  EXPECT_EQ(y, std::vector<int32_t>(9, 5));
}

}  // namespace
}  // namespace doppio
