// NCHW2NHWC, NHWC2NCHW and ChannelShuffle.

#include "doppio/gradient_maker.h"
#include "gtest/gtest.h"
#include "tests/support/op_tester.h"

namespace doppio {
namespace {

TEST(OrderSwitchTest, MovesChannelsToTheBackAndToTheFront) {
  const auto nchw = Tensor::Of<int32_t>({1, 2, 1, 3}, {1, 2, 3, 4, 5, 6});
  const auto nhwc = Tensor::Of<int32_t>({1, 1, 3, 2}, {1, 4, 2, 5, 3, 6});
  OpTester("NCHW2NHWC").Input("X", nchw).Outputs({"Y"}).ExpectOutput(0, nhwc);
  OpTester("NHWC2NCHW").Input("X", nhwc).Outputs({"Y"}).ExpectOutput(0, nchw);
}

TEST(OrderSwitchTest, WorksForOneAndForFourSpatialDimensions) {
  OpTester("NHWC2NCHW")
      .Input("X", Tensor::Of<float>({1, 2, 2}, {1, 2, 3, 4}))
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<float>({1, 2, 2}, {1, 3, 2, 4}));
  OpTester("NCHW2NHWC")
      .Input("X", Tensor::Create(DataType::kUInt8, {0, 5, 2, 3, 4, 7}))
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Create(DataType::kUInt8, {0, 2, 3, 4, 7, 5}));
}

TEST(OrderSwitchTest, HasTheOtherOneAsItsGradient) {
  const auto meta = GetGradientForOp(CreateOperatorDef("NCHW2NHWC", "", {"X"}, {"Y"}),
                                     {GradientWrapper::Dense("dY")});
  ASSERT_TRUE(meta.ok()) << meta.status();
  EXPECT_EQ(OpToString(meta->ops[0]), "NHWC2NCHW(dY) -> X_grad");
}

TEST(OrderSwitchTest, RejectsWhatIsNoImage) {
  for (const char* type : {"NCHW2NHWC", "NHWC2NCHW"}) {
    OpTester(type)
        .Input("X", Tensor::Of<float>({1, 2}, {1, 2}))
        .Outputs({"Y"})
        .ExpectError(kInvalid, "at least 3 dimensions, but X is [1,2]");
  }
}

TEST(ChannelShuffleTest, MixesChannelsBetweenGroups) {
  OpTester("ChannelShuffle")
      .Input("X", Tensor::Of<float>({1, 6, 1}, {0, 1, 2, 3, 4, 5}))
      .Arg("group", 2)
      .Arg("kernel", 3)
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<float>({1, 6, 1}, {0, 3, 1, 4, 2, 5}));
  OpTester("ChannelShuffle")
      .Input("X", Tensor::Of<float>({2, 4}, {0, 1, 2, 3, 4, 5, 6, 7}))
      .Arg("group", 2)
      .Arg("order", "NHWC")
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<float>({2, 4}, {0, 2, 1, 3, 4, 6, 5, 7}));
}

TEST(ChannelShuffleTest, GoesBackInItsGradient) {
  OpTester("ChannelShuffleGradient")
      .Input("dY", Tensor::Of<float>({1, 6}, {0, 3, 1, 4, 2, 5}))
      .Arg("group", 2)
      .Outputs({"dX"})
      .ExpectOutput(0, Tensor::Of<float>({1, 6}, {0, 1, 2, 3, 4, 5}));
}

TEST(ChannelShuffleTest, RejectsGroupsThatDoNotDivide) {
  for (int group : {0, -2, 4}) {
    OpTester("ChannelShuffle")
        .Input("X", Tensor::Of<float>({1, 6}, {0, 1, 2, 3, 4, 5}))
        .Arg("group", group)
        .Outputs({"Y"})
        .ExpectError(kInvalid, "can not be divided into");
  }
}

TEST(ChannelShuffleTest, RejectsAVector) {
  OpTester("ChannelShuffle")
      .Input("X", Tensor::Of<float>({2}, {0, 1}))
      .Outputs({"Y"})
      .ExpectError(kInvalid, "no dimension of channels");
}

}  // namespace
}  // namespace doppio
