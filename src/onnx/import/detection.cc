// Regions of interest and boxes.

#include "absl/strings/str_cat.h"
#include "src/onnx/import/node_import.h"

namespace doppio {
namespace onnx {
namespace {

absl::Status ImportMaxRoiPool(NodeImport& node) {
  DOPPIO_RETURN_IF_ERROR(RequireTypes(node, 0, {DataType::kFloat, DataType::kDouble}));
  const std::vector<int64_t> pooled = node.Ints("pooled_shape");
  if (pooled.size() != 2) return absl::InvalidArgumentError("pooled_shape must have two numbers");
  node.Op(
      "RoIPool", {node.Input(0), node.Input(1)}, {node.Output(0)},
      {MakeArgument("pooled_h", pooled[0]), MakeArgument("pooled_w", pooled[1]),
       MakeArgument("spatial_scale", node.Float("spatial_scale", 1)), MakeArgument("is_test", 1)});
  return absl::OkStatus();
}
DOPPIO_ONNX_IMPORT(MaxRoiPool, ImportMaxRoiPool);

// Caffe2's regions have the image in front.
absl::Status ImportRoiAlign(NodeImport& node) {
  DOPPIO_RETURN_IF_ERROR(RequireTypes(node, 0, {DataType::kFloat, DataType::kDouble}));
  if (const std::string mode = node.String("mode", "avg"); mode != "avg") {
    return NodeImport::Unsupported(absl::StrCat("mode \"", mode, "\""));
  }
  bool is_aligned = false;
  if (node.opset() >= 16) {
    const std::string mode = node.String("coordinate_transformation_mode", "half_pixel");
    is_aligned = mode == "half_pixel";
    if (!is_aligned && mode != "output_half_pixel") {
      return absl::InvalidArgumentError(
          absl::StrCat("coordinate_transformation_mode is \"", mode, "\""));
    }
  }
  const std::string images = node.NewBlob("images");
  const std::string column = node.NewBlob("column");
  const std::string regions = node.NewBlob("regions");
  const bool is_double = node.dtype(0) == DataType::kDouble;
  node.Op("Cast", {node.Input(2)}, {images},
          {MakeArgument("to", static_cast<int>(is_double ? DataType::kDouble : DataType::kFloat))});
  node.Op("ExpandDims", {images}, {column}, {MakeArgument("dims", std::vector<int64_t>{1})});
  node.Op("Concat", {column, node.Input(1)}, {regions, node.NewBlob("split_info")},
          {MakeArgument("axis", 1)});
  node.Op("RoIAlign", {node.Input(0), regions}, {node.Output(0)},
          {MakeArgument("pooled_h", node.Int("output_height", 1)),
           MakeArgument("pooled_w", node.Int("output_width", 1)),
           MakeArgument("sampling_ratio", node.Int("sampling_ratio", 0)),
           MakeArgument("spatial_scale", node.Float("spatial_scale", 1)),
           MakeArgument("aligned", is_aligned ? 1 : 0)});
  return absl::OkStatus();
}
DOPPIO_ONNX_IMPORT(RoiAlign, ImportRoiAlign);

absl::Status ImportNonMaxSuppression(NodeImport& node) {
  DOPPIO_RETURN_IF_ERROR(RequireTypes(node, 0, {DataType::kFloat}));
  std::vector<Argument> args;
  std::vector<std::string> inputs = {node.Input(0), node.Input(1)};
  std::vector<std::string> given;
  constexpr const char* kOptional[] = {"max_output_boxes_per_class", "iou_threshold",
                                       "score_threshold"};
  for (int i = 0; i < 3; ++i) {
    if (!node.HasInput(2 + i)) continue;
    inputs.push_back(node.Input(2 + i));
    given.emplace_back(kOptional[i]);
  }
  args.push_back(MakeArgument("center_point_box", node.Int("center_point_box", 0)));
  args.push_back(MakeArgument("given", given));
  node.Op("NonMaxSuppression", inputs, {node.Output(0)}, args);
  return absl::OkStatus();
}
DOPPIO_ONNX_IMPORT(NonMaxSuppression, ImportNonMaxSuppression);

absl::Status ImportGridSample(NodeImport& node) {
  DOPPIO_RETURN_IF_ERROR(RequireTypes(node, 0, {DataType::kFloat, DataType::kDouble}));
  node.Op("GridSample", {node.Input(0), node.Input(1)}, {node.Output(0)},
          {MakeArgument("mode", node.String("mode", "bilinear")),
           MakeArgument("padding_mode", node.String("padding_mode", "zeros")),
           MakeArgument("align_corners", node.Int("align_corners", 0))});
  return absl::OkStatus();
}
DOPPIO_ONNX_IMPORT(GridSample, ImportGridSample);

absl::Status ImportMaxUnpool(NodeImport& node) {
  const std::vector<int64_t> kernel = node.Ints("kernel_shape");
  if (kernel.empty()) return absl::InvalidArgumentError("kernel_shape is missing");
  std::vector<Argument> args = {MakeArgument("kernels", kernel)};
  if (node.HasAttribute("strides")) args.push_back(MakeArgument("strides", node.Ints("strides")));
  if (node.HasAttribute("pads")) args.push_back(MakeArgument("pads", node.Ints("pads")));
  const std::vector<std::string> inputs = node.Inputs();
  node.Op("MaxUnpool", inputs, {node.Output(0)}, args);
  return absl::OkStatus();
}
DOPPIO_ONNX_IMPORT(MaxUnpool, ImportMaxUnpool);

}  // namespace
}  // namespace onnx
}  // namespace doppio
