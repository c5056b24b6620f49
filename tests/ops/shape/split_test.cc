#include "doppio/gradient_maker.h"
#include "gtest/gtest.h"
#include "tests/support/op_tester.h"

namespace doppio {
namespace {

absl::StatusOr<Tensor> Six() { return Tensor::Of<float>({6}, {1, 2, 3, 4, 5, 6}); }

OpTester SplitSix(std::initializer_list<const char*> outputs) {
  OpTester tester("Split");
  tester.Input("X", Six()).Arg("axis", 0).Outputs(outputs);
  return tester;
}

TEST(SplitTest, CutsIntoEqualPartsWithoutLengths) {
  SplitSix({"A", "B"})
      .ExpectOutput(0, Tensor::Of<float>({3}, {1, 2, 3}))
      .ExpectOutput(1, Tensor::Of<float>({3}, {4, 5, 6}));
  OpTester("Split")
      .Input("X", Tensor::Of<float>({2, 2}, {1, 2, 3, 4}))
      .Outputs({"A", "B"})
      .ExpectOutput(0, Tensor::Of<float>({2, 1}, {1, 3}))
      .ExpectOutput(1, Tensor::Of<float>({2, 1}, {2, 4}));
}

TEST(SplitTest, CutsIntoPartsOfTheLengthsOfAnArgument) {
  SplitSix({"A", "B", "C"})
      .Arg("split", std::vector<int64_t>{1, 0, 5})
      .ExpectOutput(0, Tensor::Of<float>({1}, {1}))
      .ExpectOutput(1, Tensor::Of<float>({0}, {}))
      .ExpectOutput(2, Tensor::Of<float>({5}, {2, 3, 4, 5, 6}));
}

TEST(SplitTest, CutsIntoPartsOfTheLengthsOfAnInput) {
  for (DataType type : {DataType::kInt32, DataType::kInt64}) {
    OpTester("Split")
        .Input("X", Tensor::Of<std::string>({3, 1}, {"a", "b", "c"}))
        .Input("split", ConvertTensor(*Tensor::Of<int32_t>({2}, {2, 1}), type))
        .Arg("axis", -2)
        .Outputs({"A", "B"})
        .ExpectOutput(0, Tensor::Of<std::string>({2, 1}, {"a", "b"}))
        .ExpectOutput(1, Tensor::Of<std::string>({1, 1}, {"c"}));
  }
}

TEST(SplitTest, TakesAStackApart) {
  OpTester("Split")
      .Input("X", Tensor::Of<float>({2, 2}, {1, 3, 2, 4}))
      .Arg("axis", 1)
      .Arg("add_axis", 1)
      .Outputs({"A", "B"})
      .ExpectOutput(0, Tensor::Of<float>({2}, {1, 2}))
      .ExpectOutput(1, Tensor::Of<float>({2}, {3, 4}));
}

TEST(SplitTest, RejectsLengthsThatDoNotSumUp) {
  SplitSix({"A", "B"})
      .Arg("split", std::vector<int64_t>{1, 2})
      .ExpectError(kInvalid,
                   "cannot split [6] at axis 0 into 2 outputs: the lengths sum to 3, must be 6");
  SplitSix({"A", "B"})
      .Arg("split", std::vector<int64_t>{4, 3})
      .ExpectError(kInvalid, "the lengths sum to more than 6");
  SplitSix({"A", "B"})
      .Arg("split", std::vector<int64_t>{INT64_MAX, INT64_MAX})
      .ExpectError(kInvalid, "the lengths sum to more than 6");
  SplitSix({"A", "B"})
      .Arg("split", std::vector<int64_t>{-1, 7})
      .ExpectError(kInvalid, "length -1 is negative");
}

TEST(SplitTest, RejectsAnotherNumberOfLengths) {
  SplitSix({"A", "B"})
      .Arg("split", std::vector<int64_t>{6})
      .ExpectError(kInvalid, "there are 1 lengths");
  SplitSix({"A", "B", "C", "D"}).ExpectError(kInvalid, "6 is no multiple of 4");
  OpTester("Split")
      .Input("X", Six())
      .Arg("axis", 0)
      .Arg("add_axis", 1)
      .Outputs({"A", "B"})
      .ExpectError(kInvalid, "the lengths sum to 2, must be 6");
}

TEST(SplitTest, RejectsLengthsThatAreNoVectorOrGivenTwice) {
  const auto with_lengths = [](absl::StatusOr<Tensor> lengths) {
    OpTester tester("Split");
    tester.Input("X", Six()).Input("split", std::move(lengths)).Arg("axis", 0).Outputs({"A"});
    return tester;
  };
  with_lengths(Tensor::Scalar<int32_t>(6)).ExpectError(kInvalid, "split must be a vector");
  with_lengths(Tensor::Of<float>({1}, {6})).ExpectError(kInvalid, "element type float");
  with_lengths(Tensor::Of<int32_t>({1}, {6}))
      .Arg("split", std::vector<int64_t>{6})
      .ExpectError(kInvalid, "both as an input and as an argument");
}

TEST(SplitTest, RejectsABadAxis) {
  OpTester("Split")
      .Input("X", Six())
      .Outputs({"A"})
      .ExpectError(kInvalid, "axis 1 is out of range");
  OpTester("Split")
      .Input("X", Tensor::Scalar<float>(1))
      .Arg("axis", 0)
      .Outputs({"A"})
      .ExpectError(kInvalid, "out of range for a tensor of rank 0");
}

TEST(SplitTest, MakesAGradientWithZerosForOutputsThatNobodyUsed) {
  const OperatorDef def =
      CreateOperatorDef("Split", "", {"X"}, {"A", "B"}, {MakeArgument("axis", 0)});
  const auto meta = GetGradientForOp(def, {GradientWrapper(), GradientWrapper::Dense("B_grad")});
  ASSERT_TRUE(meta.ok()) << meta.status();
  ASSERT_EQ(meta->ops.size(), 2u);
  EXPECT_EQ(OpToString(meta->ops[0]), "ConstantFill(A) -> A_zero_grad");
  EXPECT_EQ(OpToString(meta->ops[1]), "Concat(A_zero_grad, B_grad) -> X_grad, _X_grad_dims");
}

OpTester SplitByLengths(const absl::StatusOr<Tensor>& lengths,
                        std::initializer_list<const char*> outputs) {
  OpTester tester("SplitByLengths");
  tester.Input("X", Six()).Input("lengths", lengths).Arg("axis", 0).Outputs(outputs);
  return tester;
}

TEST(SplitByLengthsTest, GivesEachOutputAsManyLengths) {
  SplitByLengths(Tensor::Of<int32_t>({4}, {1, 0, 2, 3}), {"A", "B"})
      .ExpectOutput(0, Tensor::Of<float>({1}, {1}))
      .ExpectOutput(1, Tensor::Of<float>({5}, {2, 3, 4, 5, 6}));
  OpTester("SplitByLengths")
      .Input("X", Tensor::Of<std::string>({1, 3}, {"a", "b", "c"}))
      .Input("lengths", Tensor::Of<int64_t>({2}, {1, 2}))
      .Outputs({"A", "B"})
      .ExpectOutput(0, Tensor::Of<std::string>({1, 1}, {"a"}))
      .ExpectOutput(1, Tensor::Of<std::string>({1, 2}, {"b", "c"}));
  OpTester("SplitByLengths")
      .Input("X", Tensor::Of<float>({2, 0}, {}))
      .Input("lengths", Tensor::Of<int32_t>({0}, {}))
      .Outputs({"A", "B"})
      .ExpectOutput(0, Tensor::Of<float>({2, 0}, {}))
      .ExpectOutput(1, Tensor::Of<float>({2, 0}, {}));
}

TEST(SplitByLengthsTest, ScalesLengthsWhereAsked) {
  SplitByLengths(Tensor::Of<int32_t>({2}, {2, 1}), {"A", "B"})
      .Arg("use_scaling_lengths", true)
      .ExpectOutput(0, Tensor::Of<float>({4}, {1, 2, 3, 4}))
      .ExpectOutput(1, Tensor::Of<float>({2}, {5, 6}));
}

TEST(SplitByLengthsTest, RejectsLengthsThatDoNotFit) {
  SplitByLengths(Tensor::Of<int32_t>({2}, {2, 1}), {"A", "B"})
      .ExpectError(kInvalid, "lengths sum to 3, but there are 6 elements along the axis");
  SplitByLengths(Tensor::Of<int32_t>({2}, {7, -1}), {"A", "B"})
      .ExpectError(kInvalid, "lengths[1] is -1, but a length is not negative");
  SplitByLengths(Tensor::Of<int64_t>({2}, {INT64_MAX, 7}), {"A", "B"})
      .ExpectError(kInvalid, "lengths sum to more than");
  SplitByLengths(Tensor::Of<int32_t>({3}, {2, 2, 2}), {"A", "B"})
      .ExpectError(kInvalid, "3 lengths can not be shared out to 2 outputs");
  SplitByLengths(Tensor::Scalar<int32_t>(6), {"A"})
      .ExpectError(kInvalid, "lengths must be a vector");
  SplitByLengths(Tensor::Of<float>({1}, {6}), {"A"}).ExpectError(kInvalid, "element type float");
  SplitByLengths(Tensor::Of<int32_t>({2}, {3, 1}), {"A", "B"})
      .Arg("use_scaling_lengths", true)
      .ExpectError(kInvalid,
                   "sum to 4, but there are 6 elements along the axis, which is no "
                   "multiple");
  SplitByLengths(Tensor::Of<int32_t>({2}, {0, 0}), {"A", "B"})
      .Arg("use_scaling_lengths", true)
      .ExpectError(kInvalid, "sum to 0, but there are 6 elements");
}

TEST(SplitByLengthsTest, HasTheGradientOfSplit) {
  const auto meta = GetGradientForOp(
      CreateOperatorDef("SplitByLengths", "", {"X", "L"}, {"A", "B"}, {MakeArgument("axis", 0)}),
      {GradientWrapper::Dense("dA"), GradientWrapper::Dense("dB")});
  ASSERT_TRUE(meta.ok()) << meta.status();
  ASSERT_EQ(meta->ops.size(), 1u);
  EXPECT_EQ(OpToString(meta->ops[0]), "Concat(dA, dB) -> X_grad, _X_grad_dims");
}

}  // namespace
}  // namespace doppio
