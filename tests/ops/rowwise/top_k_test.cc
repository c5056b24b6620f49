#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>

#include "gtest/gtest.h"
#include "tests/support/op_tester.h"

namespace doppio {
namespace {

const double kNan = std::numeric_limits<double>::quiet_NaN();

TEST(TopKTest, TakesTheLargestAndTheSmallerIndexOfEqualOnes) {
  OpTester("TopK")
      .Input("X", Tensor::Of<float>({2, 3}, {1, 3, 2, 5, 5, 4}))
      .Arg("k", 2)
      .Outputs({"V", "I", "F"})
      .ExpectOutput(0, Tensor::Of<float>({2, 2}, {3, 2, 5, 5}))
      .ExpectOutput(1, Tensor::Of<int64_t>({2, 2}, {1, 2, 0, 1}))
      .ExpectOutput(2, Tensor::Of<int64_t>({4}, {1, 2, 3, 4}));
}

TEST(TopKTest, PadsWhereThereAreTooFew) {
  OpTester("TopK")
      .Input("X", Tensor::Of<float>({1, 2}, {-1, -2}))
      .Arg("k", 3)
      .Outputs({"V", "I", "F"})
      .ExpectOutput(0, Tensor::Of<float>({1, 3}, {-1, -2, 0}))
      .ExpectOutput(1, Tensor::Of<int64_t>({1, 3}, {0, 1, -1}))
      .ExpectOutput(2, Tensor::Of<int64_t>({3}, {0, 1, -1}));
  OpTester("TopK")
      .Input("X", Tensor::Of<float>({1, 0}, {}))
      .Arg("k", 1)
      .Outputs({"V", "I"})
      .ExpectOutput(0, Tensor::Of<float>({1, 1}, {0}))
      .ExpectOutput(1, Tensor::Of<int64_t>({1, 1}, {-1}));
}

TEST(TopKTest, WorksAlongAnyAxis) {
  OpTester("TopK")
      .Input("X", Tensor::Of<double>({3, 2}, {1, 6, 3, 5, 2, 4}))
      .Arg("k", 2)
      .Arg("axis", 0)
      .Outputs({"V", "I", "F"})
      .ExpectOutput(0, Tensor::Of<double>({2, 2}, {3, 6, 2, 5}))
      .ExpectOutput(1, Tensor::Of<int64_t>({2, 2}, {1, 0, 2, 1}))
      .ExpectOutput(2, Tensor::Of<int64_t>({4}, {2, 1, 4, 3}));
}

TEST(TopKTest, NanIsLargerThanAllElseAndBothZerosAreEqual) {
  const float nan = static_cast<float>(kNan);
  OpTester("TopK")
      .Input("X", Tensor::Of<float>({7}, {HUGE_VALF, nan, -0.0f, 0, -nan, -HUGE_VALF, 1}))
      .Arg("k", 7)
      .Outputs({"V", "I"})
      .ExpectOutput(1, Tensor::Of<int64_t>({7}, {1, 4, 0, 6, 2, 3, 5}));
}

// All sizes of k, with many equal elements, against a sort.
template <typename T>
void ExpectAsSorted(int64_t outer, int64_t size, int64_t inner) {
  std::mt19937 generator(7);
  Tensor x = *Tensor::Create(DataTypeOf<T>::value, {outer, size, inner});
  for (int64_t i = 0; i < x.numel(); ++i) {
    x.mutable_data<T>()[i] = static_cast<T>(static_cast<int>(generator() % 300)) - 150;
  }
  for (int64_t k : {int64_t{1}, int64_t{3}, size / 3, size / 2 + 1, size - 1, size, size + 2}) {
    OpTester tester("TopK");
    tester.Input("X", x).Arg("k", static_cast<int>(k)).Arg("axis", 1).Outputs({"V", "I"});
    ASSERT_TRUE(tester.Run().ok());
    const int64_t* indices = tester.Output(1).template data<int64_t>();
    for (int64_t o = 0; o < outer; ++o) {
      for (int64_t c = 0; c < inner; ++c) {
        std::vector<int64_t> order(static_cast<size_t>(size));
        std::iota(order.begin(), order.end(), 0);
        const auto at = [&](int64_t i) { return x.data<T>()[(o * size + i) * inner + c]; };
        std::stable_sort(order.begin(), order.end(),
                         [&](int64_t a, int64_t b) { return at(a) > at(b); });
        order.resize(static_cast<size_t>(k), -1);
        for (int64_t j = 0; j < k; ++j) {
          ASSERT_EQ(indices[(o * k + j) * inner + c], order[static_cast<size_t>(j)])
              << "k " << k << ", " << j;
        }
      }
    }
  }
}

TEST(TopKTest, TakesWhatASortWouldForAnyK) {
  ExpectAsSorted<float>(2, 1000, 1);
  ExpectAsSorted<float>(1, 500, 21);
  ExpectAsSorted<double>(2, 700, 1);
  ExpectAsSorted<double>(2, 90, 9);
}

TEST(TopKTest, AscendingAndDescendingRunsAreSelectedToo) {
  for (float sign : {1.0f, -1.0f}) {
    Tensor x = *Tensor::Create(DataType::kFloat, {5000});
    for (int i = 0; i < 5000; ++i) x.mutable_data<float>()[i] = sign * static_cast<float>(i);
    OpTester tester("TopK");
    tester.Input("X", x).Arg("k", 100).Outputs({"V", "I"});
    ASSERT_TRUE(tester.Run().ok());
    for (int i = 0; i < 100; ++i) {
      EXPECT_EQ(tester.Output(1).data<int64_t>()[i], sign > 0 ? 4999 - i : i);
    }
  }
}

TEST(TopKTest, RejectsWhatIsNoK) {
  for (int k : {0, -1}) {
    OpTester("TopK")
        .Input("X", Tensor::Of<float>({1}, {1}))
        .Arg("k", k)
        .Outputs({"V", "I"})
        .ExpectError(kInvalid, absl::StrCat("k is ", k, ", but must be at least 1"));
  }
  OpTester("TopK")
      .Input("X", Tensor::Of<float>({1}, {1}))
      .Outputs({"V", "I"})
      .ExpectError(kInvalid, "\"k\"");
}

TEST(TopKTest, RejectsScalarsOtherAxesAndOtherTypes) {
  OpTester("TopK")
      .Input("X", Tensor::Scalar<float>(1))
      .Arg("k", 1)
      .Outputs({"V", "I"})
      .ExpectError(kInvalid, "out of range for a tensor of rank 0");
  OpTester("TopK")
      .Input("X", Tensor::Of<float>({1}, {1}))
      .Arg("k", 1)
      .Arg("axis", 1)
      .Outputs({"V", "I"})
      .ExpectError(kInvalid, "axis 1 is out of range");
  OpTester("TopK")
      .Input("X", Tensor::Of<int32_t>({1}, {1}))
      .Arg("k", 1)
      .Outputs({"V", "I"})
      .ExpectError(kInvalid, "int32 is not supported here");
}

TEST(TopKGradientTest, RejectsIndicesOutOfRangeAndOtherShapes) {
  OpTester("TopKGradient")
      .Input("dV", Tensor::Of<float>({2}, {1, 2}))
      .Input("I", Tensor::Of<int64_t>({2}, {0, 3}))
      .Input("X", Tensor::Of<float>({3}, {1, 2, 3}))
      .Outputs({"dX"})
      .ExpectError(kInvalid, "Indices[1] is 3, but must be in [-1, 3)");
  OpTester("TopKGradient")
      .Input("dV", Tensor::Of<float>({2}, {1, 2}))
      .Input("I", Tensor::Of<int64_t>({1}, {0}))
      .Input("X", Tensor::Of<float>({3}, {1, 2, 3}))
      .Outputs({"dX"})
      .ExpectError(kInvalid, "must have the shape of X");
}

TEST(TopKGradientTest, PassesOverPadding) {
  OpTester("TopKGradient")
      .Input("dV", Tensor::Of<float>({3}, {7, 8, 9}))
      .Input("I", Tensor::Of<int64_t>({3}, {1, 0, -1}))
      .Input("X", Tensor::Of<float>({2}, {1, 2}))
      .Outputs({"dX"})
      .ExpectOutput(0, Tensor::Of<float>({2}, {8, 7}));
}

TEST(FlexibleTopKTest, TakesAsManyOfEachRowAsKSays) {
  OpTester("FlexibleTopK")
      .Input("X", Tensor::Of<float>({2, 3}, {1, 3, 2, 6, 5, 4}))
      .Input("K", Tensor::Of<int64_t>({2, 1}, {2, 1}))
      .Outputs({"V", "I"})
      .ExpectOutput(0, Tensor::Of<float>({3}, {3, 2, 6}))
      .ExpectOutput(1, Tensor::Of<int64_t>({3}, {1, 2, 0}));
}

TEST(FlexibleTopKTest, RejectsKThatARowCanNotGive) {
  for (int64_t k : {int64_t{0}, int64_t{4}, std::numeric_limits<int64_t>::max()}) {
    OpTester("FlexibleTopK")
        .Input("X", Tensor::Of<float>({2, 3}, {1, 3, 2, 6, 5, 4}))
        .Input("K", Tensor::Of<int64_t>({2}, {1, k}))
        .Outputs({"V", "I"})
        .ExpectError(kInvalid, absl::StrCat("K[1] is ", k, ", but must be in [1, 3]"));
  }
  OpTester("FlexibleTopK")
      .Input("X", Tensor::Of<float>({2, 3}, {1, 3, 2, 6, 5, 4}))
      .Input("K", Tensor::Of<int64_t>({1}, {1}))
      .Outputs({"V", "I"})
      .ExpectError(kInvalid, "an element for each of the 2 rows");
}

TEST(FlexibleTopKGradientTest, RejectsIndicesOutOfRange) {
  OpTester("FlexibleTopKGradient")
      .Input("X", Tensor::Of<float>({1, 3}, {1, 3, 2}))
      .Input("K", Tensor::Of<int64_t>({1}, {1}))
      .Input("dV", Tensor::Of<float>({1}, {1}))
      .Input("I", Tensor::Of<int64_t>({1}, {-1}))
      .Outputs({"dX"})
      .ExpectError(kInvalid, "Indices[0] is -1, but must be in [0, 3)");
}

}  // namespace
}  // namespace doppio
