// Pow, and the functions beside it that take a number near the end of what they are defined for.

#include <cmath>
#include <limits>

#include "doppio/gradient_maker.h"
#include "gtest/gtest.h"
#include "tests/support/op_tester.h"

namespace doppio {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

OpTester Of(const char* type, absl::StatusOr<Tensor> x) {
  return OpTester(type).Input("X", std::move(x)).Outputs({"Y"});
}

std::string GradientOf(const OperatorDef& def) {
  const auto meta = GetGradientForOp(def, {GradientWrapper::Dense("Y_grad")});
  if (!meta.ok()) return meta.status().ToString();
  std::string all;
  for (const OperatorDef& op : meta->ops) absl::StrAppend(&all, OpToString(op), ";");
  return all;
}

TEST(PowTest, TakesTheExponentFromTheArgument) {
  Of("Pow", Tensor::Of<float>({3}, {1, 2, 3}))
      .Arg("exponent", 2.0f)
      .ExpectOutput(0, Tensor::Of<float>({3}, {1, 4, 9}));
  Of("Pow", Tensor::Of<float>({2}, {0, -8}))
      .Arg("exponent", 0.0f)
      .ExpectOutput(0, Tensor::Of<float>({2}, {1, 1}));
}

TEST(PowTest, TakesExponentsFromATensor) {
  Of("Pow", Tensor::Of<double>({2}, {2, 3}))
      .Input("exponent", Tensor::Of<double>({2}, {3, 0}))
      .ExpectOutput(0, Tensor::Of<double>({2}, {8, 1}));
}

TEST(PowTest, RepeatsExponentsWhereBroadcastSaysSo) {
  const auto of = [] {
    return Of("Pow", Tensor::Of<float>({2, 2}, {1, 2, 3, 4})).Arg("broadcast", 1);
  };
  of().Input("exponent", Tensor::Of<float>({2}, {1, 2}))
      .ExpectOutput(0, Tensor::Of<float>({2, 2}, {1, 4, 3, 16}));
  of().Input("exponent", Tensor::Of<float>({2}, {1, 2}))
      .Arg("axis", 0)
      .ExpectOutput(0, Tensor::Of<float>({2, 2}, {1, 2, 9, 16}));
  of().Input("exponent", Tensor::Of<float>({1}, {2}))
      .ExpectOutput(0, Tensor::Of<float>({2, 2}, {1, 4, 9, 16}));
}

TEST(PowTest, RejectsShapesThatDoNotGoTogether) {
  Of("Pow", Tensor::Of<float>({2, 2}, {1, 2, 3, 4}))
      .Input("exponent", Tensor::Of<float>({2}, {1, 2}))
      .ExpectError(kInvalid, "must have the same shape without broadcast=1");
  Of("Pow", Tensor::Of<float>({2}, {1, 2}))
      .Input("exponent", Tensor::Of<float>({3}, {1, 2, 3}))
      .Arg("broadcast", 1)
      .ExpectError(kInvalid, "cannot broadcast");
}

TEST(PowTest, RejectsAMissingExponentAndOtherTypes) {
  Of("Pow", Tensor::Of<float>({1}, {1})).ExpectError(kInvalid, "there must be an exponent");
  Of("Pow", Tensor::Of<int32_t>({1}, {1}))
      .Arg("exponent", 2.0f)
      .ExpectError(kInvalid, "int32 is not supported");
  Of("Pow", Tensor::Of<float>({1}, {1}))
      .Input("exponent", Tensor::Of<double>({1}, {1}))
      .ExpectError(kInvalid, "must have the same type");
}

TEST(PowTest, RejectsToWriteOverExponentsOfAnotherShape) {
  OpTester("Pow")
      .Input("X", Tensor::Of<float>({2}, {1, 2}))
      .Input("exponent", Tensor::Of<float>({1}, {1}))
      .Arg("broadcast", 1)
      .Outputs({"exponent"})
      .ExpectError(kInvalid, "can not be written in place of input 1");
}

TEST(PowGradientTest, HasNoInfinityTimesNothing) {
  OpTester("PowGradient")
      .Input("dY", Tensor::Of<float>({3}, {1, 1, 1}))
      .Input("X", Tensor::Of<float>({3}, {0, 0, 2}))
      .Input("exponent", Tensor::Of<float>({3}, {0, 2, 3}))
      .Input("Y", Tensor::Of<float>({3}, {1, 0, 8}))
      .Outputs({"dX", "dexponent"})
      .ExpectOutput(0, Tensor::Of<float>({3}, {0, 0, 12}))
      .ExpectOutput(1, Tensor::Of<float>({3}, {0, 0, 8 * std::log(2.0f)}), 1e-6);
}

TEST(PowGradientTest, RejectsAGradientOfAnotherShape) {
  OpTester("PowGradient")
      .Input("dY", Tensor::Of<float>({1}, {1}))
      .Input("X", Tensor::Of<float>({2}, {0, 0}))
      .Input("exponent", Tensor::Of<float>({2}, {0, 2}))
      .Input("Y", Tensor::Of<float>({2}, {1, 0}))
      .Outputs({"dX", "dexponent"})
      .ExpectError(kInvalid, "must have the shape of the result");
}

TEST(PowGradientTest, IsCaffe2sForAnArgument) {
  OperatorDef def = CreateOperatorDef("Pow", "", {"X"}, {"Y"}, {MakeArgument("exponent", 3.0f)});
  EXPECT_EQ(GradientOf(def),
            "Pow(X) -> X_grad;Mul(X_grad, Y_grad) -> X_grad;Scale(X_grad) -> X_grad;");
  def.mutable_arg(0)->set_f(0);
  EXPECT_EQ(GradientOf(def), "Scale(Y_grad) -> X_grad;");
}

TEST(PowGradientTest, IsNotMadeWhereXIsOverwritten) {
  EXPECT_NE(GradientOf(CreateOperatorDef("Pow", "", {"X"}, {"X"}, {MakeArgument("exponent", 2.0f)}))
                .find("in place"),
            std::string::npos);
}

TEST(Log1pTest, KeepsSmallNumbers) {
  Of("Log1p", Tensor::Of<float>({4}, {0, 1, 1e-10f, -1}))
      .ExpectOutput(0, Tensor::Of<float>({4}, {0, std::log(2.0f), 1e-10f, -kInfinity}), 1e-6);
}

TEST(LogitTest, KeepsAwayFromTheEnds) {
  Of("Logit", Tensor::Of<double>({4}, {0.5, 0.75, 0, 1}))
      .Arg("eps", 0.125f)
      .ExpectOutput(0, Tensor::Of<double>({4}, {0, std::log(3.0), -std::log(7.0), std::log(7.0)}),
                    1e-12);
  OpTester("LogitGradient")
      .Input("X", Tensor::Of<double>({3}, {0.5, 0, 1}))
      .Input("dY", Tensor::Of<double>({3}, {1, 1, 1}))
      .Outputs({"dX"})
      .ExpectOutput(0, Tensor::Of<double>({3}, {4, 0, 0}), 1e-12);
}

TEST(LogitTest, RejectsAnEpsThatLeavesNothing) {
  for (const float eps : {0.5f, -0.1f, kNan}) {
    Of("Logit", Tensor::Of<float>({1}, {0})).Arg("eps", eps).ExpectError(kInvalid, "[0, 0.5)");
  }
}

TEST(MishTest, NeitherOverflowsNorMakesNan) {
  const auto x = Tensor::Of<float>({5}, {-kInfinity, -200, 0, 200, kInfinity});
  Of("Mish", x).ExpectOutput(0, Tensor::Of<float>({5}, {0, 0, 0, 200, kInfinity}));
  OpTester("MishGradient")
      .Input("X", x)
      .Input("Y", x)
      .Input("dY", Tensor::Of<float>({5}, {1, 1, 1, 1, 1}))
      .Outputs({"dX"})
      .ExpectOutput(0, Tensor::Of<float>({5}, {0, 0, 0.6f, 1, 1}), 1e-6);
}

TEST(MishTest, HasTheValuesOfItsExample) {
  Of("Mish", Tensor::Of<double>({3}, {-1, 0, 1}))
      .ExpectOutput(0, Tensor::Of<double>({3}, {-0.303401, 0, 0.865098}), 1e-5);
}

TEST(HardSigmoidTest, IsFlatOutsideAndKeepsNan) {
  OpTester tester = Of("HardSigmoid", Tensor::Of<float>({5}, {-5, 0, 1, 5, kNan}));
  ASSERT_TRUE(tester.Run().ok());
  const float* y = tester.Output(0).data<float>();
  EXPECT_EQ(y[0], 0);
  EXPECT_EQ(y[1], 0.5f);
  EXPECT_FLOAT_EQ(y[2], 0.7f);
  EXPECT_EQ(y[3], 1);
  EXPECT_TRUE(std::isnan(y[4]));
}

TEST(HardSigmoidGradientTest, RefusesOtherSizes) {
  OpTester("HardSigmoidGradient")
      .Input("Y", Tensor::Of<float>({2}, {0.5, 0.5}))
      .Input("dY", Tensor::Of<float>({1}, {1}))
      .Outputs({"dX"})
      .ExpectError(kInvalid, "must have the same type and number of elements");
}

}  // namespace
}  // namespace doppio
