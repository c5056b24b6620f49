#include <cmath>
#include <limits>

#include "gtest/gtest.h"
#include "tests/support/op_tester.h"

namespace doppio {
namespace {

OpTester Rate(const char* policy, int64_t iteration, float base_lr = 2) {
  return OpTester("LearningRate")
      .Input("iter", Tensor::Of<int64_t>({1}, {iteration}))
      .Arg("policy", policy)
      .Arg("base_lr", base_lr)
      .Outputs({"lr"});
}

constexpr double kNear = 1e-6;

TEST(LearningRateTest, StaysFixed) {
  Rate("fixed", 1000, -0.1f).ExpectOutput(0, Tensor::Scalar<float>(-0.1f));
}

TEST(LearningRateTest, FallsInSteps) {
  for (const auto& [iteration, expected] :
       std::vector<std::pair<int64_t, float>>{{0, 2}, {9, 2}, {10, 1}, {25, 0.5}}) {
    Rate("step", iteration)
        .Arg("stepsize", 10)
        .Arg("gamma", 0.5f)
        .ExpectOutput(0, Tensor::Scalar<float>(expected));
  }
}

TEST(LearningRateTest, FallsExponentially) {
  Rate("exp", 3).Arg("gamma", 0.5f).ExpectOutput(0, Tensor::Scalar<float>(0.25));
}

TEST(LearningRateTest, FallsInversely) {
  Rate("inv", 3)
      .Arg("gamma", 1.0f)
      .Arg("power", 0.5f)
      .ExpectOutput(0, Tensor::Scalar<float>(1), kNear);
}

TEST(LearningRateTest, FallsAsAPolynomial) {
  Rate("poly", 5)
      .Arg("max_iter", 10)
      .Arg("power", 2.0f)
      .ExpectOutput(0, Tensor::Scalar<float>(0.5), kNear);
}

TEST(LearningRateTest, Alternates) {
  for (const auto& [iteration, expected] :
       std::vector<std::pair<int64_t, float>>{{0, 0}, {2, 0}, {3, 2}, {4, 2}, {5, 0}}) {
    Rate("alter", iteration)
        .Arg("active_first", 0)
        .Arg("active_period", 2)
        .Arg("inactive_period", 3)
        .ExpectOutput(0, Tensor::Scalar<float>(expected));
  }
}

TEST(LearningRateTest, WarmsUp) {
  Rate("linearWarmup", 5)
      .Arg("start_multiplier", 0.5f)
      .Arg("num_iter", 10)
      .ExpectOutput(0, Tensor::Scalar<float>(1.5), kNear);
  Rate("linearWarmup", 10).Arg("num_iter", 10).ExpectOutput(0, Tensor::Scalar<float>(2));
  Rate("constantWarmup", 9).Arg("num_iter", 10).ExpectOutput(0, Tensor::Scalar<float>(1));
  Rate("pieceWarmup", 3)
      .Arg("n1", 2)
      .Arg("n2", 4)
      .Arg("m2", 3.0f)
      .ExpectOutput(0, Tensor::Scalar<float>(6));
  Rate("hill", 12)
      .Arg("num_iter", 10)
      .Arg("gamma", 1.0f)
      .Arg("power", 1.0f)
      .Arg("end_multiplier", 0.5f)
      .ExpectOutput(0, Tensor::Scalar<float>(1));
}

TEST(LearningRateTest, ChangesAtAGateOrAlongASlope) {
  Rate("gate", 10)
      .Arg("num_iter", 10)
      .Arg("multiplier_1", 3.0f)
      .Arg("multiplier_2", 4.0f)
      .ExpectOutput(0, Tensor::Scalar<float>(8));
  Rate("slope", 15)
      .Arg("num_iter_1", 10)
      .Arg("num_iter_2", 20)
      .Arg("multiplier_1", 1.0f)
      .Arg("multiplier_2", 0.5f)
      .ExpectOutput(0, Tensor::Scalar<float>(1.5), kNear);
}

TEST(LearningRateTest, GoesUpAndDownInCycles) {
  for (const auto& [iteration, expected] :
       std::vector<std::pair<int64_t, float>>{{0, 2}, {5, 5}, {10, 8}, {20, 2}, {30, 5}}) {
    Rate("cyclical", iteration)
        .Arg("max_lr", 8.0f)
        .Arg("stepsize", 10)
        .Arg("decay", 0.5f)
        .ExpectOutput(0, Tensor::Scalar<float>(expected), kNear);
  }
}

TEST(LearningRateTest, FollowsACosineWhosePeriodGrows) {
  for (const auto& [iteration, expected] :
       std::vector<std::pair<int64_t, float>>{{0, 2}, {5, 1}, {10, 2}, {20, 1}, {30, 2}}) {
    Rate("cosine", iteration)
        .Arg("max_lr", 1.0f)
        .Arg("min_lr", 0.0f)
        .Arg("period", 10)
        .Arg("t_mult", 2.0f)
        .Arg("lr_shrink", 1.0f)
        .ExpectOutput(0, Tensor::Scalar<float>(expected), 1e-4);
  }
}

TEST(LearningRateTest, FollowsOnePolicyAfterTheOther) {
  for (const auto& [iteration, expected] :
       std::vector<std::pair<int64_t, float>>{{0, 2}, {1, 2}, {5, 2}, {6, 3}, {100, 3}}) {
    Rate("composite", iteration)
        .Arg("sub_policy_num_iters", std::vector<int64_t>{5, 5})
        .Arg("sub_policy_0_policy", "fixed")
        .Arg("sub_policy_1_policy", "constantWarmup")
        .Arg("sub_policy_1_num_iter", 1000)
        .Arg("sub_policy_1_lr_scale", 3.0f)
        .ExpectOutput(0, Tensor::Scalar<float>(expected));
  }
  for (const char* policy : {"compositeCosine", "compositeCyclical", "constantThenLinearWarmup"}) {
    Rate(policy, 15)
        .Arg("start_warmup_multiplier", 0.5f)
        .Arg("constant_warmup_num_iter", 10)
        .Arg("linear_warmup_num_iter", 10)
        .ExpectOutput(0, Tensor::Scalar<float>(1.5), kNear);
  }
}

TEST(LearningRateTest, RejectsAnUnknownPolicy) {
  Rate("fast", 0).ExpectError(kInvalid, "there is no learning rate policy \"fast\"");
}

TEST(LearningRateTest, RejectsAMissingBaseRate) {
  OpTester("LearningRate")
      .Input("iter", Tensor::Of<int64_t>({1}, {0}))
      .Arg("policy", "fixed")
      .Outputs({"lr"})
      .ExpectError(kInvalid, "argument \"base_lr\" is missing");
}

TEST(LearningRateTest, RejectsPeriodsOfZero) {
  Rate("step", 5).Arg("gamma", 0.5f).ExpectError(kInvalid, "\"stepsize\" is 0, must be in [1, ");
  Rate("cosine", 5).Arg("period", 0).ExpectError(kInvalid, "\"period\" is 0");
  Rate("alter", 5)
      .Arg("active_period", 0)
      .Arg("inactive_period", 0)
      .ExpectError(kInvalid, "are both 0");
}

TEST(LearningRateTest, RejectsNumbersOfIterationsThatWouldOverflow) {
  Rate("alter", 5)
      .Arg("active_period", std::numeric_limits<int64_t>::max())
      .Arg("inactive_period", std::numeric_limits<int64_t>::max())
      .ExpectError(kInvalid, "\"active_period\"");
}

TEST(LearningRateTest, RejectsACompositeInAComposite) {
  Rate("composite", 5)
      .Arg("sub_policy_num_iters", std::vector<int64_t>{5})
      .Arg("sub_policy_0_policy", "composite")
      .ExpectError(kInvalid, "may not be part of another one");
}

TEST(LearningRateTest, RejectsANegativeIteration) {
  Rate("fixed", -1).ExpectError(absl::StatusCode::kOutOfRange, "the iteration is -1");
}

TEST(LearningRateTest, RejectsAnIterationOfAnotherType) {
  OpTester("LearningRate")
      .Input("iter", Tensor::Of<int32_t>({1}, {0}))
      .Arg("policy", "fixed")
      .Arg("base_lr", 1.0f)
      .Outputs({"lr"})
      .ExpectError(kInvalid, "must be one int64");
}

}  // namespace
}  // namespace doppio
