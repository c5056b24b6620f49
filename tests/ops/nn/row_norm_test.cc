// Normalize, NormalizeL1, RMSNorm, Glu and SinusoidPositionEncoding.

#include <cmath>
#include <limits>

#include "gtest/gtest.h"
#include "tests/support/op_tester.h"

namespace doppio {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

OpTester Of(const char* type, absl::StatusOr<Tensor> x) {
  return OpTester(type).Input("X", std::move(x)).Outputs({"Y"});
}

TEST(NormalizeTest, DividesByTheNorm) {
  Of("Normalize", Tensor::Of<float>({2, 2}, {3, 4, 0, 0}))
      .ExpectOutput(0, Tensor::Of<float>({2, 2}, {0.6f, 0.8f, 0, 0}), 1e-6);
}

TEST(NormalizeTest, TakesAnyAxis) {
  for (const int axis : {0, -2}) {
    Of("Normalize", Tensor::Of<double>({2, 2}, {3, 5, 4, 12}))
        .Arg("axis", axis)
        .ExpectOutput(0, Tensor::Of<double>({2, 2}, {0.6, 5.0 / 13, 0.8, 12.0 / 13}), 1e-12);
  }
}

TEST(NormalizeTest, NeitherOverflowsNorVanishes) {
  Of("Normalize", Tensor::Of<float>({1, 2}, {3e38f, 3e38f}))
      .ExpectOutput(0, Tensor::Of<float>({1, 2}, {0.70710678f, 0.70710678f}), 1e-6);
  Of("Normalize", Tensor::Of<double>({1, 2}, {1.7e308, -1.7e308}))
      .ExpectOutput(0, Tensor::Of<double>({1, 2}, {std::sqrt(0.5), -std::sqrt(0.5)}), 1e-12);
}

TEST(NormalizeTest, CountsAShortRowAsOneOfLeastNorm) {
  Of("Normalize", Tensor::Of<double>({2, 1}, {1e-13, 1e-200}))
      .ExpectOutput(0, Tensor::Of<double>({2, 1}, {0.1, 1e-188}), 1e-12);
}

TEST(NormalizeTest, LetsNanThrough) {
  Of("Normalize", Tensor::Of<float>({2, 2}, {kNan, 1, kInfinity, 1}))
      .ExpectOutput(0, Tensor::Of<float>({2, 2}, {kNan, kNan, kNan, 0}));
}

TEST(NormalizeTest, HasNothingToDoWithoutElements) {
  Of("Normalize", Tensor::Of<float>({2, 0}, {})).ExpectOutput(0, Tensor::Of<float>({2, 0}, {}));
}

TEST(NormalizeTest, HasAConstantSlopeWhereTheNormIsItsLeast) {
  OpTester("NormalizeGradient")
      .Input("X", Tensor::Of<double>({1, 2}, {1e-13, 0}))
      .Input("dY", Tensor::Of<double>({1, 2}, {2e-12, 3e-12}))
      .Outputs({"dX"})
      .ExpectOutput(0, Tensor::Of<double>({1, 2}, {2, 3}), 1e-9);
}

TEST(NormalizeTest, RejectsWhatHasNoSuchAxis) {
  Of("Normalize", Tensor::Scalar<float>(1)).ExpectError(kInvalid, "axis");
  Of("Normalize", Tensor::Of<float>({1}, {1})).Arg("axis", 1).ExpectError(kInvalid, "axis");
  Of("NormalizeL1", Tensor::Of<float>({1}, {1})).Arg("axis", -2).ExpectError(kInvalid, "axis");
  Of("Normalize", Tensor::Of<int32_t>({1}, {1})).ExpectError(kInvalid, "int32");
}

TEST(NormalizeTest, RejectsAGradientOfAnotherShapeOrType) {
  const auto gradient = [](absl::StatusOr<Tensor> dy) {
    return OpTester("NormalizeGradient")
        .Input("X", Tensor::Of<float>({2}, {1, 2}))
        .Input("dY", std::move(dy))
        .Outputs({"dX"});
  };
  gradient(Tensor::Of<float>({1, 2}, {1, 2})).ExpectError(kInvalid, "must have the shape of X");
  gradient(Tensor::Of<double>({2}, {1, 2})).ExpectError(kInvalid, "must have the same type");
}

TEST(NormalizeL1Test, DividesByTheSumOfMagnitudes) {
  Of("NormalizeL1", Tensor::Of<float>({2, 2}, {1, -3, 0, 0}))
      .ExpectOutput(0, Tensor::Of<float>({2, 2}, {0.25, -0.75, 0, 0}));
}

TEST(NormalizeL1Test, IsExactForTheSmallestAndTheLargest) {
  constexpr double kLeast = std::numeric_limits<double>::denorm_min();
  Of("NormalizeL1", Tensor::Of<double>({2, 2}, {kLeast, kLeast, 1.7e308, 1.7e308}))
      .ExpectOutput(0, Tensor::Of<double>({2, 2}, {0.5, 0.5, 0.5, 0.5}));
}

OpTester RmsNorm(absl::StatusOr<Tensor> x, absl::StatusOr<Tensor> gamma,
                 absl::StatusOr<Tensor> beta) {
  return OpTester("RMSNorm")
      .Input("X", std::move(x))
      .Input("gamma", std::move(gamma))
      .Input("beta", std::move(beta))
      .Outputs({"Y", "rrms"});
}

TEST(RMSNormTest, DividesByTheRootMeanSquare) {
  RmsNorm(Tensor::Of<float>({1, 2}, {1, 7}), Tensor::Of<float>({2}, {1, 10}),
          Tensor::Of<float>({2}, {0, 1}))
      .ExpectOutput(0, Tensor::Of<float>({1, 2}, {0.2f, 15}), 1e-6)
      .ExpectOutput(1, Tensor::Of<float>({1}, {0.2f}), 1e-6);
}

TEST(RMSNormTest, AddsEpsToTheMeanSquare) {
  RmsNorm(Tensor::Of<double>({2, 1}, {3, 0}), Tensor::Of<double>({1}, {1}),
          Tensor::Of<double>({1}, {0}))
      .Arg("eps", 16.0f)
      .ExpectOutput(0, Tensor::Of<double>({2, 1}, {0.6, 0}), 1e-12)
      .ExpectOutput(1, Tensor::Of<double>({2}, {0.2, 0.25}), 1e-12);
}

TEST(RMSNormTest, IsNanForZerosWithoutEps) {
  RmsNorm(Tensor::Of<float>({1, 2}, {0, 0}), Tensor::Of<float>({2}, {1, 1}),
          Tensor::Of<float>({2}, {0, 0}))
      .ExpectOutput(0, Tensor::Of<float>({1, 2}, {kNan, kNan}))
      .ExpectOutput(1, Tensor::Of<float>({1}, {kInfinity}));
}

TEST(RMSNormTest, NeitherOverflowsNorVanishes) {
  RmsNorm(Tensor::Of<double>({2, 2}, {1e-200, 7e-200, 1e300, 7e300}),
          Tensor::Of<double>({2}, {1, 1}), Tensor::Of<double>({2}, {0, 0}))
      .ExpectOutput(0, Tensor::Of<double>({2, 2}, {0.2, 1.4, 0.2, 1.4}), 1e-12);
}

TEST(RMSNormTest, HasNoGradientOfGammaWithoutRows) {
  OpTester("RMSNormGradient")
      .Input("dY", Tensor::Of<float>({0, 2}, {}))
      .Input("X", Tensor::Of<float>({0, 2}, {}))
      .Input("gamma", Tensor::Of<float>({2}, {1, 1}))
      .Input("rrms", Tensor::Of<float>({0}, {}))
      .Outputs({"dX", "dgamma", "dbeta"})
      .ExpectOutput(0, Tensor::Of<float>({0, 2}, {}))
      .ExpectOutput(1, Tensor::Of<float>({2}, {0, 0}))
      .ExpectOutput(2, Tensor::Of<float>({2}, {0, 0}));
}

TEST(RMSNormTest, RejectsShapesThatDoNotFit) {
  const auto numbers = [](int64_t n) { return Tensor::Create(DataType::kFloat, {n, 1}); };
  RmsNorm(Tensor::Of<float>({2}, {1, 2}), numbers(2), numbers(2))
      .ExpectError(kInvalid, "must have two dimensions or more");
  RmsNorm(Tensor::Of<float>({1, 2}, {1, 2}), numbers(3), numbers(2))
      .ExpectError(kInvalid, "gamma [3,1] must have 2 elements");
  RmsNorm(Tensor::Of<float>({1, 2}, {1, 2}), numbers(2), numbers(1))
      .ExpectError(kInvalid, "beta [1,1] must have 2 elements");
  RmsNorm(Tensor::Of<double>({1, 2}, {1, 2}), numbers(2), numbers(2))
      .ExpectError(kInvalid, "must have the same type");
}

TEST(RMSNormTest, RejectsANegativeEps) {
  for (const float eps : {-1.0f, kNan}) {
    RmsNorm(Tensor::Of<float>({1, 1}, {1}), Tensor::Of<float>({1}, {1}),
            Tensor::Of<float>({1}, {1}))
        .Arg("eps", eps)
        .ExpectError(kInvalid, "must be >= 0");
  }
}

TEST(RMSNormTest, RejectsARrmsOfAnotherSize) {
  OpTester("RMSNormGradient")
      .Input("dY", Tensor::Of<float>({1, 2}, {1, 1}))
      .Input("X", Tensor::Of<float>({1, 2}, {1, 1}))
      .Input("gamma", Tensor::Of<float>({2}, {1, 1}))
      .Input("rrms", Tensor::Of<float>({2}, {1, 1}))
      .Outputs({"dX", "dgamma", "dbeta"})
      .ExpectError(kInvalid, "rrms [2] must have 1 elements");
}

TEST(GluTest, MultipliesTheFirstHalfByGates) {
  Of("Glu", Tensor::Of<float>({4}, {1, -2, 0, 100}))
      .ExpectOutput(0, Tensor::Of<float>({2}, {0.5, -2}));
  Of("Glu", Tensor::Of<float>({2, 2}, {4, 6, 0, -1000}))
      .Arg("dim", 0)
      .ExpectOutput(0, Tensor::Of<float>({1, 2}, {2, 0}));
}

TEST(GluTest, RejectsWhatHasNoHalves) {
  Of("Glu", Tensor::Of<float>({1, 3}, {1, 2, 3})).ExpectError(kInvalid, "must be even");
  Of("Glu", Tensor::Scalar<float>(1)).ExpectError(kInvalid, "axis");
  Of("Glu", Tensor::Of<float>({2}, {1, 2})).Arg("dim", 1).ExpectError(kInvalid, "axis");
}

TEST(SinusoidPositionEncodingTest, IsSineAndCosineByTurns) {
  Of("SinusoidPositionEncoding", Tensor::Of<int64_t>({1, 2}, {0, 1}))
      .Arg("embedding_size", 2)
      .Arg("alpha", 100.0f)
      .ExpectOutput(0, Tensor::Of<float>({1, 2, 2}, {0, 1, 0.841471f, 0.995004f}), 1e-6);
}

TEST(SinusoidPositionEncodingTest, LooksAtEveryColumnAndAtNegativePositions) {
  Of("SinusoidPositionEncoding", Tensor::Of<int32_t>({1, 3}, {0, 2, -2}))
      .Arg("embedding_size", 1)
      .Arg("amplitude", 2.0f)
      .ExpectOutput(0, Tensor::Of<float>({1, 3, 1}, {0, 1.818595f, -1.818595f}), 1e-6);
}

TEST(SinusoidPositionEncodingTest, RejectsWhatItCanNotEncode) {
  const auto encode = [](absl::StatusOr<Tensor> positions) {
    return Of("SinusoidPositionEncoding", std::move(positions));
  };
  encode(Tensor::Of<int32_t>({1}, {1})).ExpectError(kInvalid, "must be a matrix");
  encode(Tensor::Of<float>({1, 1}, {1})).ExpectError(kInvalid, "float");
  encode(Tensor::Of<int32_t>({1, 1}, {1}))
      .Arg("embedding_size", 0)
      .ExpectError(kInvalid, "must be at least 1");
  encode(Tensor::Of<int32_t>({1, 1}, {1}))
      .Arg("alpha", 0.0f)
      .ExpectError(kInvalid, "must be larger than 0");
}

}  // namespace
}  // namespace doppio
