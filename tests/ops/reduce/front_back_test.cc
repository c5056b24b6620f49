#include <cmath>

#include "doppio/gradient_maker.h"
#include "gtest/gtest.h"
#include "tests/support/op_tester.h"

namespace doppio {
namespace {

OpTester Of(const char* type) {
  return OpTester(type).Input("X", Tensor::Of<float>({2, 3}, {1, 2, 3, 4, 5, 6})).Outputs({"Y"});
}

TEST(FrontBackTest, ReducesOneDimensionUnlessToldOtherwise) {
  Of("ReduceFrontSum").ExpectOutput(0, Tensor::Of<float>({3}, {5, 7, 9}));
  Of("ReduceBackMean").ExpectOutput(0, Tensor::Of<float>({2}, {2, 5}));
  Of("ReduceBackSum").Arg("num_reduce_dim", 2).ExpectOutput(0, Tensor::Of<float>({}, {21}));
  Of("ReduceFrontMean")
      .Arg("num_reduce_dim", 0)
      .ExpectOutput(0, Tensor::Of<float>({2, 3}, {1, 2, 3, 4, 5, 6}));
}

TEST(FrontBackTest, CountsOnlyTheFirstElementsWhereThereAreLengths) {
  Of("ReduceBackSum")
      .Input("lengths", Tensor::Of<int32_t>({2}, {2, 0}))
      .ExpectOutput(0, Tensor::Of<float>({2}, {3, 0}));
  Of("ReduceFrontMean")
      .Input("lengths", Tensor::Of<int32_t>({3}, {2, 1, 0}))
      .ExpectOutput(0, Tensor::Of<float>({3}, {2.5, 2, 0}));
}

TEST(FrontBackTest, GivesZeroForNothing) {
  OpTester("ReduceBackMean")
      .Input("X", Tensor::Of<float>({2, 0}, {}))
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<float>({2}, {0, 0}));
}

TEST(FrontBackTest, RejectsMoreDimensionsThanThereAre) {
  Of("ReduceBackSum").Arg("num_reduce_dim", 3).ExpectError(kInvalid, "has 2 dimensions");
  Of("ReduceFrontSum").Arg("num_reduce_dim", -1).ExpectError(kInvalid, "num_reduce_dim is -1");
}

TEST(FrontBackTest, RejectsLengthsThatAreTooLong) {
  Of("ReduceBackSum")
      .Input("lengths", Tensor::Of<int32_t>({2}, {2, 4}))
      .ExpectError(kInvalid, "length 4 is not between 0 and 3");
  Of("ReduceBackSum")
      .Input("lengths", Tensor::Of<int32_t>({2}, {-1, 3}))
      .ExpectError(kInvalid, "length -1");
}

TEST(FrontBackTest, RejectsLengthsOfAnotherNumberOrType) {
  Of("ReduceBackSum")
      .Input("lengths", Tensor::Of<int32_t>({3}, {1, 1, 1}))
      .ExpectError(kInvalid, "must be 2 elements of int32");
  Of("ReduceBackSum")
      .Input("lengths", Tensor::Of<int64_t>({2}, {1, 1}))
      .ExpectError(kInvalid, "must be 2 elements of int32");
}

TEST(FrontBackTest, RejectsLengthsForManyDimensions) {
  OpTester("ReduceBackSum")
      .Input("X", Tensor::Of<float>({1, 1}, {1}))
      .Input("lengths", Tensor::Of<int32_t>({1}, {1}))
      .Arg("num_reduce_dim", 2)
      .Outputs({"Y"})
      .ExpectError(kInvalid, "lengths are for one reduced dimension");
}

TEST(FrontBackGradientTest, TakesAShapeInPlaceOfXAsOldNetsDo) {
  OpTester("ReduceBackMeanGradient")
      .Input("dY", Tensor::Of<float>({2}, {2, 4}))
      .Input("shape", Tensor::Of<int64_t>({2}, {2, 2}))
      .Outputs({"dX"})
      .ExpectOutput(0, Tensor::Of<float>({2, 2}, {1, 1, 2, 2}));
}

TEST(FrontBackGradientTest, ReadsNoShapeInAnXOfWholeNumbers) {
  OpTester("ReduceBackSumGradient")
      .Input("dY", Tensor::Of<int64_t>({}, {7}))
      .Input("X", Tensor::Of<int64_t>({3}, {1, 1, 1}))
      .Outputs({"dX"})
      .ExpectOutput(0, Tensor::Of<int64_t>({3}, {7, 7, 7}));
}

TEST(FrontBackGradientTest, RejectsAShapeThatIsNone) {
  OpTester("ReduceBackMeanGradient")
      .Input("dY", Tensor::Of<float>({2}, {2, 4}))
      .Input("shape", Tensor::Of<int64_t>({2}, {2, -2}))
      .Outputs({"dX"})
      .ExpectError(kInvalid, "-2");
}

TEST(FrontBackGradientTest, TakesTheLengthsToo) {
  const auto meta =
      GetGradientForOp(CreateOperatorDef("ReduceFrontSum", "", {"X", "lengths"}, {"Y"}),
                       {GradientWrapper::Dense("Y_grad")});
  ASSERT_TRUE(meta.ok()) << meta.status();
  EXPECT_EQ(OpToString(meta->ops[0]), "ReduceFrontSumGradient(Y_grad, X, lengths) -> X_grad");
}

TEST(ArgMinTest, TakesTheFirstOfTheSmallestAndNanBeforeAll) {
  OpTester("ArgMin")
      .Input("X", Tensor::Of<float>({2, 3}, {5, 1, 1, 0, std::nanf(""), 2}))
      .Arg("axis", 1)
      .Outputs({"I"})
      .ExpectOutput(0, Tensor::Of<int64_t>({2, 1}, {1, 1}));
}

TEST(ArgMinTest, RejectsAnEmptyDimension) {
  OpTester("ArgMin")
      .Input("X", Tensor::Of<float>({2, 0}, {}))
      .Outputs({"I"})
      .ExpectError(kInvalid, "there is nothing to choose from");
}

TEST(ReduceMaxTest, LetsNanWin) {
  OpTester tester("ReduceMax");
  tester.Input("X", Tensor::Of<float>({3}, {1, std::nanf(""), 2})).Outputs({"Y"});
  ASSERT_TRUE(tester.Run().ok());
  EXPECT_TRUE(std::isnan(tester.Output(0).data<float>()[0]));
}

TEST(ReduceMaxTest, GivesNothingOfNothingWhereNothingIsWanted) {
  OpTester("ReduceMin")
      .Input("X", Tensor::Of<float>({0, 2}, {}))
      .Arg("axes", std::vector<int64_t>{1})
      .Arg("keepdims", 0)
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<float>({0}, {}));
}

TEST(ReduceMaxTest, RejectsTheLargestOfNothing) {
  OpTester("ReduceMax")
      .Input("X", Tensor::Of<float>({2, 0}, {}))
      .Arg("axes", std::vector<int64_t>{1})
      .Outputs({"Y"})
      .ExpectError(kInvalid, "X [2,0] has no elements to choose from");
}

TEST(LpNormTest, RejectsOtherNorms) {
  OpTester("LpNorm")
      .Input("X", Tensor::Of<float>({1}, {1}))
      .Arg("p", 3)
      .Outputs({"Y"})
      .ExpectError(kInvalid, "p is 3, must be 1 or 2");
}

TEST(LpNormTest, OfNothingHasTheAverageNaN) {
  OpTester("LpNorm")
      .Input("X", Tensor::Of<float>({0}, {}))
      .Arg("average", 1)
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<float>({1}, {NAN}));
}

}  // namespace
}  // namespace doppio
