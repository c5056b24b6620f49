// Faster R-CNN and Mask R-CNN with a feature pyramid, as for inference: with weights at random they
// run to their end, in a Workspace and in a Predictor.

#include <algorithm>
#include <cmath>

#include "doppio/check.h"
#include "doppio/infer.h"
#include "doppio/predictor.h"
#include "doppio/workspace.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/models/detector_builder.h"
#include "tests/support/tensor_match.h"

namespace doppio {
namespace {

using ::testing::ElementsAre;

Model FasterRcnn() {
  DetectorBuilder builder("faster_rcnn_fpn");
  builder.AddBody();
  builder.AddPyramid();
  builder.AddProposalHead();
  builder.AddProposals();
  builder.net().Op("CollectRpnProposals", builder.ProposalBlobs(), {"rois"},
                   DetectorBuilder::CollectArguments());
  builder.AddDistribution("rois", "rois");
  builder.AddBoxHead();
  builder.AddDetections();
  return builder.Finish({"score_nms", "bbox_nms", "class_nms", "rois"});
}

Model MaskRcnn() {
  DetectorBuilder builder("mask_rcnn_fpn");
  builder.AddBody();
  builder.AddPyramid();
  builder.AddProposalHead();
  builder.AddProposals();
  std::vector<std::string> rois = DetectorBuilder::LevelBlobs("rois");
  rois.insert(rois.begin(), "rois");
  std::vector<Argument> arguments = DetectorBuilder::CollectArguments();
  for (const Argument& argument : DetectorBuilder::DistributeArguments()) {
    arguments.push_back(argument);
  }
  builder.net().Op("CollectAndDistributeFpnRpnProposals", builder.ProposalBlobs(), rois, arguments);
  builder.AddBoxHead();
  builder.AddDetections();
  builder.AddDistribution("bbox_nms", "mask_rois");
  builder.AddPieces("mask_rois", "mask_feat", 14);
  builder.AddMaskHead("mask_feat");
  builder.net().Op("Sigmoid", {"mask_fcn_logits"}, {"mask_fcn_probs"});
  return builder.Finish({"score_nms", "bbox_nms", "class_nms", "rois", "mask_fcn_probs"});
}

std::map<std::string, Tensor> Inputs() {
  return {{"data", DetectorPicture()},
          {"im_info", *Tensor::Of<float>({1, 3}, {kImage, kImage, 1})}};
}

using Results = std::map<std::string, Tensor>;

class DetectorNetsTest : public testing::TestWithParam<Model (*)()> {
 protected:
  Results RunInWorkspace(const Model& model) {
    for (const auto& [name, tensor] : model.weights)
      EXPECT_TRUE(workspace_.Feed(name, tensor).ok());
    for (const auto& [name, tensor] : Inputs()) EXPECT_TRUE(workspace_.Feed(name, tensor).ok());
    const absl::Status run = workspace_.RunNetOnce(model.predict);
    EXPECT_TRUE(run.ok()) << run;
    Results results;
    for (const std::string& output : model.outputs) {
      const absl::StatusOr<Tensor> tensor = workspace_.Fetch(output);
      EXPECT_TRUE(tensor.ok()) << tensor.status();
      if (tensor.ok()) results[output] = *tensor;
    }
    return results;
  }

  static Results RunInPredictor(const Model& model, bool optimize) {
    PredictorOptions options;
    options.optimize = optimize;
    const auto predictor = Predictor::Create(model, options);
    EXPECT_TRUE(predictor.ok()) << predictor.status();
    if (!predictor.ok()) return {};
    absl::StatusOr<Results> results = (*predictor)->Run(Inputs());
    EXPECT_TRUE(results.ok()) << results.status();
    return results.ok() ? *std::move(results) : Results();
  }

  Workspace workspace_;
};

// What is known before a run about the blobs whose shapes do not depend on the picture.
TEST_P(DetectorNetsTest, IsSoundAndInferred) {
  const Model model = GetParam()();
  BlobInfos known;
  for (const auto& [name, tensor] : model.weights) {
    known[name] = {tensor.dtype(), Dims(tensor.dims().begin(), tensor.dims().end()), tensor};
  }
  for (const auto& [name, tensor] : Inputs()) {
    known[name] = {tensor.dtype(), Dims(tensor.dims().begin(), tensor.dims().end()), std::nullopt};
  }
  EXPECT_TRUE(ProblemsToStatus(CheckNet(model.predict)).ok());
  BlobInfos checked = known;
  EXPECT_TRUE(ProblemsToStatus(CheckShapes(model.predict, &checked)).ok());
  const absl::StatusOr<NetInference> inference = InferNet(model.predict, known);
  ASSERT_TRUE(inference.ok()) << inference.status();
  RunInWorkspace(model);
  int inferred = 0;
  for (const auto& [name, info] : inference->blobs) {
    const absl::StatusOr<Tensor> tensor = workspace_.Fetch(name);
    if (!tensor.ok() || !info.dims.has_value()) continue;
    ++inferred;
    EXPECT_EQ(Dims(tensor->dims().begin(), tensor->dims().end()), *info.dims) << name;
  }
  EXPECT_GT(inferred, 100);
  EXPECT_THAT(*inference->blobs.at("fpn2").dims, ElementsAre(1, kWidth, 32, 32));
  EXPECT_THAT(*inference->blobs.at("fpn6").dims, ElementsAre(1, kWidth, 2, 2));
}

TEST_P(DetectorNetsTest, FindsBoxesInThePicture) {
  const Model model = GetParam()();
  const Results results = RunInWorkspace(model);
  ASSERT_EQ(results.size(), model.outputs.size());
  EXPECT_THAT(results.at("rois").dims(), ElementsAre(kRois, 5));
  const int64_t found = results.at("score_nms").numel();
  ASSERT_GT(found, 1);
  EXPECT_LE(found, kDetections);
  EXPECT_THAT(results.at("bbox_nms").dims(), ElementsAre(found, 4));
  EXPECT_THAT(results.at("class_nms").dims(), ElementsAre(found));
  for (int64_t i = 0; i < found; ++i) {
    const float score = results.at("score_nms").data<float>()[i];
    EXPECT_TRUE(score > 0.05f && score <= 1) << score;
    const float id = results.at("class_nms").data<float>()[i];
    EXPECT_TRUE(id >= 1 && id < kClasses) << id;
    const float* box = results.at("bbox_nms").data<float>() + 4 * i;
    // A box that is narrower than a pixel ends before it begins.
    for (int k = 0; k < 2; ++k) {
      EXPECT_TRUE(box[k] >= 0 && box[k] < box[k + 2] + 1 && box[k + 2] < kImage)
          << box[k] << " to " << box[k + 2];
    }
  }
  if (results.count("mask_fcn_probs") == 0) return;
  const Tensor& masks = results.at("mask_fcn_probs");
  EXPECT_THAT(masks.dims(), ElementsAre(found, kClasses, 28, 28));
  for (const float p : masks.span<float>()) ASSERT_TRUE(p >= 0 && p <= 1) << p;
}

TEST_P(DetectorNetsTest, LooksAtRoisOfSeveralLevelsAndPutsThemBackInOrder) {
  RunInWorkspace(GetParam()());
  const std::vector<std::string> blobs = DetectorBuilder::LevelBlobs("rois");
  std::vector<float> by_level;
  int levels = 0;
  for (size_t i = 0; i + 1 < blobs.size(); ++i) {
    const absl::StatusOr<Tensor> rois = workspace_.Fetch(blobs[i]);
    ASSERT_TRUE(rois.ok()) << rois.status();
    levels += rois->numel() > 0 ? 1 : 0;
    by_level.insert(by_level.end(), rois->data<float>(), rois->data<float>() + rois->numel());
  }
  EXPECT_GE(levels, 2);
  const absl::StatusOr<Tensor> rois = workspace_.Fetch("rois");
  const absl::StatusOr<Tensor> restore = workspace_.Fetch(blobs.back());
  const absl::StatusOr<Tensor> features = workspace_.Fetch("roi_feat");
  const absl::StatusOr<Tensor> shuffled = workspace_.Fetch("roi_feat_shuffled");
  ASSERT_TRUE(rois.ok() && restore.ok() && features.ok() && shuffled.ok());
  ASSERT_THAT(features->dims(), ElementsAre(kRois, kWidth, 7, 7));
  ASSERT_EQ(by_level.size(), static_cast<size_t>(5 * kRois));
  const int64_t block = features->numel() / kRois;
  for (int64_t i = 0; i < kRois; ++i) {
    const int64_t from = restore->data<int32_t>()[i];
    EXPECT_TRUE(std::equal(rois->data<float>() + 5 * i, rois->data<float>() + 5 * (i + 1),
                           by_level.begin() + 5 * from))
        << i;
    EXPECT_TRUE(std::equal(features->data<float>() + block * i,
                           features->data<float>() + block * (i + 1),
                           shuffled->data<float>() + block * from))
        << i;
  }
}

TEST_P(DetectorNetsTest, GivesTheSameInAPredictor) {
  const Model model = GetParam()();
  const Results expected = RunInWorkspace(model);
  const Results results = RunInPredictor(model, false);
  for (const auto& [name, tensor] : expected) {
    ASSERT_EQ(results.count(name), 1u) << name;
    EXPECT_TRUE(TensorBitsEqual(results.at(name), tensor)) << name;
  }
}

// Rounding turns boxes that are as good as each other round, and which of them is kept.
TEST_P(DetectorNetsTest, FindsTheSameBoxesWhenRewritten) {
  const Model model = GetParam()();
  const Results expected = RunInWorkspace(model);
  const Results results = RunInPredictor(model, true);
  ASSERT_EQ(results.size(), expected.size());
  const int64_t found = expected.at("score_nms").numel();
  int64_t same = 0;
  for (int64_t i = 0; i < found; ++i) {
    for (int64_t j = 0; j < results.at("score_nms").numel(); ++j) {
      bool is_same =
          results.at("class_nms").data<float>()[j] == expected.at("class_nms").data<float>()[i];
      for (int64_t k = 0; k < 4 && is_same; ++k) {
        is_same = std::abs(results.at("bbox_nms").data<float>()[4 * j + k] -
                           expected.at("bbox_nms").data<float>()[4 * i + k]) < 0.01f;
      }
      if (!is_same) continue;
      ++same;
      break;
    }
  }
  EXPECT_GE(same, found * 3 / 4);
}

INSTANTIATE_TEST_SUITE_P(Fpn, DetectorNetsTest, testing::Values(FasterRcnn, MaskRcnn),
                         [](const auto& info) {
                           return info.index == 0 ? "FasterRcnn" : "MaskRcnn";
                         });

}  // namespace
}  // namespace doppio
