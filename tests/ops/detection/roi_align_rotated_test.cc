#include <chrono>

#include "gtest/gtest.h"
#include "tests/ops/detection/special_values.h"
#include "tests/support/op_tester.h"

namespace doppio {
namespace {

const absl::StatusOr<Tensor> kMap = Tensor::Of<float>({1, 1, 3, 3}, {1, 2, 3,  //
                                                                     4, 5, 6,  //
                                                                     7, 8, 9});

OpTester Align(const absl::StatusOr<Tensor>& x, const absl::StatusOr<Tensor>& rois, int pooled = 2,
               int ratio = 1) {
  OpTester tester("RoIAlignRotated");
  tester.Input("X", x).Input("rois", rois).Outputs({"Y"});
  tester.Arg("pooled_h", pooled).Arg("pooled_w", pooled).Arg("sampling_ratio", ratio);
  return tester;
}

TEST(RoIAlignRotatedTest, GivesTheDocumentedExample) {
  Align(kMap, Tensor::Of<float>({1, 5}, {1, 1, 2, 2, 90}))
      .ExpectOutput(0, Tensor::Of<float>({1, 1, 2, 2}, {6, 3, 7, 4}), 1e-5);
}

TEST(RoIAlignRotatedTest, IsRoIAlignWithoutAnAngle) {
  OpTester upright("RoIAlign");
  upright.Input("X", kMap)
      .Input("rois", Tensor::Of<float>({1, 5}, {0, 0.5f, 0, 2.25f, 2.5f}))
      .Arg("pooled_h", 2)
      .Arg("pooled_w", 3)
      .Outputs({"Y"});
  OpTester("RoIAlignRotated")
      .Input("X", kMap)
      .Input("rois", Tensor::Of<float>({1, 6}, {0, 1.375f, 1.25f, 1.75f, 2.5f, 0}))
      .Arg("pooled_h", 2)
      .Arg("pooled_w", 3)
      .Outputs({"Y"})
      .ExpectOutput(0, upright.Output(0), 1e-6);
}

TEST(RoIAlignRotatedTest, TurnsCounterClockwise) {
  // To the right of the centre before, above it (at a lower row) after a quarter of a turn.
  OpTester("RoIAlignRotated")
      .Input("X", kMap)
      .Input("rois", Tensor::Of<float>({4, 5}, {1, 1, 4, 1, 0,    //
                                                1, 1, 4, 1, 90,   //
                                                1, 1, 4, 1, 180,  //
                                                1, 1, 4, 1, -90}))
      .Arg("pooled_w", 2)
      .Arg("sampling_ratio", 1)
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<float>({4, 1, 1, 2}, {4, 6, 8, 2, 6, 4, 2, 8}), 1e-5);
}

TEST(RoIAlignRotatedTest, TakesPointsOnADiagonal) {
  // Bins of width 1 along the diagonal: at half a square root of two from the centre.
  const float step = 0.35355339f;
  OpTester("RoIAlignRotated")
      .Input("X", kMap)
      .Input("rois", Tensor::Of<float>({1, 5}, {1, 1, 2, 0, 45}))
      .Arg("pooled_w", 2)
      .Arg("sampling_ratio", 1)
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<float>({1, 1, 1, 2}, {5 + 2 * step, 5 - 2 * step}), 1e-5);
}

TEST(RoIAlignRotatedTest, CountsPointsOutsideAsZero) {
  // Of four samples to the left and right two lie within a pixel of the map.
  Align(kMap, Tensor::Of<float>({1, 5}, {1, 1, 8, 1, 180}), 1, 4)
      .ExpectOutput(0, Tensor::Of<float>({1, 1, 1, 1}, {2.5}), 1e-5);
  Align(kMap, Tensor::Of<float>({1, 5}, {50, 50, 3, 3, 30}))
      .ExpectOutput(0, Tensor::Of<float>({1, 1, 2, 2}, {0, 0, 0, 0}));
}

TEST(RoIAlignRotatedTest, LeavesSmallRegionsSmallWhereItIsAligned) {
  // The only sample is at the centre, which is moved by half a pixel.
  Align(kMap, Tensor::Of<float>({1, 5}, {1.5f, 1.5f, 0.1f, 0.1f, 77}), 1, 1)
      .Arg("aligned", 1)
      .ExpectOutput(0, Tensor::Of<float>({1, 1, 1, 1}, {5}), 1e-6);
  Align(kMap, Tensor::Of<float>({1, 5}, {1.5f, 1.5f, 0, 0, 77}), 1, 0)
      .Arg("aligned", 1)
      .ExpectOutput(0, Tensor::Of<float>({1, 1, 1, 1}, {0}));
}

TEST(RoIAlignRotatedTest, ReadsChannelsThatComeLast) {
  Align(Tensor::Of<float>({1, 2, 2, 2}, {1, 10, 2, 20, 3, 30, 4, 40}),
        Tensor::Of<float>({1, 5}, {0.5f, 0.5f, 2, 2, 90}))
      .Arg("order", "NHWC")
      .ExpectOutput(0, Tensor::Of<float>({1, 2, 2, 2}, {3, 30, 1, 10, 4, 40, 2, 20}), 1e-4);
}

TEST(RoIAlignRotatedTest, GivesNothingForNoRegions) {
  Align(kMap, Tensor::Of<float>({0, 6}, {})).ExpectOutput(0, Tensor::Of<float>({0, 1, 2, 2}, {}));
}

TEST(RoIAlignRotatedTest, IsQuickForRegionsFarLargerThanTheMap) {
  const auto begin = std::chrono::steady_clock::now();
  Align(kMap, Tensor::Of<float>({1, 5}, {1, 1, 2e5f, 2e5f, 30}), 2, 0)
      .ExpectOutput(0, Tensor::Of<float>({1, 1, 2, 2}, {0, 0, 0, 0}), 1e-3);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(20));
}

TEST(RoIAlignRotatedTest, RejectsOtherRegions) {
  Align(kMap, Tensor::Of<float>({1, 4}, {1, 1, 2, 2}))
      .ExpectError(kInvalid, "the rois must be [R,6], or [R,5] of one image, but are [1,4]");
  Align(kMap, Tensor::Of<float>({1, 6}, {1, 1, 1, 2, 2, 0})).ExpectError(kInvalid, "of image 1");
  Align(kMap, Tensor::Of<float>({1, 5}, {1, kNaN, 2, 2, 0})).ExpectError(kInvalid, "not finite");
  Align(kMap, Tensor::Of<float>({1, 5}, {1, 1, 2, 2, kInfinity}))
      .ExpectError(kInvalid, "roi 0 has the angle inf, which is not finite");
  Align(kMap, Tensor::Of<float>({1, 5}, {1, 1, -2, 2, 0}))
      .Arg("aligned", 1)
      .ExpectError(kInvalid, "roi 0 is -2 wide and 2 high");
  Align(kMap, Tensor::Of<float>({1, 5}, {1, 1, 1e30f, 2, 0}), 1, 0)
      .ExpectError(kInvalid, "without a sampling_ratio its bins may be");
}

TEST(RoIAlignRotatedGradientTest, GoesToThePixelsThatWereSampled) {
  OpTester("RoIAlignRotatedGradient")
      .Input("X", kMap)
      .Input("rois", Tensor::Of<float>({1, 5}, {1, 1, 4, 1, 90}))
      .Input("dY", Tensor::Of<float>({1, 1, 1, 2}, {3, 4}))
      .Arg("pooled_w", 2)
      .Arg("sampling_ratio", 1)
      .Outputs({"dX"})
      .ExpectOutput(0, Tensor::Of<float>({1, 1, 3, 3}, {0, 4, 0, 0, 0, 0, 0, 3, 0}), 1e-5);
}

TEST(RoIAlignRotatedGradientTest, RejectsAGradientOfAnotherShape) {
  OpTester("RoIAlignRotatedGradient")
      .Input("X", kMap)
      .Input("rois", Tensor::Of<float>({1, 5}, {1, 1, 2, 2, 90}))
      .Input("dY", Tensor::Of<float>({1, 1, 2, 1}, {1, 1}))
      .Outputs({"dX"})
      .ExpectError(kInvalid, "is not what RoIAlignRotated makes of X");
}

}  // namespace
}  // namespace doppio
