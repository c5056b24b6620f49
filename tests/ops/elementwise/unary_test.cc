#include <cmath>
#include <limits>

#include "gtest/gtest.h"
#include "tests/support/op_tester.h"

namespace doppio {
namespace {

const char* const kFloatOnly[] = {"Relu", "Sqr", "Exp", "Log", "Tanh", "Sigmoid", "Scale"};

TEST(UnaryTest, ReluKeepsNaNAndCutsInfinity) {
  const float infinity = std::numeric_limits<float>::infinity();
  OpTester("Relu")
      .Input("X", Tensor::Of<float>({4}, {-infinity, infinity, std::nanf(""), -1}))
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<float>({4}, {0, infinity, std::nanf(""), 0}));
}

TEST(UnaryTest, WorksInPlace) {
  OpTester("Sqr")
      .Input("X", Tensor::Of<double>({2, 1}, {3, -4}))
      .Outputs({"X"})
      .ExpectOutput(0, Tensor::Of<double>({2, 1}, {9, 16}));
}

TEST(UnaryTest, LogOfZeroAndLessIsAsInIeee) {
  OpTester("Log")
      .Input("X", Tensor::Of<float>({3}, {0, -1, 1}))
      .Outputs({"Y"})
      .ExpectOutput(
          0, Tensor::Of<float>({3}, {-std::numeric_limits<float>::infinity(), std::nanf(""), 0}));
}

TEST(UnaryTest, RoundGoesToTheEvenNumberOfTwoThatAreAsNear) {
  const float infinity = std::numeric_limits<float>::infinity();
  OpTester("Round")
      .Input("X", Tensor::Of<float>({6}, {0.5f, 1.5f, -2.5f, 2.6f, -infinity, -0.2f}))
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<float>({6}, {0, 2, -2, 3, -infinity, -0.0f}));
}

TEST(UnaryTest, ExpOverflowsToInfinity) {
  OpTester("Exp")
      .Input("X", Tensor::Of<float>({2}, {1e9f, -1e9f}))
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<float>({2}, {std::numeric_limits<float>::infinity(), 0}));
}

TEST(UnaryTest, SigmoidOfLargeArgumentsIsZeroAndOne) {
  OpTester("Sigmoid")
      .Input("X", Tensor::Of<double>({3}, {-1e4, 0, 1e4}))
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<double>({3}, {0, 0.5, 1}));
}

TEST(UnaryTest, NegativeAndAbsTakeWholeNumbers) {
  OpTester("Negative")
      .Input("X", Tensor::Of<int64_t>({2}, {3, -4}))
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<int64_t>({2}, {-3, 4}));
  OpTester("Abs")
      .Input("X", Tensor::Of<int32_t>({2}, {3, -4}))
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<int32_t>({2}, {3, 4}));
}

TEST(UnaryTest, ScaleIsOneByDefault) {
  OpTester("Scale")
      .Input("X", Tensor::Of<float>({2}, {3, -4}))
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<float>({2}, {3, -4}));
}

TEST(UnaryTest, RefusesOtherTypes) {
  for (const char* type : kFloatOnly) {
    OpTester(type)
        .Input("X", Tensor::Of<int32_t>({1}, {1}))
        .Outputs({"Y"})
        .ExpectError(kInvalid, "int32 is not supported here");
  }
  OpTester("Negative")
      .Input("X", Tensor::Of<std::string>({1}, {"1"}))
      .Outputs({"Y"})
      .ExpectError(kInvalid, "string is not supported here");
}

TEST(UnaryTest, AbsIsNotInPlaceAsInCaffe2) {
  OpTester("Abs")
      .Input("X", Tensor::Of<float>({1}, {1}))
      .Outputs({"X"})
      .ExpectError(kInvalid, "may not write");
}

TEST(UnaryTest, RefusesAScaleThatIsNoNumber) {
  OpTester("Scale")
      .Input("X", Tensor::Of<float>({1}, {1}))
      .Arg("scale", "two")
      .Outputs({"Y"})
      .ExpectError(kInvalid, "scale");
}

// Where dY has as many elements, though in another shape, dX has that of X or Y.
TEST(UnaryGradientTest, GivesTheShapeOfTheForwardTensor) {
  OpTester("SeluGradient")
      .Input("Y", Tensor::Of<float>({1, 1}, {1}))
      .Input("dY", Tensor::Of<float>({1}, {2}))
      .Arg("scale", 3.0f)
      .Outputs({"dX"})
      .ExpectOutput(0, Tensor::Of<float>({1, 1}, {6}));
  OpTester("ReluGradient")
      .Input("Y", Tensor::Of<float>({2}, {1, 0}))
      .Input("dY", Tensor::Of<float>({2, 1}, {5, 6}))
      .Outputs({"dY"})
      .ExpectOutput(0, Tensor::Of<float>({2}, {5, 0}));
  OpTester("CubeGradient")
      .Input("dY", Tensor::Of<float>({2, 1}, {1, 1}))
      .Input("X", Tensor::Of<float>({1, 2}, {1, 2}))
      .Outputs({"dX"})
      .ExpectOutput(0, Tensor::Of<float>({1, 2}, {3, 12}));
  OpTester("SwishGradient")
      .Input("X", Tensor::Of<float>({1, 1}, {0}))
      .Input("Y", Tensor::Of<float>({1}, {0}))
      .Input("dY", Tensor::Of<float>({1}, {1}))
      .Outputs({"dX"})
      .ExpectOutput(0, Tensor::Of<float>({1, 1}, {0.5f}));
}

TEST(UnaryGradientTest, RefusesAGradientOfAnotherSizeOrType) {
  for (const char* type : {"ReluGradient", "AbsGradient", "TanhGradient", "SigmoidGradient"}) {
    OpTester(type)
        .Input("Y", Tensor::Of<float>({2}, {1, 2}))
        .Input("dY", Tensor::Of<float>({1}, {1}))
        .Outputs({"dX"})
        .ExpectError(kInvalid, "must have the same type and number of elements");
    OpTester(type)
        .Input("Y", Tensor::Of<float>({2}, {1, 2}))
        .Input("dY", Tensor::Of<double>({2}, {1, 2}))
        .Outputs({"dX"})
        .ExpectError(kInvalid, "must have the same type and number of elements");
  }
}

TEST(SumTest, AddsAllAndMayNameATermTwice) {
  OpTester("Sum")
      .Input("A", Tensor::Of<int32_t>({2}, {1, 2}))
      .Input("B", Tensor::Of<int32_t>({2}, {10, 20}))
      .Input("A")
      .Outputs({"A"})
      .ExpectOutput(0, Tensor::Of<int32_t>({2}, {12, 24}));
}

TEST(SumTest, OfOneIsACopy) {
  OpTester("Sum")
      .Input("A", Tensor::Of<double>({}, {7}))
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<double>({}, {7}));
}

TEST(SumTest, RefusesAnotherShapeOrType) {
  OpTester("Sum")
      .Input("A", Tensor::Of<float>({2}, {1, 2}))
      .Input("B", Tensor::Of<float>({1}, {1}))
      .Outputs({"Y"})
      .ExpectError(kInvalid, "input 1 \"B\" float[1] has not the type and shape");
  OpTester("Sum")
      .Input("A", Tensor::Of<float>({1}, {1}))
      .Input("B", Tensor::Of<int64_t>({1}, {1}))
      .Outputs({"Y"})
      .ExpectError(kInvalid, "has not the type and shape");
}

TEST(SumTest, RefusesToWriteOverALaterTerm) {
  OpTester("Sum")
      .Input("A", Tensor::Of<float>({1}, {1}))
      .Input("B", Tensor::Of<float>({1}, {1}))
      .Outputs({"B"})
      .ExpectError(kInvalid, "may not write");
}

}  // namespace
}  // namespace doppio
