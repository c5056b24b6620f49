// Mask R-CNN with a feature pyramid, as for training: the losses of all its heads, and their
// gradients by every weight.

#include <cmath>
#include <random>

#include "doppio/gradient.h"
#include "doppio/workspace.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/models/detector_builder.h"

namespace doppio {
namespace {

constexpr int kExamples = 12;  // rois with labels
constexpr int kMasks = 5;      // of which there are masks
constexpr int kWide = 40;      // sides of targets that were made for the largest picture

class TrainingTest : public testing::Test {
 protected:
  void SetUp() override {
    builder_.AddBody();
    builder_.AddPyramid();
    builder_.AddProposalHead();
    for (int level = kFirstLevel; level <= kLastLevel; ++level) AddProposalLosses(level);
    builder_.AddDistribution("rois", "rois");
    builder_.AddBoxHead();
    AddBoxLosses();
    builder_.AddPieces("rois", "all_mask_feat", 14);
    builder_.net().Op("SampleAs", {"all_mask_feat", "roi_has_mask_int32"}, {"mask_feat"});
    builder_.AddMaskHead("mask_feat");
    builder_.net().Op("SigmoidCrossEntropyLoss", {"mask_fcn_logits", "masks_int32"}, {"loss_mask"});
    losses_.push_back("loss_mask");
    Feed("data", DetectorPicture());
    Feed("im_info", Tensor::Of<float>({1, 3}, {kImage, kImage, 1}));
    Feed("rois", Rois());
    for (const auto& [name, tensor] : builder_.weights()) Feed(name, tensor);
    Feed("roi_has_mask_int32", Generated<int32_t>({kExamples}, [](int64_t i) {
           return i % 2 == 1 && i / 2 < kMasks ? 1 : 0;
         }));
    Feed("masks_int32", Integers({kMasks, kClasses, 28, 28}, -1, 1));
  }

  // Targets of the pyramid are wide, and narrowed to the map that is there.
  void AddProposalLosses(int level) {
    const std::string l = absl::StrCat("_fpn", level);
    Narrow("rpn_labels_int32", "rpn_cls_logits", l);
    Feed("rpn_labels_int32_wide" + l, Integers({1, kAnchors, kWide, kWide}, -1, 1));
    for (const char* name :
         {"rpn_bbox_targets", "rpn_bbox_inside_weights", "rpn_bbox_outside_weights"}) {
      Narrow(name, "rpn_bbox_pred", l);
      Feed(std::string(name) + "_wide" + l, Reals({1, 4 * kAnchors, kWide, kWide}));
    }
    builder_.net().Op(
        "SigmoidCrossEntropyLoss", {"rpn_cls_logits" + l, "rpn_labels_int32" + l},
        {"loss_rpn_cls" + l},
        {MakeArgument<int>("normalize", 0), MakeArgument<float>("scale", 1.0f / 256)});
    builder_.net().Op(
        "SmoothL1Loss",
        {"rpn_bbox_pred" + l, "rpn_bbox_targets" + l, "rpn_bbox_inside_weights" + l,
         "rpn_bbox_outside_weights" + l},
        {"loss_rpn_bbox" + l},
        {MakeArgument<float>("beta", 1.0f / 9), MakeArgument<float>("scale", 1.0f / 256)});
    losses_.push_back("loss_rpn_cls" + l);
    losses_.push_back("loss_rpn_bbox" + l);
  }

  void Narrow(const std::string& name, const std::string& like, const std::string& l) {
    builder_.net().Op("SpatialNarrowAs", {name + "_wide" + l, like + l}, {name + l});
  }

  void AddBoxLosses() {
    builder_.net().Op("SoftmaxWithLoss", {"cls_score", "labels_int32"}, {"cls_prob", "loss_cls"});
    builder_.net().Op("SmoothL1Loss",
                      {"bbox_pred", "bbox_targets", "bbox_inside_weights", "bbox_outside_weights"},
                      {"loss_bbox"});
    losses_.push_back("loss_cls");
    losses_.push_back("loss_bbox");
    Feed("labels_int32", Integers({kExamples}, 0, kClasses - 1));
    for (const char* name : {"bbox_targets", "bbox_inside_weights", "bbox_outside_weights"}) {
      Feed(name, Reals({kExamples, 4 * kClasses}));
    }
  }

  // Boxes of all sizes, so that each level has some.
  Tensor Rois() {
    return Generated<float>({kExamples, 5}, [](int64_t i) {
      const double row = static_cast<double>(i / 5);
      const double side = 8 * std::pow(1.25, row);
      switch (i % 5) {
        case 0:
          return 0.0;
        case 1:
          return 4 * row;
        case 2:
          return 60 - 5 * row;
        case 3:
          return 4 * row + side;
        default:
          return 60 - 5 * row + side;
      }
    });
  }

  template <typename T, typename F>
  static Tensor Generated(DimsView dims, F f) {
    Tensor tensor = *Tensor::Create(DataTypeOf<T>::value, dims);
    for (int64_t i = 0; i < tensor.numel(); ++i) tensor.mutable_data<T>()[i] = static_cast<T>(f(i));
    return tensor;
  }
  Tensor Integers(DimsView dims, int least, int most) {
    return Generated<int32_t>(dims, [&](int64_t) {
      return least + static_cast<int>(generator_() % static_cast<uint64_t>(most - least + 1));
    });
  }
  Tensor Reals(DimsView dims) {
    return Generated<float>(
        dims, [&](int64_t) { return static_cast<double>(generator_() >> 11) * 0x1p-53; });
  }

  void Feed(const std::string& name, const absl::StatusOr<Tensor>& tensor) {
    ASSERT_TRUE(tensor.ok()) << tensor.status();
    EXPECT_TRUE(workspace_.Feed(name, *tensor).ok());
    if (name != "data" && name != "im_info") builder_.net().ExternalInput(name);
  }

  double TotalLoss() {
    double total = 0;
    for (const std::string& loss : losses_) {
      const absl::StatusOr<Tensor> value = workspace_.Fetch(loss);
      EXPECT_TRUE(value.ok()) << value.status();
      if (value.ok()) total += *value->data<float>();
    }
    return total;
  }

  DetectorBuilder builder_{"mask_rcnn_training"};
  Workspace workspace_;
  std::vector<std::string> losses_;
  std::mt19937_64 generator_{3};
};

TEST_F(TrainingTest, GoesDownByWhatItsGradientSays) {
  const absl::StatusOr<Backward> backward =
      AddGradientOperators(builder_.net().def(), {losses_.begin(), losses_.end()});
  ASSERT_TRUE(backward.ok()) << backward.status();
  const absl::Status run = workspace_.RunNetOnce(backward->net);
  ASSERT_TRUE(run.ok()) << run;
  const double before = TotalLoss();
  EXPECT_TRUE(std::isfinite(before)) << before;

  double squared = 0;
  std::map<std::string, Tensor> gradients;
  for (const auto& [name, weight] : builder_.weights()) {
    // Scales of the body are frozen, as in Detectron.
    if (name.find("_bn_") != std::string::npos) continue;
    const auto found = backward->gradients.find(name);
    ASSERT_NE(found, backward->gradients.end()) << name;
    const absl::StatusOr<Tensor> gradient = workspace_.Fetch(found->second.dense);
    ASSERT_TRUE(gradient.ok()) << gradient.status();
    ASSERT_EQ(gradient->dims(), weight.dims()) << name;
    double part = 0;
    for (float value : gradient->span<float>()) part += double{value} * value;
    EXPECT_GT(part, 0) << name;
    squared += part;
    gradients[name] = *gradient;
  }

  // So small a step that the loss is a straight line, and so large that floats tell the difference.
  const double step = 2e-3 * before / squared;
  for (const auto& [name, gradient] : gradients) {
    const float* old = builder_.weights().at(name).data<float>();
    const float* slope = gradient.data<float>();
    ASSERT_TRUE(
        workspace_
            .Feed(name, Generated<float>(gradient.dims(),
                                         [&](int64_t i) { return old[i] - step * slope[i]; }))
            .ok());
  }
  const absl::Status again = workspace_.RunNetOnce(builder_.net().def());
  ASSERT_TRUE(again.ok()) << again;
  const double change = before - TotalLoss();
  EXPECT_NEAR(change / (step * squared), 1, 0.1) << "from " << before << " by " << change;
}

}  // namespace
}  // namespace doppio
