// Boxes and regions of interest of one image. With several images each would have to be searched by
// itself, which takes a loop. An upright box is [x1,y1,x2,y2].

#include <algorithm>
#include <cmath>
#include <limits>

#include "absl/strings/str_cat.h"
#include "src/onnx/export/steps.h"

namespace doppio {
namespace onnx {
namespace {

constexpr DataType kFloat = DataType::kFloat;
constexpr double kInfinity = std::numeric_limits<double>::infinity();

// How deltas move boxes.
struct Decoding {
  std::vector<float> weights = {1, 1, 1, 1};
  bool plus_one;     // x2 and y2 are the last pixels
  bool ends_inside;  // of the new boxes too
};

Decoding ReadDecoding(OpExport& op) {
  op.Arguments({"angle_bound_on", "angle_bound_lo", "angle_bound_hi", "clip_angle_thresh"});
  return {{1, 1, 1, 1}, op.Flag("legacy_plus_one"), op.Flag("correct_transform_coords")};
}

std::string FloatNumber(OpExport& op, double value) { return op.Number(value, kFloat); }

std::string FloatVector(OpExport& op, const std::vector<float>& values) {
  const absl::StatusOr<Tensor> tensor =
      Tensor::FromSpan<float>({static_cast<int64_t>(values.size())}, values);
  op.Fail(tensor.status());
  return tensor.ok() ? op.Constant("numbers", *tensor) : "";
}

// Numbers [begin, end) of the last dimension, which is dimension `axis`.
std::string Part(OpExport& op, const std::string& x, int64_t begin, int64_t end, int64_t axis) {
  return Slice(op, x, {begin}, {end}, {axis});
}

// Widths and heights of boxes by their corners.
std::string SidesOf(OpExport& op, const std::string& first, const std::string& last,
                    bool plus_one) {
  const std::string size = op.Node("Sub", {last, first});
  return plus_one ? op.Node("Add", {size, FloatNumber(op, 1)}) : size;
}

// Boxes, each moved by its delta; numbers stand in dimension `axis`, the last one.
std::string Decode(OpExport& op, const std::string& boxes, const std::string& deltas, int64_t axis,
                   const Decoding& decoding) {
  const std::vector<float>& w = decoding.weights;
  const std::string first = Part(op, boxes, 0, 2, axis);
  const std::string size = SidesOf(op, first, Part(op, boxes, 2, 4, axis), decoding.plus_one);
  const std::string half = FloatNumber(op, 0.5);
  const std::string centre = op.Node("Add", {first, op.Node("Mul", {size, half})});
  const std::string moved =
      op.Node("Div", {Part(op, deltas, 0, 2, axis), FloatVector(op, {w[0], w[1]})});
  const std::string grown =
      op.Node("Div", {Part(op, deltas, 2, 4, axis), FloatVector(op, {w[2], w[3]})});
  const double most = static_cast<float>(std::log(1000.0 / 16.0));
  const std::string growth = op.Node("Exp", {Clip(op, grown, -kInfinity, most, kFloat)});
  const std::string new_centre = op.Node("Add", {op.Node("Mul", {moved, size}), centre});
  const std::string new_half = op.Node("Mul", {op.Node("Mul", {growth, size}), half});
  const std::string begin = op.Node("Sub", {new_centre, new_half});
  std::string end = op.Node("Add", {new_centre, new_half});
  if (decoding.plus_one && decoding.ends_inside) end = op.Node("Sub", {end, FloatNumber(op, 1)});
  return Concat(op, {begin, end}, axis);
}

// Boxes moved into an image of these sides, [1] each.
std::string ClipToImage(OpExport& op, const std::string& boxes, const std::string& height,
                        const std::string& width, bool plus_one) {
  std::string limits = Concat(op, {width, height, width, height}, 0);
  if (plus_one) limits = op.Node("Sub", {limits, FloatNumber(op, 1)});
  return Clip(op, op.Node("Min", {boxes, limits}), 0, kInfinity, kFloat);
}

// Number i of im_info [1,3]: [1].
std::string ImageInfo(OpExport& op, int input, int64_t i) {
  return Slice(op, Reshape(op, op.Input(input), {-1}), {i}, {i + 1}, {0});
}

// Boxes [groups, N, 4] and scores [groups, 1, N] -> [n,3]: group, 0 and place of what is kept,
// group by group, the best of each first. Areas count the last pixel where plus_one says so.
std::string Suppress(OpExport& op, const std::string& boxes, const std::string& scores,
                     int64_t most, double overlap, std::optional<double> least_score,
                     bool plus_one) {
  std::string areas = boxes;
  if (plus_one) areas = op.Node("Add", {boxes, FloatVector(op, {0, 0, 1, 1})});
  const int64_t all = std::numeric_limits<int32_t>::max();
  std::vector<std::string> inputs = {areas, scores, op.Int64s({most > 0 ? most : all}),
                                     Reshape(op, FloatNumber(op, overlap), {1})};
  if (least_score) inputs.push_back(Reshape(op, FloatNumber(op, *least_score), {1}));
  return op.Node("NonMaxSuppression", inputs);
}

std::string Column(OpExport& op, const std::string& matrix, int64_t i) {
  return op.Node("Gather", {matrix, op.Number(static_cast<double>(i), DataType::kInt64)},
                 {MakeAttribute("axis", 1)});
}

std::string Gather(OpExport& op, const std::string& x, const std::string& indices,
                   const std::string& output = "") {
  return op.Node("Gather", {x, indices}, {MakeAttribute("axis", 0)}, output);
}

// Regions [R,5] that begin with the number of their image, or [R,4].
absl::StatusOr<bool> SayTheirImage(const OpExport& op, int input) {
  const ValueInfo& info = op.Info(input);
  if (info.dims.has_value() && info.dims->size() == 2 && (*info.dims)[1] > 0) {
    return (*info.dims)[1] == 5;
  }
  return op.FixedDims(input).status();
}

absl::Status ExportRoIAlign(OpExport& op) {
  const bool is_aligned = op.Flag("aligned");
  if (is_aligned && op.opset() < 16) return op.Unsupported("ONNX aligns from opset 16 on");
  DOPPIO_ASSIGN_OR_RETURN(const bool has_image, SayTheirImage(op, 1));
  DOPPIO_ASSIGN_OR_RETURN(const DataType dtype, op.Type(0));
  DOPPIO_ASSIGN_OR_RETURN(const DataType region_type, op.Type(1));
  const int64_t height = op.Int("pooled_h"), width = op.Int("pooled_w");
  std::vector<AttributeProto> attributes = {
      MakeAttribute("output_height", height), MakeAttribute("output_width", width),
      MakeAttribute("sampling_ratio", std::max<int64_t>(op.Int("sampling_ratio"), 0)),
      MakeAttribute("spatial_scale", op.Float("spatial_scale"))};
  if (op.opset() >= 16) {
    attributes.push_back(MakeAttribute("coordinate_transformation_mode",
                                       is_aligned ? "half_pixel" : "output_half_pixel"));
  }
  std::string regions = op.Input(1), images;
  if (has_image) {
    images = Cast(op, Reshape(op, Part(op, regions, 0, 1, 1), {-1}), DataType::kInt64);
    regions = Part(op, regions, 1, 5, 1);
  } else {
    DOPPIO_ASSIGN_OR_RETURN(const Tensor zero, Tensor::Of<int64_t>({1}, {0}));
    images = op.Node("ConstantOfShape", {Sizes(op, regions, 0, 1)}, {MakeAttribute("value", zero)});
  }
  if (region_type != dtype) regions = Cast(op, regions, dtype);
  DOPPIO_RETURN_IF_ERROR(
      WithChannelsFirst(op, [&](const std::string& x, const std::string& output) {
        return op.Node("RoiAlign", {x, regions, images}, attributes, output);
      }));
  const std::optional<Dims>& x = op.Info(0).dims;
  if (x.has_value() && x->size() == 4) {
    op.SetOutput(
        0, dtype,
        op.IsChannelsLast() ? Dims{-1, height, width, (*x)[3]} : Dims{-1, (*x)[1], height, width});
  } else {
    op.SetOutput(0, dtype);
  }
  return absl::OkStatus();
}
DOPPIO_ONNX_EXPORT(RoIAlign, ExportRoIAlign);

absl::Status ExportBBoxTransform(OpExport& op) {
  if (op.Flag("rotated")) return op.Unsupported("rotated boxes");
  if (op.opset() < 8) return op.Unsupported("it takes ONNX's Min of opset 8");
  Decoding decoding = ReadDecoding(op);
  if (op.Has("weights")) decoding.weights = op.Floats("weights");
  DOPPIO_ASSIGN_OR_RETURN(const Dims info, op.FixedDims(2));
  if (info[0] != 1) return op.Unsupported("boxes of several images");
  DOPPIO_ASSIGN_OR_RETURN(const bool has_image, SayTheirImage(op, 0));
  const std::string scale = ImageInfo(op, 2, 2);
  const auto side = [&](int64_t i) {  // of the image before it was scaled, in whole pixels
    const std::string given = op.Node("Div", {ImageInfo(op, 2, i), scale});
    return op.Node("Floor", {op.Node("Add", {given, FloatNumber(op, 0.5)})});
  };
  const std::string rois = has_image ? Part(op, op.Input(0), 1, 5, 1) : op.Input(0);
  const std::string boxes = Unsqueeze(op, op.Node("Div", {rois, scale}), {1});
  const std::string deltas = Reshape(op, op.Input(1), {0, -1, 4});  // of each class
  const std::string moved = Decode(op, boxes, deltas, 2, decoding);
  std::string inside = ClipToImage(op, moved, side(0), side(1), decoding.plus_one);
  if (op.Flag("apply_scale")) inside = op.Node("Mul", {inside, scale});
  ReshapeLike(op, inside, op.Input(1), op.Output(0));
  if (op.IsWanted(1)) Cast(op, Sizes(op, op.Input(0), 0, 1), kFloat, op.Output(1));
  op.SetOutput(0, kFloat, op.Info(1).dims);
  return absl::OkStatus();
}
DOPPIO_ONNX_EXPORT(BBoxTransform, ExportBBoxTransform);

// The anchors at each position of a feature map: [A,H,W] boxes as rows.
absl::StatusOr<std::string> AnchorsEverywhere(OpExport& op, int input, int64_t height,
                                              int64_t width, double stride) {
  DOPPIO_ASSIGN_OR_RETURN(Tensor shifts, Tensor::Create(kFloat, {1, height * width, 4}));
  float* out = shifts.mutable_data<float>();
  for (int64_t position = 0; position < height * width; ++position) {
    for (int i = 0; i < 4; ++i) {
      const int64_t steps = i % 2 == 0 ? position % width : position / width;
      *out++ = static_cast<float>(steps) * static_cast<float>(stride);
    }
  }
  const std::string anchors = Unsqueeze(op, op.Input(input), {1});
  return Reshape(op, op.Node("Add", {anchors, op.Constant("shifts", shifts)}), {-1, 4});
}

// Which boxes have sides of `min_size`, and a centre that lies in the image: their places.
std::string LargeInside(OpExport& op, const std::string& boxes, double min_size, bool plus_one) {
  const std::string first = Part(op, boxes, 0, 2, 1);
  const std::string size = SidesOf(op, first, Part(op, boxes, 2, 4, 1), plus_one);
  const std::string least = op.Node("Mul", {Cast(op, ImageInfo(op, 2, 2), DataType::kDouble),
                                            op.Number(min_size, DataType::kDouble)});
  const std::string is_large =
      op.Node("GreaterOrEqual", {Cast(op, size, DataType::kDouble), least});
  const std::string centre = op.Node("Add", {first, op.Node("Div", {size, FloatNumber(op, 2)})});
  const std::string sides = Concat(op, {ImageInfo(op, 2, 1), ImageInfo(op, 2, 0)}, 0);
  const std::string both = op.Node("And", {is_large, op.Node("Less", {centre, sides})});
  const std::string holds = Reduce(op, "ReduceMin", Cast(op, both, DataType::kInt32), {1}, false);
  return Reshape(op, op.Node("NonZero", {Cast(op, holds, DataType::kBool)}), {-1});
}

absl::Status ExportGenerateProposals(OpExport& op) {
  const Decoding decoding = ReadDecoding(op);
  DOPPIO_ASSIGN_OR_RETURN(const Dims scores, op.FixedDims(0));
  DOPPIO_ASSIGN_OR_RETURN(const Dims anchors, op.FixedDims(3));
  if (scores[0] != 1) return op.Unsupported("proposals of several images");
  if (anchors[1] != 4) return op.Unsupported("rotated boxes");
  const float scale = op.Float("spatial_scale");
  const int64_t count = SizeFromDim(scores, 0);
  const int64_t pre = op.Int("pre_nms_topN"), post = op.Int("post_nms_topN");
  const int64_t looked_at = pre > 0 ? std::min(pre, count) : count;
  DOPPIO_ASSIGN_OR_RETURN(const std::string everywhere,
                          AnchorsEverywhere(op, 3, scores[2], scores[3], 1.0f / scale));
  const std::string per_anchor = Reshape(op, op.Input(1), {scores[1], 4, scores[2], scores[3]});
  const std::string deltas = Reshape(op, Transpose(op, per_anchor, {0, 2, 3, 1}), {-1, 4});
  const std::string best = op.NewValue("best"), places = op.NewValue("places");
  op.Node("TopK", {Reshape(op, op.Input(0), {-1}), op.Int64s({looked_at})},
          {MakeAttribute("axis", 0)}, std::vector<std::string>{best, places});
  const std::string moved =
      Decode(op, Gather(op, everywhere, places), Gather(op, deltas, places), 1, decoding);
  const auto side = [&](int64_t i) { return op.Node("Floor", {ImageInfo(op, 2, i)}); };
  const std::string boxes = ClipToImage(op, moved, side(0), side(1), decoding.plus_one);
  const std::string large = LargeInside(op, boxes, op.Float("min_size"), decoding.plus_one);
  const std::string candidates = Gather(op, boxes, large);
  const std::string candidate_scores = Gather(op, best, large);
  const std::string kept =
      Column(op,
             Suppress(op, Unsqueeze(op, candidates, {0}), Unsqueeze(op, candidate_scores, {0, 1}),
                      post, op.Float("nms_thresh"), std::nullopt, decoding.plus_one),
             2);
  const std::string rois = Gather(op, candidates, kept);
  const std::string image =
      op.Node("ConstantOfShape", {Concat(op, {op.Node("Shape", {kept}), op.Int64s({1})}, 0)});
  Concat(op, {image, rois}, 1, op.Output(0));
  Gather(op, candidate_scores, kept, op.Output(1));
  op.SetOutput(0, kFloat, Dims{-1, 5});
  op.SetOutput(1, kFloat, Dims{-1});
  return absl::OkStatus();
}
DOPPIO_ONNX_EXPORT(GenerateProposals, ExportGenerateProposals);
DOPPIO_ONNX_EXPORT(GenerateProposalsCPP, ExportGenerateProposals);

// The `most` best of these scores, as places in ascending order.
std::string BestOf(OpExport& op, const std::string& scores, int64_t most) {
  const std::string count = op.Node("Shape", {scores});
  const std::string k = op.Node("Min", {count, op.Int64s({most})});
  const auto top = [&](const std::string& x, bool largest, bool wants_values) {
    const std::string values = op.NewValue("values"), places = op.NewValue("places");
    op.Node("TopK", {x, k}, {MakeAttribute("axis", 0), MakeAttribute("largest", largest)},
            std::vector<std::string>{values, places});
    return wants_values ? values : places;
  };
  return top(top(scores, true, false), false, true);
}

absl::Status ExportBoxWithNMSLimit(OpExport& op) {
  op.Arguments({"soft_nms_method", "soft_nms_sigma", "soft_nms_min_score_thres"});
  if (op.Flag("soft_nms_enabled")) {
    return op.Unsupported("with soft_nms_enabled boxes lose score, which takes a loop");
  }
  if (op.Flag("rotated")) return op.Unsupported("rotated boxes");
  if (op.Flag("cls_agnostic_bbox_reg") || !op.Flag("input_boxes_include_bg_cls")) {
    return op.Unsupported("boxes that are not one for each class, the background first");
  }
  if (op.opset() < 12) return op.Unsupported("it takes ONNX's operators of opset 12");
  if (op.InputSize() > 2) {
    DOPPIO_ASSIGN_OR_RETURN(const Dims splits, op.FixedDims(2));
    if (splits != Dims{1}) return op.Unsupported("boxes of several images");
  }
  const std::optional<Dims>& score_dims = op.Info(0).dims;
  if (!score_dims.has_value() || (*score_dims)[1] < 2) {
    return op.Unsupported("the number of classes is not known, or there is the background alone");
  }
  const int64_t classes = (*score_dims)[1];
  const bool plus_one = op.Flag("legacy_plus_one");
  const std::string all_scores = Reshape(op, op.Input(0), {-1, classes});
  const std::string scores = Transpose(op, Part(op, all_scores, 1, classes, 1), {1, 0});
  const std::string all_boxes = Reshape(op, op.Input(1), {-1, classes, 4});
  const std::string boxes = Transpose(op, Part(op, all_boxes, 1, classes, 1), {1, 0, 2});
  // What is not finite is no detection.
  const std::string zero = FloatNumber(op, 0);
  const std::string is_finite = op.Node("Equal", {op.Node("Sub", {boxes, boxes}), zero});
  const std::string all_finite = Reduce(op, "ReduceMin", Cast(op, is_finite, kFloat), {2}, false);
  const std::string counted = op.Node(
      "Where", {op.Node("Greater", {all_finite, zero}), scores, FloatNumber(op, -kInfinity)});
  const int64_t most = op.Int("detections_per_im");
  std::string kept = Suppress(op, boxes, Unsqueeze(op, counted, {1}), most, op.Float("nms"),
                              op.Float("score_thresh"), plus_one);
  // As places among all classes: class * rows + row.
  const std::string rows = Sizes(op, all_scores, 0, 1);
  const auto flat_places = [&] {
    return op.Node("Add", {op.Node("Mul", {Column(op, kept, 0), rows}), Column(op, kept, 2)});
  };
  const std::string flat_scores = Reshape(op, scores, {-1});
  if (most > 0) kept = Gather(op, kept, BestOf(op, Gather(op, flat_scores, flat_places()), most));
  const std::string places = flat_places();
  Gather(op, flat_scores, places, op.Output(0));
  Gather(op, Reshape(op, boxes, {-1, 4}), places, op.Output(1));
  const double first_class = op.Flag("output_classes_include_bg_cls") ? 1 : 0;
  const std::string class_ids = Cast(op, Column(op, kept, 0), kFloat);
  op.Node("Add", {class_ids, FloatNumber(op, first_class)}, {}, op.Output(2));
  if (op.IsWanted(3)) Cast(op, Sizes(op, kept, 0, 1), kFloat, op.Output(3));
  if (op.IsWanted(4)) Cast(op, Column(op, kept, 2), DataType::kInt32, op.Output(4));
  op.SetOutput(0, kFloat, Dims{-1});
  op.SetOutput(1, kFloat, Dims{-1, 4});
  op.SetOutput(2, kFloat, Dims{-1});
  if (op.OutputSize() > 4) op.SetOutput(4, DataType::kInt32, Dims{-1});
  return absl::OkStatus();
}
DOPPIO_ONNX_EXPORT(BoxWithNMSLimit, ExportBoxWithNMSLimit);

}  // namespace
}  // namespace onnx
}  // namespace doppio
