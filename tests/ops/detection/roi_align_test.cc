
#include "doppio/gradient_maker.h"
#include "gtest/gtest.h"
#include "tests/ops/detection/special_values.h"
#include "tests/support/op_tester.h"

namespace doppio {
namespace {

// 4 by 4, x + 10 y.
const absl::StatusOr<Tensor> kMap =
    Tensor::Of<float>({1, 1, 4, 4}, {0, 1, 2, 3, 10, 11, 12, 13, 20, 21, 22, 23, 30, 31, 32, 33});

OpTester Align(const absl::StatusOr<Tensor>& x, const absl::StatusOr<Tensor>& rois) {
  OpTester tester("RoIAlign");
  tester.Input("X", x).Input("RoIs", rois).Outputs({"Y"});
  return tester;
}

TEST(RoIAlignTest, InterpolatesBetweenPixels) {
  // One sample in the middle of the region from 1,0 to 2,1: at 1.5, 0.5.
  Align(kMap, Tensor::Of<float>({1, 5}, {0, 1, 0, 2, 1}))
      .ExpectOutput(0, Tensor::Of<float>({1, 1, 1, 1}, {6.5f}));
}

TEST(RoIAlignTest, DividesARegionIntoBins) {
  Align(kMap, Tensor::Of<float>({1, 4}, {0, 0, 2, 2}))
      .Arg("pooled_h", 2)
      .Arg("pooled_w", 2)
      .ExpectOutput(0, Tensor::Of<float>({1, 1, 2, 2}, {5.5f, 6.5f, 15.5f, 16.5f}));
}

TEST(RoIAlignTest, TakesTheMeanOfItsSamples) {
  // On a plane samples in a grid have the mean of the middle; two at the border are clamped.
  Align(kMap, Tensor::Of<float>({1, 4}, {0, 0, 2, 2}))
      .Arg("sampling_ratio", 3)
      .ExpectOutput(0, Tensor::Of<float>({1, 1, 1, 1}, {11}), 1e-6);
  // x at -0.5 and 0.5, of which the first counts as 0.
  Align(kMap, Tensor::Of<float>({1, 4}, {-1, 0, 1, 1}))
      .Arg("sampling_ratio", 2)
      .ExpectOutput(0, Tensor::Of<float>({1, 1, 1, 1}, {5.25f}));
}

TEST(RoIAlignTest, CountsSamplesFarOutsideAsZero) {
  // Adaptive: x at 2.5, 3.5 (clamped to 3), 4.5 and 5.5 (0), on the row of y at 0.5.
  Align(kMap, Tensor::Of<float>({1, 4}, {2, 0, 6, 1}))
      .ExpectOutput(0, Tensor::Of<float>({1, 1, 1, 1}, {(7.5f + 8) / 4}));
}

TEST(RoIAlignTest, MakesSmallRegionsAPixelUnlessAligned) {
  Align(kMap, Tensor::Of<float>({1, 4}, {1, 1, 1, 1}))
      .ExpectOutput(0, Tensor::Of<float>({1, 1, 1, 1}, {16.5f}));
  Align(kMap, Tensor::Of<float>({1, 4}, {2, 2, 1, 1}))
      .ExpectOutput(0, Tensor::Of<float>({1, 1, 1, 1}, {27.5f}));
  Align(kMap, Tensor::Of<float>({1, 4}, {1, 1, 1, 1}))
      .Arg("aligned", 1)
      .Arg("sampling_ratio", 1)
      .ExpectOutput(0, Tensor::Of<float>({1, 1, 1, 1}, {5.5f}));
}

TEST(RoIAlignTest, AlignsPixelsAsAreas) {
  // The pixel 1,1 is the area from 1 to 2.
  Align(kMap, Tensor::Of<float>({1, 4}, {1, 1, 2, 2}))
      .Arg("aligned", 1)
      .ExpectOutput(0, Tensor::Of<float>({1, 1, 1, 1}, {11}));
}

TEST(RoIAlignTest, GivesZeroForAnAdaptiveGridOverNothing) {
  Align(kMap, Tensor::Of<float>({1, 4}, {1, 1, 1, 2}))
      .Arg("aligned", 1)
      .ExpectOutput(0, Tensor::Of<float>({1, 1, 1, 1}, {0}));
}

TEST(RoIAlignTest, ScalesRegionsToTheMap) {
  Align(kMap, Tensor::Of<float>({1, 4}, {16, 0, 32, 16}))
      .Arg("spatial_scale", 0.0625f)
      .ExpectOutput(0, Tensor::Of<float>({1, 1, 1, 1}, {6.5f}));
}

TEST(RoIAlignTest, TakesTheImageOfEachRegion) {
  const auto x = Tensor::Of<float>({2, 2, 1, 1}, {1, 2, 3, 4});
  Align(x, Tensor::Of<float>({2, 5}, {1, 0, 0, 1, 1, 0, 0, 0, 1, 1}))
      .ExpectOutput(0, Tensor::Of<float>({2, 2, 1, 1}, {3, 4, 1, 2}));
}

TEST(RoIAlignTest, WorksWithTheChannelsLast) {
  const auto x = Tensor::Of<float>({1, 1, 2, 2}, {1, 2, 3, 4});  // two pixels of two channels
  for (const char* order : {"NHWC", "nhwc"}) {
    Align(x, Tensor::Of<float>({1, 4}, {0, 0, 1, 1}))
        .Arg("order", order)
        .ExpectOutput(0, Tensor::Of<float>({1, 1, 1, 2}, {2, 3}));
  }
}

TEST(RoIAlignTest, GivesNothingForNoRegions) {
  Align(kMap, Tensor::Of<float>({0, 4}, {}))
      .Arg("pooled_h", 3)
      .ExpectOutput(0, Tensor::Of<float>({0, 1, 3, 1}, {}));
  Align(Tensor::Of<float>({0, 1, 4, 4}, {}), Tensor::Of<float>({0, 5}, {}))
      .ExpectOutput(0, Tensor::Of<float>({0, 1, 1, 1}, {}));
}

TEST(RoIAlignTest, GivesZeroOnAMapWithoutPixels) {
  Align(Tensor::Of<float>({1, 2, 0, 3}, {}), Tensor::Of<float>({1, 4}, {0, 0, 1, 1}))
      .ExpectOutput(0, Tensor::Of<float>({1, 2, 1, 1}, {0, 0}));
}

TEST(RoIAlignTest, IsQuickForRegionsFarLargerThanTheMap) {
  // A million samples along each axis, nearly all of them outside.
  Align(kMap, Tensor::Of<float>({1, 4}, {-500000, -500000, 500000, 500000}))
      .ExpectOutput(0, Tensor::Of<float>({1, 1, 1, 1}, {0}), 1e-6);
  Align(kMap, Tensor::Of<float>({1, 4}, {-1e30f, -1e30f, 1e30f, 1e30f}))
      .Arg("sampling_ratio", 2)
      .ExpectOutput(0, Tensor::Of<float>({1, 1, 1, 1}, {0}));
}

TEST(RoIAlignTest, RejectsAdaptiveGridsWithoutEnd) {
  for (float side : {1e9f, 3e38f}) {
    Align(kMap, Tensor::Of<float>({1, 4}, {-side, 0, side, 1}))
        .ExpectError(kInvalid, "without a sampling_ratio its bins may be 1048576 at most");
  }
}

TEST(RoIAlignTest, RejectsRegionsThatAreNotFinite) {
  for (float bad : {kNaN, kInfinity, -kInfinity}) {
    Align(kMap, Tensor::Of<float>({2, 4}, {0, 0, 1, 1, 0, bad, 1, 1}))
        .ExpectError(kInvalid, "roi 1 is [0, ");
  }
}

TEST(RoIAlignTest, RejectsImagesThatDoNotExist) {
  for (float image : {-1.0f, 1.0f, kNaN, 1e30f}) {
    Align(kMap, Tensor::Of<float>({1, 5}, {image, 0, 0, 1, 1}))
        .ExpectError(kInvalid, "but must be of one in [0, 1)");
  }
  Align(Tensor::Of<float>({0, 1, 4, 4}, {}), Tensor::Of<float>({1, 4}, {0, 0, 1, 1}))
      .ExpectError(kInvalid, "roi 0 is of image 0, but must be of one in [0, 0)");
}

TEST(RoIAlignTest, RejectsNegativeSizesWhenAligned) {
  Align(kMap, Tensor::Of<float>({1, 4}, {2, 0, 1, 1}))
      .Arg("aligned", 1)
      .ExpectError(kInvalid, "roi 0 is -1 wide and 1 high on the feature map");
}

TEST(RoIAlignTest, RejectsWrongShapes) {
  Align(Tensor::Of<float>({1, 4}, {0, 0, 1, 1}), Tensor::Of<float>({1, 4}, {0, 0, 1, 1}))
      .ExpectError(kInvalid, "X must have four dimensions, but is [1,4]");
  Align(kMap, Tensor::Of<float>({1, 6}, {0, 0, 0, 1, 1, 1}))
      .ExpectError(kInvalid, "the rois must be [R,5], or [R,4] of one image, but are [1,6]");
  Align(kMap, Tensor::Of<float>({4}, {0, 0, 1, 1})).ExpectError(kInvalid, "the rois must be [R,5]");
}

TEST(RoIAlignTest, RejectsWrongArguments) {
  const auto roi = Tensor::Of<float>({1, 4}, {0, 0, 1, 1});
  Align(kMap, roi).Arg("pooled_h", 0).ExpectError(kInvalid, "must be at least 1");
  Align(kMap, roi).Arg("spatial_scale", 0.0f).ExpectError(kInvalid, "a finite number above 0");
  Align(kMap, roi).Arg("order", "HWCN").ExpectError(kInvalid, "must be NCHW or NHWC");
  Align(kMap, roi)
      .Arg("sampling_ratio", 1000000000)
      .ExpectError(kInvalid, "sampling_ratio is 1000000000, must be at most 1024");
}

TEST(RoIAlignTest, RejectsOutputsThatNoMachineHolds) {
  const auto roi = Tensor::Of<float>({1, 4}, {0, 0, 1, 1});
  Align(kMap, roi)
      .Arg("pooled_h", 2147483647)
      .ExpectError(kInvalid, "pooled_h and pooled_w are 2147483647 and 1, must be at most 1048576");
  Align(kMap, roi)
      .Arg("pooled_h", 1 << 20)
      .Arg("pooled_w", 1 << 20)
      .ExpectError(absl::StatusCode::kResourceExhausted, "");
}

TEST(RoIAlignTest, HasAsManyBinsAsOneLikes) {
  const auto y = Align(kMap, Tensor::Of<float>({1, 4}, {0, 0, 3, 3}))
                     .Arg("pooled_h", 1000)
                     .Arg("pooled_w", 500)
                     .Output(0);
  ASSERT_EQ(y.numel(), 500000);
  EXPECT_NEAR(y.data<float>()[499 * 500 + 249], 1.4985f * 10 + 1.497f, 1e-3);
}

TEST(RoIAlignTest, RejectsOtherTypes) {
  Align(Tensor::Of<int32_t>({1, 1, 1, 1}, {0}), Tensor::Of<float>({1, 4}, {0, 0, 1, 1}))
      .ExpectError(kInvalid, "element type int32 is not supported here");
  Align(kMap, Tensor::Of<int32_t>({1, 4}, {0, 0, 1, 1}))
      .ExpectError(kInvalid, "element type int32 is not supported here");
}

TEST(RoIAlignGradientTest, HasCaffe2sInputsAndArguments) {
  const auto meta = GetGradientForOp(
      CreateOperatorDef("RoIAlign", "", {"X", "R"}, {"Y"}, {MakeArgument<int>("pooled_h", 6)}),
      {GradientWrapper::Dense("Y_grad")});
  ASSERT_TRUE(meta.ok()) << meta.status();
  ASSERT_EQ(meta->ops.size(), 1u);
  EXPECT_EQ(OpToString(meta->ops[0]), "RoIAlignGradient(X, R, Y_grad) -> X_grad");
  ASSERT_EQ(meta->ops[0].arg_size(), 1);
  EXPECT_EQ(meta->ops[0].arg(0).name(), "pooled_h");
  EXPECT_TRUE(meta->g_input[1].IsEmpty());
}

TEST(RoIAlignGradientTest, SharesAGradientAmongFourPixels) {
  OpTester("RoIAlignGradient")
      .Input("X", Tensor::Of<float>({1, 1, 2, 2}, {9, 9, 9, 9}))
      .Input("RoIs", Tensor::Of<float>({2, 4}, {0, 0, 1, 1, 0.5f, 0, 1.5f, 1}))
      .Input("dY", Tensor::Of<float>({2, 1, 1, 1}, {4, 2}))
      .Outputs({"dX"})
      .ExpectOutput(0, Tensor::Of<float>({1, 1, 2, 2}, {1, 2, 1, 2}));
}

TEST(RoIAlignGradientTest, IsZeroWithoutRegions) {
  OpTester("RoIAlignGradient")
      .Input("X", Tensor::Of<float>({1, 1, 1, 2}, {9, 9}))
      .Input("RoIs", Tensor::Of<float>({0, 5}, {}))
      .Input("dY", Tensor::Of<float>({0, 1, 1, 1}, {}))
      .Outputs({"dX"})
      .ExpectOutput(0, Tensor::Of<float>({1, 1, 1, 2}, {0, 0}));
}

TEST(RoIAlignGradientTest, RejectsAGradientOfAnotherShape) {
  OpTester("RoIAlignGradient")
      .Input("X", Tensor::Of<float>({1, 1, 1, 2}, {9, 9}))
      .Input("RoIs", Tensor::Of<float>({1, 4}, {0, 0, 1, 1}))
      .Input("dY", Tensor::Of<float>({1, 1, 1, 2}, {1, 1}))
      .Outputs({"dX"})
      .ExpectError(kInvalid, "is not what RoIAlign makes of X");
}

}  // namespace
}  // namespace doppio
