// Copy, CopyOnDeviceLike and StopGradient.
#include "doppio/gradient_maker.h"
#include "gtest/gtest.h"
#include "tests/support/op_tester.h"

namespace doppio {
namespace {

TEST(CopyTest, CopiesNumbersAndStrings) {
  OpTester("Copy")
      .Input("X", Tensor::Of<float>({2}, {1, 2}))
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<float>({2}, {1, 2}));
  OpTester("Copy")
      .Input("X", Tensor::Of<std::string>({1}, {"a"}))
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<std::string>({1}, {"a"}));
}

TEST(CopyTest, GivesTheOutputStorageOfItsOwn) {
  const Tensor x = *Tensor::Of<float>({2}, {1, 2});
  for (const char* type : {"Copy", "StopGradient"}) {
    MapScope scope;
    scope.Feed("X", x);
    ASSERT_TRUE((*CreateOperator(CreateOperatorDef(type, "", {"X"}, {"Y"}), &scope))->Run().ok());
    EXPECT_FALSE(scope.Fetch("Y")->SharesStorageWith(x)) << type;
  }
}

TEST(CopyTest, RejectsInPlaceAndMissingInputs) {
  OpTester("Copy")
      .Input("X", Tensor::Of<float>({1}, {1}))
      .Outputs({"X"})
      .ExpectError(absl::StatusCode::kInvalidArgument, "may not write output 0");
  OpTester("Copy").Input("X").Outputs({"Y"}).ExpectError(absl::StatusCode::kNotFound,
                                                         "does not exist");
}

TEST(CopyTest, MakesTheGradientOfCaffe2) {
  const auto meta = GetGradientForOp(CreateOperatorDef("Copy", "", {"X"}, {"Y"}),
                                     {GradientWrapper::Dense("Y_grad")});
  ASSERT_TRUE(meta.ok()) << meta.status();
  ASSERT_EQ(meta->ops.size(), 1u);
  EXPECT_EQ(OpToString(meta->ops[0]), "CopyOnDeviceLike(Y_grad, X) -> X_grad");
}

TEST(CopyOnDeviceLikeTest, RejectsASingleInput) {
  OpTester("CopyOnDeviceLike")
      .Input("X", Tensor::Of<float>({1}, {1}))
      .Outputs({"Y"})
      .ExpectError(absl::StatusCode::kInvalidArgument, "takes 2 inputs");
}

TEST(StopGradientTest, DoesNothingInPlace) {
  OpTester("StopGradient")
      .Input("X", Tensor::Of<float>({2}, {1, 2}))
      .Outputs({"X"})
      .ExpectOutput(0, Tensor::Of<float>({2}, {1, 2}));
}

TEST(StopGradientTest, HasNoGradient) {
  EXPECT_EQ(GradientRegistry::Kind("StopGradient"), GradientKind::kNone);
  const auto meta = GetGradientForOp(CreateOperatorDef("StopGradient", "", {"X"}, {"Y"}),
                                     {GradientWrapper::Dense("Y_grad")});
  ASSERT_TRUE(meta.ok()) << meta.status();
  EXPECT_TRUE(meta->ops.empty());
  EXPECT_TRUE(meta->g_input[0].IsEmpty());
}

TEST(StopGradientTest, RejectsTwoInputs) {
  const auto x = Tensor::Of<float>({1}, {1});
  OpTester("StopGradient")
      .Input("A", x)
      .Input("B", x)
      .Outputs({"Y"})
      .ExpectError(absl::StatusCode::kInvalidArgument, "takes 1 input");
}

TEST(UnsafeCoalesceTest, PutsAllElementsIntoOneVector) {
  OpTester("UnsafeCoalesce")
      .Input("X0", Tensor::Of<float>({2}, {1, 2}))
      .Input("X1", Tensor::Of<float>({2, 1}, {3, 4}))
      .Outputs({"X0", "Y1", "all"})
      .ExpectOutput(0, Tensor::Of<float>({2}, {1, 2}))
      .ExpectOutput(1, Tensor::Of<float>({2, 1}, {3, 4}))
      .ExpectOutput(2, Tensor::Of<float>({4}, {1, 2, 3, 4}));
}

TEST(UnsafeCoalesceTest, RejectsOtherOutputsAndTypes) {
  OpTester("UnsafeCoalesce")
      .Input("X0", Tensor::Of<float>({1}, {1}))
      .Outputs({"Y0", "Y1", "Y2"})
      .ExpectError(absl::StatusCode::kInvalidArgument, "one more, but there are 3");
  OpTester("UnsafeCoalesce")
      .Input("X0", Tensor::Of<double>({1}, {1}))
      .Outputs({"Y0", "Y1"})
      .ExpectError(absl::StatusCode::kInvalidArgument, "the inputs must be float");
}

}  // namespace
}  // namespace doppio
