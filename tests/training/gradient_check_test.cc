#include "doppio/gradient_check.h"

#include "doppio/net_builder.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace doppio {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

absl::Status FeedAll(Workspace* workspace) {
  DOPPIO_RETURN_IF_ERROR(
      workspace->Feed("x", Tensor::Of<float>({2, 3}, {0.5f, -1, 2, 1, 0.25f, -0.75f})));
  DOPPIO_RETURN_IF_ERROR(
      workspace->Feed("w", Tensor::Of<float>({2, 3}, {1, 0.5f, -0.5f, 0.25f, 2, 1})));
  return workspace->Feed("b", Tensor::Of<float>({2}, {0.1f, -0.2f}));
}

TEST(GradientCheckTest, RightGradientsAreRightAndTheWorkspaceStays) {
  const NetDef net =
      NetBuilder("net").Op("FC", {"x", "w", "b"}, {"y"}).Op("Tanh", {"y"}, {"z"}).def();
  Workspace workspace;
  ASSERT_TRUE(FeedAll(&workspace).ok());
  const absl::StatusOr<GradientCheck> check = CheckGradients(net, {"z"}, workspace);
  ASSERT_TRUE(check.ok()) << check.status();
  EXPECT_TRUE(check->IsRight()) << check->ToString();
  EXPECT_TRUE(check->in_double) << check->why_float;
  ASSERT_EQ(check->blobs.size(), 3u);
  EXPECT_EQ(check->blobs[1].blob, "w");
  EXPECT_EQ(check->blobs[1].elements, 6);
  EXPECT_LT(check->blobs[1].error, 1e-7);
  EXPECT_THAT(workspace.Blobs(), ElementsAre("b", "w", "x"));
  EXPECT_TRUE(workspace.Fetch("w")->Is<float>());
}

TEST(GradientCheckTest, AnOperatorThatMakesFloatsIsCheckedInFloat) {
  const NetDef net =
      NetBuilder("net")
          .Op("Cast", {"x"}, {"y"}, {MakeArgument("to", 1), MakeArgument("from_type", 1)})
          .Op("Mul", {"y", "y"}, {"z"})
          .def();
  Workspace workspace;
  ASSERT_TRUE(FeedAll(&workspace).ok());
  const absl::StatusOr<GradientCheck> check = CheckGradients(net, {"z"}, workspace);
  ASSERT_TRUE(check.ok()) << check.status();
  EXPECT_TRUE(check->IsRight()) << check->ToString();
  EXPECT_FALSE(check->in_double);
  EXPECT_THAT(check->why_float, HasSubstr("Cast(x) -> y"));
}

// The gradient of Relu at 0 is 0, of the derivatives 0 and 1 at both sides.
TEST(GradientCheckTest, WhereTheDerivativeJumpsAnythingBetweenIsRight) {
  Workspace workspace;
  ASSERT_TRUE(workspace.Feed("x", Tensor::Of<float>({3}, {-1, 0, 1})).ok());
  const absl::StatusOr<GradientCheck> check =
      CheckGradients(NetBuilder("net").Op("Relu", {"x"}, {"y"}).def(), {"y"}, workspace);
  ASSERT_TRUE(check.ok()) << check.status();
  EXPECT_TRUE(check->IsRight()) << check->ToString();
  EXPECT_EQ(check->blobs[0].kinks, 1);
}

// StopGradient hides a part of the derivative, as a wrong gradient maker does.
TEST(GradientCheckTest, AGradientThatLacksAPartIsFound) {
  const NetDef net = NetBuilder("net")
                         .Op("Copy", {"x"}, {"c"})
                         .Op("StopGradient", {"c"}, {"c"})
                         .Op("Mul", {"x", "c"}, {"y"})
                         .def();
  Workspace workspace;
  ASSERT_TRUE(workspace.Feed("x", Tensor::Of<float>({2}, {1, 3})).ok());
  const absl::StatusOr<GradientCheck> check = CheckGradients(net, {"y"}, workspace);
  ASSERT_TRUE(check.ok()) << check.status();
  EXPECT_FALSE(check->IsRight());
  EXPECT_EQ(check->blobs[0].wrong, 2);
  EXPECT_THAT(check->ToString(), HasSubstr("x     [2]"));
}

TEST(GradientCheckTest, LargeBlobsAreSampledByTheSeed) {
  const NetDef net = NetBuilder("net").Op("Sigmoid", {"x"}, {"y"}).def();
  Workspace workspace;
  const std::vector<float> values(5000, 0.5f);
  ASSERT_TRUE(workspace.Feed("x", Tensor::FromSpan<float>(Dims{5000}, values)).ok());
  GradientCheckOptions options;
  options.samples = 7;
  absl::StatusOr<GradientCheck> check = CheckGradients(net, {"y"}, workspace, options);
  ASSERT_TRUE(check.ok()) << check.status();
  EXPECT_EQ(check->blobs[0].elements, 7);
  const std::string first = check->ToString();
  EXPECT_EQ(CheckGradients(net, {"y"}, workspace, options)->ToString(), first);
}

TEST(GradientCheckTest, SparseGradientsAreCheckedRowByRow) {
  const NetDef net = NetBuilder("net").Op("Gather", {"w", "rows"}, {"y"}).def();
  Workspace workspace;
  ASSERT_TRUE(FeedAll(&workspace).ok());
  ASSERT_TRUE(workspace.Feed("rows", Tensor::Of<int32_t>({3}, {1, 1, 0})).ok());
  const absl::StatusOr<GradientCheck> check = CheckGradients(net, {"y"}, workspace);
  ASSERT_TRUE(check.ok()) << check.status();
  EXPECT_TRUE(check->IsRight()) << check->ToString();
}

TEST(GradientCheckTest, WhatTheNetLacksIsAnError) {
  const NetDef net = NetBuilder("net").Op("Mul", {"x", "nothing"}, {"y"}).def();
  Workspace workspace;
  ASSERT_TRUE(FeedAll(&workspace).ok());
  EXPECT_THAT(CheckGradients(net, {"y"}, workspace).status().message(), HasSubstr("nothing"));
  EXPECT_THAT(CheckGradients(net, {"z"}, workspace).status().message(), HasSubstr("nothing"));
}

}  // namespace
}  // namespace doppio
