#include "tests/support/op_tester.h"

namespace doppio {
namespace {

TEST(DotProductTest, MultipliesScalarsAsRowsOfOneElement) {
  OpTester("DotProduct")
      .Input("X", Tensor::Of<float>({}, {3}))
      .Input("Y", Tensor::Of<float>({}, {4}))
      .Outputs({"Z"})
      .ExpectOutput(0, Tensor::Of<float>({1}, {12}));
}

TEST(DotProductTest, RejectsDifferentShapes) {
  OpTester("DotProduct")
      .Input("X", Tensor::Of<float>({1, 2}, {3, 4}))
      .Input("Y", Tensor::Of<float>({2, 1}, {3, 4}))
      .Outputs({"Z"})
      .ExpectError(kInvalid, "must have the same shape");
}

TEST(DotProductTest, RejectsDifferentTypes) {
  OpTester("DotProduct")
      .Input("X", Tensor::Of<float>({1}, {3}))
      .Input("Y", Tensor::Of<double>({1}, {3}))
      .Outputs({"Z"})
      .ExpectError(kInvalid, "must have the same type");
}

}  // namespace
}  // namespace doppio
