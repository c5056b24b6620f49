#include <cmath>

#include "gtest/gtest.h"
#include "tests/support/op_tester.h"

namespace doppio {
namespace {

TEST(LabelCrossEntropyTest, IsMinusTheLogarithmOfTheLabelsProbability) {
  OpTester("LabelCrossEntropy")
      .Input("X", Tensor::Of<double>({2, 2}, {0.25, 0.75, 1, 0}))
      .Input("label", Tensor::Of<int32_t>({2, 1}, {0, 1}))
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<double>({2}, {std::log(4), 20 * std::log(10)}), 1e-12);
}

TEST(LabelCrossEntropyTest, TakesAVectorAsOneExample) {
  OpTester("LabelCrossEntropy")
      .Input("X", Tensor::Of<float>({3}, {0, 1, 0}))
      .Input("label", Tensor::Of<int64_t>({1}, {1}))
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<float>({1}, {0}));
}

TEST(LabelCrossEntropyTest, GivesNothingForABatchOfNothing) {
  OpTester("LabelCrossEntropy")
      .Input("X", Tensor::Of<float>({0, 3}, {}))
      .Input("label", Tensor::Of<int32_t>({0}, {}))
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<float>({0}, {}));
}

TEST(LabelCrossEntropyTest, RejectsLabelsThatAreNoClass) {
  OpTester("LabelCrossEntropy")
      .Input("X", Tensor::Of<float>({1, 2}, {0.5, 0.5}))
      .Input("label", Tensor::Of<int32_t>({1}, {2}))
      .Outputs({"Y"})
      .ExpectError(kInvalid, "label 0 is 2, but must be in [0, 2)");
}

TEST(LabelCrossEntropyTest, RejectsAnyLabelWhereThereAreNoClasses) {
  OpTester("LabelCrossEntropy")
      .Input("X", Tensor::Of<float>({1, 0}, {}))
      .Input("label", Tensor::Of<int32_t>({1}, {0}))
      .Outputs({"Y"})
      .ExpectError(kInvalid, "must be in [0, 0)");
}

TEST(LabelCrossEntropyTest, RejectsLabelsOfFloat) {
  OpTester("LabelCrossEntropy")
      .Input("X", Tensor::Of<float>({1, 2}, {0.5, 0.5}))
      .Input("label", Tensor::Of<float>({1}, {1}))
      .Outputs({"Y"})
      .ExpectError(kInvalid, "float is not supported here; supported: int32, int64");
}

TEST(LabelCrossEntropyGradientTest, RejectsAGradientOfAnotherLength) {
  OpTester("LabelCrossEntropyGradient")
      .Input("X", Tensor::Of<float>({1, 2}, {0.5, 0.5}))
      .Input("label", Tensor::Of<int32_t>({1}, {1}))
      .Input("dY", Tensor::Of<float>({2}, {1, 1}))
      .Outputs({"dX"})
      .ExpectError(kInvalid, "must be a vector of 1");
}

TEST(SquaredL2DistanceTest, IsHalfTheSquaredDistanceOfRows) {
  OpTester("SquaredL2Distance")
      .Input("X", Tensor::Of<float>({2, 2}, {1, 2, 3, 4}))
      .Input("Y", Tensor::Of<float>({2, 2}, {0, 0, 3, 6}))
      .Outputs({"Z"})
      .ExpectOutput(0, Tensor::Of<float>({2}, {2.5, 2}));
}

TEST(SquaredL2DistanceTest, TakesScalarsAsVectorsOfOne) {
  OpTester("SquaredL2Distance")
      .Input("X", Tensor::Scalar<float>(4))
      .Input("Y", Tensor::Scalar<float>(2))
      .Outputs({"Z"})
      .ExpectOutput(0, Tensor::Of<float>({1}, {2}));
}

TEST(SquaredL2DistanceTest, RejectsDifferentShapes) {
  OpTester("SquaredL2Distance")
      .Input("X", Tensor::Of<float>({2, 1}, {1, 2}))
      .Input("Y", Tensor::Of<float>({1, 2}, {1, 2}))
      .Outputs({"Z"})
      .ExpectError(kInvalid, "X [2,1] and Y [1,2] must have the same shape");
}

TEST(SquaredL2DistanceTest, RejectsDifferentTypes) {
  OpTester("SquaredL2Distance")
      .Input("X", Tensor::Of<float>({1}, {1}))
      .Input("Y", Tensor::Of<double>({1}, {1}))
      .Outputs({"Z"})
      .ExpectError(kInvalid, "must have the same type");
}

TEST(SquaredL2DistanceGradientTest, RejectsAGradientOfAnotherLength) {
  OpTester("SquaredL2DistanceGradient")
      .Input("X", Tensor::Of<float>({1}, {1}))
      .Input("Y", Tensor::Of<float>({1}, {1}))
      .Input("dZ", Tensor::Scalar<float>(1))
      .Outputs({"dX", "dY"})
      .ExpectError(kInvalid, "must be a vector of 1");
}

TEST(AveragedLossTest, IsTheMean) {
  OpTester("AveragedLoss")
      .Input("X", Tensor::Of<float>({2, 2}, {1, 2, 3, 6}))
      .Outputs({"loss"})
      .ExpectOutput(0, Tensor::Scalar<float>(3));
}

TEST(AveragedLossTest, IsZeroForABatchOfNothing) {
  OpTester("AveragedLoss")
      .Input("X", Tensor::Of<float>({0}, {}))
      .Outputs({"loss"})
      .ExpectOutput(0, Tensor::Scalar<float>(0));
}

TEST(AveragedLossTest, RejectsIntegers) {
  OpTester("AveragedLoss")
      .Input("X", Tensor::Of<int32_t>({1}, {1}))
      .Outputs({"loss"})
      .ExpectError(kInvalid, "int32 is not supported");
}

TEST(AveragedLossGradientTest, TakesAGradientOfOneElementOfAnyShape) {
  OpTester("AveragedLossGradient")
      .Input("X", Tensor::Of<float>({2}, {1, 2}))
      .Input("dloss", Tensor::Of<float>({1}, {3}))
      .Outputs({"dX"})
      .ExpectOutput(0, Tensor::Of<float>({2}, {1.5, 1.5}));
}

TEST(AveragedLossGradientTest, RejectsMoreThanOneGradient) {
  OpTester("AveragedLossGradient")
      .Input("X", Tensor::Of<float>({2}, {1, 2}))
      .Input("dloss", Tensor::Of<float>({2}, {1, 1}))
      .Outputs({"dX"})
      .ExpectError(kInvalid, "dloss must be one element");
}

}  // namespace
}  // namespace doppio
