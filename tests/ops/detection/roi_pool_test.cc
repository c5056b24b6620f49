#include <limits>

#include "doppio/gradient_maker.h"
#include "gtest/gtest.h"
#include "tests/ops/detection/special_values.h"
#include "tests/support/op_tester.h"

namespace doppio {
namespace {

const absl::StatusOr<Tensor> kMap = Tensor::Of<float>({1, 1, 3, 3}, {1, 9, 2,  //
                                                                     5, 4, 6,  //
                                                                     7, 3, 8});

OpTester Pool(const absl::StatusOr<Tensor>& x, const absl::StatusOr<Tensor>& rois) {
  OpTester tester("RoIPool");
  tester.Input("X", x).Input("rois", rois).Outputs({"Y", "argmaxes"});
  return tester;
}

TEST(RoIPoolTest, TakesTheLargestOfBothCornersAndBetween) {
  Pool(kMap, Tensor::Of<float>({2, 5}, {0, 0, 1, 1, 2, 0, 2, 2, 2, 2}))
      .ExpectOutput(0, Tensor::Of<float>({2, 1, 1, 1}, {7, 8}))
      .ExpectOutput(1, Tensor::Of<int32_t>({2, 1, 1, 1}, {6, 8}));
}

TEST(RoIPoolTest, LetsBinsOverlap) {
  // Bins of 1.5 pixels: rows and columns 0 to 1 and 1 to 2.
  Pool(kMap, Tensor::Of<float>({1, 5}, {0, 0, 0, 2, 2}))
      .Arg("pooled_h", 2)
      .Arg("pooled_w", 2)
      .ExpectOutput(0, Tensor::Of<float>({1, 1, 2, 2}, {9, 9, 7, 8}));
}

TEST(RoIPoolTest, RoundsCornersAfterScaling) {
  // 1.4 / 2 is 0.7, 3 / 2 is 1.5.
  Pool(kMap, Tensor::Of<float>({1, 5}, {0, 1.4f, 0, 3, 0}))
      .Arg("spatial_scale", 0.5f)
      .ExpectOutput(0, Tensor::Of<float>({1, 1, 1, 1}, {9}));
}

TEST(RoIPoolTest, GivesZeroOutsideOfTheMap) {
  Pool(kMap, Tensor::Of<float>({1, 5}, {0, 5, 5, 9, 9}))
      .ExpectOutput(0, Tensor::Of<float>({1, 1, 1, 1}, {0}))
      .ExpectOutput(1, Tensor::Of<int32_t>({1, 1, 1, 1}, {-1}));
}

TEST(RoIPoolTest, PassesOverNaN) {
  Pool(Tensor::Of<float>({1, 1, 1, 2}, {kNaN, -3}), Tensor::Of<float>({1, 5}, {0, 0, 0, 1, 0}))
      .ExpectOutput(0, Tensor::Of<float>({1, 1, 1, 1}, {-3}))
      .ExpectOutput(1, Tensor::Of<int32_t>({1, 1, 1, 1}, {1}));
}

TEST(RoIPoolTest, HasOneOutputInTests) {
  OpTester("RoIPool")
      .Input("X", kMap)
      .Input("rois", Tensor::Of<float>({1, 5}, {0, 0, 0, 2, 0}))
      .Arg("is_test", 1)
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<float>({1, 1, 1, 1}, {9}));
}

TEST(RoIPoolTest, GivesNothingForNoRegions) {
  Pool(kMap, Tensor::Of<float>({0, 5}, {})).ExpectOutput(0, Tensor::Of<float>({0, 1, 1, 1}, {}));
}

TEST(RoIPoolTest, IsQuickForRegionsFarLargerThanTheMap) {
  Pool(kMap, Tensor::Of<float>({1, 5}, {0, -1e9f, -1e9f, 1e9f, 1e9f}))
      .ExpectOutput(0, Tensor::Of<float>({1, 1, 1, 1}, {9}));
}

TEST(RoIPoolFTest, IsRoIPool) {
  OpTester("RoIPoolF")
      .Input("X", kMap)
      .Input("rois", Tensor::Of<float>({1, 5}, {0, 0, 1, 1, 2}))
      .Outputs({"Y", "argmaxes"})
      .ExpectOutput(0, Tensor::Of<float>({1, 1, 1, 1}, {7}))
      .ExpectOutput(1, Tensor::Of<int32_t>({1, 1, 1, 1}, {6}));
  OpTester("RoIPoolF")
      .Input("X", kMap)
      .Input("rois", Tensor::Of<float>({1, 5}, {0, 0, 1, 1, 2}))
      .Outputs({"Y"})
      .ExpectError(kInvalid, "");
}

TEST(RoIPoolTest, RejectsAnotherNumberOfOutputs) {
  OpTester("RoIPool")
      .Input("X", kMap)
      .Input("rois", Tensor::Of<float>({1, 5}, {0, 0, 0, 2, 0}))
      .Outputs({"Y"})
      .ExpectError(kInvalid, "there are 1 outputs, must be 2 without is_test");
  Pool(kMap, Tensor::Of<float>({1, 5}, {0, 0, 0, 2, 0}))
      .Arg("is_test", 1)
      .ExpectError(kInvalid, "there are 2 outputs, must be 1 with is_test");
}

TEST(RoIPoolTest, RejectsRegionsWithoutAnEnd) {
  for (float bad : {kNaN, std::numeric_limits<float>::infinity()}) {
    Pool(kMap, Tensor::Of<float>({1, 5}, {0, 0, 0, bad, 1})).ExpectError(kInvalid, "is not finite");
  }
  Pool(kMap, Tensor::Of<float>({1, 5}, {0, 0, 0, 1e30f, 1}))
      .ExpectError(kInvalid, "but must stay within 1073741824");
}

TEST(RoIPoolTest, RejectsImagesThatDoNotExist) {
  for (float image : {-1.0f, 1.0f, kNaN}) {
    Pool(kMap, Tensor::Of<float>({1, 5}, {image, 0, 0, 1, 1}))
        .ExpectError(kInvalid, "but must be of one in [0, 1)");
  }
}

TEST(RoIPoolTest, RejectsWrongShapesAndOrders) {
  Pool(kMap, Tensor::Of<float>({1, 4}, {0, 0, 1, 1}))
      .ExpectError(kInvalid, "the rois must be [R,5], but are [1,4]");
  Pool(kMap, Tensor::Of<float>({1, 5}, {0, 0, 0, 1, 1}))
      .Arg("order", "NHWC")
      .ExpectError(kInvalid, "RoIPool is there for the order NCHW alone");
}

TEST(RoIPoolGradientTest, HasCaffe2sInputs) {
  const auto meta = GetGradientForOp(CreateOperatorDef("RoIPool", "", {"X", "R"}, {"Y", "A"}),
                                     {GradientWrapper::Dense("Y_grad"), GradientWrapper()});
  ASSERT_TRUE(meta.ok()) << meta.status();
  ASSERT_EQ(meta->ops.size(), 1u);
  EXPECT_EQ(OpToString(meta->ops[0]), "RoIPoolGradient(X, R, A, Y_grad) -> X_grad");
}

TEST(RoIPoolGradientTest, DoesNotExistInTests) {
  EXPECT_FALSE(GetGradientForOp(CreateOperatorDef("RoIPool", "", {"X", "R"}, {"Y"},
                                                  {MakeArgument<int>("is_test", 1)}),
                                {GradientWrapper::Dense("Y_grad")})
                   .ok());
}

OpTester PoolGradient(const absl::StatusOr<Tensor>& argmaxes) {
  OpTester tester("RoIPoolGradient");
  tester.Input("X", kMap)
      .Input("rois", Tensor::Of<float>({3, 5}, {0, 0, 0, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 1, 1}))
      .Input("argmaxes", argmaxes)
      .Input("dY", Tensor::Of<float>({3, 1, 1, 1}, {1, 2, 4}))
      .Outputs({"dX"});
  return tester;
}

TEST(RoIPoolGradientTest, AddsToTheLargest) {
  PoolGradient(Tensor::Of<int32_t>({3, 1, 1, 1}, {8, -1, 8}))
      .ExpectOutput(0, Tensor::Of<float>({1, 1, 3, 3}, {0, 0, 0, 0, 0, 0, 0, 0, 5}));
}

TEST(RoIPoolGradientTest, RejectsPlacesOutsideOfTheMap) {
  for (int32_t place : {-2, 9, std::numeric_limits<int32_t>::max()}) {
    PoolGradient(Tensor::Of<int32_t>({3, 1, 1, 1}, {0, place, 0}))
        .ExpectError(kInvalid,
                     absl::StrCat("argmaxes contain ", place, ", but must be in [-1, 9)"));
  }
}

TEST(RoIPoolGradientTest, RejectsArgmaxesOfAnotherShapeOrType) {
  PoolGradient(Tensor::Of<int32_t>({3, 1}, {0, 0, 0}))
      .ExpectError(kInvalid, "are not what RoIPool makes of X");
  PoolGradient(Tensor::Of<int64_t>({3, 1, 1, 1}, {0, 0, 0}))
      .ExpectError(kInvalid, "are not what RoIPool makes of X");
}

}  // namespace
}  // namespace doppio
