#include "doppio/gradient_maker.h"
#include "gtest/gtest.h"
#include "tests/support/op_tester.h"

namespace doppio {
namespace {

OpTester Step() {
  return OpTester("WeightedSum")
      .Input("w", Tensor::Of<float>({2}, {1, 2}))
      .Input("one", Tensor::Of<float>({1}, {1}))
      .Input("w_grad", Tensor::Of<float>({2}, {10, 20}))
      .Input("lr", Tensor::Scalar<float>(-0.5));
}

TEST(WeightedSumTest, TakesAStepOfGradientDescentInPlace) {
  Step().Outputs({"w"}).ExpectOutput(0, Tensor::Of<float>({2}, {-4, -8}));
}

TEST(WeightedSumTest, TakesFloatWeightsForDoubles) {
  OpTester("WeightedSum")
      .Input("X", Tensor::Of<double>({1}, {3}))
      .Input("w", Tensor::Of<float>({1}, {0.5}))
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<double>({1}, {1.5}));
}

TEST(WeightedSumTest, RejectsATensorWithoutWeight) {
  Step()
      .Input("more", Tensor::Of<float>({2}, {1, 2}))
      .Outputs({"Y"})
      .ExpectError(kInvalid, "pairs of a tensor and its weight, but there are 5");
}

TEST(WeightedSumTest, RejectsABlobThatDoesNotExist) {
  OpTester("WeightedSum")
      .Input("X", Tensor::Of<float>({1}, {1}))
      .Input("missing")
      .Outputs({"Y"})
      .ExpectError(absl::StatusCode::kNotFound, "blob \"missing\", does not exist");
}

TEST(WeightedSumGradientTest, IsNotInferredOfATensorWithoutWeight) {
  const OperatorDef def =
      CreateOperatorDef("WeightedSumGradient", "", {"dY", "X", "w", "more"}, {"dX", "dMore"});
  const TensorInfo vector = {DataType::kFloat, Dims{2}, std::nullopt};
  const auto inferred = OpSchemaRegistry::Schema(def.type())->Infer(def, {4, vector});
  EXPECT_EQ(inferred.status().code(), kInvalid) << inferred.status();
}

TEST(WeightedSumTest, RejectsTensorsOfAnotherSize) {
  Step()
      .Input("more", Tensor::Of<float>({1}, {1}))
      .Input("one")
      .Outputs({"Y"})
      .ExpectError(kInvalid, "input 4");
}

TEST(WeightedSumTest, RejectsAWeightOfManyElements) {
  OpTester("WeightedSum")
      .Input("X", Tensor::Of<float>({1}, {3}))
      .Input("w", Tensor::Of<float>({2}, {1, 2}))
      .Outputs({"Y"})
      .ExpectError(kInvalid, "must be a weight");
}

TEST(WeightedSumTest, RejectsTheOutputAsALaterInput) {
  Step().Input("w").Input("one").Outputs({"w"}).ExpectError(kInvalid, "input 4 is the output too");
}

TEST(WeightedSumGradientTest, LeavesTheWeightsOutUnlessTheyAreAskedFor) {
  const std::vector<std::string> inputs = {"a", "v", "b", "w"};
  auto meta = GetGradientForOp(CreateOperatorDef("WeightedSum", "", inputs, {"Y"}),
                               {GradientWrapper::Dense("dY")});
  ASSERT_TRUE(meta.ok()) << meta.status();
  EXPECT_EQ(OpToString(meta->ops[0]), "WeightedSumGradient(dY, a, v, b, w) -> a_grad, b_grad");
  meta = GetGradientForOp(
      CreateOperatorDef("WeightedSum", "", inputs, {"Y"}, {MakeArgument("grad_on_w", 1)}),
      {GradientWrapper::Dense("dY")});
  ASSERT_TRUE(meta.ok()) << meta.status();
  EXPECT_EQ(OpToString(meta->ops[0]),
            "WeightedSumGradient(dY, a, v, b, w) -> a_grad, b_grad, v_grad, w_grad");
}

TEST(WeightedSumGradientTest, ScalesTheGradientByTheWeight) {
  OpTester("WeightedSumGradient")
      .Input("dY", Tensor::Of<float>({2}, {1, 2}))
      .Input("X", Tensor::Of<float>({2}, {5, 6}))
      .Input("w", Tensor::Of<float>({1}, {3}))
      .Outputs({"dX"})
      .ExpectOutput(0, Tensor::Of<float>({2}, {3, 6}));
}

TEST(WeightedSumGradientTest, RejectsAnotherNumberOfOutputs) {
  OpTester("WeightedSumGradient")
      .Input("dY", Tensor::Of<float>({1}, {1}))
      .Input("X", Tensor::Of<float>({1}, {5}))
      .Input("w", Tensor::Of<float>({1}, {3}))
      .Outputs({"dX", "dw"})
      .ExpectError(kInvalid, "there are 1 gradients, but the operator has 2 outputs");
}

}  // namespace
}  // namespace doppio
