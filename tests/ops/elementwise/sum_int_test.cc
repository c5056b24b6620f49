#include <limits>

#include "gtest/gtest.h"
#include "tests/support/op_tester.h"

namespace doppio {
namespace {

TEST(SumIntTest, AddsIntegers) {
  OpTester("SumInt")
      .Input("A", Tensor::Of<int32_t>({2}, {1, 2}))
      .Input("B", Tensor::Of<int32_t>({2}, {3, 4}))
      .Input("C", Tensor::Of<int32_t>({2}, {5, 6}))
      .Outputs({"A"})
      .ExpectOutput(0, Tensor::Of<int32_t>({2}, {9, 12}));
}

TEST(SumIntTest, Wraps) {
  OpTester("SumInt")
      .Input("A", Tensor::Scalar<int32_t>(std::numeric_limits<int32_t>::max()))
      .Input("B", Tensor::Scalar<int32_t>(1))
      .Outputs({"C"})
      .ExpectOutput(0, Tensor::Scalar<int32_t>(std::numeric_limits<int32_t>::min()));
}

TEST(SumIntTest, RejectsFloats) {
  OpTester("SumInt")
      .Input("A", Tensor::Scalar<float>(1))
      .Outputs({"C"})
      .ExpectError(kInvalid, "element type float is not supported here; supported: int32, int64");
}

TEST(SumIntTest, RejectsTermsOfDifferentShapes) {
  OpTester("SumInt")
      .Input("A", Tensor::Scalar<int32_t>(1))
      .Input("B", Tensor::Of<int32_t>({1}, {1}))
      .Outputs({"C"})
      .ExpectError(kInvalid, "has not the type and shape of input 0");
}

}  // namespace
}  // namespace doppio
