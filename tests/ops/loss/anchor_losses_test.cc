#include <cmath>
#include <limits>

#include "gtest/gtest.h"
#include "tests/support/op_tester.h"

namespace doppio {
namespace {

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
constexpr double kLog2 = 0.6931471805599453;

// --- SmoothL1Loss ---

OpTester Smooth(const absl::StatusOr<Tensor>& y_hat, const absl::StatusOr<Tensor>& y,
                const absl::StatusOr<Tensor>& in, const absl::StatusOr<Tensor>& out) {
  OpTester tester("SmoothL1Loss");
  tester.Input("Y_hat", y_hat).Input("Y", y).Input("alpha_in", in).Input("alpha_out", out);
  tester.Outputs({"loss"});
  return tester;
}

TEST(SmoothL1LossTest, GivesTheDocumentedExample) {
  Smooth(Tensor::Of<float>({2, 2}, {1, 2, 3, 5}), Tensor::Of<float>({2, 2}, {0.5, 0, 3, 1}),
         Tensor::Of<float>({2, 2}, {1, 1, 1, 0}), Tensor::Of<float>({2, 2}, {1, 2, 1, 1}))
      .ExpectOutput(0, Tensor::Scalar<float>(1.5625f));
}

TEST(SmoothL1LossTest, GoesOnStraightFromBetaOn) {
  const auto one = Tensor::Of<double>({1}, {1});
  const auto zero = Tensor::Of<double>({1}, {0});
  Smooth(Tensor::Of<double>({1}, {3}), zero, one, one)
      .Arg("beta", 2.0f)
      .Arg("scale", 3.0f)
      .ExpectOutput(0, Tensor::Scalar<double>(6));
  Smooth(Tensor::Of<double>({1}, {-1}), zero, one, one)
      .Arg("beta", 2.0f)
      .ExpectOutput(0, Tensor::Scalar<double>(0.25));
}

TEST(SmoothL1LossTest, OfNothingIsZero) {
  const auto none = Tensor::Of<float>({0, 4}, {});
  Smooth(none, none, none, none).ExpectOutput(0, Tensor::Scalar<float>(0));
}

TEST(SmoothL1LossTest, LetsNaNThrough) {
  const auto one = Tensor::Of<float>({1}, {1});
  Smooth(Tensor::Of<float>({1}, {kNaN}), one, one, one)
      .ExpectOutput(0, Tensor::Scalar<float>(kNaN));
}

TEST(SmoothL1LossTest, RejectsWhatDoesNotGoTogether) {
  const auto two = Tensor::Of<float>({2, 1}, {1, 1});
  Smooth(two, Tensor::Of<float>({1, 2}, {1, 1}), two, two)
      .ExpectError(kInvalid, "Y_hat is [2,1], Y [1,2]");
  Smooth(two, two, Tensor::Of<float>({1}, {1}), two).ExpectError(kInvalid, "alpha_in [1]");
  Smooth(two, two, two, Tensor::Of<double>({2}, {1, 1}))
      .ExpectError(kInvalid, "alpha_out is double[2], but must have the type of float[2,1]");
  const auto scalar = Tensor::Scalar<float>(1);
  Smooth(scalar, scalar, scalar, scalar).ExpectError(kInvalid, "the same first dimension");
}

TEST(SmoothL1LossTest, RejectsArgumentsThatMakeNoLoss) {
  const auto one = Tensor::Of<float>({1}, {1});
  Smooth(one, one, one, one).Arg("beta", 0.0f).ExpectError(kInvalid, "beta is 0, must be above 0");
  Smooth(one, one, one, one).Arg("beta", kNaN).ExpectError(kInvalid, "must be above 0");
  Smooth(one, one, one, one).Arg("scale", -1.0f).ExpectError(kInvalid, "scale is -1");
}

TEST(SmoothL1LossGradientTest, IsTheSlopeOverTheExamples) {
  OpTester("SmoothL1LossGradient")
      .Input("Y_hat", Tensor::Of<float>({2, 2}, {1, 2, 3, -5}))
      .Input("Y", Tensor::Of<float>({2, 2}, {0.5, 0, 3, 1}))
      .Input("alpha_in", Tensor::Of<float>({2, 2}, {1, 1, 1, 0.5}))
      .Input("alpha_out", Tensor::Of<float>({2, 2}, {1, 2, 1, 4}))
      .Input("d_loss", Tensor::Scalar<float>(2))
      .Outputs({"dX"})
      .ExpectOutput(0, Tensor::Of<float>({2, 2}, {0.5, 2, 0, -2}));
}

TEST(SmoothL1LossGradientTest, RejectsMoreThanOneGradient) {
  const auto one = Tensor::Of<float>({1}, {1});
  OpTester("SmoothL1LossGradient")
      .Input("Y_hat", one)
      .Input("Y", one)
      .Input("alpha_in", one)
      .Input("alpha_out", one)
      .Input("d_loss", Tensor::Of<float>({2}, {1, 1}))
      .Outputs({"dX"})
      .ExpectError(kInvalid, "d_loss must be one element of float or double, but is float[2]");
}

// --- SelectSmoothL1Loss ---

const absl::StatusOr<Tensor> kBoxes = Tensor::Of<float>({1, 4, 1, 2}, {1, 2, 0, 0, 3, 0.5f, 0, 0});

OpTester Select(const absl::StatusOr<Tensor>& y, const absl::StatusOr<Tensor>& locations,
                const absl::StatusOr<Tensor>& normalizer, const char* type = "SelectSmoothL1Loss") {
  OpTester tester(type);
  tester.Input("Y_hat", kBoxes).Input("Y", y).Input("locations", locations);
  tester.Input("normalizer", normalizer);
  return tester;
}

TEST(SelectSmoothL1LossTest, GivesTheDocumentedExample) {
  Select(Tensor::Of<float>({1, 4}, {0, 0, 0, 0}), Tensor::Of<float>({1, 4}, {0, 0, 0, 1}),
         Tensor::Scalar<float>(2))
      .Outputs({"loss"})
      .ExpectOutput(0, Tensor::Scalar<float>(0.8125f));
}

TEST(SelectSmoothL1LossTest, IsDividedByOneAtLeast) {
  const auto place = Tensor::Of<float>({1, 4}, {0, 0, 0, 1});
  const auto zeros = Tensor::Of<float>({1, 4}, {0, 0, 0, 0});
  Select(zeros, place, Tensor::Scalar<float>(-7))
      .Outputs({"loss"})
      .ExpectOutput(0, Tensor::Scalar<float>(1.625f));
  Select(zeros, place, Tensor::Scalar<float>(kNaN))
      .Outputs({"loss"})
      .ExpectOutput(0, Tensor::Scalar<float>(kNaN));
}

TEST(SelectSmoothL1LossTest, WithoutLocationsIsZero) {
  const auto none = Tensor::Of<float>({0, 4}, {});
  Select(none, none, Tensor::Scalar<float>(0))
      .Outputs({"loss"})
      .ExpectOutput(0, Tensor::Scalar<float>(0));
}

TEST(SelectSmoothL1LossTest, CountsALocationAsOftenAsItIsGiven) {
  const auto zeros = Tensor::Of<float>({2, 4}, {0, 0, 0, 0, 0, 0, 0, 0});
  const auto places = Tensor::Of<float>({2, 4}, {0, 0, 0, 1, 0, 0, 0, 1});
  Select(zeros, places, Tensor::Scalar<float>(1))
      .Outputs({"loss"})
      .ExpectOutput(0, Tensor::Scalar<float>(3.25f));
  Select(zeros, places, Tensor::Scalar<float>(1), "SelectSmoothL1LossGradient")
      .Input("d_loss", Tensor::Scalar<float>(1))
      .Outputs({"dX"})
      .ExpectOutput(0, Tensor::Of<float>({1, 4, 1, 2}, {0, 2, 0, 0, 0, 1, 0, 0}));
}

TEST(SelectSmoothL1LossTest, RejectsLocationsOutsideOfTheMap) {
  const auto zeros = Tensor::Of<float>({1, 4}, {0, 0, 0, 0});
  for (const auto& place :
       {Tensor::Of<float>({1, 4}, {1, 0, 0, 0}),
        Tensor::Of<float>({1, 4}, {0, 1, 0, 0}),  // three channels follow
        Tensor::Of<float>({1, 4}, {0, 0, 1, 0}), Tensor::Of<float>({1, 4}, {0, 0, 0, 2}),
        Tensor::Of<float>({1, 4}, {0, 0, 0, -1}), Tensor::Of<float>({1, 4}, {0, 0, 0, kNaN}),
        Tensor::Of<float>({1, 4}, {0, 0, 0, 1e30f})}) {
    Select(zeros, place, Tensor::Scalar<float>(1))
        .Outputs({"loss"})
        .ExpectError(kInvalid, "is not in Y_hat [1,4,1,2]");
  }
}

TEST(SelectSmoothL1LossTest, RejectsOtherShapesAndTypes) {
  const auto zeros = Tensor::Of<float>({1, 4}, {0, 0, 0, 0});
  Select(zeros, Tensor::Of<float>({2, 4}, {0, 0, 0, 0, 0, 0, 0, 0}), Tensor::Scalar<float>(1))
      .Outputs({"loss"})
      .ExpectError(kInvalid, "must be [N,C,H,W], and Y and locations both [M,4]");
  Select(zeros, Tensor::Of<int32_t>({1, 4}, {0, 0, 0, 0}), Tensor::Scalar<float>(1))
      .Outputs({"loss"})
      .ExpectError(kInvalid, "locations must be float, but are int32");
  Select(zeros, zeros, Tensor::Of<float>({2}, {1, 1}))
      .Outputs({"loss"})
      .ExpectError(kInvalid, "normalizer must be one element");
}

// --- SigmoidCrossEntropyLoss ---

OpTester CrossEntropy(const absl::StatusOr<Tensor>& x, const absl::StatusOr<Tensor>& targets) {
  OpTester tester("SigmoidCrossEntropyLoss");
  tester.Input("X", x).Input("targets", targets).Outputs({"loss"});
  return tester;
}

TEST(SigmoidCrossEntropyLossTest, GivesTheDocumentedExample) {
  CrossEntropy(Tensor::Of<float>({3}, {0, 2, 5}), Tensor::Of<int32_t>({3}, {1, 1, -1}))
      .ExpectOutput(0, Tensor::Scalar<float>(0.410038f), 1e-6);
}

TEST(SigmoidCrossEntropyLossTest, IsASumWhereItIsNotNormalized) {
  CrossEntropy(Tensor::Of<float>({3}, {0, 0, 5}), Tensor::Of<int32_t>({3}, {1, 0, -1}))
      .Arg("normalize", 0)
      .Arg("scale", 0.5f)
      .ExpectOutput(0, Tensor::Scalar<float>(static_cast<float>(kLog2)), 1e-6);
}

TEST(SigmoidCrossEntropyLossTest, IsZeroWhereNoTargetCounts) {
  CrossEntropy(Tensor::Of<float>({2}, {kNaN, 2}), Tensor::Of<int32_t>({2}, {-1, -1}))
      .ExpectOutput(0, Tensor::Scalar<float>(0));
  CrossEntropy(Tensor::Of<float>({0}, {}), Tensor::Of<int32_t>({0}, {}))
      .ExpectOutput(0, Tensor::Scalar<float>(0));
}

TEST(SigmoidCrossEntropyLossTest, StaysFiniteForLargeLogits) {
  CrossEntropy(Tensor::Of<float>({2}, {1e4f, -1e4f}), Tensor::Of<int32_t>({2}, {0, 0}))
      .ExpectOutput(0, Tensor::Scalar<float>(5e3f));
}

TEST(SigmoidCrossEntropyLossTest, RejectsOtherTargets) {
  const auto x = Tensor::Of<float>({2}, {0, 0});
  CrossEntropy(x, Tensor::Of<int32_t>({2}, {0, 2}))
      .ExpectError(kInvalid, "target 1 is 2, but must be -1, 0 or 1");
  CrossEntropy(x, Tensor::Of<int32_t>({2}, {-2, 0})).ExpectError(kInvalid, "target 0 is -2");
  CrossEntropy(x, Tensor::Of<int64_t>({2}, {0, 0}))
      .ExpectError(kInvalid, "targets must be int32, but are int64");
  CrossEntropy(x, Tensor::Of<int32_t>({3}, {0, 0, 0})).ExpectError(kInvalid, "takes as many");
}

TEST(SigmoidCrossEntropyLossGradientTest, IsNothingWhereNoTargetCounts) {
  OpTester("SigmoidCrossEntropyLossGradient")
      .Input("X", Tensor::Of<float>({3}, {0, 0, kNaN}))
      .Input("targets", Tensor::Of<int32_t>({3}, {1, 0, -1}))
      .Input("d_loss", Tensor::Scalar<float>(2))
      .Outputs({"dX"})
      .ExpectOutput(0, Tensor::Of<float>({3}, {-0.5f, 0.5f, 0}));
}

// --- Focal losses ---

OpTester Focal(const char* type, const absl::StatusOr<Tensor>& scores,
               const absl::StatusOr<Tensor>& labels) {
  OpTester tester(type);
  tester.Input("scores", scores).Input("labels", labels);
  tester.Input("normalizer", Tensor::Scalar<float>(1)).Arg("num_classes", 2);
  return tester;
}

OpTester Sigmoid(const absl::StatusOr<Tensor>& scores, const absl::StatusOr<Tensor>& labels) {
  OpTester tester = Focal("SigmoidFocalLoss", scores, labels);
  tester.Outputs({"loss"});
  return tester;
}

OpTester Softmax(const absl::StatusOr<Tensor>& scores, const absl::StatusOr<Tensor>& labels) {
  OpTester tester = Focal("SoftmaxFocalLoss", scores, labels);
  tester.Outputs({"loss", "probabilities"});
  return tester;
}

absl::StatusOr<Tensor> Label(int32_t label) { return Tensor::Of<int32_t>({1, 1, 1, 1}, {label}); }

TEST(SigmoidFocalLossTest, GivesTheDocumentedExample) {
  Sigmoid(Tensor::Of<float>({1, 2, 1, 1}, {0, 0}), Label(2))
      .ExpectOutput(0, Tensor::Scalar<float>(0.346574f), 1e-6);
}

TEST(SigmoidFocalLossTest, TakesNoClassForBackgroundAndNothingForWhatDoesNotCount) {
  const auto scores = Tensor::Of<double>({1, 2, 1, 1}, {0, 0});
  Sigmoid(scores, Label(0)).ExpectOutput(0, Tensor::Scalar<double>(0.75 * kLog2), 1e-12);
  Sigmoid(Tensor::Of<double>({1, 2, 1, 1}, {1, std::nan("")}), Label(-1))
      .ExpectOutput(0, Tensor::Scalar<double>(0));
}

TEST(SigmoidFocalLossTest, IsNotCutOff) {
  // Class 1 is there, of which the logit says the contrary: ln(p) is the logit.
  Sigmoid(Tensor::Of<double>({1, 2, 1, 1}, {-200, -200}), Label(1))
      .ExpectOutput(0, Tensor::Scalar<double>(0.25 * 200), 1e-9);
  const double infinity = std::numeric_limits<double>::infinity();
  Sigmoid(Tensor::Of<double>({1, 2, 1, 1}, {infinity, -infinity}), Label(1))
      .ExpectOutput(0, Tensor::Scalar<double>(0));
}

TEST(SigmoidFocalLossTest, LetsNaNThrough) {
  Sigmoid(Tensor::Of<float>({1, 2, 1, 1}, {0, kNaN}), Label(1))
      .Arg("gamma", 0.0f)
      .ExpectOutput(0, Tensor::Scalar<float>(kNaN));
}

TEST(SigmoidFocalLossTest, RejectsLabelsThatAreNoClass) {
  const auto scores = Tensor::Of<float>({1, 2, 1, 1}, {0, 0});
  Sigmoid(scores, Label(3)).ExpectError(kInvalid, "label 0 is 3, but must be in [-1, 3)");
  Sigmoid(scores, Label(-2)).ExpectError(kInvalid, "label 0 is -2");
  Sigmoid(scores, Tensor::Of<int64_t>({1, 1, 1, 1}, {0}))
      .ExpectError(kInvalid, "labels must be int32, but are int64");
}

TEST(SigmoidFocalLossTest, RejectsChannelsThatAreNoGroupsOfClasses) {
  Sigmoid(Tensor::Of<float>({1, 3, 1, 1}, {0, 0, 0}), Label(0))
      .ExpectError(kInvalid, "scores of 2 classes must be [N,A*2,H,W] and labels [N,A,H,W]");
  Sigmoid(Tensor::Of<float>({1, 4, 1, 1}, {0, 0, 0, 0}), Label(0)).ExpectError(kInvalid, "[N,A*2");
  Sigmoid(Tensor::Of<float>({2}, {0, 0}), Label(0)).ExpectError(kInvalid, "are [2] and [1,1,1,1]");
}

TEST(SigmoidFocalLossGradientTest, IsFiniteWhereALogitIsInfinite) {
  const double infinity = std::numeric_limits<double>::infinity();
  for (float gamma : {0.0f, 0.5f, 2.0f}) {
    Focal("SigmoidFocalLossGradient", Tensor::Of<double>({1, 2, 1, 1}, {-infinity, infinity}),
          Label(1))
        .Input("d_loss", Tensor::Scalar<double>(4))
        .Arg("gamma", gamma)
        .Outputs({"dX"})
        .ExpectOutput(0, Tensor::Of<double>({1, 2, 1, 1}, {-1, 3}));
  }
}

TEST(SoftmaxFocalLossTest, GivesTheDocumentedExample) {
  Softmax(Tensor::Of<float>({1, 2, 1, 1}, {0, 0}), Label(1))
      .ExpectOutput(0, Tensor::Scalar<float>(0.0866434f), 1e-6)
      .ExpectOutput(1, Tensor::Of<float>({1, 2, 1, 1}, {0.5, 0.5}));
}

TEST(SoftmaxFocalLossTest, WeighsBackgroundByTheRestOfAlpha) {
  const auto scores = Tensor::Of<double>({1, 2, 1, 1}, {0, 0});
  Softmax(scores, Label(0)).ExpectOutput(0, Tensor::Scalar<double>(0.375 * kLog2), 1e-12);
  Softmax(scores, Label(-1)).ExpectOutput(0, Tensor::Scalar<double>(0));
}

TEST(SoftmaxFocalLossTest, IsNotCutOff) {
  Softmax(Tensor::Of<float>({1, 2, 1, 1}, {0, 800}), Label(0))
      .ExpectOutput(0, Tensor::Scalar<float>(600))
      .ExpectOutput(1, Tensor::Of<float>({1, 2, 1, 1}, {0, 1}));
}

TEST(SoftmaxFocalLossTest, RejectsLabelsThatAreNoClassAndAnotherOrder) {
  const auto scores = Tensor::Of<float>({1, 2, 1, 1}, {0, 0});
  Softmax(scores, Label(2)).ExpectError(kInvalid, "label 0 is 2, but must be in [-1, 2)");
  Softmax(scores, Label(0))
      .Arg("order", "NHWC")
      .ExpectError(absl::StatusCode::kUnimplemented, "order NCHW alone");
  OpTester("SoftmaxFocalLoss")
      .Input("scores", scores)
      .Input("labels", Label(0))
      .Input("normalizer", Tensor::Scalar<float>(1))
      .Arg("num_classes", 0)
      .Outputs({"loss", "p"})
      .ExpectError(kInvalid, "num_classes is 0, must be at least 1");
}

// Its slope is that of the loss -(1 - p)^gamma ln(p), which is 0 where p is 1.
TEST(SoftmaxFocalLossGradientTest, IsZeroWhereAllIsRight) {
  for (float gamma : {0.0f, 0.5f, 2.0f}) {
    Focal("SoftmaxFocalLossGradient", Tensor::Of<float>({1, 2, 1, 1}, {0, 800}), Label(1))
        .Input("probabilities", Tensor::Of<float>({1, 2, 1, 1}, {0, 1}))
        .Input("d_loss", Tensor::Scalar<float>(1))
        .Arg("gamma", gamma)
        .Outputs({"dX"})
        .ExpectOutput(0, Tensor::Of<float>({1, 2, 1, 1}, {0, 0}));
  }
}

TEST(SoftmaxFocalLossGradientTest, TakesProbabilitiesOfAnyShapeButNotOfAnotherSize) {
  const auto scores = Tensor::Of<float>({1, 2, 1, 1}, {0, 0});
  Focal("SoftmaxFocalLossGradient", scores, Label(1))
      .Input("probabilities", Tensor::Of<float>({2}, {0.5, 0.5}))
      .Input("d_loss", Tensor::Scalar<float>(1))
      .Arg("gamma", 0.0f)
      .Outputs({"dX"})
      .ExpectOutput(0, Tensor::Of<float>({1, 2, 1, 1}, {0.125f, -0.125f}));
  Focal("SoftmaxFocalLossGradient", scores, Label(1))
      .Input("probabilities", Tensor::Of<float>({1}, {1}))
      .Input("d_loss", Tensor::Scalar<float>(1))
      .Outputs({"dX"})
      .ExpectError(kInvalid, "must have the type and number of elements");
}

}  // namespace
}  // namespace doppio
