// Optimizers that update all parameters: a few steps of each, as its paper computes them, and what
// they refuse.

#include <cmath>
#include <functional>
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

// The gradients of the steps of a test.
const std::vector<std::vector<double>> kGradients = {{1, -2}, {0.5, 0}, {-3, 4}, {2, 0.25}};

// A formula of one parameter: g is its gradient, x are parameter and moments, t is the step from 0.
using Formula = std::function<void(double g, std::vector<double>& x, int t)>;

// Runs steps of an operator, whose outputs 0, 1, ... are inputs `state` of the next run, and the
// formula beside it. `make` gives the operator of one step.
void ExpectSteps(const std::vector<std::vector<double>>& begin, const Formula& formula,
                 const std::function<OpTester(const std::vector<Tensor>& state, const Tensor& grad,
                                              int t)>& make) {
  std::vector<Tensor> state;
  for (const auto& values : begin) state.push_back(Vector(values));
  std::vector<std::vector<double>> expected = begin;
  for (int t = 0; t < static_cast<int>(kGradients.size()); ++t) {
    const auto step = static_cast<size_t>(t);
    for (size_t j = 0; j < 2; ++j) {
      std::vector<double> x;
      for (const auto& values : expected) x.push_back(values[j]);
      formula(kGradients[step][j], x, t);
      for (size_t s = 0; s < x.size(); ++s) expected[s][j] = x[s];
    }
    OpTester tester = make(state, Vector(kGradients[step]), t);
    for (size_t s = 0; s < state.size(); ++s) {
      tester.ExpectOutput(static_cast<int>(s), Vector(expected[s]), kNear);
      state[s] = tester.Output(static_cast<int>(s));
    }
  }
}

TEST(MomentumSGDUpdateTest, FollowsPolyak) {
  const Formula formula = [](double g, std::vector<double>& x, int) {
    x[1] = 0.9 * x[1] + 0.1 * g;
    x[2] -= x[1];
    x[0] = x[1];
  };
  ExpectSteps({{0, 0}, {0, 0}, {1, -1}}, formula,
              [](const std::vector<Tensor>& state, const Tensor& grad, int) {
                return OpTester("MomentumSGDUpdate")
                    .Input("grad", grad)
                    .Input("moment", state[1])
                    .Input("lr", One(0.1))
                    .Input("param", state[2])
                    .Arg("momentum", 0.9f)
                    .Outputs({"step", "moment", "param"});
              });
}

TEST(MomentumSGDUpdateTest, FollowsNesterov) {
  const Formula formula = [](double g, std::vector<double>& x, int) {
    const double old = x[1];
    x[1] = 0.9 * old + 0.1 * g;
    x[0] = (1 + 0.9) * x[1] - 0.9 * old;
    x[2] -= x[0];
  };
  ExpectSteps({{0, 0}, {0, 0}, {1, -1}}, formula,
              [](const std::vector<Tensor>& state, const Tensor& grad, int) {
                return OpTester("MomentumSGDUpdate")
                    .Input("grad", grad)
                    .Input("moment", state[1])
                    .Input("lr", One(0.1))
                    .Input("param", state[2])
                    .Arg("momentum", 0.9f)
                    .Arg("nesterov", 1)
                    .Outputs({"grad", "new_moment", "new_param"});
              });
}

OpTester Momentum(double moment, const Tensor& lr) {
  return OpTester("MomentumSGD")
      .Input("grad", One(1))
      .Input("moment", One(moment))
      .Input("lr", lr)
      .Arg("momentum", 0.5f)
      .Outputs({"grad", "moment"});
}

TEST(MomentumSGDTest, SaysTheStepWithoutTakingIt) {
  Momentum(2, One(0.5)).ExpectOutput(0, One(1.5)).ExpectOutput(1, One(1.5));
  Momentum(2, One(0.5)).Arg("nesterov", 1).ExpectOutput(0, One(1.25)).ExpectOutput(1, One(1.5));
}

TEST(MomentumSGDTest, PassesNaNOn) {
  Momentum(kNaN, One(0.5)).ExpectOutput(0, One(kNaN)).ExpectOutput(1, One(kNaN));
}

TEST(MomentumSGDTest, RejectsALearningRateThatIsNoScalar) {
  Momentum(2, Vector({1, 2})).ExpectError(kInvalid, "lr must be one float, but is \"lr\" float[2]");
  Momentum(2, *Tensor::Of<double>({1}, {1})).ExpectError(kInvalid, "lr must be one float");
}

TEST(MomentumSGDTest, RejectsAMomentOfAnotherSize) {
  OpTester("MomentumSGD")
      .Input("grad", One(1))
      .Input("moment", Vector({1, 2}))
      .Input("lr", One(1))
      .Outputs({"grad", "moment"})
      .ExpectError(kInvalid, "moment must be float with 1 elements, but is");
}

TEST(MomentumSGDUpdateTest, DoesTheExampleOfItsDocumentation) {
  OpTester("MomentumSGDUpdate")
      .Input("grad", One(1))
      .Input("moment", One(2))
      .Input("lr", One(0.5))
      .Input("param", One(10))
      .Arg("momentum", 0.5f)
      .Outputs({"grad", "moment", "param"})
      .ExpectOutput(0, One(1.5))
      .ExpectOutput(1, One(1.5))
      .ExpectOutput(2, One(8.5));
}

TEST(MomentumSGDUpdateTest, RejectsParametersInThePlaceOfMoments) {
  OpTester("MomentumSGDUpdate")
      .Input("grad", One(1))
      .Input("moment", One(2))
      .Input("lr", One(0.5))
      .Input("moment")
      .Outputs({"grad", "moment", "param"})
      .ExpectError(kInvalid, "input 3 is output 1 too, which changes while it is read");
}

OpTester Adagrad(const std::vector<Tensor>& state, const Tensor& grad) {
  return OpTester("Adagrad")
      .Input("param", state[0])
      .Input("moment", state[1])
      .Input("grad", grad)
      .Input("lr", One(-0.5))
      .Outputs({"param", "moment"});
}

TEST(AdagradTest, FollowsDuchi) {
  const Formula formula = [](double g, std::vector<double>& x, int) {
    x[1] += g * g;
    x[0] -= 0.5 * g / (std::sqrt(x[1]) + 1e-5);
  };
  ExpectSteps({{1, -1}, {0.1, 0.2}}, formula,
              [](const std::vector<Tensor>& state, const Tensor& grad, int) {
                return Adagrad(state, grad);
              });
}

TEST(AdagradTest, ForgetsAndDecays) {
  const Formula formula = [](double g, std::vector<double>& x, int) {
    g += 0.25 * x[0];
    x[1] = 0.5 * x[1] + g * g;
    x[0] -= 0.5 * g / (std::sqrt(x[1]) + 0.125);
  };
  ExpectSteps({{1, -1}, {0.1, 0.2}}, formula,
              [](const std::vector<Tensor>& state, const Tensor& grad, int) {
                return Adagrad(state, grad)
                    .Arg("decay", 0.5f)
                    .Arg("weight_decay", 0.25f)
                    .Arg("epsilon", 0.125f);
              });
}

OpTester AdagradExample() {
  return OpTester("Adagrad")
      .Input("param", One(10))
      .Input("moment", One(9))
      .Input("grad", One(4))
      .Input("lr", One(-1))
      .Arg("epsilon", 0.0f);
}

TEST(AdagradTest, SaysItsRateAndUpdate) {
  AdagradExample().Outputs({"p", "m"}).ExpectOutput(0, One(9.2), kNear).ExpectOutput(1, One(25));
  AdagradExample().Outputs({"p", "m", "rate"}).ExpectOutput(2, One(-0.2), kNear);
  AdagradExample().Outputs({"p", "m", "rate", "update"}).ExpectOutput(3, One(-0.8), kNear);
}

TEST(AdagradTest, RejectsWhatIsNoGradient) {
  Adagrad({Vector({1, 2}), Vector({1, 2})}, One(1))
      .ExpectError(kInvalid, "grad must be float with 2 elements, but is \"grad\" float[1]");
  Adagrad({Vector({1, 2}), Vector({1, 2})}, *Tensor::Of<double>({2}, {1, 2}))
      .ExpectError(kInvalid, "grad must be float");
  Adagrad({Vector({1, 2}), One(1)}, Vector({1, 2})).ExpectError(kInvalid, "moment must be float");
}

OpTester Adam(const std::vector<Tensor>& state, const Tensor& grad, const Tensor& iteration) {
  return OpTester("Adam")
      .Input("param", state[0])
      .Input("m1", state[1])
      .Input("m2", state[2])
      .Input("grad", grad)
      .Input("lr", One(-0.1))
      .Input("iter", iteration)
      .Outputs({"param", "m1", "m2", "direction"});
}

TEST(AdamTest, FollowsKingmaAndBa) {
  // Algorithm 1 with corrected moments; without epsilon, which stands elsewhere there.
  const Formula formula = [](double g, std::vector<double>& x, int t) {
    x[1] = 0.8 * x[1] + (1 - 0.8) * g;
    x[2] = 0.9 * x[2] + (1 - 0.9) * g * g;
    const double m = x[1] / (1 - std::pow(0.8, t + 1));
    const double v = x[2] / (1 - std::pow(0.9, t + 1));
    x[0] -= 0.1 * m / std::sqrt(v);
  };
  ExpectSteps({{1, -1}, {0, 0}, {0, 0}}, formula,
              [](const std::vector<Tensor>& state, const Tensor& grad, int t) {
                return Adam(state, grad, Iteration(t))
                    .Arg("beta1", 0.8f)
                    .Arg("beta2", 0.9f)
                    .Arg("epsilon", 0.0f);
              });
}

TEST(AdamTest, SaysTheDirection) {
  Adam({One(10), One(0), One(0)}, One(4), Iteration(0))
      .Arg("epsilon", 0.0f)
      .ExpectOutput(0, One(9.9), kNear)
      .ExpectOutput(1, One(0.4), kNear)
      .ExpectOutput(2, One(0.016), kNear)
      .ExpectOutput(3, One(1), kNear);
}

TEST(AdamTest, RejectsWhatIsNoIteration) {
  const std::vector<Tensor> state = {One(10), One(0), One(0)};
  Adam(state, One(4), Iteration(-1))
      .ExpectError(absl::StatusCode::kOutOfRange, "the iteration is -1");
  Adam(state, One(4), Iteration(std::numeric_limits<int64_t>::max()))
      .ExpectError(absl::StatusCode::kOutOfRange, "leave room for 1 more");
  Adam(state, One(4), *Tensor::Of<int32_t>({1}, {1})).ExpectError(kInvalid, "iter must be one");
  Adam(state, One(4), *Tensor::Of<int64_t>({2}, {1, 1})).ExpectError(kInvalid, "iter must be one");
}

TEST(AdamTest, RejectsMomentsOfAnotherSize) {
  Adam({One(10), Vector({0, 0}), One(0)}, One(4), Iteration(0))
      .ExpectError(kInvalid, "moment_1 must be float with 1 elements");
}

OpTester DecayAdagrad(const std::vector<Tensor>& state, const Tensor& grad, int t) {
  return OpTester("DecayAdagrad")
      .Input("param", state[0])
      .Input("m1", state[1])
      .Input("m2", state[2])
      .Input("grad", grad)
      .Input("lr", One(-1))
      .Input("iter", Iteration(t))
      .Arg("epsilon", 0.0f)
      .Outputs({"param", "m1", "m2"});
}

TEST(DecayAdagradTest, AveragesGradientsAndSumsUpSquares) {
  const Formula formula = [](double g, std::vector<double>& x, int t) {
    x[1] = 0.9 * x[1] + 0.1 * g;
    x[2] += g * g;
    x[0] -= x[1] / (1 - std::pow(0.9, t + 1)) / std::sqrt(x[2]) + 0.125 * x[0];
  };
  ExpectSteps({{1, -1}, {0, 0}, {1, 2}}, formula,
              [](const std::vector<Tensor>& state, const Tensor& grad, int t) {
                return DecayAdagrad(state, grad, t).Arg("weight_decay", 0.125f);
              });
}

TEST(DecayAdagradTest, MayLeaveMomentsUncorrected) {
  DecayAdagrad({One(10), One(0), One(9)}, One(4), 0).ExpectOutput(0, One(9.2), kNear);
  DecayAdagrad({One(10), One(0), One(9)}, One(4), 0)
      .Arg("bias_correction_first", 0)
      .ExpectOutput(0, One(9.92), kNear);
}

TEST(DecayAdagradTest, RejectsANegativeIteration) {
  DecayAdagrad({One(10), One(0), One(9)}, One(4), -2)
      .ExpectError(absl::StatusCode::kOutOfRange, "the iteration is -2");
}

OpTester Adadelta(const std::vector<Tensor>& state, const Tensor& grad) {
  return OpTester("Adadelta")
      .Input("param", state[0])
      .Input("moment", state[1])
      .Input("delta", state[2])
      .Input("grad", grad)
      .Input("lr", One(-1))
      .Outputs({"param", "moment", "delta"});
}

TEST(AdadeltaTest, FollowsZeiler) {
  const Formula formula = [](double g, std::vector<double>& x, int) {
    x[1] = 0.95 * x[1] + (1 - 0.95) * g * g;
    const double step = -std::sqrt(x[2] + 1e-5) / std::sqrt(x[1] + 1e-5) * g;
    x[2] = 0.95 * x[2] + (1 - 0.95) * step * step;
    x[0] += step;
  };
  ExpectSteps({{1, -1}, {0, 0}, {0, 0}}, formula,
              [](const std::vector<Tensor>& state, const Tensor& grad, int) {
                return Adadelta(state, grad);
              });
}

TEST(AdadeltaTest, DoesTheExampleOfItsDocumentation) {
  Adadelta({One(10), One(0), One(4)}, One(2))
      .Arg("decay", 0.75f)
      .Arg("epsilon", 0.0f)
      .ExpectOutput(0, One(6))
      .ExpectOutput(1, One(1))
      .ExpectOutput(2, One(7));
}

TEST(AdadeltaTest, RejectsArgumentsOutOfRange) {
  const std::vector<Tensor> state = {One(10), One(0), One(4)};
  Adadelta(state, One(2)).Arg("decay", 1.0f).ExpectError(kInvalid, "decay is 1, must be between");
  Adadelta(state, One(2)).Arg("decay", kNaN).ExpectError(kInvalid, "decay is nan");
  Adadelta(state, One(2)).Arg("epsilon", -1.0f).ExpectError(kInvalid, "epsilon is -1");
}

OpTester RmsProp(const std::vector<Tensor>& state, const Tensor& grad) {
  return OpTester("RmsProp")
      .Input("grad", grad)
      .Input("squares", state[1])
      .Input("moment", state[2])
      .Input("lr", One(0.5))
      .Outputs({"grad", "squares", "moment"});
}

TEST(RmsPropTest, FollowsTielemanAndHinton) {
  const Formula formula = [](double g, std::vector<double>& x, int) {
    x[1] = 0.9 * x[1] + 0.1 * g * g;
    x[2] = 0.5 * x[2] + 0.5 * g / std::sqrt(x[1] + 1e-5);
    x[0] = x[2];
  };
  ExpectSteps({{0, 0}, {1, 1}, {0, 0}}, formula,
              [](const std::vector<Tensor>& state, const Tensor& grad, int) {
                return RmsProp(state, grad).Arg("momentum", 0.5f);
              });
}

TEST(RmsPropTest, DoesTheExampleOfItsDocumentation) {
  RmsProp({One(0), One(2), One(3)}, One(4))
      .Arg("decay", 0.5f)
      .Arg("momentum", 1.0f)
      .Arg("epsilon", 0.0f)
      .ExpectOutput(0, One(3 + 2.0 / 3), kNear)
      .ExpectOutput(1, One(9), kNear)
      .ExpectOutput(2, One(3 + 2.0 / 3), kNear);
}

TEST(RmsPropTest, RejectsMeansOfAnotherSize) {
  RmsProp({One(0), Vector({2, 2}), One(3)}, One(4)).ExpectError(kInvalid, "mean_squares must be");
}

OpTester Ftrl(absl::string_view type, const Tensor& var, const Tensor& n_z, const Tensor& grad) {
  return OpTester(type)
      .Input("var", var)
      .Input("n_z", n_z)
      .Input("grad", grad)
      .Arg("beta", 1.0f)
      .Arg("lambda2", 0.0f)
      .Outputs({"var", "n_z"});
}

TEST(FtrlTest, FollowsMcMahan) {
  // Algorithm 1, where the weight is made of z before each step.
  double w = 0, n = 0, z = 0;
  Tensor var = One(0);
  Tensor n_z = *Tensor::Of<float>({1, 2}, {0, 0});
  for (const auto& gradients : kGradients) {
    const double g = gradients[0];
    const double sigma = (std::sqrt(n + g * g) - std::sqrt(n)) / 0.5;
    z += g - sigma * w;
    n += g * g;
    w = std::abs(z) <= 0.25 ? 0 : -(z - std::copysign(0.25, z)) / ((1 + std::sqrt(n)) / 0.5);
    OpTester tester = Ftrl("Ftrl", var, n_z, One(g));
    tester.Arg("alpha", 0.5f).Arg("lambda1", 0.25f);
    tester.ExpectOutput(0, One(w), kNear)
        .ExpectOutput(1, Tensor::Of<float>({1, 2}, {static_cast<float>(n), static_cast<float>(z)}),
                      kNear);
    var = tester.Output(0);
    n_z = tester.Output(1);
  }
}

TEST(FtrlTest, KeepsSmallWeightsAtZero) {
  Ftrl("Ftrl", Vector({0, 0}), Vector({0, 0, 0, 0}), Vector({3, 1}))
      .Input("alpha", One(1))
      .Arg("lambda1", 1.0f)
      .ExpectOutput(0, Vector({-0.5, 0}))
      .ExpectOutput(1, Vector({9, 3, 1, 1}));
}

TEST(FtrlTest, IsStillWithoutGradients) {
  Ftrl("Ftrl", One(0), Vector({0, 0}), One(0)).ExpectOutput(0, One(0));
}

TEST(FtrlTest, PassesNaNOn) {
  Ftrl("Ftrl", One(0), Vector({0, 0}), One(kNaN)).ExpectOutput(0, One(kNaN));
}

TEST(FtrlTest, RejectsAlphaInTwoPlaces) {
  Ftrl("Ftrl", One(0), Vector({0, 0}), One(0))
      .Input("alpha", One(1))
      .Arg("alpha", 1.0f)
      .ExpectError(kInvalid, "alpha is given as an argument and as an input");
}

TEST(FtrlTest, RejectsWhatAreNoPairs) {
  Ftrl("Ftrl", One(0), One(0), One(0)).ExpectError(kInvalid, "n_z must be float with 2 elements");
}

TEST(FtrlTest, RejectsAnAlphaThatIsNoScalar) {
  Ftrl("Ftrl", One(0), Vector({0, 0}), One(0))
      .Input("alpha", Vector({1, 2}))
      .ExpectError(kInvalid, "alpha must be one float");
}

OpTester GroupFtrl(double lambda1) {
  const Tensor column = *Tensor::Of<float>({4, 1}, {3, 3, 3, 3});
  const Tensor zeros = *Tensor::Of<float>({4, 1}, {0, 0, 0, 0});
  return Ftrl("GFtrl", zeros, Vector({0, 0, 0, 0, 0, 0, 0, 0}), column)
      .Arg("alpha", 1.0f)
      .Arg("lambda1", static_cast<float>(lambda1));
}

TEST(GFtrlTest, ShrinksAColumnByItsNorm) {
  GroupFtrl(1.5).ExpectOutput(0, Tensor::Of<float>({4, 1}, {-0.375, -0.375, -0.375, -0.375}),
                              kNear);
}

TEST(GFtrlTest, DropsAColumnAllTogether) {
  GroupFtrl(3).ExpectOutput(0, Tensor::Of<float>({4, 1}, {0, 0, 0, 0}));
}

TEST(GFtrlTest, RejectsAScalar) {
  Ftrl("GFtrl", One(0), Vector({0, 0}), *Tensor::Scalar<float>(1))
      .ExpectError(kInvalid, "grad must be at least a vector");
}

TEST(StormTest, FollowsCutkoskyAndOrabona) {
  double param = 1, moment = 0, sum = 0;
  Tensor state[] = {One(1), One(0), One(0)};
  for (const auto& gradients : kGradients) {
    const double g = gradients[0];
    sum += g * g;
    const double rate = -0.5 / std::cbrt(0.1 + sum);
    moment = g + (1 - 10 * rate * rate) * (moment - g);
    param += rate * moment;
    OpTester tester = OpTester("Storm");
    tester.Input("param", state[0])
        .Input("moment", state[1])
        .Input("sum", state[2])
        .Input("grad", One(g))
        .Input("lr", One(-0.5))
        .Outputs({"param", "moment", "sum"})
        .ExpectOutput(0, One(param), kNear)
        .ExpectOutput(1, One(moment), kNear)
        .ExpectOutput(2, One(sum), kNear);
    for (int i = 0; i < 3; ++i) state[i] = tester.Output(i);
  }
}

OpTester Storm(const Tensor& sum) {
  return OpTester("Storm")
      .Input("param", One(10))
      .Input("moment", One(4))
      .Input("sum", sum)
      .Input("grad", One(2))
      .Input("lr", One(-1))
      .Arg("momentum", 1.0f)
      .Arg("beta", 1.0f)
      .Outputs({"new_param", "new_moment", "new_sum"});
}

TEST(StormTest, DoesTheExampleOfItsDocumentation) {
  Storm(One(3))
      .ExpectOutput(0, One(8.25), kNear)
      .ExpectOutput(1, One(3.5), kNear)
      .ExpectOutput(2, One(7));
}

TEST(StormTest, RejectsASumThatIsNoScalar) {
  Storm(Vector({3, 3})).ExpectError(kInvalid, "grad_sq_sum must be one float");
}

OpTester Wngrad(const Tensor& seq_b) {
  return OpTester("Wngrad")
      .Input("param", Vector({10, 20}))
      .Input("seq_b", seq_b)
      .Input("grad", Vector({3, 4}))
      .Input("lr", One(-1))
      .Arg("epsilon", 0.0f);
}

TEST(WngradTest, StepsByTheOldSum) {
  Wngrad(One(5))
      .Outputs({"param", "seq_b", "rate", "update"})
      .ExpectOutput(0, Vector({9.4, 19.2}), kNear)
      .ExpectOutput(1, One(10))
      .ExpectOutput(2, One(-0.2), kNear)
      .ExpectOutput(3, Vector({-0.6, -0.8}), kNear);
  Wngrad(One(5)).Outputs({"param", "seq_b"}).ExpectOutput(1, One(10));
  Wngrad(One(5)).Outputs({"param", "seq_b", "rate"}).ExpectOutput(2, One(-0.2), kNear);
}

TEST(WngradTest, RejectsASumThatIsNoScalar) {
  Wngrad(Vector({5, 5})).Outputs({"p", "s"}).ExpectError(kInvalid, "seq_b must be one float");
}

}  // namespace
}  // namespace doppio
