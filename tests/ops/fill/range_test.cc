#include <limits>

#include "gtest/gtest.h"
#include "tests/support/op_tester.h"

namespace doppio {
namespace {

template <typename T>
OpTester Range(std::initializer_list<T> values) {
  OpTester tester("Range");
  for (const T value : values) {
    tester.Input(absl::StrCat("x", tester.def().input_size()), Tensor::Scalar<T>(value));
  }
  return tester.Outputs({"Y"});
}

TEST(RangeTest, CountsFromStartToStop) {
  Range<int32_t>({4, 17, 2}).ExpectOutput(0, Tensor::Of<int32_t>({7}, {4, 6, 8, 10, 12, 14, 16}));
  Range<int64_t>({3}).ExpectOutput(0, Tensor::Of<int64_t>({3}, {0, 1, 2}));
  Range<float>({1, 3}).ExpectOutput(0, Tensor::Of<float>({2}, {1, 2}));
  Range<double>({0, 1, 0.25}).ExpectOutput(0, Tensor::Of<double>({4}, {0, 0.25, 0.5, 0.75}));
}

TEST(RangeTest, CountsDownToTheLastNumberBeforeStop) {
  Range<int32_t>({5, 0, -2}).ExpectOutput(0, Tensor::Of<int32_t>({3}, {5, 3, 1}));
  Range<float>({5, 0, -2}).ExpectOutput(0, Tensor::Of<float>({3}, {5, 3, 1}));
}

TEST(RangeTest, GivesNothingWhereStopIsNotAhead) {
  Range<int32_t>({3, 3}).ExpectOutput(0, Tensor::Create(DataType::kInt32, {0}));
  Range<int32_t>({0, 3, -1}).ExpectOutput(0, Tensor::Create(DataType::kInt32, {0}));
  Range<float>({-1}).ExpectOutput(0, Tensor::Create(DataType::kFloat, {0}));
}

TEST(RangeTest, ReachesTheEndsOfATypeWithoutOverflow) {
  constexpr int64_t kMost = std::numeric_limits<int64_t>::max();
  constexpr int64_t kLeast = std::numeric_limits<int64_t>::min();
  Range<int64_t>({kLeast, kMost, kMost})
      .ExpectOutput(0, Tensor::Of<int64_t>({3}, {kLeast, -1, kMost - 1}));
  Range<int64_t>({kMost, kLeast, kLeast}).ExpectOutput(0, Tensor::Of<int64_t>({2}, {kMost, -1}));
  Range<int32_t>({std::numeric_limits<int32_t>::max() - 1, std::numeric_limits<int32_t>::max(), 5})
      .ExpectOutput(0, Tensor::Of<int32_t>({1}, {std::numeric_limits<int32_t>::max() - 1}));
}

TEST(RangeTest, RejectsAStepOfZero) {
  Range<int32_t>({0, 1, 0}).ExpectError(kInvalid, "the step must not be 0");
  Range<float>({0, 1, 0}).ExpectError(kInvalid, "the step must not be 0");
}

TEST(RangeTest, RejectsNumbersThatAreNone) {
  const float infinity = std::numeric_limits<float>::infinity();
  const float nan = std::numeric_limits<float>::quiet_NaN();
  Range<float>({infinity}).ExpectError(kInvalid, "must be finite numbers");
  Range<float>({0, nan}).ExpectError(kInvalid, "must be finite numbers");
  Range<float>({0, 1, nan}).ExpectError(kInvalid, "must be finite numbers");
}

TEST(RangeTest, RejectsMoreElementsThanThereCanBe) {
  constexpr int64_t kMost = std::numeric_limits<int64_t>::max();
  Range<int64_t>({-2, kMost, 1}).ExpectError(kInvalid, "it has too many elements");
  Range<double>({0, 1e300, 1e-300}).ExpectError(kInvalid, "it has too many elements");
}

TEST(RangeTest, RejectsBoundsOfDifferentTypesOrOfMoreElements) {
  OpTester("Range")
      .Input("start", Tensor::Scalar<int32_t>(0))
      .Input("stop", Tensor::Scalar<int64_t>(1))
      .Outputs({"Y"})
      .ExpectError(kInvalid, "input 1 must be one element of type int32, but is int64[]");
  OpTester("Range")
      .Input("stop", Tensor::Of<int32_t>({2}, {1, 2}))
      .Outputs({"Y"})
      .ExpectError(kInvalid, "input 0 must be one element of type int32, but is int32[2]");
  OpTester("Range")
      .Input("stop", Tensor::Scalar<bool>(true))
      .Outputs({"Y"})
      .ExpectError(kInvalid, "element type bool is not supported here");
}

}  // namespace
}  // namespace doppio
