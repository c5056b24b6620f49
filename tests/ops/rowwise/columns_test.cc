// BatchBoxCox and PiecewiseLinearTransform.

#include <cmath>
#include <limits>

#include "gtest/gtest.h"
#include "tests/support/op_tester.h"

namespace doppio {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

OpTester BoxCox(absl::StatusOr<Tensor> data, absl::StatusOr<Tensor> lambda1,
                absl::StatusOr<Tensor> lambda2) {
  return OpTester("BatchBoxCox")
      .Input("data", std::move(data))
      .Input("lambda1", std::move(lambda1))
      .Input("lambda2", std::move(lambda2))
      .Outputs({"output"});
}

TEST(BatchBoxCoxTest, IsALogarithmOrAPower) {
  BoxCox(Tensor::Of<float>({2, 2}, {1, 2, 1, -9}), Tensor::Of<float>({2}, {0, 2}),
         Tensor::Of<float>({2}, {0, 1}))
      .ExpectOutput(0, Tensor::Of<float>({2, 2}, {0, 4, 0, -0.5}), 1e-6);
}

TEST(BatchBoxCoxTest, CountsWhatIsNotPositiveAsTheLeast) {
  BoxCox(Tensor::Of<double>({3, 1}, {0, -1, -1e300}), Tensor::Of<double>({1}, {0}),
         Tensor::Of<double>({1}, {0.5e-6}))
      .ExpectOutput(0, Tensor::Of<double>({3, 1}, {std::log(1e-6), std::log(1e-6), std::log(1e-6)}),
                    1e-12);
}

TEST(BatchBoxCoxTest, IsExactForTheSmallestPowers) {
  BoxCox(Tensor::Of<float>({1, 3}, {5, 5, 5}), Tensor::Of<float>({3}, {1e-30f, -1e-6f, 1e-40f}),
         Tensor::Of<float>({3}, {0, 0, 0}))
      .ExpectOutput(0, Tensor::Of<float>({1, 3}, {1.609438f, 1.6094366f, 1.609438f}), 1e-7);
}

TEST(BatchBoxCoxTest, LetsInfinityAndNanThrough) {
  BoxCox(Tensor::Of<float>({1, 4}, {kInfinity, kInfinity, kNan, 1e30f}),
         Tensor::Of<float>({4}, {0, -2, 1, 10}), Tensor::Of<float>({4}, {0, 0, 0, 0}))
      .ExpectOutput(0, Tensor::Of<float>({1, 4}, {kInfinity, 0.5, kNan, kInfinity}));
}

TEST(BatchBoxCoxTest, HasNothingToDoWithoutRows) {
  BoxCox(Tensor::Of<float>({0, 2}, {}), Tensor::Of<float>({2}, {0, 2}),
         Tensor::Of<float>({2}, {0, 1}))
      .ExpectOutput(0, Tensor::Of<float>({0, 2}, {}));
}

TEST(BatchBoxCoxTest, RejectsLambdasOfAnotherNumberOrType) {
  const auto of = [](absl::StatusOr<Tensor> lambda1, absl::StatusOr<Tensor> lambda2) {
    return BoxCox(Tensor::Of<float>({1, 2}, {1, 1}), std::move(lambda1), std::move(lambda2));
  };
  of(Tensor::Of<float>({1}, {0}), Tensor::Of<float>({2}, {0, 0}))
      .ExpectError(kInvalid, "lambda1 float[1] must be 2 of float");
  of(Tensor::Of<float>({2}, {0, 0}), Tensor::Of<float>({3}, {0, 0, 0}))
      .ExpectError(kInvalid, "lambda2 float[3] must be 2 of float");
  of(Tensor::Of<double>({2}, {0, 0}), Tensor::Of<float>({2}, {0, 0}))
      .ExpectError(kInvalid, "lambda1 double[2] must be 2 of float");
}

TEST(BatchBoxCoxTest, RejectsScalarsAndIntegers) {
  BoxCox(Tensor::Scalar<float>(1), Tensor::Scalar<float>(1), Tensor::Scalar<float>(1))
      .ExpectError(kInvalid, "is a scalar");
  BoxCox(Tensor::Of<int32_t>({1}, {1}), Tensor::Of<int32_t>({1}, {1}),
         Tensor::Of<int32_t>({1}, {1}))
      .ExpectError(kInvalid, "int32");
}

// Two pieces: x up to 1, then 10 x - 9.
OpTester Piecewise(absl::StatusOr<Tensor> x) {
  return OpTester("PiecewiseLinearTransform")
      .Input("X", std::move(x))
      .Arg("bounds", std::vector<float>{0, 1, 3})
      .Arg("slopes", std::vector<float>{1, 10})
      .Arg("intercepts", std::vector<float>{0, -9})
      .Outputs({"Y"});
}

TEST(PiecewiseLinearTransformTest, FindsThePieceOfEachNumber) {
  Piecewise(Tensor::Of<float>({3, 1}, {-9, 1, 2}))
      .ExpectOutput(0, Tensor::Of<float>({3, 1}, {0, 1, 11}));
  Piecewise(Tensor::Of<float>({5, 1}, {0.5, 3, 100, kInfinity, kNan}))
      .ExpectOutput(0, Tensor::Of<float>({5, 1}, {0.5, 21, 21, 21, kNan}));
}

TEST(PiecewiseLinearTransformTest, HasAFunctionForEachColumn) {
  OpTester("PiecewiseLinearTransform")
      .Input("X", Tensor::Of<float>({1, 2}, {1, 1}))
      .Input("bounds", Tensor::Of<float>({2, 2}, {0, 2, 0, 0.5}))
      .Input("slopes", Tensor::Of<float>({2, 1}, {3, 4}))
      .Input("intercepts", Tensor::Of<float>({2, 1}, {1, 0}))
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<float>({1, 2}, {4, 2}));
}

TEST(PiecewiseLinearTransformTest, TransformsTheSecondOfTwoClasses) {
  Piecewise(Tensor::Of<float>({1, 2}, {0.25, 0.75}))
      .Arg("binary", true)
      .ExpectOutput(0, Tensor::Of<float>({1, 2}, {0.25, 0.75}));
  Piecewise(Tensor::Of<float>({2}, {0.25, 2}))
      .Arg("binary", true)
      .ExpectOutput(0, Tensor::Of<float>({2}, {0.25, 11}));
}

TEST(PiecewiseLinearTransformTest, TakesBoundsThatAreEqual) {
  OpTester("PiecewiseLinearTransform")
      .Input("X", Tensor::Of<float>({3, 1}, {1, 2, 3}))
      .Arg("bounds", std::vector<float>{2, 2, 2})
      .Arg("slopes", std::vector<float>{1, 10})
      .Arg("intercepts", std::vector<float>{0, 0})
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<float>({3, 1}, {2, 2, 20}));
}

TEST(PiecewiseLinearTransformTest, RejectsBoundsThatDoNotRise) {
  for (const std::vector<float>& bounds :
       {std::vector<float>{1, 0}, std::vector<float>{kNan, 0}, std::vector<float>{0, kNan}}) {
    OpTester("PiecewiseLinearTransform")
        .Input("X", Tensor::Of<float>({1, 1}, {1}))
        .Input("bounds", Tensor::FromSpan<float>({2}, bounds))
        .Input("slopes", Tensor::Of<float>({1}, {1}))
        .Input("intercepts", Tensor::Of<float>({1}, {1}))
        .Outputs({"Y"})
        .ExpectError(kInvalid, "must rise");
  }
}

TEST(PiecewiseLinearTransformTest, RejectsParametersThatDoNotFit) {
  const auto of = [](std::vector<float> bounds, std::vector<float> slopes,
                     std::vector<float> intercepts) {
    return OpTester("PiecewiseLinearTransform")
        .Input("X", Tensor::Of<float>({1, 1}, {1}))
        .Arg("bounds", bounds)
        .Arg("slopes", slopes)
        .Arg("intercepts", intercepts)
        .Outputs({"Y"});
  };
  of({0, 1}, {1}, {1, 2}).ExpectError(kInvalid, "do not make functions");
  of({0, 1}, {1, 2}, {1, 2}).ExpectError(kInvalid, "do not make functions");
  of({0, 1, 2, 3, 4}, {1, 2, 3}, {1, 2, 3}).ExpectError(kInvalid, "do not make functions");
  of({}, {}, {}).ExpectError(kInvalid, "0 bounds");
  of({0, 1, 0, 1}, {1, 2}, {1, 2}).ExpectError(kInvalid, "take 1 functions, but there are 2");
}

TEST(PiecewiseLinearTransformTest, RejectsShapesTypesAndNumbersOfInputs) {
  Piecewise(Tensor::Of<float>({1}, {1})).ExpectError(kInvalid, "must be a matrix");
  Piecewise(Tensor::Of<float>({1, 3}, {1, 1, 1}))
      .Arg("binary", true)
      .ExpectError(kInvalid, "must be [N], [N,1] or [N,2]");
  Piecewise(Tensor::Of<double>({1, 1}, {1})).ExpectError(kInvalid, "double");
  Piecewise(Tensor::Of<float>({1, 1}, {1}))
      .Input("bounds", Tensor::Of<float>({3}, {0, 1, 3}))
      .ExpectError(kInvalid, "but are 2");
  Piecewise(Tensor::Of<float>({1, 1}, {1}))
      .Input("bounds", Tensor::Of<float>({3}, {0, 1, 3}))
      .Input("slopes", Tensor::Of<float>({2}, {0, 1}))
      .Input("intercepts", Tensor::Of<float>({2}, {0, 1}))
      .ExpectError(kInvalid, "as inputs and as arguments");
}

}  // namespace
}  // namespace doppio
