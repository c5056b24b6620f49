#include "gtest/gtest.h"
#include "tests/support/op_tester.h"

namespace doppio {
namespace {

OpTester Scaled() {
  OpTester tester("ScaleBlobs");
  tester.Input("X0", Tensor::Of<float>({2}, {1, 2}))
      .Input("X1", Tensor::Of<float>({1}, {5}))
      .Arg("scale", 2.0f);
  return tester;
}

TEST(ScaleBlobsTest, ScalesEachTensor) {
  Scaled()
      .Outputs({"Y0", "Y1"})
      .ExpectOutput(0, Tensor::Of<float>({2}, {2, 4}))
      .ExpectOutput(1, Tensor::Of<float>({1}, {10}));
}

TEST(ScaleBlobsTest, OverwritesATensorByItsOwnResult) {
  Scaled()
      .Outputs({"X0", "X1"})
      .ExpectOutput(0, Tensor::Of<float>({2}, {2, 4}))
      .ExpectOutput(1, Tensor::Of<float>({1}, {10}));
}

TEST(ScaleBlobsTest, RejectsAResultInThePlaceOfAnotherTensor) {
  Scaled().Outputs({"X1", "Y1"}).ExpectError(kInvalid, "X1");
}

TEST(ScaleBlobsTest, RejectsAnotherNumberOfOutputs) {
  Scaled().Outputs({"Y0"}).ExpectError(kInvalid, "2 inputs and 1 outputs");
}

TEST(ScaleBlobsTest, RejectsOtherTypes) {
  OpTester("ScaleBlobs")
      .Input("X0", Tensor::Of<float>({1}, {1}))
      .Input("X1", Tensor::Of<int32_t>({1}, {1}))
      .Outputs({"Y0", "Y1"})
      .ExpectError(kInvalid, "must be of float");
}

}  // namespace
}  // namespace doppio
