#include "doppio/gradient_maker.h"
#include "gtest/gtest.h"
#include "tests/support/op_tester.h"

namespace doppio {
namespace {

OpTester TransposeBy(std::vector<int64_t> axes) {
  OpTester tester("Transpose");
  tester.Input("X", Tensor::Of<float>({1, 2, 3}, {1, 2, 3, 4, 5, 6}));
  tester.Arg("axes", axes).Outputs({"Y"});
  return tester;
}

TEST(TransposeTest, ReversesTheDimensionsWithoutAxes) {
  OpTester("Transpose")
      .Input("X", Tensor::Of<float>({2, 3}, {1, 2, 3, 4, 5, 6}))
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<float>({3, 2}, {1, 4, 2, 5, 3, 6}));
  TransposeBy({}).ExpectOutput(0, Tensor::Of<float>({3, 2, 1}, {1, 4, 2, 5, 3, 6}));
}

TEST(TransposeTest, PermutesDimensionsByAxes) {
  TransposeBy({1, 0, 2}).ExpectOutput(0, Tensor::Of<float>({2, 1, 3}, {1, 2, 3, 4, 5, 6}));
  TransposeBy({2, 0, 1}).ExpectOutput(0, Tensor::Of<float>({3, 1, 2}, {1, 4, 2, 5, 3, 6}));
}

TEST(TransposeTest, MovesStrings) {
  OpTester("Transpose")
      .Input("X", Tensor::Of<std::string>({2, 2}, {"a", "b", "c", "d"}))
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<std::string>({2, 2}, {"a", "c", "b", "d"}));
}

TEST(TransposeTest, LeavesScalarsAsTheyAre) {
  OpTester("Transpose")
      .Input("X", Tensor::Scalar<float>(3))
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Scalar<float>(3));
}

TEST(TransposeTest, RejectsAxesThatAreNoPermutation) {
  TransposeBy({0, 1}).ExpectError(kInvalid,
                                  "axes [0,1] are no permutation of the dimensions of [1,2,3]");
  TransposeBy({0, 1, 1}).ExpectError(kInvalid, "are no permutation");
  TransposeBy({0, 1, 3}).ExpectError(kInvalid, "are no permutation");
  TransposeBy({0, 1, -1}).ExpectError(kInvalid, "are no permutation");
  TransposeBy({0, 1, 2, 3}).ExpectError(kInvalid, "are no permutation");
  TransposeBy(std::vector<int64_t>(100, 0)).ExpectError(kInvalid, "100 axes are given");
}

TEST(TransposeTest, MakesAGradientThatTransposesBack) {
  const OperatorDef def = CreateOperatorDef("Transpose", "", {"X"}, {"Y"},
                                            {MakeArgument("axes", std::vector<int64_t>{2, 0, 1})});
  const auto meta = GetGradientForOp(def, {GradientWrapper::Dense("Y_grad")});
  ASSERT_TRUE(meta.ok()) << meta.status();
  ASSERT_EQ(meta->ops.size(), 1u);
  EXPECT_EQ(OpToString(meta->ops[0]), "Transpose(Y_grad) -> X_grad");
  ASSERT_EQ(meta->ops[0].arg_size(), 1);
  const Argument& axes = meta->ops[0].arg(0);
  EXPECT_EQ(std::vector<int64_t>(axes.ints().begin(), axes.ints().end()),
            (std::vector<int64_t>{1, 2, 0}));
}

TEST(TransposeTest, RejectsAGradientThroughBadAxes) {
  const OperatorDef def = CreateOperatorDef("Transpose", "", {"X"}, {"Y"},
                                            {MakeArgument("axes", std::vector<int64_t>{0, 9})});
  EXPECT_EQ(GetGradientForOp(def, {GradientWrapper::Dense("Y_grad")}).status().code(), kInvalid);
}

}  // namespace
}  // namespace doppio
