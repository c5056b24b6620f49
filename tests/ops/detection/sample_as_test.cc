#include "gtest/gtest.h"
#include "tests/support/op_tester.h"

namespace doppio {
namespace {

const absl::StatusOr<Tensor> kRows = Tensor::Of<float>({3, 2}, {1, 2, 3, 4, 5, 6});

OpTester Sample(const absl::StatusOr<Tensor>& x, const absl::StatusOr<Tensor>& labels) {
  OpTester tester("SampleAs");
  tester.Input("X", x).Input("labels", labels).Outputs({"Y"});
  return tester;
}

TEST(SampleAsTest, GivesTheDocumentedExample) {
  Sample(kRows, Tensor::Of<int32_t>({3}, {7, 0, 1}))
      .ExpectOutput(0, Tensor::Of<float>({2, 2}, {1, 2, 5, 6}));
}

TEST(SampleAsTest, GivesNothingWhereNoLabelIsAboveZero) {
  Sample(kRows, Tensor::Of<int32_t>({3}, {0, -1, 0}))
      .ExpectOutput(0, Tensor::Of<float>({0, 2}, {}));
}

TEST(SampleAsTest, RejectsOtherLabels) {
  Sample(kRows, Tensor::Of<int32_t>({2}, {1, 1})).ExpectError(kInvalid, "takes 3 labels");
  Sample(kRows, Tensor::Of<int64_t>({3}, {1, 1, 1}))
      .ExpectError(kInvalid, "labels must be a vector of int32, but is int64[3]");
  Sample(Tensor::Scalar<float>(1), Tensor::Of<int32_t>({1}, {1})).ExpectError(kInvalid, "scalar");
}

TEST(SampleAsGradientTest, PutsRowsAmongZeros) {
  OpTester("SampleAsGradient")
      .Input("X", kRows)
      .Input("labels", Tensor::Of<int32_t>({3}, {7, 0, 1}))
      .Input("dY", Tensor::Of<float>({2, 2}, {9, 8, 7, 6}))
      .Outputs({"dX"})
      .ExpectOutput(0, Tensor::Of<float>({3, 2}, {9, 8, 0, 0, 7, 6}));
}

TEST(SampleAsGradientTest, RejectsAnotherNumberOfRows) {
  OpTester("SampleAsGradient")
      .Input("X", kRows)
      .Input("labels", Tensor::Of<int32_t>({3}, {7, 0, 0}))
      .Input("dY", Tensor::Of<float>({2, 2}, {9, 8, 7, 6}))
      .Outputs({"dX"})
      .ExpectError(kInvalid, "is not what SampleAs makes of X");
}

}  // namespace
}  // namespace doppio
