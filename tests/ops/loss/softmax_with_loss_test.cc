#include <cmath>
#include <limits>

#include "doppio/gradient_maker.h"
#include "gtest/gtest.h"
#include "tests/support/op_tester.h"

namespace doppio {
namespace {

// Two examples of two classes, of which class 1 has the probabilities 3/4 and 1/2.
OpTester Loss() {
  return OpTester("SoftmaxWithLoss").Input("X", Tensor::Of<double>({2, 2}, {0, std::log(3), 0, 0}));
}

TEST(SoftmaxWithLossTest, AveragesTheCrossEntropies) {
  Loss()
      .Input("label", Tensor::Of<int32_t>({2}, {1, 0}))
      .Outputs({"P", "loss"})
      .ExpectOutput(0, Tensor::Of<double>({2, 2}, {0.25, 0.75, 0.5, 0.5}), 1e-12)
      .ExpectOutput(1, Tensor::Scalar<double>(-(std::log(0.75) + std::log(0.5)) / 2), 1e-12);
}

TEST(SoftmaxWithLossTest, WeighsExamples) {
  Loss()
      .Input("label", Tensor::Of<int32_t>({2, 1}, {1, 0}))
      .Input("weights", Tensor::Of<double>({2}, {3, 1}))
      .Arg("scale", 2.0f)
      .Outputs({"P", "loss"})
      .ExpectOutput(1, Tensor::Scalar<double>(-2 * (3 * std::log(0.75) + std::log(0.5)) / 4),
                    1e-12);
}

TEST(SoftmaxWithLossTest, DividesByTheNumberOfExamplesWhereItIsAskedTo) {
  Loss()
      .Input("label", Tensor::Of<int64_t>({2}, {1, 0}))
      .Input("weights", Tensor::Of<double>({2}, {3, 1}))
      .Arg("average_by_batch_size", 1)
      .Outputs({"P", "loss"})
      .ExpectOutput(1, Tensor::Scalar<double>(-(3 * std::log(0.75) + std::log(0.5)) / 2), 1e-12);
}

TEST(SoftmaxWithLossTest, TakesDistributionsAsLabels) {
  Loss()
      .Input("label", Tensor::Of<double>({2, 2}, {0, 1, 0.5, 0.5}))
      .Arg("label_prob", 1)
      .Outputs({"P", "loss"})
      .ExpectOutput(1, Tensor::Scalar<double>(-(std::log(0.75) + std::log(0.5)) / 2), 1e-12);
}

TEST(SoftmaxWithLossTest, IsExactForImprobableLabels) {
  OpTester("SoftmaxWithLoss")
      .Input("X", Tensor::Of<float>({1, 2}, {1000, 0}))
      .Input("label", Tensor::Of<int32_t>({1}, {1}))
      .Outputs({"P", "loss"})
      .ExpectOutput(1, Tensor::Scalar<float>(1000));
}

TEST(SoftmaxWithLossTest, IsZeroForABatchOfNothing) {
  OpTester("SoftmaxWithLoss")
      .Input("X", Tensor::Of<float>({0, 2}, {}))
      .Input("label", Tensor::Of<int32_t>({0}, {}))
      .Outputs({"P", "loss"})
      .ExpectOutput(1, Tensor::Scalar<float>(0));
}

TEST(SoftmaxWithLossTest, IsZeroWhereThereIsNoWeight) {
  Loss()
      .Input("label", Tensor::Of<int32_t>({2}, {1, 0}))
      .Input("weights", Tensor::Of<double>({2}, {0, 0}))
      .Outputs({"P", "loss"})
      .ExpectOutput(1, Tensor::Scalar<double>(0));
}

TEST(SoftmaxWithLossGradientTest, IsProbabilityMinusLabelOverTheBatch) {
  OpTester("SoftmaxWithLossGradient")
      .Input("X", Tensor::Of<float>({2, 2}, {0, 0, 0, 0}))
      .Input("label", Tensor::Of<int32_t>({2}, {1, 0}))
      .Input("P", Tensor::Of<float>({2, 2}, {0.25, 0.75, 0.5, 0.5}))
      .Input("dloss", Tensor::Of<float>({}, {2}))
      .Outputs({"dX"})
      .ExpectOutput(0, Tensor::Of<float>({2, 2}, {0.25, -0.25, -0.5, 0.5}));
}

TEST(SoftmaxWithLossGradientTest, TakesTheWeightsBetweenLabelsAndProbabilities) {
  const OperatorDef def =
      CreateOperatorDef("SoftmaxWithLoss", "", {"X", "label", "w"}, {"P", "loss"});
  const auto meta = GetGradientForOp(def, {GradientWrapper(), GradientWrapper::Dense("g")});
  ASSERT_TRUE(meta.ok()) << meta.status();
  EXPECT_EQ(OpToString(meta->ops[0]), "SoftmaxWithLossGradient(X, label, w, P, g) -> X_grad");
}

TEST(SoftmaxWithLossTest, RejectsLabelsThatAreNoClass) {
  for (int32_t label : {-1, 2, std::numeric_limits<int32_t>::max()}) {
    Loss()
        .Input("label", Tensor::Of<int32_t>({2}, {0, label}))
        .Outputs({"P", "loss"})
        .ExpectError(kInvalid, absl::StrCat("label 1 is ", label, ", but must be in [0, 2)"));
  }
}

TEST(SoftmaxWithLossTest, RejectsTooFewLabels) {
  Loss()
      .Input("label", Tensor::Of<int32_t>({1}, {0}))
      .Outputs({"P", "loss"})
      .ExpectError(kInvalid, "2 examples of 2 classes, which take a label each");
}

TEST(SoftmaxWithLossTest, RejectsAScalarLabel) {
  Loss()
      .Input("label", Tensor::Scalar<int32_t>(0))
      .Outputs({"P", "loss"})
      .ExpectError(kInvalid, "the labels are []");
}

TEST(SoftmaxWithLossTest, RejectsDistributionsThatDoNotAddUpToOne) {
  Loss()
      .Input("label", Tensor::Of<double>({2, 2}, {0, 1, 0.5, 0.6}))
      .Arg("label_prob", 1)
      .Outputs({"P", "loss"})
      .ExpectError(kInvalid, "the probabilities of example 1's label add up to 1.1");
}

TEST(SoftmaxWithLossTest, RejectsProbabilitiesThatAreNone) {
  for (double bad : {-0.5, std::numeric_limits<double>::quiet_NaN()}) {
    Loss()
        .Input("label", Tensor::Of<double>({2, 2}, {bad, 1, 0.5, 0.5}))
        .Arg("label_prob", 1)
        .Outputs({"P", "loss"})
        .ExpectError(kInvalid, "the label of example 0 gives class 0");
  }
}

TEST(SoftmaxWithLossTest, RejectsAnotherNumberOfWeights) {
  Loss()
      .Input("label", Tensor::Of<int32_t>({2}, {0, 0}))
      .Input("weights", Tensor::Of<double>({1}, {1}))
      .Outputs({"P", "loss"})
      .ExpectError(kInvalid, "2 examples take as many weights, but they are [1]");
}

TEST(SoftmaxWithLossTest, RejectsANegativeScaleAndAnotherOrder) {
  const auto label = Tensor::Of<int32_t>({2}, {0, 0});
  Loss()
      .Input("label", label)
      .Arg("scale", -1.0f)
      .Outputs({"P", "loss"})
      .ExpectError(kInvalid, "scale is -1");
  Loss()
      .Input("label", label)
      .Arg("order", "NHWC")
      .Outputs({"P", "loss"})
      .ExpectError(absl::StatusCode::kUnimplemented, "NHWC");
}

TEST(SoftmaxWithLossGradientTest, RejectsLabelsThatAreNoClass) {
  OpTester("SoftmaxWithLossGradient")
      .Input("X", Tensor::Of<float>({1, 2}, {0, 0}))
      .Input("label", Tensor::Of<int32_t>({1}, {-7}))
      .Input("P", Tensor::Of<float>({1, 2}, {0.5, 0.5}))
      .Input("dloss", Tensor::Of<float>({1}, {1}))
      .Outputs({"dX"})
      .ExpectError(kInvalid, "label 0 is -7");
}

TEST(SoftmaxWithLossGradientTest, RejectsProbabilitiesOfAnotherShape) {
  OpTester("SoftmaxWithLossGradient")
      .Input("X", Tensor::Of<float>({1, 2}, {0, 0}))
      .Input("label", Tensor::Of<int32_t>({1}, {0}))
      .Input("P", Tensor::Of<float>({1, 1}, {1}))
      .Input("dloss", Tensor::Of<float>({1}, {1}))
      .Outputs({"dX"})
      .ExpectError(kInvalid, "do not belong to logits");
}

}  // namespace
}  // namespace doppio
