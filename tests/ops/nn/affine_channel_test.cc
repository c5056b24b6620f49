#include "gtest/gtest.h"
#include "tests/support/op_tester.h"

namespace doppio {
namespace {

OpTester WithParameters(std::initializer_list<float> scale, std::initializer_list<float> bias) {
  const auto size = static_cast<int64_t>(scale.size());
  OpTester tester("AffineChannel");
  tester.Input("X", Tensor::Of<float>({1, 2, 2}, {1, 2, 3, 4}))
      .Input("scale", Tensor::Of<float>({size}, scale))
      .Input("bias", Tensor::Of<float>({static_cast<int64_t>(bias.size())}, bias))
      .Outputs({"Y"});
  return tester;
}

TEST(AffineChannelTest, ScalesAndShiftsEveryChannel) {
  WithParameters({2, 3}, {10, 20}).ExpectOutput(0, Tensor::Of<float>({1, 2, 2}, {12, 14, 29, 32}));
  WithParameters({2, 3}, {10, 20})
      .Arg("order", "NHWC")
      .ExpectOutput(0, Tensor::Of<float>({1, 2, 2}, {12, 26, 16, 32}));
}

TEST(AffineChannelTest, GivesTheGradientOfXAloneUnlessItLearns) {
  OpTester("AffineChannelGradient")
      .Input("dY", Tensor::Of<float>({1, 2, 2}, {1, 2, 3, 4}))
      .Input("scale", Tensor::Of<float>({2}, {2, 3}))
      .Outputs({"dX"})
      .ExpectOutput(0, Tensor::Of<float>({1, 2, 2}, {2, 4, 9, 12}));
}

TEST(AffineChannelTest, GivesSumsWhereItLearnsAlsoInPlace) {
  OpTester tester("AffineChannelGradient");
  tester.Input("dY", Tensor::Of<float>({1, 2, 2}, {1, 2, 3, 4}))
      .Input("X", Tensor::Of<float>({1, 2, 2}, {1, 1, 2, 2}))
      .Input("scale", Tensor::Of<float>({2}, {2, 3}))
      .Arg("is_learnable", 1)
      .Outputs({"dY", "dscale", "dbias"})
      .ExpectOutput(0, Tensor::Of<float>({1, 2, 2}, {2, 4, 9, 12}))
      .ExpectOutput(1, Tensor::Of<float>({2}, {3, 14}))
      .ExpectOutput(2, Tensor::Of<float>({2}, {3, 7}));
}

TEST(AffineChannelTest, RejectsParametersThatAreNotOneForEachChannel) {
  WithParameters({1, 2, 3}, {1, 2}).ExpectError(kInvalid, "scale [3] must be a vector of the 2");
  WithParameters({1, 2}, {1}).ExpectError(kInvalid, "bias [1] must be a vector of the 2");
}

TEST(AffineChannelTest, RejectsAnUnknownOrder) {
  WithParameters({1, 2}, {1, 2}).Arg("order", "CHWN").ExpectError(kInvalid, "NCHW or NHWC");
}

TEST(AffineChannelTest, RejectsAGradientWithoutWhatIsLearnable) {
  OpTester("AffineChannelGradient")
      .Input("dY", Tensor::Of<float>({1, 1}, {1}))
      .Input("scale", Tensor::Of<float>({1}, {2}))
      .Arg("is_learnable", 1)
      .Outputs({"dX"})
      .ExpectError(kInvalid, "there are 3 inputs and 3 outputs");
}

}  // namespace
}  // namespace doppio
