#include <cmath>

#include "doppio/gradient_maker.h"
#include "gtest/gtest.h"
#include "tests/ops/detection/special_values.h"
#include "tests/support/op_tester.h"

namespace doppio {
namespace {

// Three rows, the background and one class; the first two boxes overlap by a third.
const absl::StatusOr<Tensor> kScores =
    Tensor::Of<float>({3, 2}, {0.9f, 0.6f, 0.9f, 0.8f, 0.9f, 0.7f});
const absl::StatusOr<Tensor> kBoxes =
    Tensor::Of<float>({3, 4}, {0, 0, 2, 2, 1, 0, 3, 2, 10, 10, 12, 12});

OpTester Limit(const absl::StatusOr<Tensor>& scores, const absl::StatusOr<Tensor>& boxes) {
  OpTester tester("BoxWithNMSLimit");
  tester.Input("scores", scores)
      .Input("boxes", boxes)
      .Arg("legacy_plus_one", 0)
      .Outputs({"s", "b", "c", "batch", "keeps", "sizes"});
  return tester;
}

// The class's boxes are those of the background too.
OpTester LimitOneClass() {
  OpTester tester = Limit(kScores, kBoxes);
  tester.Arg("cls_agnostic_bbox_reg", 1);
  return tester;
}

TEST(BoxWithNMSLimitTest, KeepsTheBestOfOverlappingBoxes) {
  LimitOneClass()
      .ExpectOutput(0, Tensor::Of<float>({2}, {0.8f, 0.7f}))
      .ExpectOutput(1, Tensor::Of<float>({2, 4}, {1, 0, 3, 2, 10, 10, 12, 12}))
      .ExpectOutput(2, Tensor::Of<float>({2}, {1, 1}))
      .ExpectOutput(3, Tensor::Of<float>({1}, {2}))
      .ExpectOutput(4, Tensor::Of<int32_t>({2}, {1, 2}))
      .ExpectOutput(5, Tensor::Of<int32_t>({1, 2}, {0, 2}));
  LimitOneClass().Arg("nms", 0.34f).ExpectOutput(4, Tensor::Of<int32_t>({3}, {1, 2, 0}));
}

TEST(BoxWithNMSLimitTest, CountsPixelsUnlessToldOtherwise) {
  // 3 by 3 pixels, of which 2 by 3 are common: a half.
  OpTester("BoxWithNMSLimit")
      .Input("scores", kScores)
      .Input("boxes", kBoxes)
      .Arg("cls_agnostic_bbox_reg", 1)
      .Arg("nms", 0.4f)
      .Outputs({"s", "b", "c"})
      .ExpectOutput(0, Tensor::Of<float>({2}, {0.8f, 0.7f}));
}

TEST(BoxWithNMSLimitTest, WantsScoresAboveTheThreshold) {
  LimitOneClass().Arg("score_thresh", 0.7f).ExpectOutput(0, Tensor::Of<float>({1}, {0.8f}));
}

// Two rows far apart, two classes whose boxes are those of the row shifted by the class.
const absl::StatusOr<Tensor> kTwoScores = Tensor::Of<float>({2, 3}, {0, 0.5f, 0.6f, 0, 0.9f, 0.4f});
const absl::StatusOr<Tensor> kTwoBoxes =
    Tensor::Of<float>({2, 12}, {0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3,  //
                                7, 7, 8, 8, 8, 8, 9, 9, 9, 9, 9, 9});

TEST(BoxWithNMSLimitTest, ListsDetectionsByClass) {
  Limit(kTwoScores, kTwoBoxes)
      .ExpectOutput(0, Tensor::Of<float>({4}, {0.9f, 0.5f, 0.6f, 0.4f}))
      .ExpectOutput(1, Tensor::Of<float>({4, 4}, {8, 8, 9, 9, 1, 1, 2, 2, 2, 2, 3, 3, 9, 9, 9, 9}))
      .ExpectOutput(2, Tensor::Of<float>({4}, {1, 1, 2, 2}))
      .ExpectOutput(4, Tensor::Of<int32_t>({4}, {1, 0, 0, 1}))
      .ExpectOutput(5, Tensor::Of<int32_t>({1, 3}, {0, 2, 2}));
}

TEST(BoxWithNMSLimitTest, LimitsTheDetectionsOfAllClassesTogether) {
  Limit(kTwoScores, kTwoBoxes)
      .Arg("detections_per_im", 2)
      .ExpectOutput(0, Tensor::Of<float>({2}, {0.9f, 0.6f}))
      .ExpectOutput(2, Tensor::Of<float>({2}, {1, 2}))
      .ExpectOutput(5, Tensor::Of<int32_t>({1, 3}, {0, 1, 1}));
}

TEST(BoxWithNMSLimitTest, TakesTheBackgroundFromTheEndWhereBoxesLackIt) {
  // Scores of classes 1 and 2, then of the background.
  Limit(Tensor::Of<float>({1, 3}, {0.5f, 0.6f, 0.9f}),
        Tensor::Of<float>({1, 8}, {1, 1, 2, 2, 3, 3, 4, 4}))
      .Arg("input_boxes_include_bg_cls", 0)
      .Arg("output_classes_include_bg_cls", 0)
      .ExpectOutput(0, Tensor::Of<float>({2}, {0.5f, 0.6f}))
      .ExpectOutput(1, Tensor::Of<float>({2, 4}, {1, 1, 2, 2, 3, 3, 4, 4}))
      .ExpectOutput(2, Tensor::Of<float>({2}, {0, 1}));
}

TEST(BoxWithNMSLimitTest, TakesEachImageForItself) {
  for (const auto& splits :
       {Tensor::Of<int32_t>({3}, {2, 0, 1}), Tensor::Of<float>({3}, {2, 0, 1})}) {
    OpTester("BoxWithNMSLimit")
        .Input("scores", kScores)
        .Input("boxes", kBoxes)
        .Input("splits", splits)
        .Arg("cls_agnostic_bbox_reg", 1)
        .Arg("detections_per_im", 1)
        .Outputs({"s", "b", "c", "batch", "keeps", "sizes"})
        .ExpectOutput(0, Tensor::Of<float>({2}, {0.8f, 0.7f}))
        .ExpectOutput(3, Tensor::Of<float>({3}, {1, 0, 1}))
        .ExpectOutput(4, Tensor::Of<int32_t>({2}, {1, 0}))
        .ExpectOutput(5, Tensor::Of<int32_t>({3, 2}, {0, 1, 0, 0, 0, 1}));
  }
}

TEST(BoxWithNMSLimitTest, LowersScoresSoftly) {
  LimitOneClass()
      .Arg("soft_nms_enabled", 1)
      .ExpectOutput(0, Tensor::Of<float>({3}, {0.8f, 0.7f, 0.4f}), 1e-6)
      .ExpectOutput(4, Tensor::Of<int32_t>({3}, {1, 2, 0}));
  LimitOneClass()
      .Arg("soft_nms_enabled", 1)
      .Arg("soft_nms_method", "gaussian")
      .ExpectOutput(0, Tensor::Of<float>({3}, {0.8f, 0.7f, 0.6f * std::exp(-2.0f / 9)}), 1e-6);
  LimitOneClass()
      .Arg("soft_nms_enabled", 1)
      .Arg("soft_nms_method", "hard")
      .ExpectOutput(0, Tensor::Of<float>({2}, {0.8f, 0.7f}));
}

TEST(BoxWithNMSLimitTest, LimitsByTheScoresThatAreLeft) {
  LimitOneClass()
      .Arg("soft_nms_enabled", 1)
      .Arg("detections_per_im", 2)
      .ExpectOutput(0, Tensor::Of<float>({2}, {0.8f, 0.7f}));
  LimitOneClass()
      .Arg("soft_nms_enabled", 1)
      .Arg("soft_nms_min_score_thres", 0.5f)
      .ExpectOutput(0, Tensor::Of<float>({2}, {0.8f, 0.7f}));
}

TEST(BoxWithNMSLimitTest, SuppressesRotatedBoxes) {
  // The second box is the first one turned by 90 degrees with its sides exchanged.
  OpTester("BoxWithNMSLimit")
      .Input("scores", kScores)
      .Input("boxes", Tensor::Of<float>({3, 5}, {5, 5, 8, 2, 30, 5, 5, 2, 8, -60, 5, 5, 2, 8, 30}))
      .Arg("rotated", 1)
      .Arg("cls_agnostic_bbox_reg", 1)
      .Outputs({"s", "b", "c"})
      .ExpectOutput(1, Tensor::Of<float>({2, 5}, {5, 5, 2, 8, -60, 5, 5, 2, 8, 30}));
}

TEST(BoxWithNMSLimitTest, TakesTheOverlapOfRotatedBoxesFromTheirScores) {
  // A square and the same turned by half a right angle overlap by the root of a half; a square of
  // half its sides inside of it by a quarter.
  OpTester("BoxWithNMSLimit")
      .Input("scores", Tensor::Of<float>({3, 2}, {0, 0.9f, 0, 0.8f, 0, 0.6f}))
      .Input("boxes", Tensor::Of<float>({3, 5}, {5, 5, 4, 4, 10, 5, 5, 4, 4, 55, 5, 5, 2, 2, 10}))
      .Arg("rotated", 1)
      .Arg("cls_agnostic_bbox_reg", 1)
      .Arg("soft_nms_enabled", 1)
      .Arg("nms", 0.3f)
      .Outputs({"s", "b", "c"})
      .ExpectOutput(0, Tensor::Of<float>({3}, {0.9f, 0.6f, 0.8f * (1 - 0.70710678f)}), 1e-5);
}

TEST(BoxWithNMSLimitTest, RejectsBoxesWithoutTheirAngle) {
  OpTester("BoxWithNMSLimit")
      .Input("scores", kScores)
      .Input("boxes", Tensor::Of<float>({3, 4}, {5, 5, 8, 2, 5, 5, 2, 8, 5, 5, 2, 8}))
      .Arg("rotated", 1)
      .Arg("cls_agnostic_bbox_reg", 1)
      .Outputs({"s", "b", "c"})
      .ExpectError(kInvalid, "go with 1 boxes of 5 numbers in a row, but the boxes are [3,4]");
}

TEST(BoxWithNMSLimitTest, AcceptsWhatAConvolutionGives) {
  Limit(Tensor::Of<float>({1, 2, 1, 1}, {0, 0.5f}), Tensor::Of<float>({1, 4, 1, 1}, {1, 1, 2, 2}))
      .Arg("cls_agnostic_bbox_reg", 1)
      .ExpectOutput(1, Tensor::Of<float>({1, 4}, {1, 1, 2, 2}));
}

TEST(BoxWithNMSLimitTest, FindsNothingInNothing) {
  Limit(Tensor::Of<float>({0, 2}, {}), Tensor::Of<float>({0, 8}, {}))
      .ExpectOutput(0, Tensor::Of<float>({0}, {}))
      .ExpectOutput(1, Tensor::Of<float>({0, 4}, {}))
      .ExpectOutput(3, Tensor::Of<float>({1}, {0}))
      .ExpectOutput(5, Tensor::Of<int32_t>({1, 2}, {0, 0}));
}

TEST(BoxWithNMSLimitTest, PassesOverBoxesAndScoresThatAreNoNumbers) {
  Limit(Tensor::Of<float>({4, 2}, {0, 0.9f, 0, 0.8f, 0, kNaN, 0, 0.5f}),
        Tensor::Of<float>({4, 4}, {0, 0, kNaN, 2, 0, 0, kInfinity, 2, 0, 0, 2, 2, 0, 0, 2, 2}))
      .Arg("cls_agnostic_bbox_reg", 1)
      .ExpectOutput(4, Tensor::Of<int32_t>({1}, {3}));
}

TEST(BoxWithNMSLimitTest, SurvivesBoxesOfNegativeSize) {
  Limit(kScores, Tensor::Of<float>({3, 4}, {5, 5, 0, 0, 5, 5, 0, 0, 9, 0, 0, 9}))
      .Arg("cls_agnostic_bbox_reg", 1)
      .ExpectOutput(3, Tensor::Of<float>({1}, {3}));
}

TEST(BoxWithNMSLimitTest, RejectsShapesThatDoNotGoTogether) {
  Limit(kScores, Tensor::Of<float>({2, 8}, {1, 1, 2, 2, 1, 1, 2, 2, 1, 1, 2, 2, 1, 1, 2, 2}))
      .ExpectError(kInvalid, "the scores must be [N,classes] and the boxes [N,4 classes]");
  Limit(kScores, kBoxes)
      .ExpectError(kInvalid, "scores [3,2] go with 2 boxes of 4 numbers in a row, but the boxes");
  Limit(Tensor::Of<float>({3}, {1, 1, 1}), kBoxes).ExpectError(kInvalid, "the scores must be [N,");
  Limit(Tensor::Of<float>({1, 2, 2, 1}, {1, 1, 1, 1}), kBoxes)
      .ExpectError(kInvalid, "the scores must be [N,classes]");
  Limit(Tensor::Of<float>({3, 0}, {}), kBoxes).ExpectError(kInvalid, "the scores must be [N,");
}

TEST(BoxWithNMSLimitTest, RejectsSplitsThatAreNotTheRows) {
  for (const auto& splits :
       {Tensor::Of<float>({2}, {1, 1}), Tensor::Of<float>({2}, {4, -1}),
        Tensor::Of<float>({1}, {kNaN}), Tensor::Of<float>({2}, {1, kInfinity}),
        Tensor::Of<int32_t>({2}, {2147483647, 2147483647}), Tensor::Of<int32_t>({0}, {})}) {
    OpTester("BoxWithNMSLimit")
        .Input("scores", kScores)
        .Input("boxes", kBoxes)
        .Input("splits", splits)
        .Arg("cls_agnostic_bbox_reg", 1)
        .Outputs({"s", "b", "c"})
        .ExpectError(kInvalid,
                     "batch_splits must be numbers of rows, none negative, with the sum 3");
  }
}

TEST(BoxWithNMSLimitTest, RejectsUnknownMethods) {
  LimitOneClass()
      .Arg("soft_nms_method", "cubic")
      .ExpectError(kInvalid, "soft_nms_method is \"cubic\", must be linear, gaussian or hard");
}

TEST(BoxWithNMSLimitTest, RejectsAGaussianWithoutWidth) {
  LimitOneClass()
      .Arg("soft_nms_enabled", 1)
      .Arg("soft_nms_method", "gaussian")
      .Arg("soft_nms_sigma", 0.0f)
      .ExpectError(kInvalid, "soft_nms_sigma is 0, must be above 0");
}

TEST(BoxWithNMSLimitTest, RejectsOtherTypes) {
  Limit(Tensor::Of<double>({1, 1}, {1}), Tensor::Of<float>({1, 4}, {0, 0, 1, 1}))
      .ExpectError(kInvalid, "the scores must be float, but is double");
}

TEST(BoxWithNMSLimitTest, HasNoGradient) {
  EXPECT_EQ(GradientRegistry::Kind("BoxWithNMSLimit"), GradientKind::kForbidden);
}

}  // namespace
}  // namespace doppio
