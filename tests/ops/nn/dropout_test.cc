#include <cmath>
#include <vector>

#include "doppio/gradient_maker.h"
#include "doppio/workspace.h"
#include "gtest/gtest.h"
#include "tests/support/op_tester.h"

namespace doppio {
namespace {

Tensor Ones(int64_t count) {
  const std::vector<float> ones(static_cast<size_t>(count), 1.0f);
  return *Tensor::FromSpan<float>({count}, ones);
}

OpTester Dropout(int64_t count, float ratio, uint32_t seed) {
  OpTester tester("Dropout");
  tester.Input("X", Ones(count)).Outputs({"Y", "mask"}).Arg("ratio", ratio).RandomSeed(seed);
  return tester;
}

TEST(DropoutTest, DropsTheGivenPartAndScalesTheRest) {
  OpTester tester = Dropout(10000, 0.75f, 1);
  ASSERT_TRUE(tester.Run().ok());
  int64_t kept = 0;
  for (int64_t i = 0; i < 10000; ++i) {
    const bool keeps = tester.Output(1).data<bool>()[i];
    ASSERT_EQ(tester.Output(0).data<float>()[i], keeps ? 4.0f : 0.0f);
    kept += keeps ? 1 : 0;
  }
  EXPECT_NEAR(static_cast<double>(kept), 2500, 200);
}

TEST(DropoutTest, DrawsTheSameWithTheSameSeed) {
  OpTester first = Dropout(200, 0.5f, 7);
  OpTester second = Dropout(200, 0.5f, 7);
  OpTester other = Dropout(200, 0.5f, 8);
  ASSERT_TRUE(first.Run().ok() && second.Run().ok() && other.Run().ok());
  EXPECT_TRUE(TensorBitsEqual(first.Output(1), second.Output(1)));
  EXPECT_FALSE(TensorBitsEqual(first.Output(1), other.Output(1)));
}

TEST(DropoutTest, DoesNothingInTestModeAndLeavesTheMask) {
  OpTester tester("Dropout");
  tester.Input("X", Ones(3)).Outputs({"X", "mask"}).Arg("is_test", 1);
  ASSERT_TRUE(tester.Run().ok());
  EXPECT_TRUE(TensorBitsEqual(tester.Output(0), Ones(3)));
  EXPECT_EQ(tester.Output(1).dtype(), DataType::kUndefined);
}

TEST(DropoutTest, WorksWithoutAMask) {
  OpTester tester("Dropout");
  tester.Input("X", Ones(3)).Outputs({"Y"}).Arg("ratio", 0.0f);
  tester.ExpectOutput(0, Ones(3));
}

TEST(DropoutTest, OfAllGivesZeros) {
  Dropout(3, 1.0f, 1)
      .ExpectOutput(0, Tensor::Of<float>({3}, {0, 0, 0}))
      .ExpectOutput(1, Tensor::Of<bool>({3}, {false, false, false}));
  OpTester("DropoutGrad")
      .Input("dY", Tensor::Of<float>({2}, {1, 2}))
      .Input("mask", Tensor::Of<bool>({2}, {false, false}))
      .Arg("ratio", 1.0f)
      .Outputs({"dX"})
      .ExpectOutput(0, Tensor::Of<float>({2}, {0, 0}));
}

TEST(DropoutTest, LetsTheGradientThroughWhereItKept) {
  OpTester("DropoutGrad")
      .Input("dY", Tensor::Of<double>({3}, {1, 2, 3}))
      .Input("mask", Tensor::Of<bool>({3}, {true, false, true}))
      .Outputs({"dX"})
      .ExpectOutput(0, Tensor::Of<double>({3}, {2, 0, 6}));
}

TEST(DropoutTest, HasAGradientWithoutMaskInTestMode) {
  OperatorDef def = CreateOperatorDef("Dropout", "", {"X"}, {"Y", "mask"});
  EXPECT_EQ(OpToString(GetGradientForOp(def, {GradientWrapper::Dense("dY"), {}})->ops[0]),
            "DropoutGrad(dY, mask) -> X_grad");
  *def.add_arg() = MakeArgument<int>("is_test", 1);
  EXPECT_EQ(OpToString(GetGradientForOp(def, {GradientWrapper::Dense("dY"), {}})->ops[0]),
            "DropoutGrad(dY) -> X_grad");
}

TEST(DropoutTest, RejectsARatioOutsideOfZeroToOne) {
  for (float ratio : {-0.5f, 1.1f, NAN}) {
    Dropout(1, ratio, 1).ExpectError(kInvalid, "ratio must be in [0, 1]");
  }
}

TEST(DropoutTest, RejectsAMaskOfAnotherSizeOrType) {
  OpTester("DropoutGrad")
      .Input("dY", Ones(3))
      .Input("mask", Tensor::Of<bool>({2}, {true, false}))
      .Outputs({"dX"})
      .ExpectError(kInvalid, "as many elements as dY");
  OpTester("DropoutGrad")
      .Input("dY", Ones(3))
      .Input("mask", Ones(3))
      .Outputs({"dX"})
      .ExpectError(kInvalid, "must be bool");
}

TEST(DropoutTest, RejectsAGradientWithoutMask) {
  OpTester("DropoutGrad").Input("dY", Ones(3)).Outputs({"dX"}).ExpectError(kInvalid, "a mask");
}

}  // namespace
}  // namespace doppio
