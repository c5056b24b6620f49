#include "gtest/gtest.h"
#include "tests/support/op_tester.h"

namespace doppio {
namespace {

OpTester Of(absl::StatusOr<Tensor> y) {
  return OpTester("DotProductWithPadding")
      .Input("X", Tensor::Of<float>({1, 4}, {1, 2, 3, 4}))
      .Input("Y", std::move(y))
      .Outputs({"Z"});
}

TEST(DotProductWithPaddingTest, FillsUpTheShorterRows) {
  Of(Tensor::Of<float>({1, 2}, {10, 1})).ExpectOutput(0, Tensor::Of<float>({1}, {12}));
  Of(Tensor::Of<float>({1, 2}, {10, 1}))
      .Arg("pad_value", 1.0f)
      .ExpectOutput(0, Tensor::Of<float>({1}, {19}));
}

TEST(DotProductWithPaddingTest, RepeatsTheShorterRows) {
  Of(Tensor::Of<float>({1, 2}, {10, 1}))
      .Arg("replicate", true)
      .ExpectOutput(0, Tensor::Of<float>({1}, {46}));
}

TEST(DotProductWithPaddingTest, RejectsToRepeatWhatIsNoMultiple) {
  Of(Tensor::Of<float>({1, 3}, {1, 1, 1})).Arg("replicate", true).ExpectError(kInvalid, "multiple");
  Of(Tensor::Of<float>({1, 0}, {})).Arg("replicate", true).ExpectError(kInvalid, "multiple");
}

TEST(DotProductWithPaddingTest, RejectsOtherNumbersOfRowsAndDimensions) {
  Of(Tensor::Of<float>({2, 1}, {1, 1})).ExpectError(kInvalid, "the first is the same");
  Of(Tensor::Of<float>({1}, {1})).ExpectError(kInvalid, "as many dimensions");
}

}  // namespace
}  // namespace doppio
