#include "gtest/gtest.h"
#include "tests/support/op_tester.h"

namespace doppio {
namespace {

const absl::StatusOr<Tensor> kRows = Tensor::Of<float>({3, 2}, {1, 2, 3, 4, 5, 6});

OpTester Permute(const absl::StatusOr<Tensor>& x, const absl::StatusOr<Tensor>& indices) {
  OpTester tester("BatchPermutation");
  tester.Input("X", x).Input("indices", indices).Outputs({"Y"});
  return tester;
}

TEST(BatchPermutationTest, GivesTheDocumentedExample) {
  Permute(kRows, Tensor::Of<int32_t>({3}, {2, 0, 1}))
      .ExpectOutput(0, Tensor::Of<float>({3, 2}, {5, 6, 1, 2, 3, 4}));
}

TEST(BatchPermutationTest, GivesNothingForNothing) {
  Permute(Tensor::Of<float>({0, 2}, {}), Tensor::Of<int32_t>({0}, {}))
      .ExpectOutput(0, Tensor::Of<float>({0, 2}, {}));
}

TEST(BatchPermutationTest, RejectsWhatIsNoPermutation) {
  Permute(kRows, Tensor::Of<int32_t>({3}, {0, 1, 3}))
      .ExpectError(kInvalid, "index 2 is 3, but must be in [0, 3)");
  Permute(kRows, Tensor::Of<int32_t>({3}, {0, -1, 2})).ExpectError(kInvalid, "index 1 is -1");
  Permute(kRows, Tensor::Of<int32_t>({3}, {0, 1, 1})).ExpectError(kInvalid, "row 1 twice");
}

TEST(BatchPermutationTest, RejectsOtherShapesAndTypes) {
  Permute(kRows, Tensor::Of<int32_t>({2}, {0, 1})).ExpectError(kInvalid, "takes 3 indices");
  Permute(kRows, Tensor::Of<int32_t>({3, 1}, {0, 1, 2}))
      .ExpectError(kInvalid, "indices must be a vector of int32, but is int32[3,1]");
  Permute(kRows, Tensor::Of<int64_t>({3}, {0, 1, 2})).ExpectError(kInvalid, "but is int64[3]");
  Permute(Tensor::Scalar<float>(1), Tensor::Of<int32_t>({1}, {0})).ExpectError(kInvalid, "scalar");
}

TEST(BatchPermutationGradientTest, PutsRowsBack) {
  OpTester("BatchPermutationGradient")
      .Input("indices", Tensor::Of<int32_t>({3}, {2, 0, 1}))
      .Input("dY", Tensor::Of<float>({3, 2}, {5, 6, 1, 2, 3, 4}))
      .Outputs({"dX"})
      .ExpectOutput(0, kRows);
}

TEST(BatchPermutationGradientTest, RejectsWhatIsNoPermutation) {
  OpTester("BatchPermutationGradient")
      .Input("indices", Tensor::Of<int32_t>({3}, {2, 2, 1}))
      .Input("dY", kRows)
      .Outputs({"dX"})
      .ExpectError(kInvalid, "row 2 twice, which is no permutation");
}

}  // namespace
}  // namespace doppio
