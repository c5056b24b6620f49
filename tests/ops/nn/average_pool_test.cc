#include <limits>

#include "doppio/gradient_maker.h"
#include "gtest/gtest.h"
#include "tests/support/op_tester.h"

namespace doppio {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

OpTester Row(std::vector<float> x, int64_t kernel, int64_t stride) {
  OpTester tester("AveragePool1D");
  tester.Input("X", Tensor::FromSpan<float>({1, 1, static_cast<int64_t>(x.size())}, x))
      .Arg("kernels", std::vector<int64_t>{kernel})
      .Arg("strides", std::vector<int64_t>{stride})
      .Outputs({"Y"});
  return tester;
}

TEST(AveragePoolTest, TakesTheMeanOfEachWindow) {
  OpTester("AveragePool")
      .Input("X", Tensor::Of<float>({1, 1, 2, 3}, {1, 2, 3, 4, 5, 6}))
      .Arg("kernel", 2)
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<float>({1, 1, 1, 2}, {3, 4}));
}

TEST(AveragePoolTest, CountsThePaddingOnlyWhereAskedTo) {
  Row({2, 4, 6}, 2, 2)
      .Arg("pads", std::vector<int64_t>{1, 0})
      .ExpectOutput(0, Tensor::Of<float>({1, 1, 2}, {2, 5}));
  Row({2, 4, 6}, 2, 2)
      .Arg("pads", std::vector<int64_t>{1, 0})
      .Arg("count_include_pad", true)
      .ExpectOutput(0, Tensor::Of<float>({1, 1, 2}, {1, 5}));
}

TEST(AveragePoolTest, CountsWhatRoundingUpReachesBeyondTheImageAsPadding) {
  Row({1, 2, 3, 9}, 3, 2)
      .Arg("legacy_pad", 3)
      .ExpectOutput(0, Tensor::Of<float>({1, 1, 2}, {2, 6}));
  Row({1, 2, 3, 9}, 3, 2)
      .Arg("legacy_pad", 3)
      .Arg("count_include_pad", true)
      .ExpectOutput(0, Tensor::Of<float>({1, 1, 2}, {2, 4}));
}

TEST(AveragePoolTest, HasNoMeanOfPaddingAlone) {
  Row({1, 2, 3}, 1, 3)
      .Arg("legacy_pad", 3)
      .ExpectOutput(0, Tensor::Of<float>({1, 1, 2}, {1, kNan}));
  Row({1, 2, 3}, 1, 3)
      .Arg("legacy_pad", 3)
      .Arg("count_include_pad", true)
      .ExpectOutput(0, Tensor::Of<float>({1, 1, 2}, {1, 0}));
}

TEST(AveragePoolTest, PassesNanOnToItsWindowsAlone) {
  Row({kNan, 2, 4}, 2, 1).ExpectOutput(0, Tensor::Of<float>({1, 1, 2}, {kNan, 3}));
}

TEST(AveragePoolTest, PoolsTheWholeImageInBothOrders) {
  OpTester("AveragePool")
      .Input("X", Tensor::Of<float>({1, 2, 1, 2}, {1, 2, 4, 3}))
      .Arg("global_pooling", true)
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<float>({1, 2, 1, 1}, {1.5f, 3.5f}));
  OpTester("AveragePool")
      .Input("X", Tensor::Of<float>({1, 1, 2, 2}, {1, 4, 2, 3}))
      .Arg("global_pooling", true)
      .Arg("order", "NHWC")
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<float>({1, 1, 1, 2}, {1.5f, 3.5f}));
}

TEST(AveragePoolTest, RejectsPadsBesideGlobalPooling) {
  OpTester("AveragePool")
      .Input("X", Tensor::Of<float>({1, 1, 1, 1}, {1}))
      .Arg("global_pooling", true)
      .Arg("pad", 1)
      .Outputs({"Y"})
      .ExpectError(kInvalid, "pads must be 0, strides and dilations 1");
}

TEST(AveragePoolTest, RejectsVectors) {
  OpTester("AveragePool")
      .Input("X", Tensor::Of<float>({1}, {1}))
      .Arg("global_pooling", true)
      .Outputs({"Y"})
      .ExpectError(kInvalid, "must have a batch, channels and 1 to 3 spatial dimensions");
}

TEST(AveragePoolGradientTest, SpreadsEachGradientOverItsWindow) {
  OpTester("AveragePoolGradient")
      .Input("X", Tensor::Of<float>({1, 1, 3}, {0, 0, 0}))
      .Input("Y", Tensor::Of<float>({1, 1, 2}, {0, 0}))
      .Input("dY", Tensor::Of<float>({1, 1, 2}, {3, 8}))
      .Arg("kernels", std::vector<int64_t>{2})
      .Arg("strides", std::vector<int64_t>{2})
      .Arg("pads", std::vector<int64_t>{1, 0})
      .Outputs({"dX"})
      .ExpectOutput(0, Tensor::Of<float>({1, 1, 3}, {3, 4, 4}));
}

TEST(AveragePoolGradientTest, RejectsAnotherType) {
  OpTester("AveragePoolGradient")
      .Input("X", Tensor::Of<float>({1, 1, 1, 1}, {0}))
      .Input("Y", Tensor::Of<float>({1, 1, 1, 1}, {0}))
      .Input("dY", Tensor::Of<double>({1, 1, 1, 1}, {3}))
      .Arg("kernel", 1)
      .Outputs({"dX"})
      .ExpectError(kInvalid, "must be of X's type");
}

TEST(AveragePoolGradientTest, IsMadeAsCaffe2MakesIt) {
  const OperatorDef def = CreateOperatorDef("AveragePool2D", "", {"X"}, {"Y"});
  const auto meta = GetGradientForOp(def, {GradientWrapper::Dense("Y_grad")});
  ASSERT_TRUE(meta.ok()) << meta.status();
  EXPECT_EQ(OpToString(meta->ops.at(0)), "AveragePool2DGradient(X, Y, Y_grad) -> X_grad");
}

}  // namespace
}  // namespace doppio
