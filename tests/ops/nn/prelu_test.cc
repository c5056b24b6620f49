#include <limits>

#include "doppio/gradient_maker.h"
#include "gtest/gtest.h"
#include "tests/support/op_tester.h"

namespace doppio {
namespace {

TEST(PReluTest, BendsAtZeroWithOneSlopeForAll) {
  OpTester("PRelu")
      .Input("X", Tensor::Of<float>({4}, {-2, -0.0f, 0, 3}))
      .Input("Slope", Tensor::Of<float>({1}, {0.5f}))
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<float>({4}, {-1, 0, 0, 3}));
}

TEST(PReluTest, TakesASlopeForEachChannelInEitherOrder) {
  OpTester("PRelu")
      .Input("X", Tensor::Of<float>({1, 2, 1, 2}, {-1, 1, -2, 2}))
      .Input("Slope", Tensor::Of<float>({2}, {0.5f, 0.25f}))
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<float>({1, 2, 1, 2}, {-0.5f, 1, -0.5f, 2}));
  OpTester("PRelu")
      .Input("X", Tensor::Of<float>({1, 1, 2, 2}, {-1, -1, -2, 2}))
      .Input("Slope", Tensor::Of<float>({2}, {0.5f, 0.25f}))
      .Arg("order", "NHWC")
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<float>({1, 1, 2, 2}, {-0.5f, -0.25f, -1, 2}));
}

TEST(PReluTest, PassesNanOn) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  OpTester("PRelu")
      .Input("X", Tensor::Of<float>({2}, {nan, 1}))
      .Input("Slope", Tensor::Of<float>({1}, {0.5f}))
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<float>({2}, {nan, 1}));
}

TEST(PReluTest, HasTheGradientOperatorOfCaffe2) {
  const auto meta = GetGradientForOp(CreateOperatorDef("PRelu", "", {"X", "S"}, {"Y"}),
                                     {GradientWrapper::Dense("dY")});
  ASSERT_TRUE(meta.ok()) << meta.status();
  ASSERT_EQ(meta->ops.size(), 1u);
  EXPECT_EQ(OpToString(meta->ops[0]), "PReluGradient(Y, dY, X, S) -> X_grad, S_grad");
}

TEST(PReluTest, RejectsSlopesThatAreNotOneForEachChannel) {
  OpTester("PRelu")
      .Input("X", Tensor::Of<float>({1, 3}, {1, 2, 3}))
      .Input("Slope", Tensor::Of<float>({2}, {1, 2}))
      .Outputs({"Y"})
      .ExpectError(kInvalid, "one for each of the 3 channels of X [1,3]");
}

TEST(PReluTest, RejectsSlopesOfAnotherType) {
  OpTester("PRelu")
      .Input("X", Tensor::Of<float>({1, 1}, {1}))
      .Input("Slope", Tensor::Of<double>({1}, {1}))
      .Outputs({"Y"})
      .ExpectError(kInvalid, "must have one type");
}

TEST(PReluTest, RejectsAVectorWithSlopesForChannels) {
  OpTester("PRelu")
      .Input("X", Tensor::Of<float>({2}, {1, 2}))
      .Input("Slope", Tensor::Of<float>({2}, {1, 2}))
      .Outputs({"Y"})
      .ExpectError(kInvalid, "has no dimension of channels");
}

TEST(PReluTest, RejectsTheGradientOfWhatRanInPlace) {
  OpTester("PReluGradient")
      .Input("X", Tensor::Of<float>({1}, {1}))
      .Input("dY", Tensor::Of<float>({1}, {1}))
      .Input("X")
      .Input("S", Tensor::Of<float>({1}, {1}))
      .Outputs({"dX", "dS"})
      .ExpectError(kInvalid, "in place");
}

}  // namespace
}  // namespace doppio
