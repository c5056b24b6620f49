#include "doppio/gradient_maker.h"
#include "gtest/gtest.h"
#include "tests/support/op_tester.h"

namespace doppio {
namespace {

TEST(FcTest, MultipliesByTheTransposedWeightsAndAddsTheBias) {
  OpTester("FC")
      .Input("X", Tensor::Of<float>({2, 2}, {1, 2, 3, 4}))
      .Input("W", Tensor::Of<float>({3, 2}, {1, 0, 0, 1, 1, 1}))
      .Input("b", Tensor::Of<float>({3}, {10, 20, 30}))
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<float>({2, 3}, {11, 22, 33, 13, 24, 37}));
}

TEST(FcTest, KeepsTheDimensionsBeforeTheAxis) {
  OpTester("FC")
      .Input("X", Tensor::Of<float>({1, 2, 1}, {1, 2}))
      .Input("W", Tensor::Of<float>({1, 1}, {3}))
      .Input("b", Tensor::Of<float>({1}, {1}))
      .Arg("axis", 2)
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<float>({1, 2, 1}, {4, 7}));
}

TEST(FcTest, ReadsWeightsOfRank4AlongTheirAxis) {
  OpTester("FC")
      .Input("X", Tensor::Of<float>({1, 2}, {1, 2}))
      .Input("W", Tensor::Of<float>({1, 1, 1, 2}, {3, 4}))
      .Input("b", Tensor::Of<float>({1}, {0}))
      .Arg("axis_w", 3)
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<float>({1, 1}, {11}));
}

TEST(FcTest, GivesTheBiasWhereThereAreNoFeatures) {
  OpTester("FC")
      .Input("X", Tensor::Of<float>({2, 0}, {}))
      .Input("W", Tensor::Of<float>({1, 0}, {}))
      .Input("b", Tensor::Of<float>({1}, {5}))
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<float>({2, 1}, {5, 5}));
}

TEST(FcTransposedTest, TakesWeightsAsTheyAre) {
  OpTester("FCTransposed")
      .Input("X", Tensor::Of<float>({1, 2}, {1, 2}))
      .Input("W", Tensor::Of<float>({2, 3}, {1, 0, 1, 0, 1, 1}))
      .Input("b", Tensor::Of<float>({3}, {10, 20, 30}))
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<float>({1, 3}, {11, 22, 33}));
}

TEST(FcGradientTest, ComputesNoGradientOfXUnlessItIsAskedFor) {
  OpTester("FCGradient")
      .Input("X", Tensor::Of<float>({2, 1}, {1, 2}))
      .Input("W", Tensor::Of<float>({1, 1}, {3}))
      .Input("dY", Tensor::Of<float>({2, 1}, {10, 20}))
      .Outputs({"dW", "db"})
      .ExpectOutput(0, Tensor::Of<float>({1, 1}, {50}))
      .ExpectOutput(1, Tensor::Of<float>({1}, {30}));
}

TEST(FcGradientTest, IsZeroForABatchOfNothing) {
  OpTester("FCGradient")
      .Input("X", Tensor::Of<float>({0, 1}, {}))
      .Input("W", Tensor::Of<float>({1, 1}, {3}))
      .Input("dY", Tensor::Of<float>({0, 1}, {}))
      .Outputs({"dW", "db", "dX"})
      .ExpectOutput(0, Tensor::Of<float>({1, 1}, {0}))
      .ExpectOutput(1, Tensor::Of<float>({1}, {0}))
      .ExpectOutput(2, Tensor::Of<float>({0, 1}, {}));
}

TEST(FcGradientTest, AddsToSumsThatItIsGiven) {
  OpTester("FCGradientAccumulate")
      .Input("X", Tensor::Of<float>({1, 1}, {2}))
      .Input("W", Tensor::Of<float>({1, 1}, {3}))
      .Input("dY", Tensor::Of<float>({1, 1}, {10}))
      .Input("dW_sum", Tensor::Of<float>({1, 1}, {1}))
      .Input("db_sum", Tensor::Of<float>({1}, {4}))
      .Outputs({"dW_sum", "db_sum"})
      .ExpectOutput(0, Tensor::Of<float>({1, 1}, {21}))
      .ExpectOutput(1, Tensor::Of<float>({1}, {14}));
}

TEST(FcGradientTest, RejectsSumsOfOtherShapes) {
  OpTester("FCGradientAccumulate")
      .Input("X", Tensor::Of<float>({1, 1}, {2}))
      .Input("W", Tensor::Of<float>({1, 1}, {3}))
      .Input("dY", Tensor::Of<float>({1, 1}, {10}))
      .Input("dW_sum", Tensor::Of<float>({1, 2}, {1, 1}))
      .Input("db_sum", Tensor::Of<float>({1}, {4}))
      .Outputs({"dW_sum", "db_sum"})
      .ExpectError(kInvalid, "the sums must have W's type and shape, float[1,1]");
}

TEST(FcGradientTest, IsMadeWithTheArgumentsOfTheForwardOperator) {
  const OperatorDef def =
      CreateOperatorDef("FCTransposed", "", {"X", "W", "b"}, {"Y"}, {MakeArgument("axis", 2)});
  const auto meta = GetGradientForOp(def, {GradientWrapper::Dense("Y_grad")});
  ASSERT_TRUE(meta.ok()) << meta.status();
  ASSERT_EQ(meta->ops.size(), 1u);
  EXPECT_EQ(OpToString(meta->ops[0]),
            "FCTransposedGradient(X, W, Y_grad) -> W_grad, b_grad, X_grad");
  ASSERT_EQ(meta->ops[0].arg_size(), 1);
  EXPECT_EQ(meta->ops[0].arg(0).i(), 2);
}

OpTester Fc(absl::StatusOr<Tensor> x, absl::StatusOr<Tensor> w, absl::StatusOr<Tensor> b) {
  return OpTester("FC").Input("X", x).Input("W", w).Input("b", b).Outputs({"Y"});
}

TEST(FcTest, RejectsWeightsForOtherFeatures) {
  Fc(Tensor::Of<float>({1, 2}, {1, 2}), Tensor::Of<float>({1, 3}, {1, 2, 3}),
     Tensor::Of<float>({1}, {0}))
      .ExpectError(kInvalid, "X [1,2] has 2 features from dimension 1 on, but W [1,3] is for 3");
}

TEST(FcTest, RejectsABiasOfAnotherLength) {
  Fc(Tensor::Of<float>({1, 1}, {1}), Tensor::Of<float>({1, 1}, {1}), Tensor::Of<float>({2}, {0, 0}))
      .ExpectError(kInvalid, "the bias must be a vector of W's 1 outputs, but is [2]");
}

TEST(FcTest, RejectsABiasThatIsAMatrix) {
  Fc(Tensor::Of<float>({1, 1}, {1}), Tensor::Of<float>({1, 1}, {1}), Tensor::Of<float>({1, 1}, {0}))
      .ExpectError(kInvalid, "must be a vector");
}

TEST(FcTest, RejectsDifferentTypes) {
  Fc(Tensor::Of<float>({1, 1}, {1}), Tensor::Of<double>({1, 1}, {1}), Tensor::Of<float>({1}, {0}))
      .ExpectError(kInvalid, "the inputs must have the same type");
}

TEST(FcTest, RejectsAnAxisThatXDoesNotHave) {
  Fc(Tensor::Of<float>({1, 1}, {1}), Tensor::Of<float>({1, 1}, {1}), Tensor::Of<float>({1}, {0}))
      .Arg("axis", 2)
      .ExpectError(kInvalid, "axis 2 is out of range");
}

TEST(FcGradientTest, RejectsAGradientOfAnotherSize) {
  OpTester("FCGradient")
      .Input("X", Tensor::Of<float>({1, 1}, {1}))
      .Input("W", Tensor::Of<float>({1, 1}, {3}))
      .Input("dY", Tensor::Of<float>({2}, {10, 20}))
      .Outputs({"dW", "db"})
      .ExpectError(kInvalid, "dY is [2], but the output is [1,1]");
}

}  // namespace
}  // namespace doppio
