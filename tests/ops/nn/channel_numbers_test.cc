// Operators with numbers of channels, columns and vectors: statistics and factors.

#include "gtest/gtest.h"
#include "tests/support/op_tester.h"

namespace doppio {
namespace {

TEST(ElementwiseLinearTest, HasAFactorAndASummandForEachColumn) {
  OpTester("ElementwiseLinear")
      .Input("X", Tensor::Of<float>({2, 2}, {1, 2, 3, 4}))
      .Input("w", Tensor::Of<float>({2}, {10, 1}))
      .Input("b", Tensor::Of<float>({2}, {0, 5}))
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<float>({2, 2}, {10, 7, 30, 9}));
}

TEST(ElementwiseLinearTest, RejectsOtherNumbersOfColumnsAndAxes) {
  const auto of = [](absl::StatusOr<Tensor> w) {
    return OpTester("ElementwiseLinear")
        .Input("X", Tensor::Of<float>({2, 2}, {1, 2, 3, 4}))
        .Input("w", std::move(w))
        .Input("b", Tensor::Of<float>({2}, {0, 5}))
        .Outputs({"Y"});
  };
  of(Tensor::Of<float>({3}, {1, 1, 1})).ExpectError(kInvalid, "must be a vector of 2");
  of(Tensor::Of<float>({2}, {1, 1})).Arg("axis", 2).ExpectError(kInvalid, "axis");
}

TEST(ChannelStatsTest, AddsUpOverImages) {
  const auto x = Tensor::Of<float>({2, 2, 1}, {1, 2, 3, 4});
  OpTester("ChannelStats")
      .Input("X", x)
      .Outputs({"sum", "sumsq"})
      .ExpectOutput(0, Tensor::Of<float>({2}, {4, 6}))
      .ExpectOutput(1, Tensor::Of<float>({2}, {10, 20}));
  OpTester("BatchMoments")
      .Input("X", x)
      .Outputs({"mu", "var"})
      .ExpectOutput(0, Tensor::Of<float>({2}, {2, 3}))
      .ExpectOutput(1, Tensor::Of<float>({2}, {5, 10}));
}

TEST(ChannelStatsTest, RejectsOrdersAndShapesWithoutChannels) {
  OpTester("ChannelStats")
      .Input("X", Tensor::Of<float>({2}, {1, 2}))
      .Outputs({"sum", "sumsq"})
      .ExpectError(kInvalid, "channels");
  OpTester("BatchMoments")
      .Input("X", Tensor::Of<float>({1, 1}, {1}))
      .Arg("order", "CHWN")
      .Outputs({"mu", "var"})
      .ExpectError(kInvalid, "must be NCHW or NHWC");
}

OpTester Backprop(absl::StatusOr<Tensor> mean) {
  return OpTester("ChannelBackpropStats")
      .Input("X", Tensor::Of<float>({1, 1, 2}, {1, 3}))
      .Input("mean", std::move(mean))
      .Input("inv_std", Tensor::Of<float>({1}, {1}))
      .Input("dY", Tensor::Of<float>({1, 1, 2}, {1, 5}))
      .Outputs({"scale_grad", "bias_grad"});
}

TEST(ChannelBackpropStatsTest, HasTheValuesOfItsExample) {
  Backprop(Tensor::Of<float>({1}, {2}))
      .ExpectOutput(0, Tensor::Of<float>({1}, {4}))
      .ExpectOutput(1, Tensor::Of<float>({1}, {6}));
}

TEST(ChannelBackpropStatsTest, RejectsAnotherNumberOfMeans) {
  Backprop(Tensor::Of<float>({2}, {2, 2})).ExpectError(kInvalid, "must have 1 elements");
}

}  // namespace
}  // namespace doppio
