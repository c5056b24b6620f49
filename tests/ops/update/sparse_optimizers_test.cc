// Optimizers that update the rows which indices name.

#include <cmath>

#include "gtest/gtest.h"
#include "tests/support/op_tester.h"

namespace doppio {
namespace {

constexpr double kNear = 1e-5;

Tensor Vector(const std::vector<float>& values) {
  return *Tensor::FromSpan<float>({static_cast<int64_t>(values.size())}, values);
}
Tensor Column(const std::vector<float>& values) {
  return *Tensor::FromSpan<float>({static_cast<int64_t>(values.size()), 1}, values);
}
Tensor Indices(const std::vector<int64_t>& values) {
  return *Tensor::FromSpan<int64_t>({static_cast<int64_t>(values.size())}, values);
}
Tensor Iteration(int64_t t) { return *Tensor::Of<int64_t>({1}, {t}); }

OpTester Momentum(const Tensor& indices, const Tensor& grad) {
  return OpTester("SparseMomentumSGDUpdate")
      .Input("grad", grad)
      .Input("moment", Column({2, 3}))
      .Input("lr", Vector({0.5}))
      .Input("param", Column({10, 20}))
      .Input("indices", indices)
      .Arg("momentum", 0.5f)
      .Outputs({"grad", "moment", "param"});
}

TEST(SparseMomentumSGDUpdateTest, LeavesOtherRowsAsTheyAre) {
  Momentum(Indices({0}), Column({1}))
      .ExpectOutput(0, Column({1.5}))
      .ExpectOutput(1, Column({1.5, 3}))
      .ExpectOutput(2, Column({8.5, 20}));
}

TEST(SparseMomentumSGDUpdateTest, TakesTwoStepsForARowThatStandsThereTwice) {
  Momentum(*Tensor::Of<int32_t>({2}, {0, 0}), Column({1, 2}))
      .ExpectOutput(0, Column({1.5, 1.75}))
      .ExpectOutput(1, Column({1.75, 3}))
      .ExpectOutput(2, Column({6.75, 20}));
}

TEST(SparseMomentumSGDUpdateTest, RejectsAnIndexOutOfRange) {
  Momentum(Indices({0, 2}), Column({1, 1}))
      .ExpectError(kInvalid, "index 1 is 2, but must be in [0, 2)");
  Momentum(Indices({-1}), Column({1})).ExpectError(kInvalid, "index 0 is -1");
}

TEST(SparseMomentumSGDUpdateTest, ChangesNothingWhereAnIndexIsWrong) {
  MapScope scope;
  OpTester tester = Momentum(Indices({0, 2}), Column({1, 1}));
  tester.In(&scope);
  EXPECT_FALSE(tester.Run().ok());
  EXPECT_TRUE(TensorEquals(*scope.Fetch("param"), Column({10, 20})));
}

TEST(SparseMomentumSGDUpdateTest, RejectsGradientsOfAnotherShape) {
  Momentum(Indices({0}), Column({1, 1}))
      .ExpectError(kInvalid, "grad must be float with 1 elements");
  Momentum(Indices({0, 1}), *Tensor::Of<float>({1, 2}, {1, 1}))
      .ExpectError(kInvalid, "grad must have a row of");
}

TEST(SparseMomentumSGDUpdateTest, RejectsIndicesThatAreNoIntegers) {
  Momentum(Vector({0}), Column({1})).ExpectError(kInvalid, "float");
}

TEST(SparseMomentumSGDUpdateTest, MustRunInPlace) {
  OpTester("SparseMomentumSGDUpdate")
      .Input("grad", Column({1}))
      .Input("moment", Column({2, 3}))
      .Input("lr", Vector({0.5}))
      .Input("param", Column({10, 20}))
      .Input("indices", Indices({0}))
      .Outputs({"grad", "moment", "elsewhere"})
      .ExpectError(kInvalid, "must be the same blob as input 3");
}

OpTester Adagrad(const Tensor& moment, const Tensor& indices, const Tensor& grad) {
  return OpTester("SparseAdagrad")
      .Input("param", Column({10, 20}))
      .Input("moment", moment)
      .Input("indices", indices)
      .Input("grad", grad)
      .Input("lr", Vector({-1}))
      .Arg("epsilon", 0.0f)
      .Outputs({"param", "moment"});
}

TEST(SparseAdagradTest, LeavesOtherRowsAsTheyAre) {
  Adagrad(Column({9, 1}), Indices({0}), Column({4}))
      .ExpectOutput(0, Column({9.2f, 20}), kNear)
      .ExpectOutput(1, Column({25, 1}));
}

TEST(SparseAdagradTest, DoesNothingWithoutIndices) {
  Adagrad(Column({9, 1}), Indices({}), *Tensor::Of<float>({0, 1}, {}))
      .ExpectOutput(0, Column({10, 20}))
      .ExpectOutput(1, Column({9, 1}));
}

TEST(SparseAdagradTest, RejectsDecay) {
  Adagrad(Column({9, 1}), Indices({0}), Column({4}))
      .Arg("decay", 0.5f)
      .ExpectError(kInvalid, "decay is 0.5, must be 1");
}

TEST(SparseAdagradTest, RejectsMomentsOfAnotherSize) {
  Adagrad(Column({9}), Indices({0}), Column({4}))
      .ExpectError(kInvalid, "moment must be float with 2 elements");
}

OpTester RowWise(const Tensor& moment) {
  return OpTester("RowWiseSparseAdagrad")
      .Input("param", Tensor::Of<float>({1, 2}, {10, 20}))
      .Input("moment", moment)
      .Input("indices", Indices({0}))
      .Input("grad", Tensor::Of<float>({1, 2}, {1, 7}))
      .Input("lr", Vector({-1}))
      .Arg("epsilon", 0.0f)
      .Outputs({"param", "moment"});
}

TEST(RowWiseSparseAdagradTest, HasOneMomentForARow) {
  RowWise(Vector({0}))
      .ExpectOutput(0, Tensor::Of<float>({1, 2}, {9.8f, 18.6f}), kNear)
      .ExpectOutput(1, Vector({25}));
}

TEST(RowWiseSparseAdagradTest, DecaysRareRowsMore) {
  // Without a gradient to speak of: the decay is 0.5 * 2 / 4 of the parameters.
  OpTester("RowWiseSparseAdagrad")
      .Input("param", Column({8}))
      .Input("moment", Vector({0}))
      .Input("indices", Indices({0}))
      .Input("grad", Column({0}))
      .Input("lr", Vector({-1}))
      .Input("counter", Tensor::Of<double>({1}, {4}))
      .Arg("weight_decay", 0.5f)
      .Arg("counter_halflife", 2)
      .Arg("epsilon", 0.0f)
      .Outputs({"param", "moment"})
      .ExpectOutput(0, Column({7}), kNear)
      .ExpectOutput(1, Vector({4}), kNear);
}

TEST(RowWiseSparseAdagradTest, RejectsAHalflifeWithoutACounter) {
  RowWise(Vector({0}))
      .Arg("counter_halflife", 2)
      .Arg("weight_decay", 0.5f)
      .ExpectError(kInvalid, "there must be an input 5, counter");
}

TEST(RowWiseSparseAdagradTest, RejectsAMomentForEachParameter) {
  RowWise(Vector({0, 0})).ExpectError(kInvalid, "moment must be float with 1 elements");
}

OpTester Adam(absl::string_view type, const Tensor& moment_2, int64_t t) {
  return OpTester(type)
      .Input("param", Tensor::Of<float>({1, 2}, {10, 20}))
      .Input("m1", Tensor::Of<float>({1, 2}, {0, 0}))
      .Input("m2", moment_2)
      .Input("indices", Indices({0}))
      .Input("grad", Tensor::Of<float>({1, 2}, {1, 7}))
      .Input("lr", Vector({-1}))
      .Input("iter", Iteration(t))
      .Arg("epsilon", 0.0f)
      .Outputs({"param", "m1", "m2", "directions"});
}

TEST(SparseAdamTest, IsAdamOfARow) {
  Adam("SparseAdam", *Tensor::Of<float>({1, 2}, {0, 0}), 0)
      .ExpectOutput(0, Tensor::Of<float>({1, 2}, {9, 19}), kNear)
      .ExpectOutput(1, Tensor::Of<float>({1, 2}, {0.1f, 0.7f}), kNear)
      .ExpectOutput(2, Tensor::Of<float>({1, 2}, {0.001f, 0.049f}), kNear)
      .ExpectOutput(3, Tensor::Of<float>({1, 2}, {1, 1}), kNear);
}

TEST(SparseAdamTest, IsRectified) {
  // Early on the variance has no bound, and the step is that of the first moment alone.
  Adam("SparseAdam", *Tensor::Of<float>({1, 2}, {0, 0}), 0)
      .Arg("enableRAdam", 1)
      .ExpectOutput(0, Tensor::Of<float>({1, 2}, {9, 13}), kNear);
  // For the tenth step the formula of the paper, with beta2 = 0.999.
  const double t = 10;
  const double power = std::pow(0.999, t);
  const double rho_max = 2 / (1 - 0.999) - 1;
  const double rho = rho_max - 2 * t * power / (1 - power);
  const double r =
      std::sqrt((rho - 4) * (rho - 2) * rho_max / ((rho_max - 4) * (rho_max - 2) * rho));
  ASSERT_GT(rho, 5);
  const double correction = std::sqrt(1 - power) / (1 - std::pow(0.9, t));
  const auto step = static_cast<float>(r * correction * 0.1 / std::sqrt(0.001));
  Adam("SparseAdam", *Tensor::Of<float>({1, 2}, {0, 0}), 9)
      .Arg("enableRAdam", 1)
      .ExpectOutput(0, Tensor::Of<float>({1, 2}, {10 - step, 20 - step}), 1e-4);
}

TEST(SparseAdamTest, RejectsANegativeIteration) {
  Adam("SparseAdam", *Tensor::Of<float>({1, 2}, {0, 0}), -1)
      .ExpectError(absl::StatusCode::kOutOfRange, "the iteration is -1");
}

TEST(RowWiseSparseAdamTest, HasOneSecondMomentForARow) {
  Adam("RowWiseSparseAdam", Vector({0}), 0)
      .ExpectOutput(0, Tensor::Of<float>({1, 2}, {9.8f, 18.6f}), kNear)
      .ExpectOutput(2, Vector({0.025f}), kNear)
      .ExpectOutput(3, Tensor::Of<float>({1, 2}, {0.2f, 1.4f}), kNear);
}

TEST(RowWiseSparseAdamTest, RejectsASecondMomentForEachParameter) {
  Adam("RowWiseSparseAdam", Vector({0, 0}), 0)
      .ExpectError(kInvalid, "moment_2 must be float with 1");
}

OpTester SmartDecay(const Tensor& last_seen, const Tensor& indices, const Tensor& grad) {
  return OpTester("SmartDecaySparseAdam")
      .Input("param", Column({10}))
      .Input("m1", Column({8}))
      .Input("m2", Column({0}))
      .Input("last_seen", last_seen)
      .Input("indices", indices)
      .Input("grad", grad)
      .Input("lr", Vector({-1}))
      .Input("iter", Iteration(1))
      .Arg("beta1", 0.5f)
      .Arg("beta2", 0.0f)
      .Arg("epsilon", 0.0f)
      .Outputs({"param", "m1", "m2", "last_seen"});
}

TEST(SmartDecaySparseAdamTest, MakesUpForStepsThatWereMissed) {
  SmartDecay(Indices({0}), Indices({0}), Column({4}))
      .ExpectOutput(0, Column({8}))
      .ExpectOutput(1, Column({4}))
      .ExpectOutput(2, Column({16}))
      .ExpectOutput(3, Indices({2}));
}

TEST(SmartDecaySparseAdamTest, DecaysARowThatStandsThereTwiceOnce) {
  // Second step: moments 4 + 2 and 16 + 16 times beta2^0 = 1.
  SmartDecay(Indices({0}), *Tensor::Of<int32_t>({2}, {0, 0}), Column({4, 4}))
      .ExpectOutput(1, Column({6}))
      .ExpectOutput(2, Column({32}));
}

TEST(SmartDecaySparseAdamTest, RejectsIndicesThatAreLastSeenToo) {
  OpTester("SmartDecaySparseAdam")
      .Input("param", Column({10}))
      .Input("m1", Column({8}))
      .Input("m2", Column({0}))
      .Input("last_seen", Indices({0}))
      .Input("last_seen")
      .Input("grad", Column({4}))
      .Input("lr", Vector({-1}))
      .Input("iter", Iteration(1))
      .Outputs({"param", "m1", "m2", "last_seen"})
      .ExpectError(kInvalid, "input 4 is output 3 too, which changes while it is read");
}

TEST(SmartDecaySparseAdamTest, RejectsLastSeenOfAnotherSize) {
  SmartDecay(Indices({0, 0}), Indices({0}), Column({4}))
      .ExpectError(kInvalid, "last_seen must be int64 with 1 elements");
}

TEST(SparseAdadeltaTest, LeavesOtherRowsAsTheyAre) {
  OpTester("SparseAdadelta")
      .Input("param", Column({10, 20}))
      .Input("moment", Column({0, 0}))
      .Input("delta", Column({4, 4}))
      .Input("indices", Indices({0}))
      .Input("grad", Column({2}))
      .Input("lr", Vector({-1}))
      .Arg("decay", 0.75f)
      .Arg("epsilon", 0.0f)
      .Outputs({"param", "moment", "delta"})
      .ExpectOutput(0, Column({6, 20}))
      .ExpectOutput(1, Column({1, 0}))
      .ExpectOutput(2, Column({7, 4}));
}

TEST(SparseAdadeltaTest, RejectsALearningRateThatIsNoScalar) {
  OpTester("SparseAdadelta")
      .Input("param", Column({10, 20}))
      .Input("moment", Column({0, 0}))
      .Input("delta", Column({4, 4}))
      .Input("indices", Indices({0}))
      .Input("grad", Column({2}))
      .Input("lr", Vector({-1, -1}))
      .Outputs({"param", "moment", "delta"})
      .ExpectError(kInvalid, "lr must be one float");
}

OpTester Ftrl(const Tensor& n_z) {
  return OpTester("SparseFtrl")
      .Input("var", Column({0, 5}))
      .Input("n_z", n_z)
      .Input("indices", Indices({0}))
      .Input("grad", Column({3}))
      .Arg("alpha", 1.0f)
      .Arg("lambda1", 1.0f)
      .Arg("lambda2", 0.0f)
      .Outputs({"var", "n_z"});
}

TEST(SparseFtrlTest, LeavesOtherRowsAsTheyAre) {
  Ftrl(*Tensor::Of<float>({2, 2}, {0, 0, 0, 0}))
      .ExpectOutput(0, Column({-0.5, 5}))
      .ExpectOutput(1, Tensor::Of<float>({2, 2}, {9, 3, 0, 0}));
}

TEST(SparseFtrlTest, RejectsWhatAreNoPairs) {
  Ftrl(Vector({0, 0})).ExpectError(kInvalid, "n_z must be float with 4 elements");
}

OpTester Storm(const Tensor& indices) {
  return OpTester("SparseStorm")
      .Input("param", Column({10, 20}))
      .Input("moment", Column({4, 4}))
      .Input("sum", Vector({3}))
      .Input("grad", Column({2}))
      .Input("indices", indices)
      .Input("lr", Vector({-1}))
      .Arg("momentum", 1.0f)
      .Arg("beta", 1.0f)
      .Outputs({"param", "moment", "sum"});
}

TEST(SparseStormTest, LeavesOtherRowsAsTheyAre) {
  Storm(Indices({1}))
      .ExpectOutput(0, Column({10, 18.25}), kNear)
      .ExpectOutput(1, Column({4, 3.5}), kNear)
      .ExpectOutput(2, Vector({7}));
}

TEST(SparseStormTest, RejectsAnIndexOutOfRange) {
  Storm(Indices({2})).ExpectError(kInvalid, "index 0 is 2");
}

OpTester Wngrad(const Tensor& indices, const Tensor& grad) {
  return OpTester("SparseWngrad")
      .Input("param", Tensor::Of<float>({2, 2}, {10, 20, 30, 40}))
      .Input("seq_b", Vector({5}))
      .Input("indices", indices)
      .Input("grad", grad)
      .Input("lr", Vector({-1}))
      .Arg("epsilon", 0.0f)
      .Outputs({"param", "seq_b"});
}

TEST(SparseWngradTest, LeavesOtherRowsAsTheyAre) {
  Wngrad(Indices({0}), *Tensor::Of<float>({1, 2}, {3, 4}))
      .ExpectOutput(0, Tensor::Of<float>({2, 2}, {9.4f, 19.2f, 30, 40}), kNear)
      .ExpectOutput(1, Vector({10}));
}

TEST(SparseWngradTest, DoesNothingWithoutIndices) {
  Wngrad(Indices({}), *Tensor::Of<float>({0, 2}, {})).ExpectOutput(1, Vector({5}));
}

TEST(SparseWngradTest, RejectsGradientsOfAnotherShape) {
  Wngrad(Indices({0}), Vector({3})).ExpectError(kInvalid, "grad must be float with 2 elements");
}

OpTester Counter(const Tensor& indices, int halflife) {
  return OpTester("RowWiseCounter")
      .Input("prev_iter", Indices({1, 1}))
      .Input("counter", Tensor::Of<double>({2}, {4, 4}))
      .Input("indices", indices)
      .Input("iter", Iteration(3))
      .Arg("counter_halflife", halflife)
      .Outputs({"prev_iter", "counter"});
}

TEST(RowWiseCounterTest, HalvesCounts) {
  Counter(Indices({0}), 2)
      .ExpectOutput(0, Indices({3, 1}))
      .ExpectOutput(1, Tensor::Of<double>({2}, {3, 4}));
}

TEST(RowWiseCounterTest, CountsARowThatStandsThereTwiceTwice) {
  Counter(*Tensor::Of<int32_t>({2}, {0, 0}), 2).ExpectOutput(1, Tensor::Of<double>({2}, {4, 4}));
}

TEST(RowWiseCounterTest, DoesNothingWithoutAHalflife) {
  Counter(Indices({0}), 0)
      .ExpectOutput(0, Indices({1, 1}))
      .ExpectOutput(1, Tensor::Of<double>({2}, {4, 4}));
}

TEST(RowWiseCounterTest, RejectsAnIndexOutOfRange) {
  Counter(Indices({2}), 2).ExpectError(kInvalid, "index 0 is 2");
}

TEST(RowWiseCounterTest, RejectsIndicesThatAreIterationsToo) {
  OpTester("RowWiseCounter")
      .Input("prev_iter", Indices({1, 1}))
      .Input("counter", Tensor::Of<double>({2}, {4, 4}))
      .Input("prev_iter")
      .Input("iter", Iteration(3))
      .Outputs({"prev_iter", "counter"})
      .ExpectError(kInvalid, "input 2 is output 0 too");
}

// The operators that are fused with the gradient of a sparse reduction.

OpTester Fused(absl::string_view type, const Tensor& indices, const Tensor& grad,
               const Tensor& lengths) {
  return OpTester(type)
      .Input("param", Column({10, 20}))
      .Input("moment",
             absl::string_view(type).substr(0, 7) == "RowWise" ? Vector({9, 9}) : Column({9, 9}))
      .Input("indices", indices)
      .Input("grad", grad)
      .Input("lr", Vector({-1}))
      .Input("lengths", lengths)
      .Arg("epsilon", 0.0f)
      .Outputs({"param", "moment"});
}

Tensor Lengths(const std::vector<int32_t>& values) {
  return *Tensor::FromSpan<int32_t>({static_cast<int64_t>(values.size())}, values);
}

TEST(FusedAdagradTest, UsesTheGradientOfTheSum) {
  for (const char* type : {"SparseAdagradFusedWithSparseLengthsSumGradient",
                           "SparseAdagradFusedWithSparseLengthsSumGradientApprox",
                           "RowWiseSparseAdagradFusedWithSparseLengthsSumGradient",
                           "RowWiseSparseAdagradFusedWithSparseLengthsSumGradientApprox"}) {
    Fused(type, Indices({0, 1}), Column({4}), Lengths({2}))
        .ExpectOutput(0, Column({9.2f, 19.2f}), kNear);
  }
}

TEST(FusedAdagradTest, UsesTheGradientOfTheMean) {
  for (const char* type : {"SparseAdagradFusedWithSparseLengthsMeanGradient",
                           "SparseAdagradFusedWithSparseLengthsMeanGradientApprox",
                           "RowWiseSparseAdagradFusedWithSparseLengthsMeanGradient",
                           "RowWiseSparseAdagradFusedWithSparseLengthsMeanGradientApprox"}) {
    Fused(type, Indices({0, 1}), Column({8, 1}), Lengths({2, 0}))
        .ExpectOutput(0, Column({9.2f, 19.2f}), kNear);
  }
}

OpTester Weighted(absl::string_view type, const Tensor& weights, const Tensor& indices) {
  return OpTester(type)
      .Input("param", Column({10, 20}))
      .Input("moment",
             absl::string_view(type).substr(0, 7) == "RowWise" ? Vector({9, 9}) : Column({9, 9}))
      .Input("weights", weights)
      .Input("indices", indices)
      .Input("grad", Column({2}))
      .Input("lr", Vector({-1}))
      .Input("lengths", Lengths({2}))
      .Arg("epsilon", 0.0f)
      .Outputs({"param", "moment", "weight_grad"});
}

TEST(FusedAdagradTest, UsesTheGradientOfTheWeightedSum) {
  for (const char* type : {"SparseAdagradFusedWithSparseLengthsWeightedSumGradient",
                           "SparseAdagradFusedWithSparseLengthsWeightedSumGradientApprox",
                           "RowWiseSparseAdagradFusedWithSparseLengthsWeightedSumGradient",
                           "RowWiseSparseAdagradFusedWithSparseLengthsWeightedSumGradientApprox"}) {
    Weighted(type, Vector({2, 2}), Indices({0, 1}))
        .ExpectOutput(0, Column({9.2f, 19.2f}), kNear)
        .ExpectOutput(2, Vector({20, 40}));
    // Of the parameters before all steps.
    Weighted(type, Vector({2, 2}), Indices({0, 0})).ExpectOutput(2, Vector({20, 20}));
  }
}

constexpr char kSum[] = "SparseAdagradFusedWithSparseLengthsSumGradient";

TEST(FusedAdagradTest, RejectsLengthsThatDoNotAddUp) {
  Fused(kSum, Indices({0, 1}), Column({4}), Lengths({1}))
      .ExpectError(kInvalid, "lengths sum to 1, but the vector of indices has 2");
  Fused(kSum, Indices({0}), Column({4, 4}), Lengths({2, -1}))
      .ExpectError(kInvalid, "lengths[1] is -1");
}

TEST(FusedAdagradTest, RejectsAnIndexOutOfRange) {
  Fused(kSum, Indices({0, 2}), Column({4}), Lengths({2})).ExpectError(kInvalid, "index 1 is 2");
}

TEST(FusedAdagradTest, RejectsAGradientForEachIndex) {
  Fused(kSum, Indices({0, 1}), Column({4, 4}), Lengths({2}))
      .ExpectError(kInvalid, "grad must be float with 1 elements");
}

TEST(FusedAdagradTest, RejectsSegmentsThatAreLongerThanTheWeights) {
  Weighted("SparseAdagradFusedWithSparseLengthsWeightedSumGradient", Vector({2}), Indices({0, 1}))
      .ExpectError(kInvalid, "lengths[0] is 2, but aux_param has 1 weights");
}

TEST(FusedAdagradTest, RejectsDecay) {
  Fused(kSum, Indices({0, 1}), Column({4}), Lengths({2}))
      .Arg("decay", 0.5f)
      .ExpectError(kInvalid, "decay is 0.5, must be 1");
}

TEST(FusedAdagradTest, RejectsAHalflifeWithoutACounter) {
  Fused("RowWiseSparseAdagradFusedWithSparseLengthsSumGradient", Indices({0, 1}), Column({4}),
        Lengths({2}))
      .Arg("counter_halflife", 2)
      .Arg("weight_decay", 0.5f)
      .ExpectError(kInvalid, "there must be an input 6, counter");
}

}  // namespace
}  // namespace doppio
