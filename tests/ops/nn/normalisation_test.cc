// LRN, LayerNorm, InstanceNorm and GroupNorm.

#include <cmath>

#include "doppio/gradient_maker.h"
#include "gtest/gtest.h"
#include "tests/support/op_tester.h"

namespace doppio {
namespace {

// The operator that is made for the gradient of output 0.
std::string GradientOf(const OperatorDef& def) {
  std::vector<GradientWrapper> gradients(static_cast<size_t>(def.output_size()));
  gradients[0] = GradientWrapper::Dense("Y_grad");
  const auto meta = GetGradientForOp(def, gradients);
  if (!meta.ok()) return meta.status().ToString();
  return OpToString(meta->ops[0]);
}

OpTester Lrn(std::initializer_list<int64_t> dims) {
  return OpTester("LRN")
      .Input("X", Tensor::Of<float>(dims, {1, 2, 3}))
      .Arg("alpha", 3.0f)
      .Arg("beta", 1.0f)
      .Arg("bias", 1.0f);
}

TEST(LrnTest, SumsOverTheNeighbourhoodThatThereIs) {
  Lrn({1, 3, 1, 1})
      .Arg("size", 3)
      .Outputs({"Y", "scale"})
      .ExpectOutput(0, Tensor::Of<float>({1, 3, 1, 1}, {1.0f / 6, 2.0f / 15, 3.0f / 14}), 1e-6)
      .ExpectOutput(1, Tensor::Of<float>({1, 3, 1, 1}, {6, 15, 14}));
}

TEST(LrnTest, SumsOverTheLastDimensionWhereChannelsAreLast) {
  Lrn({1, 1, 3})
      .Arg("size", 3)
      .Arg("order", "NHWC")
      .Outputs({"Y", "scale"})
      .ExpectOutput(1, Tensor::Of<float>({1, 1, 3}, {6, 15, 14}));
}

TEST(LrnTest, TakesAWindowThatIsWiderThanTheImageIsDeep) {
  Lrn({1, 3})
      .Arg("size", 2147483647)
      .Outputs({"Y", "scale"})
      .ExpectOutput(1, Tensor::Of<float>({1, 3}, {1, 1, 1}), 1e-5);
}

TEST(LrnTest, RejectsAWindowOfNothing) {
  Lrn({1, 3}).Outputs({"Y"}).ExpectError(kInvalid, "size is 0, must be 1 or more channels");
}

TEST(LrnTest, RejectsAVector) {
  Lrn({3}).Arg("size", 1).Outputs({"Y"}).ExpectError(kInvalid, "must have a dimension of images");
}

TEST(LrnGradientTest, TakesXAndYAndTheGradient) {
  EXPECT_EQ(GradientOf(CreateOperatorDef("LRN", "", {"X"}, {"Y", "scale"})),
            "LRNGradient(X, Y, Y_grad) -> X_grad");
}

TEST(LrnGradientTest, RejectsAGradientOfAnotherShape) {
  OpTester("LRNGradient")
      .Input("X", Tensor::Of<float>({1, 1}, {1}))
      .Input("Y", Tensor::Of<float>({1, 1}, {1}))
      .Input("dY", Tensor::Of<float>({1}, {1}))
      .Arg("size", 1)
      .Outputs({"dX"})
      .ExpectError(kInvalid, "must have the same type and shape");
}

OpTester LayerNorm(std::initializer_list<int64_t> dims) {
  return OpTester("LayerNorm")
      .Input("X", Tensor::Of<float>(dims, {1, 3, 5, 5}))
      .Arg("epsilon", 3.0f);
}

TEST(LayerNormTest, NormalisesEveryRow) {
  LayerNorm({2, 2})
      .Outputs({"Y", "mean", "stddev"})
      .ExpectOutput(0, Tensor::Of<float>({2, 2}, {-0.5, 0.5, 0, 0}), 1e-6)
      .ExpectOutput(1, Tensor::Of<float>({2, 1}, {2, 5}))
      .ExpectOutput(2, Tensor::Of<float>({2, 1}, {2, std::sqrt(3.0f)}), 1e-6);
}

TEST(LayerNormTest, MultipliesAndAddsWhereItIsAskedTo) {
  LayerNorm({2, 2})
      .Input("gamma", Tensor::Of<float>({2}, {2, 4}))
      .Input("beta", Tensor::Of<float>({2}, {10, 20}))
      .Arg("elementwise_affine", 1)
      .Outputs({"Y", "mean", "stddev"})
      .ExpectOutput(0, Tensor::Of<float>({2, 2}, {9, 22, 10, 20}));
}

TEST(LayerNormTest, CountsTheAxisFromTheBack) {
  LayerNorm({1, 2, 2})
      .Arg("axis", -1)
      .Outputs({"Y", "mean", "stddev"})
      .ExpectOutput(1, Tensor::Of<float>({1, 2, 1}, {2, 5}));
}

TEST(LayerNormTest, NeedNotPutItsStatisticsOut) {
  LayerNorm({2, 2}).Outputs({"Y"}).ExpectOutput(0, Tensor::Of<float>({2, 2}, {-0.5, 0.5, 0, 0}),
                                                1e-6);
}

TEST(LayerNormTest, RejectsAVector) {
  LayerNorm({4})
      .Outputs({"Y", "mean", "stddev"})
      .ExpectError(kInvalid, "must have two dimensions or more");
}

TEST(LayerNormTest, RejectsGammaWithoutTheArgument) {
  LayerNorm({2, 2})
      .Input("gamma", Tensor::Of<float>({2}, {2, 4}))
      .Input("beta", Tensor::Of<float>({2}, {10, 20}))
      .Outputs({"Y", "mean", "stddev"})
      .ExpectError(kInvalid, "there must be 1 inputs, but there are 3");
}

TEST(LayerNormTest, RejectsGammaOfAnotherLength) {
  LayerNorm({2, 2})
      .Input("gamma", Tensor::Of<float>({3}, {2, 4, 6}))
      .Input("beta", Tensor::Of<float>({2}, {10, 20}))
      .Arg("elementwise_affine", 1)
      .Outputs({"Y", "mean", "stddev"})
      .ExpectError(kInvalid, "must have 2 elements for X [2,2]");
}

TEST(LayerNormGradientTest, HasGradientsOfGammaAndBetaOnlyWhereTheyAre) {
  EXPECT_EQ(GradientOf(CreateOperatorDef("LayerNorm", "", {"X"}, {"Y", "m", "s"})),
            "LayerNormGradient(Y_grad, Y, m, s, X) -> X_grad");
  EXPECT_EQ(GradientOf(CreateOperatorDef("LayerNorm", "", {"X", "g", "b"}, {"Y", "m", "s"},
                                         {MakeArgument("elementwise_affine", 1)})),
            "LayerNormGradient(Y_grad, Y, m, s, X, g) -> X_grad, g_grad, b_grad");
}

OpTester Image(const char* type, std::initializer_list<int64_t> dims) {
  return OpTester(type)
      .Input("X", Tensor::Of<float>(dims, {1, 3, 5, 5}))
      .Input("scale", Tensor::Of<float>({2}, {2, 4}))
      .Input("bias", Tensor::Of<float>({2}, {10, 20}))
      .Arg("epsilon", 3.0f);
}

TEST(InstanceNormTest, NormalisesEveryChannelByItself) {
  Image("InstanceNorm", {1, 2, 1, 2})
      .Outputs({"Y", "mean", "inv_stdev"})
      .ExpectOutput(0, Tensor::Of<float>({1, 2, 1, 2}, {9, 11, 20, 20}), 1e-6)
      .ExpectOutput(1, Tensor::Of<float>({1, 2}, {2, 5}))
      .ExpectOutput(2, Tensor::Of<float>({1, 2}, {0.5, 1 / std::sqrt(3.0f)}), 1e-6);
}

TEST(InstanceNormTest, RunsInPlaceWhereChannelsAreLast) {
  Image("InstanceNorm", {1, 2, 2})
      .Arg("order", "NHWC")
      .Outputs({"X"})
      .ExpectOutput(0, Tensor::Of<float>({1, 2, 2}, {8.21895f, 18, 11.78105f, 22}), 0.5);
}

TEST(InstanceNormTest, RejectsANegativeEpsilon) {
  OpTester("InstanceNorm")
      .Input("X", Tensor::Of<float>({1, 1}, {1}))
      .Input("scale", Tensor::Of<float>({1}, {2}))
      .Input("bias", Tensor::Of<float>({1}, {2}))
      .Arg("epsilon", -1.0f)
      .Outputs({"Y"})
      .ExpectError(kInvalid, "epsilon must not be negative");
}

TEST(InstanceNormTest, RejectsABiasOfAnotherLength) {
  Image("InstanceNorm", {4, 1})
      .Outputs({"Y"})
      .ExpectError(kInvalid, "scale [2] must have 1 elements for X [4,1]");
}

TEST(InstanceNormGradientTest, TakesTheStatisticsThatWerePutOut) {
  EXPECT_EQ(GradientOf(CreateOperatorDef("InstanceNorm", "", {"X", "s", "b"}, {"Y"})),
            "InstanceNormGradient(X, s, b, Y_grad) -> X_grad, s_grad, b_grad");
  EXPECT_EQ(GradientOf(CreateOperatorDef("InstanceNorm", "", {"X", "s", "b"}, {"Y", "m", "i"})),
            "InstanceNormGradient(X, s, b, Y_grad, m, i) -> X_grad, s_grad, b_grad");
}

TEST(GroupNormTest, NormalisesChannelsTogether) {
  Image("GroupNorm", {2, 2, 1})
      .Arg("group", 1)
      .Outputs({"Y", "mean", "inv_std"})
      .ExpectOutput(0, Tensor::Of<float>({2, 2, 1}, {9, 22, 10, 20}), 1e-6)
      .ExpectOutput(1, Tensor::Of<float>({2, 1}, {2, 5}));
}

TEST(GroupNormTest, NeedsNoStatisticsInTestMode) {
  Image("GroupNorm", {2, 2})
      .Arg("group", 1)
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<float>({2, 2}, {9, 22, 10, 20}), 1e-6);
}

TEST(GroupNormTest, RejectsGroupsOfDifferentSizes) {
  Image("GroupNorm", {2, 2})
      .Outputs({"Y"})
      .ExpectError(kInvalid, "has 2 channels, which make no 32 groups of the same size");
}

TEST(GroupNormTest, RejectsNoGroups) {
  Image("GroupNorm", {2, 2})
      .Arg("group", 0)
      .Outputs({"Y"})
      .ExpectError(kInvalid, "group is 0, must be 1 or more");
}

TEST(GroupNormTest, RejectsTrainingWithoutStatistics) {
  Image("GroupNorm", {2, 2})
      .Arg("group", 1)
      .Arg("is_test", 0)
      .Outputs({"Y"})
      .ExpectError(kInvalid, "there must be 3 outputs");
}

}  // namespace
}  // namespace doppio
