#ifndef DOPPIO_TESTS_MODELS_DETECTOR_BUILDER_H_
#define DOPPIO_TESTS_MODELS_DETECTOR_BUILDER_H_

// The parts of Faster R-CNN and Mask R-CNN with a feature pyramid, as Detectron puts them together
// but narrow, with weights at random.

#include <cmath>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "doppio/model.h"
#include "doppio/net_builder.h"
#include "doppio/tensor.h"

namespace doppio {

inline constexpr int kImage = 128;  // pixels of a side; the coarsest level has two
inline constexpr int kWidth = 8;    // channels of the pyramid
inline constexpr int kClasses = 4;  // the background included
inline constexpr int kAnchors = 3;  // at each position
inline constexpr int kFirstLevel = 2;
inline constexpr int kLastLevel = 6;
inline constexpr int kLastRoiLevel = 5;
inline constexpr int kRois = 40;        // that the heads look at
inline constexpr int kDetections = 12;  // at most

// A net in the making, and its weights.
class DetectorBuilder {
 public:
  explicit DetectorBuilder(absl::string_view name) : net_(name) {
    net_.ExternalInput("data").ExternalInput("im_info");
  }

  Model Finish(const std::vector<std::string>& outputs) {
    for (const std::string& output : outputs) net_.ExternalOutput(output);
    for (const auto& weight : weights_) net_.ExternalInput(weight.first);
    Model model;
    model.predict = net_.def();
    model.weights = weights_;
    model.inputs = {"data", "im_info"};
    model.outputs = outputs;
    return model;
  }

  NetBuilder& net() { return net_; }
  const std::map<std::string, Tensor>& weights() const { return weights_; }

  // A residual net of four stages with one block each: res2_sum to res5_sum, at 1/4 to 1/32.
  void AddBody() {
    Conv("data", "conv1", 3, 4, 7, 2);
    Scale("conv1", "res_conv1_bn", 4);
    net_.Op("Relu", {"res_conv1_bn"}, {"res_conv1_bn"});
    net_.Op("MaxPool", {"res_conv1_bn"}, {"pool1"},
            {MakeArgument<int>("kernel", 3), MakeArgument<int>("stride", 2),
             MakeArgument<int>("pad", 1)});
    std::string below = "pool1";
    int channels = 4;
    for (int stage = 2; stage <= 5; ++stage) {
      const std::string name = absl::StrCat("res", stage);
      const int width = StageWidth(stage);
      const int stride = stage == 2 ? 1 : 2;
      Conv(below, name + "_branch2a", channels, width / 2, 1, stride);
      Scale(name + "_branch2a", name + "_branch2a_bn", width / 2);
      net_.Op("Relu", {name + "_branch2a_bn"}, {name + "_branch2a_bn"});
      Conv(name + "_branch2a_bn", name + "_branch2b", width / 2, width, 3, 1);
      Scale(name + "_branch2b", name + "_branch2b_bn", width);
      Conv(below, name + "_branch1", channels, width, 1, stride);
      Scale(name + "_branch1", name + "_branch1_bn", width);
      net_.Op("Sum", {name + "_branch2b_bn", name + "_branch1_bn"}, {name + "_sum"});
      net_.Op("Relu", {name + "_sum"}, {name + "_sum"});
      below = name + "_sum";
      channels = width;
    }
  }

  // fpn2 to fpn6: what each stage saw, with what the coarser ones know added to it.
  void AddPyramid() {
    for (int level = 5; level >= kFirstLevel; --level) {
      const std::string inner = absl::StrCat("fpn_inner", level);
      Conv(absl::StrCat("res", level, "_sum"), inner + "_lateral", StageWidth(level), kWidth, 1, 1);
      if (level == 5) {
        net_.Op("Copy", {inner + "_lateral"}, {inner});
      } else {
        net_.Op("UpsampleNearest", {absl::StrCat("fpn_inner", level + 1)}, {inner + "_topdown"},
                {MakeArgument<int>("scale", 2)});
        net_.Op("Sum", {inner + "_lateral", inner + "_topdown"}, {inner});
      }
      Conv(inner, absl::StrCat("fpn", level), kWidth, kWidth, 3, 1);
    }
    net_.Op("MaxPool", {"fpn5"}, {"fpn6"},
            {MakeArgument<int>("kernel", 1), MakeArgument<int>("stride", 2)});
  }

  // rpn_cls_logits_fpn2 to 6 and rpn_bbox_pred: one small net over all levels.
  void AddProposalHead() {
    for (int level = kFirstLevel; level <= kLastLevel; ++level) {
      const std::string l = absl::StrCat("_fpn", level);
      const std::string map = absl::StrCat("fpn", level);
      ConvOf("conv_rpn", map, "conv_rpn" + l, kWidth, kWidth, 3, 1);
      net_.Op("Relu", {"conv_rpn" + l}, {"conv_rpn" + l});
      ConvOf("rpn_cls_logits", "conv_rpn" + l, "rpn_cls_logits" + l, kWidth, kAnchors, 1, 1);
      ConvOf("rpn_bbox_pred", "conv_rpn" + l, "rpn_bbox_pred" + l, kWidth, 4 * kAnchors, 1, 1);
    }
  }

  // rpn_rois_fpn2 to 6 and their rpn_roi_probs.
  void AddProposals() {
    for (int level = kFirstLevel; level <= kLastLevel; ++level) {
      const std::string l = absl::StrCat("_fpn", level);
      net_.Op("Sigmoid", {"rpn_cls_logits" + l}, {"rpn_cls_probs" + l});
      weights_["anchor" + l] = Anchors(level);
      net_.Op("GenerateProposals",
              {"rpn_cls_probs" + l, "rpn_bbox_pred" + l, "im_info", "anchor" + l},
              {"rpn_rois" + l, "rpn_roi_probs" + l},
              {MakeArgument<float>("spatial_scale", ScaleOf(level)),
               MakeArgument<int>("pre_nms_topN", 100), MakeArgument<int>("post_nms_topN", 30),
               MakeArgument<float>("nms_thresh", 0.7f), MakeArgument<float>("min_size", 0)});
    }
  }

  std::vector<std::string> ProposalBlobs() const {
    std::vector<std::string> blobs;
    for (const char* prefix : {"rpn_rois_fpn", "rpn_roi_probs_fpn"}) {
      for (int level = kFirstLevel; level <= kLastLevel; ++level) {
        blobs.push_back(absl::StrCat(prefix, level));
      }
    }
    return blobs;
  }

  // <prefix>_fpn2 to 5 and <prefix>_idx_restore.
  static std::vector<std::string> LevelBlobs(const std::string& prefix) {
    std::vector<std::string> blobs;
    for (int level = kFirstLevel; level <= kLastRoiLevel; ++level) {
      blobs.push_back(absl::StrCat(prefix, "_fpn", level));
    }
    blobs.push_back(prefix + "_idx_restore_int32");
    return blobs;
  }

  static std::vector<Argument> CollectArguments() {
    return {MakeArgument<int>("rpn_max_level", kLastLevel),
            MakeArgument<int>("rpn_min_level", kFirstLevel),
            MakeArgument<int>("rpn_post_nms_topN", kRois)};
  }
  static std::vector<Argument> DistributeArguments() {
    return {MakeArgument<int>("roi_canonical_scale", 56),
            MakeArgument<int>("roi_canonical_level", 4),
            MakeArgument<int>("roi_max_level", kLastRoiLevel),
            MakeArgument<int>("roi_min_level", kFirstLevel)};
  }

  // Pieces of `size` by `size` of the level of each roi, in the order of the rois.
  void AddPieces(const std::string& rois, const std::string& output, int size) {
    const std::vector<std::string> blobs = LevelBlobs(rois);
    std::vector<std::string> pieces;
    for (int level = kFirstLevel; level <= kLastRoiLevel; ++level) {
      pieces.push_back(absl::StrCat(output, "_fpn", level));
      net_.Op("RoIAlign",
              {absl::StrCat("fpn", level), blobs[static_cast<size_t>(level - kFirstLevel)]},
              {pieces.back()},
              {MakeArgument<int>("pooled_h", size), MakeArgument<int>("pooled_w", size),
               MakeArgument<int>("sampling_ratio", 2),
               MakeArgument<float>("spatial_scale", ScaleOf(level))});
    }
    net_.Op("Concat", pieces, {output + "_shuffled", output + "_split"},
            {MakeArgument<int>("axis", 0)});
    net_.Op("BatchPermutation", {output + "_shuffled", blobs.back()}, {output});
  }

  // cls_score and bbox_pred of `rois`.
  void AddBoxHead() {
    AddPieces("rois", "roi_feat", 7);
    Fc("roi_feat", "fc6", kWidth * 7 * 7, 16);
    net_.Op("Relu", {"fc6"}, {"fc6"});
    Fc("fc6", "fc7", 16, 16);
    net_.Op("Relu", {"fc7"}, {"fc7"});
    Fc("fc7", "cls_score", 16, kClasses);
    Fc("fc7", "bbox_pred", 16, 4 * kClasses);
  }

  // score_nms, bbox_nms and class_nms.
  void AddDetections() {
    net_.Op("Softmax", {"cls_score"}, {"cls_prob"});
    net_.Op("BBoxTransform", {"rois", "bbox_pred", "im_info"}, {"pred_bbox", "roi_splits"},
            {MakeArgument<std::vector<float>>("weights", {10, 10, 5, 5}),
             MakeArgument<bool>("apply_scale", true)});
    net_.Op("BoxWithNMSLimit", {"cls_prob", "pred_bbox", "roi_splits"},
            {"score_nms", "bbox_nms", "class_nms"},
            {MakeArgument<float>("score_thresh", 0.05f), MakeArgument<float>("nms", 0.5f),
             MakeArgument<int>("detections_per_im", kDetections)});
  }

  // The level of each box of `boxes`, as LevelBlobs(output).
  void AddDistribution(const std::string& boxes, const std::string& output) {
    net_.Op("DistributeFpnProposals", {boxes}, LevelBlobs(output), DistributeArguments());
  }

  // mask_fcn_logits of pieces of 14 by 14.
  void AddMaskHead(const std::string& pieces) {
    Conv(pieces, "mask_fcn1", kWidth, kWidth, 3, 1);
    net_.Op("Relu", {"mask_fcn1"}, {"mask_fcn1"});
    Weight("conv5_mask_w", {kWidth, kWidth, 2, 2}, kWidth);
    Weight("conv5_mask_b", {kWidth}, 1);
    net_.Op("ConvTranspose", {"mask_fcn1", "conv5_mask_w", "conv5_mask_b"}, {"conv5_mask"},
            {MakeArgument<int>("kernel", 2), MakeArgument<int>("stride", 2)});
    net_.Op("Relu", {"conv5_mask"}, {"conv5_mask"});
    Conv("conv5_mask", "mask_fcn_logits", kWidth, kClasses, 1, 1);
  }

  static float ScaleOf(int level) { return std::ldexp(1.0f, -level); }

 private:
  static int StageWidth(int stage) { return 4 * stage; }

  // Uniform around 0, so that what a layer gives is about as large as what it gets.
  void Weight(const std::string& name, DimsView dims, int fan_in) {
    if (weights_.count(name) > 0) return;
    Tensor weight = *Tensor::Create(DataType::kFloat, dims);
    const double most = std::sqrt(6.0 / fan_in);
    for (float& value :
         absl::MakeSpan(weight.mutable_data<float>(), static_cast<size_t>(weight.numel()))) {
      const double unit = static_cast<double>(generator_() >> 11) * 0x1p-53;
      value = static_cast<float>((2 * unit - 1) * most);
    }
    weights_[name] = weight;
  }

  // A convolution by the weights `name`, which several blobs may share.
  void ConvOf(const std::string& name, const std::string& input, const std::string& output,
              int from, int to, int kernel, int stride) {
    Weight(name + "_w", {to, from, kernel, kernel}, from * kernel * kernel);
    Weight(name + "_b", {to}, 100);
    net_.Op("Conv", {input, name + "_w", name + "_b"}, {output},
            {MakeArgument<int>("kernel", kernel), MakeArgument<int>("stride", stride),
             MakeArgument<int>("pad", kernel / 2)});
  }
  void Conv(const std::string& input, const std::string& output, int from, int to, int kernel,
            int stride) {
    ConvOf(output, input, output, from, to, kernel, stride);
  }

  void Scale(const std::string& input, const std::string& output, int channels) {
    Weight(output + "_s", {channels}, 6);
    Weight(output + "_b", {channels}, 100);
    net_.Op("AffineChannel", {input, output + "_s", output + "_b"}, {output});
  }

  void Fc(const std::string& input, const std::string& output, int from, int to) {
    Weight(output + "_w", {to, from}, from);
    Weight(output + "_b", {to}, 100);
    net_.Op("FC", {input, output + "_w", output + "_b"}, {output});
  }

  // Boxes around the origin, of one area in three shapes.
  static Tensor Anchors(int level) {
    Tensor anchors = *Tensor::Create(DataType::kFloat, {kAnchors, 4});
    const double side = std::ldexp(4.0, level);
    for (int i = 0; i < kAnchors; ++i) {
      const double ratio = std::sqrt(std::ldexp(1.0, i - 1));
      const double half[2] = {side / ratio / 2, side * ratio / 2};
      for (int k = 0; k < 4; ++k) {
        anchors.mutable_data<float>()[4 * i + k] =
            static_cast<float>(k < 2 ? -half[k] : half[k - 2] - 1);
      }
    }
    return anchors;
  }

  NetBuilder net_;
  std::map<std::string, Tensor> weights_;
  std::mt19937_64 generator_{7};
};

// Waves, which no two places have alike.
inline Tensor DetectorPicture() {
  Tensor data = *Tensor::Create(DataType::kFloat, {1, 3, kImage, kImage});
  for (int64_t i = 0; i < data.numel(); ++i) {
    const double x = static_cast<double>(i % kImage);
    const double y = static_cast<double>(i / kImage % kImage);
    const double c = static_cast<double>(i / (kImage * kImage));
    data.mutable_data<float>()[i] =
        static_cast<float>(std::sin((x + 7 * c) / 5) + std::cos((y - x * c) / 9));
  }
  return data;
}

}  // namespace doppio

#endif  // DOPPIO_TESTS_MODELS_DETECTOR_BUILDER_H_
