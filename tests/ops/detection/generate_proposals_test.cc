#include <algorithm>

#include "doppio/gradient_maker.h"
#include "gtest/gtest.h"
#include "tests/ops/detection/special_values.h"
#include "tests/support/op_tester.h"

namespace doppio {
namespace {

const absl::StatusOr<Tensor> kImage = Tensor::Of<float>({1, 3}, {100, 100, 1});
const absl::StatusOr<Tensor> kAnchor = Tensor::Of<float>({1, 4}, {0, 0, 9, 9});

// One anchor of 10 by 10 at a row of positions, 8 pixels apart unless told otherwise.
OpTester Propose(const absl::StatusOr<Tensor>& scores, const absl::StatusOr<Tensor>& deltas,
                 const absl::StatusOr<Tensor>& im_info = kImage,
                 const absl::StatusOr<Tensor>& anchors = kAnchor) {
  OpTester tester("GenerateProposals");
  tester.Input("scores", scores)
      .Input("deltas", deltas)
      .Input("im_info", im_info)
      .Input("anchors", anchors)
      .Arg("spatial_scale", 0.125f)
      .Arg("min_size", 1.0f)
      .Outputs({"rois", "probs"});
  return tester;
}

// No deltas for `count` positions.
absl::StatusOr<Tensor> NoDeltas(int64_t count, int64_t channels = 4) {
  absl::StatusOr<Tensor> deltas = Tensor::Create(DataType::kFloat, {1, channels, 1, count});
  std::fill_n(deltas->mutable_data<float>(), deltas->numel(), 0.0f);
  return deltas;
}

TEST(GenerateProposalsTest, PutsAnchorsAtPositionsAndSortsByScore) {
  // Boxes 8 pixels apart overlap by 20 of 180.
  Propose(Tensor::Of<float>({1, 1, 1, 3}, {0.2f, 0.9f, 0.5f}), NoDeltas(3))
      .ExpectOutput(0, Tensor::Of<float>({3, 5}, {0, 8, 0, 17, 9, 0, 16, 0, 25, 9, 0, 0, 0, 9, 9}))
      .ExpectOutput(1, Tensor::Of<float>({3}, {0.9f, 0.5f, 0.2f}));
}

TEST(GenerateProposalsTest, TakesDeltasByChannel) {
  // dx moves the second box by half a width, dh makes it of the least height.
  Propose(Tensor::Of<float>({1, 1, 1, 2}, {0.9f, 0.5f}),
          Tensor::Of<float>({1, 4, 1, 2}, {0, 0.5f, 0, 0, 0, 0, 0, -100}))
      .Arg("nms_thresh", 1.0f)
      .ExpectOutput(0, Tensor::Of<float>({1, 5}, {0, 0, 0, 9, 9}));
}

TEST(GenerateProposalsTest, SuppressesOverlaps) {
  Propose(Tensor::Of<float>({1, 1, 1, 3}, {0.2f, 0.9f, 0.5f}), NoDeltas(3))
      .Arg("nms_thresh", 0.1f)
      .ExpectOutput(1, Tensor::Of<float>({1}, {0.9f}));
}

TEST(GenerateProposalsTest, LimitsBeforeAndAfterSuppression) {
  const auto scores = Tensor::Of<float>({1, 1, 1, 4}, {0.2f, 0.9f, 0.5f, 0.7f});
  Propose(scores, NoDeltas(4))
      .Arg("nms_thresh", 0.1f)
      .Arg("pre_nms_topN", 2)
      .ExpectOutput(1, Tensor::Of<float>({2}, {0.9f, 0.7f}));
  Propose(scores, NoDeltas(4))
      .Arg("post_nms_topN", 3)
      .ExpectOutput(1, Tensor::Of<float>({3}, {0.9f, 0.7f, 0.5f}));
}

TEST(GenerateProposalsTest, DropsBoxesThatAreSmallInTheImageAsItWas) {
  // At scale 2 a side of 10 pixels is 5 of them.
  const auto scores = Tensor::Of<float>({1, 1, 1, 1}, {0.5f});
  const auto image = Tensor::Of<float>({1, 3}, {100, 100, 2});
  const auto with_min_size = [&](float min_size) {
    OpTester tester("GenerateProposals");
    tester.Input("scores", scores)
        .Input("deltas", NoDeltas(1))
        .Input("im_info", image)
        .Input("anchors", kAnchor)
        .Arg("min_size", min_size)
        .Outputs({"rois", "probs"});
    return tester;
  };
  with_min_size(5).ExpectOutput(1, Tensor::Of<float>({1}, {0.5f}));
  with_min_size(5.5f).ExpectOutput(0, Tensor::Of<float>({0, 5}, {}));
}

TEST(GenerateProposalsTest, NumbersTheImages) {
  OpTester("GenerateProposals")
      .Input("scores", Tensor::Of<float>({2, 1, 1, 1}, {0.5f, 0.7f}))
      .Input("deltas", Tensor::Of<float>({2, 4, 1, 1}, {0, 0, 0, 0, 1, 0, 0, 0}))
      .Input("im_info", Tensor::Of<float>({2, 3}, {5, 100, 1, 100, 15, 1}))
      .Input("anchors", kAnchor)
      .Arg("min_size", 1.0f)
      .Outputs({"rois", "probs"})
      .ExpectOutput(0, Tensor::Of<float>({2, 5}, {0, 0, 0, 9, 4, 1, 10, 0, 14, 9}))
      .ExpectOutput(1, Tensor::Of<float>({2}, {0.5f, 0.7f}));
}

TEST(GenerateProposalsTest, MakesRotatedBoxes) {
  // The second one is the first one turned by 90 degrees, 8 pixels to the right.
  Propose(Tensor::Of<float>({1, 2, 1, 1}, {0.9f, 0.5f}), NoDeltas(1, 10), kImage,
          Tensor::Of<float>({2, 5}, {20, 20, 10, 4, 30, 28, 20, 4, 10, -60}))
      .ExpectOutput(0, Tensor::Of<float>({2, 6}, {0, 20, 20, 10, 4, 30, 0, 28, 20, 4, 10, -60}));
  Propose(Tensor::Of<float>({1, 2, 1, 1}, {0.5f, 0.9f}), NoDeltas(1, 10), kImage,
          Tensor::Of<float>({2, 5}, {20, 20, 10, 4, 30, 20, 20, 4, 10, -60}))
      .ExpectOutput(0, Tensor::Of<float>({1, 6}, {0, 20, 20, 4, 10, -60}));
}

TEST(GenerateProposalsTest, MovesRotatedBoxesByTheirDeltas) {
  // The second position is 8 pixels to the right. Deltas: half a width, then a quarter of a turn.
  Tensor deltas = *NoDeltas(2, 5);
  deltas.mutable_data<float>()[0] = 0.5f;
  deltas.mutable_data<float>()[9] = 3.14159265f / 2;
  Propose(Tensor::Of<float>({1, 1, 1, 2}, {0.9f, 0.5f}), deltas, kImage,
          Tensor::Of<float>({1, 5}, {20, 20, 10, 6, 60}))
      .Arg("clip_angle_thresh", -1.0f)
      .ExpectOutput(0, Tensor::Of<float>({2, 6}, {0, 25, 20, 10, 6, 60, 0, 28, 20, 10, 6, -30}),
                    1e-5);
}

TEST(GenerateProposalsTest, HasAnOlderName) {
  OpTester("GenerateProposalsCPP")
      .Input("scores", Tensor::Of<float>({1, 1, 1, 1}, {0.5f}))
      .Input("deltas", NoDeltas(1))
      .Input("im_info", kImage)
      .Input("anchors", Tensor::Of<float>({1, 4}, {0, 0, 20, 20}))
      .Arg("nms_thres", 0.7f)  // misspelt in published nets
      .Outputs({"rois", "probs"})
      .ExpectOutput(0, Tensor::Of<float>({1, 5}, {0, 0, 0, 20, 20}));
}

TEST(GenerateProposalsTest, DropsNaNBoxesAndPutsNaNScoresLast) {
  Propose(Tensor::Of<float>({1, 1, 1, 3}, {kNaN, 0.9f, 0.5f}),
          Tensor::Of<float>({1, 4, 1, 3}, {0, 0, 0, 0, kNaN, 0, 0, 0, 0, 0, 0, 0}))
      .ExpectOutput(0, Tensor::Of<float>({2, 5}, {0, 16, 0, 25, 9, 0, 0, 0, 9, 9}))
      .ExpectOutput(1, Tensor::Of<float>({2}, {0.5f, kNaN}));
}

TEST(GenerateProposalsTest, SurvivesInfiniteDeltas) {
  Propose(Tensor::Of<float>({1, 1, 1, 1}, {0.5f}),
          Tensor::Of<float>({1, 4, 1, 1}, {-kInfinity, 0, kInfinity, 0}))
      .ExpectOutput(0, Tensor::Of<float>({1, 5}, {0, 0, 0, 0, 9}));
}

TEST(GenerateProposalsTest, ProposesNothingFromNothing) {
  OpTester("GenerateProposals")
      .Input("scores", Tensor::Of<float>({0, 1, 2, 2}, {}))
      .Input("deltas", Tensor::Of<float>({0, 4, 2, 2}, {}))
      .Input("im_info", Tensor::Of<float>({0, 3}, {}))
      .Input("anchors", kAnchor)
      .Outputs({"rois", "probs"})
      .ExpectOutput(0, Tensor::Of<float>({0, 5}, {}))
      .ExpectOutput(1, Tensor::Of<float>({0}, {}));
}

TEST(GenerateProposalsTest, RejectsShapesThatDoNotGoTogether) {
  const auto scores = Tensor::Of<float>({1, 1, 1, 1}, {0.5f});
  Propose(Tensor::Of<float>({1, 1, 1}, {0.5f}), NoDeltas(1))
      .ExpectError(kInvalid, "the scores must be [images,A,H,W], but the scores are [1,1,1]");
  Propose(scores, NoDeltas(2)).ExpectError(kInvalid, "the deltas must be [images,4A,H,W]");
  Propose(scores, NoDeltas(1, 5)).ExpectError(kInvalid, "the deltas must be [images,4A,H,W]");
  Propose(scores, NoDeltas(1), Tensor::Of<float>({3}, {1, 1, 1}))
      .ExpectError(kInvalid, "im_info must be [images,3]");
  Propose(scores, NoDeltas(1), kImage, Tensor::Of<float>({1, 3}, {0, 0, 1}))
      .ExpectError(kInvalid, "the anchors must be [A,4]");
  Propose(scores, NoDeltas(1), kImage, Tensor::Of<float>({2, 4}, {0, 0, 1, 1, 0, 0, 1, 1}))
      .ExpectError(kInvalid, "the anchors must be [A,4]");
}

TEST(GenerateProposalsTest, RejectsImagesWithoutASize) {
  Propose(Tensor::Of<float>({1, 1, 1, 1}, {0.5f}), NoDeltas(1),
          Tensor::Of<float>({1, 3}, {kNaN, 5, 1}))
      .ExpectError(kInvalid, "image 0 of im_info is [nan, 5, 1]");
}

TEST(GenerateProposalsTest, RejectsOtherTypes) {
  Propose(Tensor::Of<double>({1, 1, 1, 1}, {0.5}), NoDeltas(1))
      .ExpectError(kInvalid, "the scores must be float, but is double");
}

TEST(GenerateProposalsTest, RejectsAScaleOfZero) {
  OpTester("GenerateProposals")
      .Input("scores", Tensor::Of<float>({1, 1, 1, 1}, {0.5f}))
      .Input("deltas", NoDeltas(1))
      .Input("im_info", kImage)
      .Input("anchors", kAnchor)
      .Arg("spatial_scale", 0.0f)
      .Outputs({"rois", "probs"})
      .ExpectError(kInvalid, "spatial_scale must be a finite number above 0");
}

TEST(GenerateProposalsTest, HasNoGradient) {
  EXPECT_EQ(GradientRegistry::Kind("GenerateProposals"), GradientKind::kForbidden);
  EXPECT_EQ(GradientRegistry::Kind("GenerateProposalsCPP"), GradientKind::kForbidden);
}

}  // namespace
}  // namespace doppio
