// Activations and other functions of one element, where the table test's random values say little.

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
  return OpTester(type).Input("X", x).Outputs({"Y"});
}

// f at -infinity, infinity, NaN and two large numbers, after which there are enough elements for
// vectors and a rest.
void ExpectAtTheEnds(const char* type, float low, float high) {
  const std::initializer_list<float> ends = {-kInfinity, kInfinity, kNan, -200, 200, 0, 0, 0, 0, 0,
                                             0,          0,         0,    0,    0,   0, 0, 0, 0};
  OpTester tester = Of(type, Tensor::Of<float>({19}, ends));
  ASSERT_TRUE(tester.Run().ok()) << type;
  const float* y = tester.Output(0).data<float>();
  EXPECT_EQ(y[0], low) << type;
  EXPECT_EQ(y[1], high) << type;
  EXPECT_TRUE(std::isnan(y[2])) << type;
  EXPECT_NEAR(y[3], std::isinf(low) ? y[3] : low, 0.01) << type;
  EXPECT_NEAR(y[4], std::isinf(high) ? 200 : high, 1) << type;
}

TEST(ActivationTest, GoesToItsLimits) {
  ExpectAtTheEnds("Swish", 0, kInfinity);
  ExpectAtTheEnds("Softplus", 0, kInfinity);
  ExpectAtTheEnds("Elu", -1, kInfinity);
  ExpectAtTheEnds("LeakyRelu", -kInfinity, kInfinity);
}

TEST(ActivationTest, HasTheSameBitsWhereverAnElementStands) {
  for (const char* type : {"Swish", "Softplus", "Elu", "Selu", "Softsign", "LeakyRelu"}) {
    Tensor x = *Tensor::Create(DataType::kFloat, {37});
    for (int i = 0; i < 37; ++i) x.mutable_data<float>()[i] = -1.25f;
    OpTester tester = Of(type, x);
    ASSERT_TRUE(tester.Run().ok()) << type;
    const float* y = tester.Output(0).data<float>();
    for (int i = 1; i < 37; ++i) EXPECT_EQ(y[i], y[0]) << type << " " << i;
  }
}

TEST(ClipTest, KeepsNanAndBounds) {
  OpTester tester = Of("Clip", Tensor::Of<float>({4}, {-2, kNan, 5, 9}));
  tester.Arg("min", 0.0f).Arg("max", 6.0f);
  ASSERT_TRUE(tester.Run().ok());
  const float* y = tester.Output(0).data<float>();
  EXPECT_EQ(y[0], 0);
  EXPECT_TRUE(std::isnan(y[1]));
  EXPECT_EQ(y[2], 5);
  EXPECT_EQ(y[3], 6);
}

TEST(ClipTest, GivesTheLowerBoundWhereTheBoundsCross) {
  Of("Clip", Tensor::Of<float>({3}, {-2, 1, 9}))
      .Arg("min", 3.0f)
      .Arg("max", 2.0f)
      .ExpectOutput(0, Tensor::Of<float>({3}, {3, 3, 3}));
}

TEST(ClipTest, MakesInfinityFiniteByDefault) {
  Of("Clip", Tensor::Of<float>({1}, {kInfinity}))
      .ExpectOutput(0, Tensor::Of<float>({1}, {std::numeric_limits<float>::max()}));
}

TEST(ClipTest, RejectsWholeNumbers) {
  Of("Clip", Tensor::Of<int32_t>({1}, {1})).ExpectError(kInvalid, "int32 is not supported");
}

TEST(ClipGradientTest, IsZeroAtTheBounds) {
  OpTester("ClipGradient")
      .Input("Y", Tensor::Of<float>({3}, {0, 3, 6}))
      .Input("dY", Tensor::Of<float>({3}, {1, 2, 3}))
      .Arg("min", 0.0f)
      .Arg("max", 6.0f)
      .Outputs({"dX"})
      .ExpectOutput(0, Tensor::Of<float>({3}, {0, 2, 0}));
}

TEST(ClipGradientTest, RejectsAGradientOfAnotherSize) {
  OpTester("ClipGradient")
      .Input("Y", Tensor::Of<float>({3}, {0, 3, 6}))
      .Input("dY", Tensor::Of<float>({1}, {1}))
      .Outputs({"dX"})
      .ExpectError(kInvalid, "must have the same type and number of elements");
}

TEST(ModTest, HasTheSignOfWhatItIsAskedTo) {
  Of("Mod", Tensor::Of<int32_t>({3}, {7, -7, 6}))
      .Arg("divisor", 3)
      .ExpectOutput(0, Tensor::Of<int32_t>({3}, {1, -1, 0}));
  Of("Mod", Tensor::Of<int32_t>({3}, {7, -7, 6}))
      .Arg("divisor", 3)
      .Arg("sign_follow_divisor", 1)
      .ExpectOutput(0, Tensor::Of<int32_t>({3}, {1, 2, 0}));
}

TEST(ModTest, DividesTheLeastIntegerByMinusOne) {
  Of("Mod", Tensor::Of<int64_t>({1}, {std::numeric_limits<int64_t>::min()}))
      .Arg("divisor", -1)
      .ExpectOutput(0, Tensor::Of<int64_t>({1}, {0}));
}

TEST(ModTest, RejectsADivisorOfZero) {
  Of("Mod", Tensor::Of<int32_t>({1}, {1})).ExpectError(kInvalid, "the divisor must not be 0");
}

TEST(ModTest, RejectsFloats) {
  Of("Mod", Tensor::Of<float>({1}, {1})).Arg("divisor", 2).ExpectError(kInvalid, "float is not");
}

TEST(MeanTest, RejectsTensorsOfDifferentShapes) {
  OpTester("Mean")
      .Input("A", Tensor::Of<float>({1}, {1}))
      .Input("B", Tensor::Of<float>({2}, {1, 2}))
      .Outputs({"Y"})
      .ExpectError(kInvalid, "input 1");
}

TEST(MaxTest, LetsNanWinWhereverItStands) {
  for (const char* type : {"Max", "Min"}) {
    OpTester tester(type);
    tester.Input("A", Tensor::Of<float>({2}, {kNan, 1}))
        .Input("B", Tensor::Of<float>({2}, {1, kNan}))
        .Outputs({"Y"});
    ASSERT_TRUE(tester.Run().ok());
    EXPECT_TRUE(std::isnan(tester.Output(0).data<float>()[0])) << type;
    EXPECT_TRUE(std::isnan(tester.Output(0).data<float>()[1])) << type;
  }
}

TEST(MaxTest, RejectsTensorsOfDifferentTypes) {
  OpTester("Max")
      .Input("A", Tensor::Of<float>({1}, {1}))
      .Input("B", Tensor::Of<double>({1}, {1}))
      .Outputs({"Y"})
      .ExpectError(kInvalid, "must have the same type and shape");
}

TEST(MaxGradientTest, RejectsInputsThatDoNotGoWithTheOutputs) {
  OpTester("MaxGradient")
      .Input("Y", Tensor::Of<float>({1}, {1}))
      .Input("dY", Tensor::Of<float>({1}, {1}))
      .Input("A", Tensor::Of<float>({1}, {1}))
      .Outputs({"dA", "dB"})
      .ExpectError(kInvalid, "as many as the 2 outputs");
}

TEST(NanCheckTest, RejectsWhatIsNotFinite) {
  Of("NanCheck", Tensor::Of<float>({2}, {1, kNan}))
      .ExpectError(absl::StatusCode::kFailedPrecondition, "element 1 of X");
  Of("NanCheck", Tensor::Of<float>({1}, {kInfinity}))
      .ExpectError(absl::StatusCode::kFailedPrecondition, "is inf");
}

std::string GradientOf(const OperatorDef& def) {
  const auto meta = GetGradientForOp(def, {GradientWrapper::Dense("Y_grad")});
  if (!meta.ok()) return meta.status().ToString();
  std::string all;
  for (const OperatorDef& op : meta->ops) absl::StrAppend(&all, OpToString(op), ";");
  return all;
}

TEST(ActivationGradientTest, TakesWhatCaffe2Takes) {
  const auto of = [](const char* type) {
    return GradientOf(CreateOperatorDef(type, "", {"X"}, {"Y"}));
  };
  EXPECT_EQ(of("Clip"), "ClipGradient(Y, Y_grad) -> X_grad;");
  EXPECT_EQ(of("Elu"), "EluGradient(Y, Y_grad) -> X_grad;");
  EXPECT_EQ(of("Gelu"), "GeluGradient(Y_grad, X) -> X_grad;");
  EXPECT_EQ(of("Softplus"), "SoftplusGradient(Y, Y_grad) -> X_grad;");
  EXPECT_EQ(of("Softsign"), "SoftsignGradient(X, Y_grad) -> X_grad;");
  EXPECT_EQ(of("Swish"), "SwishGradient(X, Y, Y_grad) -> X_grad;");
  EXPECT_EQ(of("Sqrt"), "Scale(Y_grad) -> X_grad;Div(X_grad, Y) -> X_grad;");
  EXPECT_EQ(GradientOf(CreateOperatorDef("Max", "", {"A", "B"}, {"Y"})),
            "MaxGradient(Y, Y_grad, A, B) -> A_grad, B_grad;");
  EXPECT_EQ(GradientOf(CreateOperatorDef("Mean", "", {"A", "B"}, {"Y"})),
            "MeanGradient(Y_grad) -> A_grad, B_grad;");
}

TEST(ActivationGradientTest, IsNotMadeForSoftsignInPlace) {
  EXPECT_NE(GradientOf(CreateOperatorDef("Softsign", "", {"X"}, {"X"})).find("in place"),
            std::string::npos);
}

}  // namespace
}  // namespace doppio
