#include "gtest/gtest.h"
#include "tests/support/op_tester.h"

namespace doppio {
namespace {

using Bounds = std::vector<int64_t>;

absl::StatusOr<Tensor> Eight() { return Tensor::Of<float>({2, 4}, {1, 2, 3, 4, 5, 6, 7, 8}); }

OpTester Slice(const Bounds& starts, const Bounds& ends) {
  OpTester tester("Slice");
  tester.Input("X", Eight()).Arg("starts", starts).Arg("ends", ends).Outputs({"Y"});
  return tester;
}

TEST(SliceTest, TakesABox) {
  Slice({0, 1}, {-1, 3}).ExpectOutput(0, Tensor::Of<float>({2, 2}, {2, 3, 6, 7}));
  Slice({1, 2}, {2, 4}).ExpectOutput(0, Tensor::Of<float>({1, 2}, {7, 8}));
}

TEST(SliceTest, KeepsDimensionsWithoutBoundsWhole) {
  Slice({1}, {2}).ExpectOutput(0, Tensor::Of<float>({1, 4}, {5, 6, 7, 8}));
  Slice({}, {}).ExpectOutput(0, Eight());
}

TEST(SliceTest, CountsNegativeBoundsFromOnePastTheEnd) {
  Slice({0, -3}, {-1, -2}).ExpectOutput(0, Tensor::Of<float>({2, 1}, {3, 7}));
  Slice({0, -5}, {-1, -1}).ExpectOutput(0, Eight());
}

TEST(SliceTest, TakesBoundsAboveTheSizeForItsEnd) {
  Slice({0, 2}, {INT64_MAX, 99}).ExpectOutput(0, Tensor::Of<float>({2, 2}, {3, 4, 7, 8}));
  Slice({7, 0}, {9, 4}).ExpectOutput(0, Tensor::Of<float>({0, 4}, {}));
}

TEST(SliceTest, TakesBoundsFromInputs) {
  for (DataType type : {DataType::kInt32, DataType::kInt64}) {
    OpTester("Slice")
        .Input("X", Tensor::Of<std::string>({3}, {"a", "b", "c"}))
        .Input("starts", ConvertTensor(*Tensor::Of<int32_t>({1}, {1}), type))
        .Input("ends", ConvertTensor(*Tensor::Of<int32_t>({1}, {-1}), type))
        .Outputs({"Y"})
        .ExpectOutput(0, Tensor::Of<std::string>({2}, {"b", "c"}));
  }
}

TEST(SliceTest, RejectsBoundsInTheWrongOrder) {
  Slice({0, 3}, {2, 2})
      .ExpectError(kInvalid,
                   "cannot slice [2,4] from [0,3] to [2,2]: in dimension 1 that is 3 to 2");
  Slice({-9}, {2}).ExpectError(kInvalid, "in dimension 0 that is -6 to 2");
  Slice({INT64_MIN}, {INT64_MIN}).ExpectError(kInvalid, "in dimension 0");
}

TEST(SliceTest, RejectsAnotherNumberOfBounds) {
  Slice({0, 0}, {1}).ExpectError(kInvalid, "there must be as many starts as ends");
  Slice({0, 0, 0}, {1, 1, 1}).ExpectError(kInvalid, "there are more starts than dimensions");
}

TEST(SliceTest, RejectsMissingBounds) {
  OpTester("Slice")
      .Input("X", Eight())
      .Outputs({"Y"})
      .ExpectError(kInvalid, "\"starts\" is missing");
  OpTester("Slice")
      .Input("X", Eight())
      .Input("starts", Tensor::Of<int64_t>({1}, {0}))
      .Outputs({"Y"})
      .ExpectError(kInvalid, "inputs must be data, or data, starts and ends, but are 2");
}

TEST(SliceTest, RejectsBoundsThatAreNoVectorsOfIntegers) {
  OpTester("Slice")
      .Input("X", Eight())
      .Input("starts", Tensor::Of<float>({1}, {0}))
      .Input("ends", Tensor::Of<int64_t>({1}, {0}))
      .Outputs({"Y"})
      .ExpectError(kInvalid, "starts must be a vector of int32 or int64");
}

OpTester SliceGradient(absl::StatusOr<Tensor> dy) {
  OpTester tester("SliceGradient");
  tester.Input("X", Eight()).Input("dY", std::move(dy));
  tester.Arg("starts", Bounds{0, 1}).Arg("ends", Bounds{-1, 3}).Outputs({"dX"});
  return tester;
}

TEST(SliceGradientTest, PutsTheGradientInItsPlace) {
  SliceGradient(Tensor::Of<double>({2, 2}, {1, 2, 3, 4}))
      .ExpectOutput(0, Tensor::Of<double>({2, 4}, {0, 1, 2, 0, 0, 3, 4, 0}));
}

TEST(SliceGradientTest, GivesZerosForAnEmptySlice) {
  OpTester("SliceGradient")
      .Input("X", Tensor::Of<float>({2}, {1, 2}))
      .Input("starts", Tensor::Of<int32_t>({1}, {2}))
      .Input("ends", Tensor::Of<int32_t>({1}, {2}))
      .Input("dY", Tensor::Of<float>({0}, {}))
      .Outputs({"dX"})
      .ExpectOutput(0, Tensor::Of<float>({2}, {0, 0}));
}

TEST(SliceGradientTest, RejectsAGradientOfAnotherShape) {
  SliceGradient(Tensor::Of<float>({2, 1}, {1, 2}))
      .ExpectError(kInvalid, "must be numbers of shape [2,2], which Slice makes of");
  SliceGradient(Tensor::Of<std::string>({2, 2}, {"", "", "", ""}))
      .ExpectError(kInvalid, "must be numbers of shape [2,2]");
  OpTester("SliceGradient")
      .Input("X", Eight())
      .Input("starts", Tensor::Of<int64_t>({1}, {0}))
      .Input("ends", Tensor::Of<int64_t>({1}, {0}))
      .Outputs({"dX"})
      .ExpectError(kInvalid, "but are 3");
}

}  // namespace
}  // namespace doppio
