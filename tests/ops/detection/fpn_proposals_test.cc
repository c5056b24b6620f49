// CollectRpnProposals, DistributeFpnProposals, and both in one.

#include "doppio/gradient_maker.h"
#include "gtest/gtest.h"
#include "tests/ops/detection/special_values.h"
#include "tests/support/op_tester.h"

namespace doppio {
namespace {

// Squares of 7 and 32 pixels, and of 15 on the second level.
const absl::StatusOr<Tensor> kFirst = Tensor::Of<float>({2, 5}, {0, 1, 1, 7, 7, 0, 0, 0, 31, 31});
const absl::StatusOr<Tensor> kSecond = Tensor::Of<float>({1, 5}, {1, 0, 0, 14, 14});

OpTester Collect(const char* type, const absl::StatusOr<Tensor>& first_scores,
                 const absl::StatusOr<Tensor>& second_scores) {
  OpTester tester(type);
  tester.Input("rois2", kFirst)
      .Input("rois3", kSecond)
      .Input("scores2", first_scores)
      .Input("scores3", second_scores)
      .Arg("rpn_min_level", 2)
      .Arg("rpn_max_level", 3);
  return tester;
}

TEST(CollectRpnProposalsTest, SortsByScore) {
  Collect("CollectRpnProposals", Tensor::Of<float>({2}, {0.2f, 0.9f}),
          Tensor::Of<float>({1}, {0.5f}))
      .Outputs({"rois"})
      .ExpectOutput(0,
                    Tensor::Of<float>({3, 5}, {0, 0, 0, 31, 31, 1, 0, 0, 14, 14, 0, 1, 1, 7, 7}));
}

TEST(CollectRpnProposalsTest, KeepsTheBest) {
  Collect("CollectRpnProposals", Tensor::Of<float>({2}, {0.2f, 0.9f}),
          Tensor::Of<float>({1, 1}, {0.5f}))
      .Arg("rpn_post_nms_topN", 1)
      .Outputs({"rois"})
      .ExpectOutput(0, Tensor::Of<float>({1, 5}, {0, 0, 0, 31, 31}));
}

TEST(CollectRpnProposalsTest, PutsNaNLastAndLeavesEqualScoresInOrder) {
  Collect("CollectRpnProposals", Tensor::Of<float>({2}, {kNaN, 0.5f}),
          Tensor::Of<float>({1}, {0.5f}))
      .Outputs({"rois"})
      .ExpectOutput(0,
                    Tensor::Of<float>({3, 5}, {0, 0, 0, 31, 31, 1, 0, 0, 14, 14, 0, 1, 1, 7, 7}));
}

TEST(CollectRpnProposalsTest, RejectsAnotherNumberOfInputs) {
  OpTester("CollectRpnProposals")
      .Input("rois2", kSecond)
      .Input("scores2", Tensor::Of<float>({1}, {1}))
      .Outputs({"rois"})
      .ExpectError(kInvalid,
                   "there are 2 inputs, must be the rois and then the scores of 5 levels");
}

TEST(CollectRpnProposalsTest, RejectsScoresThatAreNotThoseOfTheRois) {
  Collect("CollectRpnProposals", Tensor::Of<float>({1}, {0.2f}), Tensor::Of<float>({1}, {0.5f}))
      .Outputs({"rois"})
      .ExpectError(kInvalid, "input 0 must be rois [n,5], and input 2 their n scores");
}

TEST(CollectRpnProposalsTest, RejectsLevelsInTheWrongOrder) {
  OpTester("CollectRpnProposals")
      .Input("rois2", kSecond)
      .Input("scores2", Tensor::Of<float>({1}, {1}))
      .Arg("rpn_min_level", 2147483647)
      .Arg("rpn_max_level", -2147483647)
      .Outputs({"rois"})
      .ExpectError(kInvalid, "rpn_max_level is -2147483647, must be at least rpn_min_level");
}

TEST(CollectRpnProposalsTest, RejectsOtherTypes) {
  Collect("CollectRpnProposals", Tensor::Of<double>({2}, {0.2, 0.3}),
          Tensor::Of<float>({1}, {0.5f}))
      .Outputs({"rois"})
      .ExpectError(kInvalid, "scores must be float, but is double");
}

// Levels 2 to 4, of which the middle one is for squares of 8 to 16 pixels.
OpTester Distribute(const absl::StatusOr<Tensor>& rois) {
  OpTester tester("DistributeFpnProposals");
  tester.Input("rois", rois)
      .Arg("roi_min_level", 2)
      .Arg("roi_max_level", 4)
      .Arg("roi_canonical_scale", 8)
      .Arg("roi_canonical_level", 3)
      .Outputs({"rois2", "rois3", "rois4", "restore"});
  return tester;
}

TEST(DistributeFpnProposalsTest, GivesRegionsToTheLevelOfTheirSize) {
  Distribute(Tensor::Of<float>({4, 5}, {0, 0, 0, 999, 999, 1, 0, 0, 0, 0,  //
                                        2, 0, 0, 8,   8,   3, 0, 0, 2, 2}))
      .ExpectOutput(0, Tensor::Of<float>({2, 5}, {1, 0, 0, 0, 0, 3, 0, 0, 2, 2}))
      .ExpectOutput(1, Tensor::Of<float>({1, 5}, {2, 0, 0, 8, 8}))
      .ExpectOutput(2, Tensor::Of<float>({1, 5}, {0, 0, 0, 999, 999}))
      .ExpectOutput(3, Tensor::Of<int32_t>({4}, {3, 0, 2, 1}));
}

TEST(DistributeFpnProposalsTest, TakesRegionsWithoutAnImageAsThoseOfTheFirst) {
  Distribute(Tensor::Of<float>({1, 4}, {0, 0, 8, 8}))
      .ExpectOutput(1, Tensor::Of<float>({1, 5}, {0, 0, 0, 8, 8}))
      .ExpectOutput(2, Tensor::Of<float>({0, 5}, {}));
}

TEST(DistributeFpnProposalsTest, GivesInfiniteRegionsToTheLastLevel) {
  Distribute(Tensor::Of<float>({1, 4}, {0, 0, kInfinity, 8}))
      .ExpectOutput(2, Tensor::Of<float>({1, 5}, {0, 0, 0, kInfinity, 8}));
}

TEST(DistributeFpnProposalsTest, RejectsRegionsWithoutAnArea) {
  Distribute(Tensor::Of<float>({1, 4}, {0, 0, kNaN, 8}))
      .ExpectError(kInvalid, "roi 0 is [0, 0, nan, 8], which has no area of at least 0");
  Distribute(Tensor::Of<float>({1, 4}, {5, 0, 0, 8})).ExpectError(kInvalid, "has no area");
}

TEST(DistributeFpnProposalsTest, RejectsAnotherNumberOfOutputs) {
  OpTester("DistributeFpnProposals")
      .Input("rois", kSecond)
      .Outputs({"rois2", "restore"})
      .ExpectError(kInvalid, "there are 2 outputs, must be one for each of 4 levels and one");
}

TEST(DistributeFpnProposalsTest, RejectsWrongShapesTypesAndScales) {
  Distribute(Tensor::Of<float>({1, 3}, {0, 0, 1})).ExpectError(kInvalid, "the rois must be [n,5]");
  Distribute(Tensor::Of<double>({1, 4}, {0, 0, 1, 1})).ExpectError(kInvalid, "must be float");
  OpTester("DistributeFpnProposals")
      .Input("rois", kSecond)
      .Arg("roi_canonical_scale", 0)
      .Outputs({"rois2", "rois3", "rois4", "rois5", "restore"})
      .ExpectError(kInvalid, "roi_canonical_scale is 0, must be above 0");
}

TEST(CollectAndDistributeFpnRpnProposalsTest, DoesBoth) {
  Collect("CollectAndDistributeFpnRpnProposals", Tensor::Of<float>({2}, {0.2f, 0.9f}),
          Tensor::Of<float>({1}, {0.5f}))
      .Arg("roi_min_level", 2)
      .Arg("roi_max_level", 3)
      .Arg("roi_canonical_scale", 16)
      .Arg("roi_canonical_level", 3)
      .Outputs({"rois", "level2", "level3", "restore"})
      .ExpectOutput(0, Tensor::Of<float>({3, 5}, {0, 0, 0, 31, 31, 1, 0, 0, 14, 14, 0, 1, 1, 7, 7}))
      .ExpectOutput(1, Tensor::Of<float>({2, 5}, {1, 0, 0, 14, 14, 0, 1, 1, 7, 7}))
      .ExpectOutput(2, Tensor::Of<float>({1, 5}, {0, 0, 0, 31, 31}))
      .ExpectOutput(3, Tensor::Of<int32_t>({3}, {2, 0, 1}));
}

TEST(CollectAndDistributeFpnRpnProposalsTest, RejectsAnotherNumberOfOutputs) {
  Collect("CollectAndDistributeFpnRpnProposals", Tensor::Of<float>({2}, {0.2f, 0.9f}),
          Tensor::Of<float>({1}, {0.5f}))
      .Arg("roi_min_level", -2147483647)
      .Arg("roi_max_level", 2147483647)
      .Outputs({"rois", "level2", "restore"})
      .ExpectError(kInvalid, "there are 3 outputs, must be one for each of 4294967295 levels");
}

TEST(FpnProposalsTest, HaveNoGradients) {
  for (const char* type :
       {"CollectRpnProposals", "DistributeFpnProposals", "CollectAndDistributeFpnRpnProposals"}) {
    EXPECT_EQ(GradientRegistry::Kind(type), GradientKind::kForbidden) << type;
  }
}

}  // namespace
}  // namespace doppio
