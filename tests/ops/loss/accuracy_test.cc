#include <limits>

#include "doppio/gradient_maker.h"
#include "gtest/gtest.h"
#include "tests/support/op_tester.h"

namespace doppio {
namespace {

OpTester Accuracy(absl::StatusOr<Tensor> labels) {
  return OpTester("Accuracy")
      .Input("X", Tensor::Of<float>({4, 3}, {0, 1, 2, 2, 1, 0, 0, 5, 0, 1, 1, 1}))
      .Input("label", labels)
      .Outputs({"Y"});
}

TEST(AccuracyTest, CountsLabelsWithTheLargestPrediction) {
  Accuracy(Tensor::Of<int32_t>({4}, {2, 0, 0, 0})).ExpectOutput(0, Tensor::Scalar<float>(0.75));
}

TEST(AccuracyTest, CountsTheLowerOfEqualClassesAsLarger) {
  Accuracy(Tensor::Of<int64_t>({4}, {0, 1, 0, 2})).ExpectOutput(0, Tensor::Scalar<float>(0));
}

TEST(AccuracyTest, CountsTheFirstKWhereItIsAskedTo) {
  Accuracy(Tensor::Of<int32_t>({4}, {1, 1, 0, 2}))
      .Arg("top_k", 2)
      .ExpectOutput(0, Tensor::Scalar<float>(0.75));
}

TEST(AccuracyTest, IsZeroForABatchOfNothing) {
  OpTester("Accuracy")
      .Input("X", Tensor::Of<float>({0, 3}, {}))
      .Input("label", Tensor::Of<int32_t>({0}, {}))
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Scalar<float>(0));
}

TEST(AccuracyTest, RejectsLabelsThatAreNoClass) {
  for (int64_t label : {int64_t{-1}, int64_t{3}, std::numeric_limits<int64_t>::min()}) {
    Accuracy(Tensor::Of<int64_t>({4}, {0, 0, label, 0}))
        .ExpectError(kInvalid, absl::StrCat("label 2 is ", label));
  }
}

TEST(AccuracyTest, RejectsAnotherNumberOfLabels) {
  Accuracy(Tensor::Of<int32_t>({1}, {0})).ExpectError(kInvalid, "are [4,3] and [1]");
}

TEST(AccuracyTest, RejectsPredictionsThatAreNoMatrix) {
  OpTester("Accuracy")
      .Input("X", Tensor::Of<float>({1}, {0}))
      .Input("label", Tensor::Of<int32_t>({1}, {0}))
      .Outputs({"Y"})
      .ExpectError(kInvalid, "must be a matrix");
}

TEST(AccuracyTest, MustNotStandOnThePathOfAGradient) {
  EXPECT_EQ(GradientRegistry::Kind("Accuracy"), GradientKind::kForbidden);
}

}  // namespace
}  // namespace doppio
