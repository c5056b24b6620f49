#include "gtest/gtest.h"
#include "tests/support/op_tester.h"

namespace doppio {
namespace {

TEST(IsEmptyTest, LooksForADimensionOfZero) {
  OpTester("IsEmpty")
      .Input("boxes", Tensor::Of<float>({0, 4}, {}))
      .Outputs({"is_empty"})
      .ExpectOutput(0, Tensor::Scalar<bool>(true));
  OpTester("IsEmpty")
      .Input("boxes", Tensor::Of<std::string>({1}, {""}))
      .Outputs({"is_empty"})
      .ExpectOutput(0, Tensor::Scalar<bool>(false));
}

TEST(IsEmptyTest, SaysThatAScalarIsNotEmpty) {
  OpTester("IsEmpty")
      .Input("x", Tensor::Scalar<int64_t>(0))
      .Outputs({"is_empty"})
      .ExpectOutput(0, Tensor::Scalar<bool>(false));
}

TEST(IsEmptyTest, RejectsABlobWithoutValue) {
  OpTester("IsEmpty")
      .FeedBlob("x", [](Blob*) {})
      .Input("x")
      .Outputs({"is_empty"})
      .ExpectError(absl::StatusCode::kFailedPrecondition, "\"x\", has no value yet");
}

}  // namespace
}  // namespace doppio
