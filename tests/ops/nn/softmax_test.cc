#include <cmath>
#include <limits>

#include "gtest/gtest.h"
#include "tests/support/op_tester.h"

namespace doppio {
namespace {

TEST(SoftmaxTest, NormalisesEveryRow) {
  OpTester("Softmax")
      .Input("X", Tensor::Of<double>({2, 2}, {0, 0, 0, std::log(3)}))
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<double>({2, 2}, {0.5, 0.5, 0.25, 0.75}), 1e-12);
}

TEST(SoftmaxTest, NormalisesOverAllDimensionsFromTheAxisOn) {
  OpTester("Softmax")
      .Input("X", Tensor::Of<float>({1, 2, 2}, {1, 1, 1, 1}))
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<float>({1, 2, 2}, {0.25, 0.25, 0.25, 0.25}));
}

TEST(SoftmaxTest, StandsNumbersWhoseExponentialOverflows) {
  OpTester("Softmax")
      .Input("X", Tensor::Of<float>({2, 2}, {1000, 1000, -1000, -1000}))
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<float>({2, 2}, {0.5, 0.5, 0.5, 0.5}));
}

TEST(SoftmaxTest, PassesNanOnToItsRowAlone) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  OpTester("Softmax")
      .Input("X", Tensor::Of<float>({2, 2}, {0, nan, 0, 0}))
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<float>({2, 2}, {nan, nan, 0.5, 0.5}));
}

TEST(SoftmaxTest, ReturnsAtOnceForManyRowsOfNothing) {
  OpTester("Softmax")
      .Input("X", Tensor::Create(DataType::kFloat, {int64_t{1} << 60, 0}))
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Create(DataType::kFloat, {int64_t{1} << 60, 0}));
  const auto nothing = Tensor::Create(DataType::kFloat, {int64_t{1} << 60, 0});
  OpTester("SoftmaxGradient")
      .Input("Y", nothing)
      .Input("dY", nothing)
      .Outputs({"dX"})
      .ExpectOutput(0, nothing);
}

TEST(SoftmaxTest, RejectsAVectorWithoutAnAxisOfRows) {
  OpTester("Softmax")
      .Input("X", Tensor::Of<float>({2}, {1, 2}))
      .Outputs({"Y"})
      .ExpectError(kInvalid, "axis 1 is out of range for a tensor of rank 1");
}

TEST(SoftmaxTest, RejectsIntegers) {
  OpTester("Softmax")
      .Input("X", Tensor::Of<int64_t>({1, 1}, {1}))
      .Outputs({"Y"})
      .ExpectError(kInvalid, "int64 is not supported");
}

TEST(SoftmaxGradientTest, RejectsAGradientOfAnotherShape) {
  OpTester("SoftmaxGradient")
      .Input("Y", Tensor::Of<float>({1, 2}, {0.5, 0.5}))
      .Input("dY", Tensor::Of<float>({2, 1}, {1, 1}))
      .Outputs({"dX"})
      .ExpectError(kInvalid, "must have the same type and shape");
}

}  // namespace
}  // namespace doppio
