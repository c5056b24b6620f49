#include <cmath>

#include "doppio/gradient_maker.h"
#include "gtest/gtest.h"
#include "tests/ops/detection/special_values.h"
#include "tests/support/op_tester.h"

namespace doppio {
namespace {

OpTester Transform(const absl::StatusOr<Tensor>& rois, const absl::StatusOr<Tensor>& deltas,
                   const absl::StatusOr<Tensor>& im_info) {
  OpTester tester("BBoxTransform");
  tester.Input("rois", rois).Input("deltas", deltas).Input("im_info", im_info).Outputs({"boxes"});
  return tester;
}

const absl::StatusOr<Tensor> kImage = Tensor::Of<float>({1, 3}, {100, 200, 1});

TEST(BBoxTransformTest, MovesABoxForEachClass) {
  // A box of 10 by 20: as it is, and half a width to the right.
  Transform(Tensor::Of<float>({1, 4}, {10, 20, 19, 39}),
            Tensor::Of<float>({1, 8}, {0, 0, 0, 0, 0.5, 0, 0, 0}), kImage)
      .ExpectOutput(0, Tensor::Of<float>({1, 8}, {10, 20, 19, 39, 15, 20, 24, 39}));
}

TEST(BBoxTransformTest, DividesDeltasByWeights) {
  Transform(Tensor::Of<float>({1, 4}, {10, 20, 19, 39}), Tensor::Of<float>({1, 4}, {5, 10, 0, 0}),
            kImage)
      .Arg("weights", std::vector<float>{10, 10, 5, 5})
      .ExpectOutput(0, Tensor::Of<float>({1, 4}, {15, 40, 24, 59}));
}

TEST(BBoxTransformTest, MovesBoxesIntoTheImage) {
  Transform(Tensor::Of<float>({1, 4}, {10, 20, 19, 39}),
            Tensor::Of<float>({1, 8}, {-3, 0, 0, 0, 30, 30, 0, 0}), kImage)
      .ExpectOutput(0, Tensor::Of<float>({1, 8}, {0, 20, 0, 39, 199, 99, 199, 99}));
}

TEST(BBoxTransformTest, WorksInTheImageBeforeItWasScaled) {
  // [20,40,39,79] at scale 2 is [10,20,19.5,39.5] before; the image is 50 by 100 then.
  const auto rois = Tensor::Of<float>({1, 4}, {20, 40, 39, 79});
  const auto deltas = Tensor::Of<float>({1, 4}, {0, 0, 0, 0});
  const auto image = Tensor::Of<float>({1, 3}, {100, 200, 2});
  Transform(rois, deltas, image)
      .Arg("apply_scale", 0)
      .ExpectOutput(0, Tensor::Of<float>({1, 4}, {10, 20, 19.5, 39.5}));
  Transform(rois, deltas, image).ExpectOutput(0, rois);
}

TEST(BBoxTransformTest, CountsTheRoisOfEachImage) {
  OpTester("BBoxTransform")
      .Input("rois", Tensor::Of<float>({3, 5}, {0, 1, 1, 2, 2, 2, 1, 1, 9, 9, 2, 1, 1, 2, 2}))
      .Input("deltas", Tensor::Of<float>({3, 4}, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}))
      .Input("im_info", Tensor::Of<float>({3, 3}, {50, 50, 1, 50, 50, 1, 5, 5, 1}))
      .Outputs({"boxes", "splits"})
      .ExpectOutput(0, Tensor::Of<float>({3, 4}, {1, 1, 2, 2, 1, 1, 4, 4, 1, 1, 2, 2}))
      .ExpectOutput(1, Tensor::Of<float>({3}, {1, 0, 2}));
}

TEST(BBoxTransformTest, TurnsRotatedBoxesWithoutClippingThem) {
  Transform(Tensor::Of<float>({1, 5}, {5, 5, 100, 10, 80}),
            Tensor::Of<float>({1, 5}, {0.5, 0, 0, 0, 3.14159265f / 6}), kImage)
      .Arg("rotated", 1)
      .ExpectOutput(0, Tensor::Of<float>({1, 5}, {55, 5, 100, 10, -70}), 1e-5);
}

TEST(BBoxTransformTest, BringsAnglesIntoOtherBounds) {
  const auto roi = Tensor::Of<float>({1, 5}, {50, 50, 10, 4, 160});
  const auto turn = Tensor::Of<float>({1, 5}, {0, 0, 0, 0, 3.14159265f / 4});
  const auto rotated = [&](int low, int high) {
    OpTester tester = Transform(roi, turn, kImage);
    tester.Arg("rotated", 1).Arg("angle_bound_lo", low).Arg("angle_bound_hi", high);
    return tester;
  };
  rotated(0, 180).ExpectOutput(0, Tensor::Of<float>({1, 5}, {50, 50, 10, 4, 25}), 1e-5);
  rotated(-180, 180).ExpectOutput(0, Tensor::Of<float>({1, 5}, {50, 50, 10, 4, -155}), 1e-5);
  // By one period at most.
  rotated(-180, 0).ExpectOutput(0, Tensor::Of<float>({1, 5}, {50, 50, 10, 4, 25}), 1e-5);
  rotated(0, 180)
      .Arg("angle_bound_on", 0)
      .ExpectOutput(0, Tensor::Of<float>({1, 5}, {50, 50, 10, 4, 205}), 1e-5);
  rotated(0, 90).ExpectError(kInvalid, "must be a positive multiple of 180");
  rotated(90, -90).ExpectError(kInvalid, "angle_bound_lo is 90 and angle_bound_hi -90");
}

TEST(BBoxTransformTest, ClipsRotatedBoxesUpToTheAngleThatIsGiven) {
  // From -5 to 14 in x: 0 to 14 is left, 15 pixels.
  const auto roi = Tensor::Of<float>({1, 5}, {4.5, 50, 20, 5, 30});
  const auto none = Tensor::Of<float>({1, 5}, {0, 0, 0, 0, 0});
  Transform(roi, none, kImage)
      .Arg("rotated", 1)
      .Arg("clip_angle_thresh", 30.0f)
      .ExpectOutput(0, Tensor::Of<float>({1, 5}, {7, 50, 15, 5, 30}), 1e-5);
  Transform(roi, none, kImage)
      .Arg("rotated", 1)
      .Arg("clip_angle_thresh", 29.0f)
      .ExpectOutput(0, roi);
  Transform(Tensor::Of<float>({1, 5}, {4.5, 50, 20, 5, 0}), none, kImage)
      .Arg("rotated", 1)
      .Arg("clip_angle_thresh", -1.0f)
      .ExpectOutput(0, Tensor::Of<float>({1, 5}, {4.5, 50, 20, 5, 0}));
}

TEST(BBoxTransformTest, DoesNotScaleAngles) {
  Transform(Tensor::Of<float>({1, 5}, {20, 20, 4, 4, 30}),
            Tensor::Of<float>({1, 5}, {0, 0, 0, 0, 0}), Tensor::Of<float>({1, 3}, {100, 200, 2}))
      .Arg("rotated", 1)
      .ExpectOutput(0, Tensor::Of<float>({1, 5}, {20, 20, 4, 4, 30}));
}

TEST(BBoxTransformTest, HonoursTheOldCoordinates) {
  const auto rois = Tensor::Of<float>({1, 4}, {10, 20, 19, 39});
  const auto deltas = Tensor::Of<float>({1, 4}, {0, 0, 0, 0});
  Transform(rois, deltas, kImage)
      .Arg("correct_transform_coords", 0)
      .ExpectOutput(0, Tensor::Of<float>({1, 4}, {10, 20, 20, 40}));
  Transform(rois, deltas, kImage).Arg("legacy_plus_one", 0).ExpectOutput(0, rois);
}

TEST(BBoxTransformTest, GivesNothingForNoRois) {
  Transform(Tensor::Of<float>({0, 4}, {}), Tensor::Of<float>({0, 8}, {}), kImage)
      .ExpectOutput(0, Tensor::Of<float>({0, 8}, {}));
}

TEST(BBoxTransformTest, SurvivesInfiniteBoxesAndDeltas) {
  Transform(Tensor::Of<float>({2, 4}, {-kInfinity, 0, 5, kInfinity, 0, 0, 5, 5}),
            Tensor::Of<float>({2, 4}, {0, 0, 0, 0, kInfinity, -kInfinity, 0, 0}), kImage)
      .ExpectOutput(0, Tensor::Of<float>({2, 4}, {kNaN, kNaN, kNaN, kNaN, 199, 0, 199, 0}));
}

TEST(BBoxTransformTest, AcceptsArgumentsThatItDoesNotKnow) {
  const auto rois = Tensor::Of<float>({1, 4}, {1, 1, 2, 2});
  Transform(rois, Tensor::Of<float>({1, 4}, {0, 0, 0, 0}), kImage)
      .Arg("use_cudnn", 1)
      .ExpectOutput(0, rois);
}

TEST(BBoxTransformTest, RejectsImagesThatDoNotExist) {
  for (float image : {-1.0f, 1.0f, 1e30f, kNaN, kInfinity}) {
    Transform(Tensor::Of<float>({1, 5}, {image, 0, 0, 1, 1}),
              Tensor::Of<float>({1, 4}, {0, 0, 0, 0}), kImage)
        .ExpectError(kInvalid, "but must be of one in [0, 1)");
  }
}

TEST(BBoxTransformTest, RejectsShapesThatDoNotGoTogether) {
  const auto rois = Tensor::Of<float>({1, 4}, {1, 1, 2, 2});
  const auto deltas = Tensor::Of<float>({1, 4}, {0, 0, 0, 0});
  Transform(Tensor::Of<float>({1, 3}, {1, 1, 2}), deltas, kImage)
      .ExpectError(kInvalid, "the rois must be [M,4]");
  Transform(rois, Tensor::Of<float>({1, 5}, {0, 0, 0, 0, 0}), kImage)
      .ExpectError(kInvalid, "the deltas for 1 rois");
  Transform(rois, Tensor::Of<float>({2, 4}, {0, 0, 0, 0, 0, 0, 0, 0}), kImage)
      .ExpectError(kInvalid, "the deltas for 1 rois must be [1,4 K]");
  Transform(rois, deltas, Tensor::Of<float>({1, 2}, {1, 1}))
      .ExpectError(kInvalid, "im_info must be [images,3]");
  Transform(rois, deltas, Tensor::Of<float>({2, 3}, {1, 1, 1, 1, 1, 1}))
      .ExpectError(kInvalid, "rois that do not say their image");
}

TEST(BBoxTransformTest, RejectsImagesWithoutAScale) {
  for (float scale : {0.0f, -1.0f, kNaN, kInfinity}) {
    Transform(Tensor::Of<float>({1, 4}, {1, 1, 2, 2}), Tensor::Of<float>({1, 4}, {0, 0, 0, 0}),
              Tensor::Of<float>({1, 3}, {5, 5, scale}))
        .ExpectError(kInvalid, "must be a finite height, width and scale");
  }
}

TEST(BBoxTransformTest, RejectsOtherTypes) {
  Transform(Tensor::Of<double>({1, 4}, {1, 1, 2, 2}), Tensor::Of<float>({1, 4}, {0, 0, 0, 0}),
            kImage)
      .ExpectError(kInvalid, "the rois must be float, but is double");
}

TEST(BBoxTransformTest, RejectsWrongArguments) {
  const auto rois = Tensor::Of<float>({1, 4}, {1, 1, 2, 2});
  const auto deltas = Tensor::Of<float>({1, 4}, {0, 0, 0, 0});
  Transform(rois, deltas, kImage)
      .Arg("weights", std::vector<float>{1, 2, 3})
      .ExpectError(kInvalid, "there are 3 weights, but must be 4");
  Transform(rois, deltas, kImage)
      .Arg("angle_bound_hi", -90)
      .ExpectError(kInvalid, "must be a positive multiple of 180");
}

TEST(BBoxTransformTest, HasNoGradient) {
  EXPECT_EQ(GradientRegistry::Kind("BBoxTransform"), GradientKind::kForbidden);
}

}  // namespace
}  // namespace doppio
