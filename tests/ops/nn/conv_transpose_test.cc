#include "doppio/gradient_maker.h"
#include "gtest/gtest.h"
#include "tests/support/op_tester.h"

namespace doppio {
namespace {

absl::StatusOr<Tensor> Ones(DimsView dims) {
  return Tensor::FromSpan<float>(dims,
                                 std::vector<float>(static_cast<size_t>(*NumElements(dims)), 1.0f));
}

OpTester Row(std::vector<float> x, std::vector<float> w) {
  OpTester tester("ConvTranspose");
  tester.Input("X", Tensor::FromSpan<float>({1, 1, static_cast<int64_t>(x.size())}, x))
      .Input("W", Tensor::FromSpan<float>({1, 1, static_cast<int64_t>(w.size())}, w))
      .Arg("kernels", std::vector<int64_t>{static_cast<int64_t>(w.size())})
      .Outputs({"Y"});
  return tester;
}

TEST(ConvTransposeTest, PutsDownACopyOfTheFilterForEachElement) {
  Row({1, 10}, {1, 2, 3})
      .Arg("strides", std::vector<int64_t>{2})
      .ExpectOutput(0, Tensor::Of<float>({1, 1, 5}, {1, 2, 13, 20, 30}));
}

TEST(ConvTransposeTest, AddsTheBiasWhereNoFilterReachesToo) {
  Row({1, 10}, {1, 2})
      .Arg("strides", std::vector<int64_t>{2})
      .Arg("adjs", std::vector<int64_t>{2})
      .Input("b", Tensor::Of<float>({1}, {100}))
      .ExpectOutput(0, Tensor::Of<float>({1, 1, 6}, {101, 102, 110, 120, 100, 100}));
}

TEST(ConvTransposeTest, CutsOffPads) {
  Row({1, 10}, {1, 2, 3})
      .Arg("pads", std::vector<int64_t>{1, 0})
      .ExpectOutput(0, Tensor::Of<float>({1, 1, 3}, {12, 23, 30}));
  Row({1, 10}, {1, 2, 3})
      .Arg("legacy_pad", 2)
      .ExpectOutput(0, Tensor::Of<float>({1, 1, 4}, {1, 12, 23, 30}));
}

TEST(ConvTransposeTest, KeepsGroupsApart) {
  OpTester("ConvTranspose")
      .Input("X", Tensor::Of<float>({1, 2, 1, 1}, {2, 3}))
      .Input("W", Tensor::Of<float>({2, 2, 1, 1}, {1, 10, 100, 1000}))
      .Arg("kernel", 1)
      .Arg("group", 2)
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<float>({1, 4, 1, 1}, {2, 20, 300, 3000}));
}

TEST(ConvTransposeTest, ReadsNhwc) {
  OpTester("ConvTranspose")
      .Input("X", Tensor::Of<float>({1, 1, 1, 2}, {1, 10}))
      .Input("W", Tensor::Of<float>({2, 1, 1, 3}, {1, 2, 3, 4, 5, 6}))
      .Input("b", Tensor::Of<float>({3}, {100, 200, 300}))
      .Arg("kernel", 1)
      .Arg("order", "NHWC")
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<float>({1, 1, 1, 3}, {141, 252, 363}));
}

TEST(ConvTransposeTest, TakesAnEmptyBatch) {
  OpTester("ConvTranspose")
      .Input("X", Tensor::Create(DataType::kFloat, {0, 1, 4, 4}))
      .Input("W", Ones({1, 2, 3, 3}))
      .Input("b", Ones({2}))
      .Arg("kernel", 3)
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Create(DataType::kFloat, {0, 2, 6, 6}));
}

TEST(ConvTransposeTest, RejectsFiltersOfOtherChannels) {
  OpTester("ConvTranspose")
      .Input("X", Ones({1, 2, 4, 4}))
      .Input("W", Ones({3, 2, 3, 3}))
      .Arg("kernel", 3)
      .Outputs({"Y"})
      .ExpectError(kInvalid, "X [1,2,4,4] has 2 channels, but W [3,2,3,3] is for 3");
  OpTester("ConvTranspose")
      .Input("X", Ones({1, 4, 4, 3}))
      .Input("W", Ones({3, 2, 3, 3}))
      .Arg("kernel", 3)
      .Outputs({"Y"})
      .ExpectError(kInvalid, "X looks like NHWC");
  OpTester("ConvTranspose")
      .Input("X", Ones({1, 3, 1, 1}))
      .Input("W", Ones({3, 1, 1, 1}))
      .Arg("kernel", 1)
      .Arg("group", 2)
      .Outputs({"Y"})
      .ExpectError(kInvalid, "X has 3 channels, which 2 groups do not divide");
  OpTester("ConvTranspose")
      .Input("X", Ones({1, 1, 1, 1}))
      .Input("W", Ones({1, 2, 1, 1}))
      .Input("b", Ones({1}))
      .Arg("kernel", 1)
      .Outputs({"Y"})
      .ExpectError(kInvalid, "vector of the 2 output channels, but is [1]");
}

TEST(ConvTransposeTest, RejectsArgumentsWithoutASense) {
  Row({1, 10}, {1, 2})
      .Arg("adjs", std::vector<int64_t>{2})
      .ExpectError(kInvalid, "adj [2] must not exceed the strides [1]");
  Row({1, 10}, {1, 2})
      .Arg("pads", std::vector<int64_t>{2, 2})
      .ExpectError(kInvalid, "leave nothing of the output of X [1,1,2]");
  Row({1, 10}, {1, 2}).Arg("legacy_pad", 3).ExpectError(kInvalid, "have no legacy_pad 3");
}

TEST(ConvTransposeGradientTest, GivesOnlyWhatIsAskedFor) {
  const auto tester = [] {
    OpTester t("ConvTransposeGradient");
    t.Input("X", Tensor::Of<float>({1, 1, 1, 2}, {1, 2}))
        .Input("W", Tensor::Of<float>({1, 1, 1, 1}, {3}))
        .Input("dY", Tensor::Of<float>({1, 1, 1, 2}, {10, 100}))
        .Arg("kernel", 1);
    return t;
  };
  const auto dw = Tensor::Of<float>({1, 1, 1, 1}, {210});
  tester()
      .Outputs({"dW", "db", "dX"})
      .ExpectOutput(0, dw)
      .ExpectOutput(1, Tensor::Of<float>({1}, {110}))
      .ExpectOutput(2, Tensor::Of<float>({1, 1, 1, 2}, {30, 300}));
  tester().Arg("no_bias", true).Outputs({"dW"}).ExpectOutput(0, dw);
}

TEST(ConvTransposeGradientTest, RejectsAGradientOfAnotherShape) {
  OpTester("ConvTransposeGradient")
      .Input("X", Ones({1, 1, 2, 2}))
      .Input("W", Ones({1, 1, 2, 2}))
      .Input("dY", Ones({1, 1, 2, 2}))
      .Arg("kernel", 2)
      .Outputs({"dW", "db", "dX"})
      .ExpectError(kInvalid, "but the output is [1,1,3,3]");
}

TEST(ConvTransposeGradientTest, IsMadeAsCaffe2MakesIt) {
  const OperatorDef def = CreateOperatorDef("ConvTranspose", "", {"X", "W"}, {"Y"});
  const auto meta = GetGradientForOp(def, {GradientWrapper::Dense("Y_grad")});
  ASSERT_TRUE(meta.ok()) << meta.status();
  EXPECT_EQ(OpToString(meta->ops.at(0)), "ConvTransposeGradient(X, W, Y_grad) -> W_grad, X_grad");
  EXPECT_EQ(meta->ops[0].arg(0).name(), "no_bias");
  EXPECT_EQ(meta->ops[0].arg(0).i(), 1);
}

}  // namespace
}  // namespace doppio
