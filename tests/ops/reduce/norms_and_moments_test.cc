#include <cmath>
#include <limits>

#include "gtest/gtest.h"
#include "tests/support/op_tester.h"

namespace doppio {
namespace {

OpTester Of(const char* type, absl::StatusOr<Tensor> x) {
  return OpTester(type).Input("X", std::move(x)).Outputs({"Y"});
}

OpTester Along1(const char* type, absl::StatusOr<Tensor> x) {
  return Of(type, std::move(x)).Arg("axes", std::vector<int64_t>{1}).Arg("keepdims", 0);
}

TEST(ReduceNormTest, TakesAbsoluteValuesOrSquares) {
  Along1("ReduceL1", Tensor::Of<float>({2, 2}, {1, -2, 3, 4}))
      .ExpectOutput(0, Tensor::Of<float>({2}, {3, 7}));
  Along1("ReduceL2", Tensor::Of<float>({2, 2}, {3, -4, 0, 1}))
      .ExpectOutput(0, Tensor::Of<float>({2}, {5, 1}));
}

TEST(ReduceNormTest, HasNoSlopeAtZero) {
  for (const char* type : {"ReduceL1Gradient", "ReduceL2Gradient"}) {
    OpTester(type)
        .Input("dY", Tensor::Of<float>({1}, {2}))
        .Input("X", Tensor::Of<float>({2}, {0, 0}))
        .Input("Y", Tensor::Of<float>({1}, {0}))
        .Outputs({"dX"})
        .ExpectOutput(0, Tensor::Of<float>({2}, {0, 0}));
  }
}

TEST(ReduceNormTest, RejectsOtherTypesAndAxes) {
  Of("ReduceL1", Tensor::Of<int32_t>({1}, {1})).ExpectError(kInvalid, "int32 is not supported");
  Along1("ReduceL2", Tensor::Of<float>({1}, {1})).ExpectError(kInvalid, "");
}

TEST(ReduceFrontBackMaxTest, ReducesOneDimensionUnlessToldOtherwise) {
  const auto x = Tensor::Of<float>({2, 3}, {1, 5, 2, 4, 1, 8});
  Of("ReduceFrontMax", x).ExpectOutput(0, Tensor::Of<float>({3}, {4, 5, 8}));
  Of("ReduceBackMax", x).ExpectOutput(0, Tensor::Of<float>({2}, {5, 8}));
  Of("ReduceBackMax", x).Arg("num_reduce_dim", 2).ExpectOutput(0, Tensor::Scalar<float>(8));
}

TEST(ReduceFrontBackMaxTest, LooksAtTheFirstElementsWhereThereAreLengths) {
  const auto x = Tensor::Of<float>({2, 3}, {1, 5, 2, 4, 1, 8});
  Of("ReduceFrontMax", x)
      .Input("lengths", Tensor::Of<int32_t>({3}, {2, 1, 1}))
      .ExpectOutput(0, Tensor::Of<float>({3}, {4, 5, 2}));
  Of("ReduceBackMax", x)
      .Input("lengths", Tensor::Of<int32_t>({2}, {1, 2}))
      .ExpectOutput(0, Tensor::Of<float>({2}, {1, 4}));
}

TEST(ReduceFrontBackMaxTest, RejectsNothingToChooseFrom) {
  Of("ReduceBackMax", Tensor::Of<float>({2, 0}, {})).ExpectError(kInvalid, "no elements");
  Of("ReduceBackMax", Tensor::Of<float>({2, 1}, {1, 2}))
      .Input("lengths", Tensor::Of<int32_t>({2}, {1, 0}))
      .ExpectError(kInvalid, "vector 1 of X has no elements");
  Of("ReduceFrontMax", Tensor::Of<float>({2, 1}, {1, 2}))
      .Input("lengths", Tensor::Of<int32_t>({1}, {3}))
      .ExpectError(kInvalid, "length 3 is not between 0 and 2");
}

TEST(SumSqrElementsTest, AddsSquares) {
  Of("SumSqrElements", Tensor::Of<float>({3}, {1, 2, -3}))
      .ExpectOutput(0, Tensor::Scalar<float>(14));
  Of("SumSqrElements", Tensor::Of<double>({2}, {1, 3}))
      .Arg("average", true)
      .ExpectOutput(0, Tensor::Scalar<double>(5));
}

TEST(ReduceTailSumTest, KeepsTheFirstDimension) {
  Of("ReduceTailSum", Tensor::Of<float>({2, 3}, {1, 2, 3, 4, 5, 6}))
      .ExpectOutput(0, Tensor::Of<float>({2}, {6, 15}));
  Of("ReduceTailSum", Tensor::Scalar<float>(1)).ExpectError(kInvalid, "at least one dimension");
}

TEST(MomentsTest, IsMeanAndVariance) {
  OpTester("Moments")
      .Input("X", Tensor::Of<float>({2, 2}, {1, 3, 4, 8}))
      .Arg("axes", std::vector<int64_t>{1})
      .Arg("keepdims", 0)
      .Outputs({"mean", "variance"})
      .ExpectOutput(0, Tensor::Of<float>({2}, {2, 6}))
      .ExpectOutput(1, Tensor::Of<float>({2}, {1, 4}));
}

TEST(MomentsTest, KeepsTheVarianceOfLargeNumbers) {
  OpTester("Moments")
      .Input("X", Tensor::Of<float>({2}, {1e6f, 1e6f + 2}))
      .Outputs({"mean", "variance"})
      .ExpectOutput(0, Tensor::Of<float>({1}, {1e6f + 1}))
      .ExpectOutput(1, Tensor::Of<float>({1}, {1}));
}

TEST(MomentsTest, RejectsAGradientOfAnotherShape) {
  OpTester("MomentsGradient")
      .Input("dmean", Tensor::Of<float>({2}, {1, 1}))
      .Input("dvariance", Tensor::Of<float>({1}, {1}))
      .Input("X", Tensor::Of<float>({2}, {1, 1}))
      .Input("mean", Tensor::Of<float>({1}, {1}))
      .Outputs({"dX"})
      .ExpectError(kInvalid, "");
}

TEST(ReduceLogSumExpTest, NeitherOverflowsNorLosesInfinity) {
  const float infinity = std::numeric_limits<float>::infinity();
  OpTester("ReduceLogSumExp")
      .Input("X", Tensor::Of<float>({3, 2}, {1000, 1000, -infinity, -infinity, infinity, 1}))
      .Arg("axes", std::vector<int64_t>{1})
      .Arg("keepdims", false)
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<float>({3}, {1000.693147f, -infinity, infinity}));
}

TEST(ReduceProdTest, WrapsAndIsOneOfNothing) {
  OpTester("ReduceProd")
      .Input("X", Tensor::Of<int32_t>({2, 2}, {1 << 16, (1 << 16) + 1, 3, -4}))
      .Arg("axes", std::vector<int64_t>{1})
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<int32_t>({2, 1}, {1 << 16, -12}));
  OpTester("ReduceProd")
      .Input("X", Tensor::Of<float>({0, 2}, {}))
      .Arg("axes", std::vector<int64_t>{0})
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<float>({1, 2}, {1, 1}));
  OpTester("ReduceProd")
      .Input("X", Tensor::Of<uint8_t>({1}, {1}))
      .Outputs({"Y"})
      .ExpectError(kInvalid, "uint8 is not supported");
}

}  // namespace
}  // namespace doppio
