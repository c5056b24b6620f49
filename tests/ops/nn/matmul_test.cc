#include "gtest/gtest.h"
#include "tests/support/op_tester.h"

namespace doppio {
namespace {

TEST(MatMulTest, MultipliesMatrices) {
  OpTester("MatMul")
      .Input("A", Tensor::Of<float>({2, 3}, {1, 2, 3, 4, 5, 6}))
      .Input("B", Tensor::Of<float>({3, 2}, {1, 0, 0, 1, 1, 1}))
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<float>({2, 2}, {4, 5, 10, 11}));
}

TEST(MatMulTest, TransposesBothWhereItIsAskedTo) {
  OpTester("MatMul")
      .Input("A", Tensor::Of<double>({3, 2}, {1, 4, 2, 5, 3, 6}))
      .Input("B", Tensor::Of<double>({2, 3}, {1, 0, 1, 0, 1, 1}))
      .Arg("trans_a", 1)
      .Arg("trans_b", 1)
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<double>({2, 2}, {4, 5, 10, 11}));
}

TEST(MatMulTest, ReadsTensorsAsMatricesAlongTheirAxes) {
  OpTester("MatMul")
      .Input("A", Tensor::Of<float>({1, 2, 2}, {1, 2, 3, 4}))
      .Input("B", Tensor::Of<float>({2, 1, 1}, {1, 10}))
      .Arg("axis_a", 2)
      .Arg("axis_b", -2)
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<float>({2, 1}, {21, 43}));
}

TEST(MatMulTest, TakesTheShapeOfTheThirdInput) {
  OpTester("MatMul")
      .Input("A", Tensor::Of<float>({2, 1}, {1, 2}))
      .Input("B", Tensor::Of<float>({1, 2}, {1, 10}))
      .Input("like", Tensor::Of<int32_t>({4}, {0, 0, 0, 0}))
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<float>({4}, {1, 10, 2, 20}));
}

TEST(MatMulTest, SumsNothingToZero) {
  OpTester("MatMul")
      .Input("A", Tensor::Of<float>({2, 0}, {}))
      .Input("B", Tensor::Of<float>({0, 2}, {}))
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<float>({2, 2}, {0, 0, 0, 0}));
}

TEST(MatMulTest, RejectsColumnsThatAreNotTheRows) {
  OpTester("MatMul")
      .Input("A", Tensor::Of<float>({1, 2}, {1, 2}))
      .Input("B", Tensor::Of<float>({1, 2}, {1, 2}))
      .Arg("trans_a", 1)
      .Arg("trans_b", 1)
      .Outputs({"Y"})
      .ExpectError(kInvalid, "A [1,2] transposed by B [1,2] transposed");
}

TEST(MatMulTest, RejectsDifferentTypes) {
  OpTester("MatMul")
      .Input("A", Tensor::Of<float>({1, 1}, {1}))
      .Input("B", Tensor::Of<double>({1, 1}, {1}))
      .Outputs({"Y"})
      .ExpectError(kInvalid, "same type");
}

TEST(MatMulTest, RejectsIntegers) {
  OpTester("MatMul")
      .Input("A", Tensor::Of<int32_t>({1, 1}, {1}))
      .Input("B", Tensor::Of<int32_t>({1, 1}, {1}))
      .Outputs({"Y"})
      .ExpectError(kInvalid, "int32 is not supported");
}

TEST(MatMulTest, RejectsVectorsWithoutColumns) {
  OpTester("MatMul")
      .Input("A", Tensor::Of<float>({1}, {1}))
      .Input("B", Tensor::Of<float>({1, 1}, {1}))
      .Outputs({"Y"})
      .ExpectError(kInvalid, "axis 1 is out of range for a tensor of rank 1");
}

TEST(MatMulTest, RejectsAThirdInputOfAnotherSize) {
  OpTester("MatMul")
      .Input("A", Tensor::Of<float>({1, 1}, {1}))
      .Input("B", Tensor::Of<float>({1, 1}, {1}))
      .Input("like", Tensor::Of<float>({2}, {1, 2}))
      .Outputs({"Y"})
      .ExpectError(kInvalid, "cannot take the shape [2]");
}

TEST(MatMulTest, RejectsAProductTooLargeForMemory) {
  OpTester("MatMul")
      .Input("A", Tensor::Create(DataType::kFloat, {int64_t{1} << 40, 0}))
      .Input("B", Tensor::Create(DataType::kFloat, {0, int64_t{1} << 40}))
      .Outputs({"Y"})
      .ExpectError(kInvalid, "more elements than fit");
}

}  // namespace
}  // namespace doppio
