// Losses and distances of two tensors, where the table test's random values say little.

#include <cmath>
#include <limits>

#include "gtest/gtest.h"
#include "tests/support/op_tester.h"

namespace doppio {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

OpTester Pair(const char* type, absl::StatusOr<Tensor> x, absl::StatusOr<Tensor> y) {
  return OpTester(type).Input("X", std::move(x)).Input("Y", std::move(y)).Outputs({"Z"});
}

TEST(L1DistanceTest, AddsAbsoluteDifferences) {
  Pair("L1Distance", Tensor::Of<float>({1, 4}, {5, 5, 5, 5}),
       Tensor::Of<float>({1, 4}, {1, 1, 1, 9}))
      .ExpectOutput(0, Tensor::Of<float>({1}, {16}));
}

TEST(L1DistanceTest, HasNoSlopeWhereBothAreEqual) {
  OpTester("L1DistanceGradient")
      .Input("X", Tensor::Of<float>({1, 3}, {1, 2, 3}))
      .Input("Y", Tensor::Of<float>({1, 3}, {2, 2, 2}))
      .Input("dZ", Tensor::Of<float>({1}, {4}))
      .Outputs({"dX", "dY"})
      .ExpectOutput(0, Tensor::Of<float>({1, 3}, {-4, 0, 4}))
      .ExpectOutput(1, Tensor::Of<float>({1, 3}, {4, 0, -4}));
}

TEST(L1DistanceTest, RejectsOtherShapesAndTypes) {
  Pair("L1Distance", Tensor::Of<float>({2}, {1, 2}), Tensor::Of<float>({1}, {1}))
      .ExpectError(kInvalid, "must have the same shape");
  Pair("L1Distance", Tensor::Of<float>({1}, {1}), Tensor::Of<double>({1}, {1}))
      .ExpectError(kInvalid, "must have the same type");
}

TEST(CosineSimilarityTest, IsTheCosineOfTheAngle) {
  Pair("CosineSimilarity", Tensor::Of<double>({2, 2}, {3, 4, 1, 0}),
       Tensor::Of<double>({2, 2}, {4, 3, 0, 2}))
      .ExpectOutput(0, Tensor::Of<double>({2}, {0.96, 0}), 1e-12);
}

TEST(CosineSimilarityTest, NeitherOverflowsNorDividesByNothing) {
  Pair("CosineSimilarity", Tensor::Of<float>({2, 1}, {1e30f, 0}),
       Tensor::Of<float>({2, 1}, {1e30f, 0}))
      .ExpectOutput(0, Tensor::Of<float>({2}, {1, 0}), 1e-6);
}

TEST(CosineSimilarityTest, IsAPlainProductWhereANormIsKeptAtItsLeast) {
  // |X| < 1e-6 counts as 1e-6, so that Z = 1e6 X Y / |Y| is linear in X.
  OpTester("CosineSimilarityGradient")
      .Input("X", Tensor::Of<double>({1, 1}, {0.5e-6}))
      .Input("Y", Tensor::Of<double>({1, 1}, {2}))
      .Input("dZ", Tensor::Of<double>({1}, {1}))
      .Outputs({"dX", "dY"})
      .ExpectOutput(0, Tensor::Of<double>({1, 1}, {1e6}), 1e-3)
      .ExpectOutput(1, Tensor::Of<double>({1, 1}, {0}), 1e-12);
}

TEST(CrossEntropyTest, TakesProbabilitiesAsLabels) {
  OpTester("CrossEntropy")
      .Input("X", Tensor::Of<double>({2, 2}, {0.25, 0.75, 0.5, 0.5}))
      .Input("label", Tensor::Of<double>({2, 2}, {1, 0, 0.5, 0.5}))
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<double>({2}, {std::log(4.0), std::log(2.0)}), 1e-12);
}

TEST(CrossEntropyTest, HasAFiniteLogarithmOfNothing) {
  OpTester("CrossEntropy")
      .Input("X", Tensor::Of<double>({2}, {0, 1}))
      .Input("label", Tensor::Of<double>({2}, {1, 0}))
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<double>({1}, {20 * std::log(10.0)}), 1e-12);
}

TEST(CrossEntropyTest, RejectsLabelsThatAreNoProbabilities) {
  for (const float label : {-0.5f, 2.0f, kNan}) {
    OpTester("CrossEntropy")
        .Input("X", Tensor::Of<float>({1, 2}, {0.5, 0.5}))
        .Input("label", Tensor::Of<float>({1, 2}, {0, label}))
        .Outputs({"Y"})
        .ExpectError(kInvalid, "label 1 is");
  }
}

TEST(CrossEntropyTest, RejectsFewerLabelsThanThereAreClasses) {
  OpTester("CrossEntropy")
      .Input("X", Tensor::Of<float>({3}, {1, 0, 0}))
      .Input("label", Tensor::Of<float>({1}, {1}))
      .Outputs({"Y"})
      .ExpectError(kInvalid, "which take as many labels");
}

TEST(MakeTwoClassTest, PutsTheOtherClassFirst) {
  OpTester("MakeTwoClass")
      .Input("X", Tensor::Of<float>({2}, {0.25, 1}))
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<float>({2, 2}, {0.75, 0.25, 0, 1}));
}

TEST(MakeTwoClassTest, RejectsAGradientThatIsNoPairs) {
  for (const Dims& dims : {Dims{}, Dims{2, 1}}) {
    OpTester("MakeTwoClassGradient")
        .Input("dY", Tensor::Create(DataType::kFloat, dims))
        .Outputs({"dX"})
        .ExpectError(kInvalid, "must have a last dimension of 2");
  }
}

OpTester Sigmoid(std::initializer_list<float> logits, std::initializer_list<float> targets) {
  const int64_t n = static_cast<int64_t>(logits.size());
  return OpTester("SigmoidCrossEntropyWithLogits")
      .Input("logits", Tensor::Of<float>({1, n}, logits))
      .Input("targets", Tensor::Of<float>({1, n}, targets))
      .Outputs({"xentropy"});
}

TEST(SigmoidCrossEntropyTest, IsTheMeanOfTheRow) {
  Sigmoid({0, 2}, {1, 1}).ExpectOutput(0, Tensor::Of<float>({1}, {0.410038f}), 1e-6);
}

TEST(SigmoidCrossEntropyTest, IsSureOfInfinity) {
  Sigmoid({kInfinity, -kInfinity}, {1, 0}).ExpectOutput(0, Tensor::Of<float>({1}, {0}));
  Sigmoid({kInfinity}, {0}).ExpectOutput(0, Tensor::Of<float>({1}, {kInfinity}));
  Sigmoid({kInfinity}, {1}).Arg("log_D_trick", true).ExpectOutput(0, Tensor::Of<float>({1}, {0}));
  Sigmoid({-200}, {0}).Arg("unjoined_lr_loss", true).ExpectOutput(0, Tensor::Of<float>({1}, {0}));
}

TEST(SigmoidCrossEntropyTest, LosesNothingInEmptyRows) {
  OpTester("SigmoidCrossEntropyWithLogits")
      .Input("logits", Tensor::Of<float>({2, 0}, {}))
      .Input("targets", Tensor::Of<float>({2, 0}, {}))
      .Outputs({"xentropy"})
      .ExpectOutput(0, Tensor::Of<float>({2}, {0, 0}));
}

TEST(SigmoidCrossEntropyTest, WeighsElements) {
  OpTester("WeightedSigmoidCrossEntropyWithLogits")
      .Input("logits", Tensor::Of<float>({1, 2}, {0, 2}))
      .Input("targets", Tensor::Of<float>({1, 2}, {1, 1}))
      .Input("weights", Tensor::Of<float>({1, 2}, {2, 0}))
      .Outputs({"xentropy"})
      .ExpectOutput(0, Tensor::Of<float>({1}, {0.693147f}), 1e-6);
}

TEST(SigmoidCrossEntropyTest, RejectsOtherShapes) {
  OpTester("SigmoidCrossEntropyWithLogits")
      .Input("logits", Tensor::Of<float>({2}, {0, 0}))
      .Input("targets", Tensor::Of<float>({1}, {0}))
      .Outputs({"xentropy"})
      .ExpectError(kInvalid, "must have the same type and shape");
  OpTester("SigmoidCrossEntropyWithLogitsGradient")
      .Input("dxentropy", Tensor::Of<float>({2}, {0, 0}))
      .Input("logits", Tensor::Of<float>({2}, {0, 0}))
      .Input("targets", Tensor::Of<float>({2}, {0, 0}))
      .Outputs({"dlogits"})
      .ExpectError(kInvalid, "must be 1 elements");
}

TEST(CosineEmbeddingCriterionTest, DependsOnTheLabel) {
  OpTester("CosineEmbeddingCriterion")
      .Input("S", Tensor::Of<float>({3}, {0.75, 0.75, -0.5}))
      .Input("Y", Tensor::Of<int32_t>({3}, {1, -1, -1}))
      .Outputs({"loss"})
      .ExpectOutput(0, Tensor::Of<float>({3}, {0.25, 0.75, 0}));
}

TEST(CosineEmbeddingCriterionTest, RejectsLabelsOfAnotherNumberOrType) {
  OpTester("CosineEmbeddingCriterion")
      .Input("S", Tensor::Of<float>({1}, {0}))
      .Input("Y", Tensor::Of<int32_t>({2}, {1, 1}))
      .Outputs({"loss"})
      .ExpectError(kInvalid, "must have as many elements");
  OpTester("CosineEmbeddingCriterion")
      .Input("S", Tensor::Of<float>({1}, {0}))
      .Input("Y", Tensor::Of<int64_t>({1}, {1}))
      .Outputs({"loss"})
      .ExpectError(kInvalid, "int32");
}

TEST(MarginRankingCriterionTest, AsksForALead) {
  OpTester("MarginRankingCriterion")
      .Input("X1", Tensor::Of<float>({3}, {3, 1, 1}))
      .Input("X2", Tensor::Of<float>({3}, {1, 1, 3}))
      .Input("Y", Tensor::Of<int32_t>({3}, {1, -1, 1}))
      .Outputs({"loss"})
      .ExpectOutput(0, Tensor::Of<float>({3}, {0, 1, 3}));
}

TEST(MarginRankingCriterionTest, RejectsAGradientOfAnotherSize) {
  OpTester("MarginRankingCriterionGradient")
      .Input("X1", Tensor::Of<float>({1}, {3}))
      .Input("X2", Tensor::Of<float>({1}, {1}))
      .Input("Y", Tensor::Of<int32_t>({1}, {1}))
      .Input("dloss", Tensor::Of<float>({2}, {1, 1}))
      .Outputs({"dX1", "dX2"})
      .ExpectError(kInvalid, "must have as many elements");
}

OpTester Ranked(std::initializer_list<int32_t> lengths) {
  return OpTester("PairWiseLoss")
      .Input("X", Tensor::Of<float>({3}, {1, 2, 4}))
      .Input("label", Tensor::Of<float>({3}, {0, 0, 1}))
      .Input("lengths", Tensor::Of<int32_t>({static_cast<int64_t>(lengths.size())}, lengths))
      .Outputs({"Y"});
}

TEST(PairWiseLossTest, LooksAtPairsWithinSessions) {
  Ranked({1, 2}).ExpectOutput(0, Tensor::Of<float>({2}, {0, 0.126928f}), 1e-6);
}

TEST(PairWiseLossTest, TakesColumnsWithMoreDimensionsOfSize1) {
  OpTester("PairWiseLoss")
      .Input("X", Tensor::Of<double>({2, 1, 1}, {1, 1}))
      .Input("label", Tensor::Of<double>({2, 1}, {0, 1}))
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<double>({1}, {std::log(2.0)}), 1e-12);
  OpTester("PairWiseLoss")
      .Input("X", Tensor::Of<double>({1, 2}, {1, 1}))
      .Input("label", Tensor::Of<double>({1, 1}, {0}))
      .Outputs({"Y"})
      .ExpectError(kInvalid, "X [1,2] and label [1,1] must be [N], or [N,1] and so on");
}

TEST(PairWiseLossTest, HasALossOfNothingForEmptySessions) {
  OpTester("PairWiseLoss")
      .Input("X", Tensor::Of<float>({0}, {}))
      .Input("label", Tensor::Of<float>({0}, {}))
      .Input("lengths", Tensor::Of<int32_t>({2}, {0, 0}))
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<float>({2}, {0, 0}));
}

TEST(PairWiseLossTest, DoesNotOverflow) {
  OpTester("PairWiseLoss")
      .Input("X", Tensor::Of<float>({2}, {1000, 0}))
      .Input("label", Tensor::Of<float>({2}, {0, 1}))
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<float>({1}, {1000}));
}

TEST(PairWiseLossTest, RejectsLengthsThatDoNotAddUp) {
  Ranked({1, 1}).ExpectError(kInvalid, "the lengths add up to 2, but X has 3 elements");
  Ranked({4, -1}).ExpectError(kInvalid, "length -1 is negative");
}

TEST(BernoulliJSDTest, IsLargestWhereBothAreSureOfTheOpposite) {
  OpTester("BernoulliJSD")
      .Input("X", Tensor::Of<float>({2}, {0.5, 1}))
      .Input("T", Tensor::Of<float>({2}, {0.5, 0}))
      .Outputs({"L"})
      .ExpectOutput(0, Tensor::Of<float>({2}, {0, std::log(2.0f)}), 1e-6);
}

TEST(BernoulliJSDTest, HasAFiniteGradientAtTheEnds) {
  OpTester tester("BernoulliJSDGradient");
  tester.Input("dL", Tensor::Of<float>({1, 2}, {1, 0}))
      .Input("X", Tensor::Of<float>({1, 2}, {1, 0}))
      .Input("T", Tensor::Of<float>({1, 2}, {0, 1}))
      .Outputs({"dX"});
  ASSERT_TRUE(tester.Run().ok());
  EXPECT_NEAR(tester.Output(0).data<float>()[0], 10 * std::log(10.0), 1e-4);
  EXPECT_EQ(tester.Output(0).data<float>()[1], 0);
}

TEST(BernoulliJSDTest, RejectsOtherSizes) {
  OpTester("BernoulliJSD")
      .Input("X", Tensor::Of<float>({1}, {0.5}))
      .Input("T", Tensor::Of<float>({2}, {0.5, 0}))
      .Outputs({"L"})
      .ExpectError(kInvalid, "must have the same type and number of elements");
}

OpTester Classes(absl::StatusOr<Tensor> labels) {
  return OpTester("MultiClassAccuracy")
      .Input("prediction", Tensor::Of<float>({3, 2}, {1, 0, 0, 1, 1, 0}))
      .Input("labels", std::move(labels))
      .Outputs({"accuracies", "amounts"});
}

TEST(MultiClassAccuracyTest, CountsEachClassByItself) {
  Classes(Tensor::Of<int32_t>({3}, {0, 1, 1}))
      .ExpectOutput(0, Tensor::Of<float>({2}, {1, 0.5}))
      .ExpectOutput(1, Tensor::Of<int32_t>({2}, {1, 2}));
}

TEST(MultiClassAccuracyTest, RejectsLabelsThatAreNoClass) {
  Classes(Tensor::Of<int32_t>({3}, {0, 2, 1})).ExpectError(kInvalid, "label 1 is 2");
  Classes(Tensor::Of<int32_t>({3}, {0, -1, 1})).ExpectError(kInvalid, "label 1 is -1");
  Classes(Tensor::Of<int32_t>({2}, {0, 1})).ExpectError(kInvalid, "of the same N");
}

TEST(PerplexityTest, IsTheInverseOfTheGeometricMean) {
  const auto of = [](absl::StatusOr<Tensor> x) {
    return OpTester("Perplexity").Input("X", std::move(x)).Outputs({"Y"});
  };
  of(Tensor::Of<float>({2}, {0.5, 0.125})).ExpectOutput(0, Tensor::Scalar<float>(4), 1e-6);
  of(Tensor::Of<float>({2}, {0.5, 0})).ExpectOutput(0, Tensor::Scalar<float>(kInfinity));
  of(Tensor::Of<float>({0}, {})).ExpectOutput(0, Tensor::Scalar<float>(1));
  of(Tensor::Scalar<float>(1)).ExpectError(kInvalid, "must be a vector");
}

}  // namespace
}  // namespace doppio
