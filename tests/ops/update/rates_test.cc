// What chooses learning rates, and scales gradients and weights.

#include <cmath>
#include <limits>

#include "gtest/gtest.h"
#include "tests/support/op_tester.h"

namespace doppio {
namespace {

constexpr double kNear = 1e-5;
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

Tensor Vector(const std::vector<double>& values) {
  const std::vector<float> floats(values.begin(), values.end());
  return *Tensor::FromSpan<float>({static_cast<int64_t>(floats.size())}, floats);
}
Tensor One(double value) { return Vector({value}); }
Tensor Iteration(int64_t t) { return *Tensor::Of<int64_t>({1}, {t}); }

OpTester Lars(const Tensor& x, const Tensor& dx, double lr_max = 10) {
  return OpTester("Lars")
      .Input("X", x)
      .Input("dX", dx)
      .Input("wd", One(0))
      .Input("trust", One(1))
      .Input("lr_max", One(lr_max))
      .Outputs({"lr"});
}

TEST(LarsTest, ScalesByTheNorms) {
  Lars(Vector({3, 4}), Vector({6, 8})).ExpectOutput(0, One(0.4), kNear);
}

TEST(LarsTest, StaysBetweenItsBounds) {
  Lars(Vector({3, 4}), Vector({6, 8}), 0.3).ExpectOutput(0, One(0.3f));
  Lars(Vector({3, 4}), Vector({6, 8})).Arg("lr_min", 0.5f).ExpectOutput(0, One(0.5));
  Lars(Vector({0, 0}), Vector({6, 8})).ExpectOutput(0, One(1));
}

TEST(LarsTest, DoesNotHideNaN) {
  Lars(Vector({3, 4}), Vector({6, kNaN})).ExpectOutput(0, One(kNaN));
  Lars(Vector({kNaN, 4}), Vector({6, 1})).ExpectOutput(0, One(kNaN));
}

TEST(LarsTest, RejectsNegativeArguments) {
  Lars(Vector({3}), Vector({6})).Arg("offset", -1.0f).ExpectError(kInvalid, "offset is -1");
  Lars(Vector({3}), Vector({6})).Arg("lr_min", -1.0f).ExpectError(kInvalid, "lr_min is -1");
}

TEST(LarsTest, RejectsAGradientOfAnotherSize) {
  Lars(Vector({3, 4}), Vector({6})).ExpectError(kInvalid, "dX must be float with 2 elements");
}

OpTester YellowFin(const Tensor& window, int64_t t, int width = 3) {
  return OpTester("YellowFin")
      .Input("param", One(10))
      .Input("moment", One(2))
      .Input("lr", One(0.5))
      .Input("mu", One(0.25))
      .Input("window", window)
      .Input("g_avg", One(0))
      .Input("g2_avg", One(0))
      .Input("memory", Vector({0, 0, 0, 0, 0}))
      .Input("grad", One(4))
      .Input("iter", Iteration(t))
      .Arg("curv_win_width", width)
      .Outputs({"param", "moment", "lr", "mu", "window", "g_avg", "g2_avg", "memory"});
}

TEST(YellowFinTest, BeginsWithWhatItIsGiven) {
  YellowFin(Vector({0, 0, 0}), 1)
      .ExpectOutput(0, One(7.5))
      .ExpectOutput(1, One(2.5))
      .ExpectOutput(2, One(0.5))
      .ExpectOutput(3, One(0.25))
      .ExpectOutput(4, Vector({std::log(16.0), 0, 0}), kNear);
}

TEST(YellowFinTest, LooksAhead) {
  YellowFin(Vector({0, 0, 0}), 1)
      .Arg("nesterov", 1)
      .ExpectOutput(0, One(10 - 1.25 * 2.5 + 0.25 * 2), kNear);
}

TEST(YellowFinTest, UsesTheWindowInTurn) {
  YellowFin(Vector({1, 2, 3}), 5).ExpectOutput(4, Vector({1, std::log(16.0), 3}), kNear);
}

TEST(YellowFinTest, RejectsAWindowOfAnotherWidth) {
  YellowFin(Vector({0, 0}), 1).ExpectError(kInvalid, "curv_win must be float with 3 elements");
}

TEST(YellowFinTest, RejectsIterationZero) {
  YellowFin(Vector({0, 0, 0}), 0).ExpectError(absl::StatusCode::kOutOfRange, "must be at least 1");
}

TEST(YellowFinTest, RejectsAWindowWithoutWidth) {
  YellowFin(Vector({}), 1, 0).ExpectError(kInvalid, "curv_win_width is 0, must be at least 1");
}

OpTester Scale(int64_t iteration, int64_t stepsize) {
  return OpTester("WeightScale")
      .Input("w", Vector({1, 2}))
      .Input("iter", Iteration(iteration))
      .Arg("stepsize", stepsize)
      .Arg("scale", 0.5f)
      .Outputs({"nw"});
}

TEST(WeightScaleTest, ScalesNowAndThen) {
  Scale(3, 2).ExpectOutput(0, Vector({0.5, 1}));
  Scale(3, 3).ExpectOutput(0, Vector({1, 2}));
}

TEST(WeightScaleTest, EndsAtItsBound) {
  Scale(3, 2).Arg("upper_bound_iter", 4).ExpectOutput(0, Vector({1, 2}));
  Scale(3, 2).Arg("upper_bound_iter", 5).ExpectOutput(0, Vector({0.5, 1}));
}

TEST(WeightScaleTest, RejectsStepsOfNothing) {
  Scale(3, 0).ExpectError(kInvalid, "stepsize is 0, must be at least 1");
}

OpTester Clip(double value) {
  return OpTester("ClipTensorByScaling")
      .Input("X", Vector({3, 4}))
      .Input("val", One(value))
      .Arg("threshold", 1.0f)
      .Outputs({"Y"});
}

TEST(ClipTensorByScalingTest, MakesWhatIsTooLargeSmaller) {
  Clip(5).ExpectOutput(0, Vector({0.6, 0.8}), kNear);
  Clip(1).ExpectOutput(0, Vector({3, 4}));
}

TEST(ClipTensorByScalingTest, ScalesTheThresholdAnewInEachRun) {
  // The tester runs it twice and compares.
  Clip(5).Input("more", One(2)).ExpectOutput(0, Vector({1.2, 1.6}), kNear);
}

TEST(ClipTensorByScalingTest, RejectsAThresholdThatIsNotPositive) {
  OpTester("ClipTensorByScaling")
      .Input("X", One(3))
      .Input("val", One(3))
      .Arg("threshold", 0.0f)
      .Outputs({"Y"})
      .ExpectError(kInvalid, "threshold is 0, must be above 0");
  OpTester("ClipTensorByScaling")
      .Input("X", One(3))
      .Input("val", One(3))
      .Outputs({"Y"})
      .ExpectError(kInvalid, "threshold");
}

OpTester Adaption(const Tensor& effgrad) {
  return OpTester("LearningRateAdaption")
      .Input("lr", One(1))
      .Input("grad", Vector({3, 4}))
      .Input("effgrad", effgrad)
      .Arg("lr_alpha", 0.5f)
      .Outputs({"lr"});
}

TEST(LearningRateAdaptionTest, FallsWhereGradientsAgree) {
  Adaption(Vector({4, 3})).ExpectOutput(0, One(0.52), kNear);
  Adaption(Vector({4, 3})).Arg("normalized_lr_adaption", 0).ExpectOutput(0, One(-11), kNear);
  Adaption(Vector({0, 0})).ExpectOutput(0, One(1));
}

TEST(LearningRateAdaptionTest, RejectsAnotherSize) {
  Adaption(One(1)).ExpectError(kInvalid, "effgrad must be float with 2 elements");
}

}  // namespace
}  // namespace doppio
