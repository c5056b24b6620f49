#include "gtest/gtest.h"
#include "tests/support/op_tester.h"

namespace doppio {
namespace {

OpTester Of(absl::StatusOr<Tensor> scale) {
  return OpTester("SquareRootDivide")
      .Input("data", Tensor::Of<float>({2, 2}, {2, 4, 9, 12}))
      .Input("scale", std::move(scale))
      .Outputs({"Y"});
}

TEST(SquareRootDivideTest, DividesEachRow) {
  Of(Tensor::Of<int64_t>({2}, {4, 9}))
      .ExpectOutput(0, Tensor::Of<float>({2, 2}, {1, 2, 3, 4}), 1e-6);
}

TEST(SquareRootDivideTest, LeavesARowOfZeroAlone) {
  Of(Tensor::Of<float>({2}, {0, 9})).ExpectOutput(0, Tensor::Of<float>({2, 2}, {2, 4, 3, 4}), 1e-6);
}

TEST(SquareRootDivideTest, RejectsNegativeNumbersAndOtherShapes) {
  Of(Tensor::Of<int32_t>({2}, {4, -9})).ExpectError(kInvalid, "scale 1 is -9");
  Of(Tensor::Of<int32_t>({3}, {4, 9, 1}))
      .ExpectError(kInvalid, "as many elements as data has rows");
}

}  // namespace
}  // namespace doppio
