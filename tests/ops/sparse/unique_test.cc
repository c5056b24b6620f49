#include <algorithm>
#include <limits>
#include <random>

#include "gtest/gtest.h"
#include "tests/support/op_tester.h"

namespace doppio {
namespace {

TEST(UniqueTest, GivesEachValueOnceInOrderAndItsPlaces) {
  OpTester("Unique")
      .Input("X", Tensor::Of<int32_t>({4}, {5, 2, 5, 9}))
      .Outputs({"U", "R"})
      .ExpectOutput(0, Tensor::Of<int32_t>({3}, {2, 5, 9}))
      .ExpectOutput(1, Tensor::Of<int32_t>({4}, {1, 0, 1, 2}));
}

TEST(UniqueTest, OrdersTheWholeRangeOfInt64) {
  const int64_t least = std::numeric_limits<int64_t>::min();
  const int64_t most = std::numeric_limits<int64_t>::max();
  OpTester("Unique")
      .Input("X", Tensor::Of<int64_t>({5}, {most, 0, least, -1, most}))
      .Outputs({"U"})
      .ExpectOutput(0, Tensor::Of<int64_t>({4}, {least, -1, 0, most}));
}

TEST(UniqueTest, OfNothingIsNothing) {
  OpTester("Unique")
      .Input("X", Tensor::Of<int64_t>({0}, {}))
      .Outputs({"U", "R"})
      .ExpectOutput(0, Tensor::Of<int64_t>({0}, {}))
      .ExpectOutput(1, Tensor::Of<int32_t>({0}, {}));
}

TEST(UniqueTest, LongInputsGiveWhatASortGives) {
  std::mt19937_64 generator(3);
  for (uint64_t mask : {uint64_t{0xff}, uint64_t{0xfff00000}, ~uint64_t{0}}) {
    Tensor x = *Tensor::Create(DataType::kInt64, {20000});
    for (int i = 0; i < 20000; ++i) {
      x.mutable_data<int64_t>()[i] = static_cast<int64_t>(generator() & mask);
    }
    std::vector<int64_t> sorted(x.data<int64_t>(), x.data<int64_t>() + 20000);
    std::sort(sorted.begin(), sorted.end());
    sorted.erase(std::unique(sorted.begin(), sorted.end()), sorted.end());
    OpTester tester("Unique");
    tester.Input("X", x).Outputs({"U", "R"});
    tester.ExpectOutput(0,
                        Tensor::FromSpan<int64_t>({static_cast<int64_t>(sorted.size())}, sorted));
    for (int i = 0; i < 20000; ++i) {
      const int32_t place = tester.Output(1).data<int32_t>()[i];
      ASSERT_EQ(sorted[static_cast<size_t>(place)], x.data<int64_t>()[i]);
    }
  }
}

TEST(UniqueTest, RejectsWhatIsNoVectorOfIndices) {
  OpTester("Unique")
      .Input("X", Tensor::Of<int32_t>({1, 1}, {1}))
      .Outputs({"U"})
      .ExpectError(kInvalid, "indices must be a vector, but has the shape [1,1]");
  OpTester("Unique")
      .Input("X", Tensor::Of<float>({1}, {1}))
      .Outputs({"U"})
      .ExpectError(kInvalid, "float is not supported here");
}

}  // namespace
}  // namespace doppio
