#include <cmath>
#include <limits>

#include "gtest/gtest.h"
#include "tests/support/op_tester.h"

namespace doppio {
namespace {

constexpr float kLowest = std::numeric_limits<float>::lowest();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

OpTester Row(std::vector<float> x, int64_t kernel, int64_t stride) {
  OpTester tester("MaxPool1D");
  tester.Input("X", Tensor::FromSpan<float>({1, 1, static_cast<int64_t>(x.size())}, x))
      .Arg("kernels", std::vector<int64_t>{kernel})
      .Arg("strides", std::vector<int64_t>{stride})
      .Outputs({"Y"});
  return tester;
}

TEST(MaxPoolTest, TakesTheLargestOfEachWindow) {
  OpTester("MaxPool")
      .Input("X", Tensor::Of<float>({1, 1, 3, 3}, {1, 2, 3, 6, 5, 4, 7, 8, 9}))
      .Arg("kernel", 2)
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<float>({1, 1, 2, 2}, {6, 5, 8, 9}));
}

TEST(MaxPoolTest, KeepsChannelsApartInNhwc) {
  OpTester("MaxPool")
      .Input("X", Tensor::Of<float>({1, 1, 2, 3}, {1, 2, 3, 6, -5, 4}))
      .Arg("kernels", std::vector<int64_t>{1, 2})
      .Arg("order", "NHWC")
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<float>({1, 1, 1, 3}, {6, 2, 4}));
}

TEST(MaxPoolTest, TakesNothingFromThePadding) {
  Row({-1, -2, -3}, 3, 2)
      .Arg("pads", std::vector<int64_t>{1, 1})
      .ExpectOutput(0, Tensor::Of<float>({1, 1, 2}, {-1, -2}));
}

TEST(MaxPoolTest, RoundsUpAsCaffeDid) {
  Row({1, 2, 3, 9}, 3, 2).ExpectOutput(0, Tensor::Of<float>({1, 1, 1}, {3}));
  Row({1, 2, 3, 9}, 3, 2)
      .Arg("legacy_pad", 3)
      .ExpectOutput(0, Tensor::Of<float>({1, 1, 2}, {3, 9}));
}

TEST(MaxPoolTest, GivesTheLowestNumberForAWindowOnPaddingAlone) {
  Row({1, 2, 3}, 1, 3)
      .Arg("legacy_pad", 3)
      .ExpectOutput(0, Tensor::Of<float>({1, 1, 2}, {1, kLowest}));
}

TEST(MaxPoolTest, PassesOverNan) {
  Row({kNan, 2, kNan, kNan}, 2, 1).ExpectOutput(0, Tensor::Of<float>({1, 1, 3}, {2, 2, kLowest}));
  OpTester("MaxPool1D")
      .Input("X", Tensor::Of<double>({1, 1, 3}, {kNan, 2, kNan}))
      .Arg("kernels", std::vector<int64_t>{2})
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<double>({1, 1, 2}, {2, 2}));
}

TEST(MaxPoolTest, TakesWindowsMuchLargerThanTheImage) {
  constexpr int64_t kMost = std::numeric_limits<int32_t>::max();
  Row({1, 3, 2}, kMost, kMost)
      .Arg("pads", std::vector<int64_t>{kMost - 1, kMost - 1})
      .ExpectOutput(0, Tensor::Of<float>({1, 1, 2}, {1, 3}));
}

TEST(MaxPoolTest, PoolsTheWholeImage) {
  OpTester("MaxPool")
      .Input("X", Tensor::Of<float>({1, 2, 1, 2}, {1, 2, 4, 3}))
      .Arg("global_pooling", true)
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<float>({1, 2, 1, 1}, {2, 4}));
}

TEST(MaxPoolTest, TakesAnEmptyBatch) {
  OpTester("MaxPool3D")
      .Input("X", Tensor::Create(DataType::kFloat, {0, 2, 3, 3, 3}))
      .Arg("kernels", std::vector<int64_t>{2, 2, 2})
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Create(DataType::kFloat, {0, 2, 2, 2, 2}));
}

TEST(MaxPoolTest, FallsBackFromEnginesThatAreNotHere) {
  for (const char* engine : {"CUDNN", "MKLDNN", "EIGEN"}) {
    Row({1, 2, 3}, 3, 1).Engine(engine).ExpectOutput(0, Tensor::Of<float>({1, 1, 1}, {3}));
  }
}

TEST(MaxPoolTest, RejectsWhatCaffe2Rejects) {
  Row({1, 2, 3}, 2, 1)
      .Arg("pads", std::vector<int64_t>{2, 0})
      .ExpectError(kInvalid, "must be smaller than the kernel [2]");
  Row({1, 2, 3}, 2, 1)
      .Arg("dilations", std::vector<int64_t>{2})
      .ExpectError(kInvalid, "pools have no dilation");
  Row({1, 2, 3}, 4, 1).ExpectError(kInvalid, "larger than the image of 3");
  Row({1, 2, 3}, 2, 0).ExpectError(kInvalid, "below 1");
}

TEST(MaxPoolTest, RejectsOtherTypesAndSizesOfZero) {
  OpTester("MaxPool")
      .Input("X", Tensor::Of<int32_t>({1, 1, 1, 1}, {1}))
      .Arg("kernel", 1)
      .Outputs({"Y"})
      .ExpectError(kInvalid, "int32 is not supported");
  OpTester("MaxPool")
      .Input("X", Tensor::Create(DataType::kFloat, {1, 0, 2, 2}))
      .Arg("kernel", 1)
      .Outputs({"Y"})
      .ExpectError(kInvalid, "has 0 in dimension 1");
}

OpTester Gradient(std::vector<float> y, std::vector<float> dy) {
  OpTester tester("MaxPoolGradient");
  tester.Input("X", Tensor::Of<float>({1, 1, 4}, {3, 3, 1, 2}))
      .Input("Y", Tensor::FromSpan<float>({1, 1, static_cast<int64_t>(y.size())}, y))
      .Input("dY", Tensor::FromSpan<float>({1, 1, static_cast<int64_t>(dy.size())}, dy))
      .Arg("kernels", std::vector<int64_t>{2})
      .Outputs({"dX"});
  return tester;
}

TEST(MaxPoolGradientTest, GoesToAllThatAreEqualToTheMaximum) {
  Gradient({3, 3, 2}, {1, 10, 100}).ExpectOutput(0, Tensor::Of<float>({1, 1, 4}, {1, 11, 0, 100}));
}

TEST(MaxPoolGradientTest, RejectsGradientsOfAnotherShape) {
  Gradient({3, 3, 2}, {1, 10}).ExpectError(kInvalid, "Y and dY must be of X's type and of shape");
  Gradient({3, 3}, {1, 10, 1}).ExpectError(kInvalid, "Y and dY must be of X's type and of shape");
}

}  // namespace
}  // namespace doppio
