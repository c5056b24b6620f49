#include "gtest/gtest.h"
#include "tests/support/op_tester.h"

namespace doppio {
namespace {

TEST(RowMulTest, MultipliesEachRowByItsNumber) {
  OpTester("RowMul")
      .Input("mat", Tensor::Of<float>({2, 2}, {1, 2, 3, 4}))
      .Input("w", Tensor::Of<float>({2}, {10, 1}))
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<float>({2, 2}, {10, 20, 3, 4}));
}

TEST(RowMulTest, RejectsAnotherNumberOfNumbers) {
  OpTester("RowMul")
      .Input("mat", Tensor::Of<float>({2, 2}, {1, 2, 3, 4}))
      .Input("w", Tensor::Of<float>({3}, {10, 1, 1}))
      .Outputs({"Y"})
      .ExpectError(kInvalid, "an element for each row");
}

OpTester Max(const char* type, absl::StatusOr<Tensor> x) {
  return OpTester(type).Input("X", std::move(x)).Outputs({"Y"});
}

TEST(MaxReductionTest, FindsTheLargestOfRowsOrColumns) {
  const auto x = Tensor::Of<float>({1, 2, 2}, {1, 2, 4, 1});
  Max("RowwiseMax", x).ExpectOutput(0, Tensor::Of<float>({1, 2}, {2, 4}));
  Max("ColwiseMax", x).ExpectOutput(0, Tensor::Of<float>({1, 2}, {4, 2}));
}

TEST(MaxReductionTest, RejectsOtherRanksAndEmptyRows) {
  Max("RowwiseMax", Tensor::Of<float>({2, 2}, {1, 2, 3, 4}))
      .ExpectError(kInvalid, "three dimensions");
  Max("RowwiseMax", Tensor::Of<float>({1, 2, 0}, {})).ExpectError(kInvalid, "no elements");
  Max("ColwiseMax", Tensor::Of<float>({1, 2, 0}, {}))
      .ExpectOutput(0, Tensor::Of<float>({1, 0}, {}));
}

}  // namespace
}  // namespace doppio
