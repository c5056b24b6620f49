// Images of other sizes, and blocks of pixels that become channels.

#include <cmath>

#include "absl/strings/str_cat.h"
#include "src/onnx/import/node_import.h"

namespace doppio {
namespace onnx {
namespace {

absl::Status ImportDepthToSpace(NodeImport& node) {
  if (!node.HasAttribute("blocksize")) return absl::InvalidArgumentError("blocksize is missing");
  const std::string mode = node.opset() < 11 ? "DCR" : node.String("mode", "DCR");
  node.Op("DepthToSpace", {node.Input(0)}, {node.Output(0)},
          {MakeArgument("blocksize", node.Int("blocksize", 0)), MakeArgument("mode", mode)});
  return absl::OkStatus();
}
DOPPIO_ONNX_IMPORT(DepthToSpace, ImportDepthToSpace);

absl::Status ImportSpaceToDepth(NodeImport& node) {
  if (!node.HasAttribute("blocksize")) return absl::InvalidArgumentError("blocksize is missing");
  return ImportAs(node, "SpaceToDepth", {"blocksize"});
}
DOPPIO_ONNX_IMPORT(SpaceToDepth, ImportSpaceToDepth);

// How Resize is to find its places; the defaults are those of versions 7 to 10.
struct ResizeModes {
  std::string mode = "nearest";
  std::string transformation = "asymmetric";
  std::string nearest_mode = "floor";

  std::vector<Argument> Arguments() const {
    return {MakeArgument("mode", mode),
            MakeArgument("coordinate_transformation_mode", transformation),
            MakeArgument("nearest_mode", nearest_mode)};
  }
  // Whether an image that is enlarged by a whole number has each pixel so many times.
  bool RepeatsPixels() const {
    if (mode != "nearest") return false;
    if (transformation == "asymmetric") return nearest_mode == "floor";
    return transformation == "half_pixel" &&
           (nearest_mode == "round_prefer_floor" || nearest_mode == "round_prefer_ceil");
  }
};

// The one whole number by which height and width of images grow; 0 where that is not so.
int64_t WholeScale(NodeImport& node, const std::string& scales) {
  const std::optional<Tensor> value = node.Info(scales).value;
  if (!value.has_value() || value->dims() != DimsView({4})) return 0;
  double factors[4];
  if (value->Is<float>()) {
    for (int d = 0; d < 4; ++d) factors[d] = value->data<float>()[d];
  } else if (value->Is<int64_t>()) {
    const std::optional<Dims>& x = node.Info(node.Input(0)).dims;
    if (!x.has_value() || x->size() != 4) return 0;
    for (size_t d = 0; d < 4; ++d) {
      factors[d] = static_cast<double>(value->data<int64_t>()[d]) / static_cast<double>((*x)[d]);
    }
  } else {
    return 0;
  }
  const double scale = factors[2];
  const bool is_whole = scale >= 1 && scale <= 1024 && scale == std::floor(scale);
  if (factors[0] != 1 || factors[1] != 1 || factors[3] != scale || !is_whole) return 0;
  return static_cast<int64_t>(scale);
}

// `scales` may be sizes.
void AddResize(NodeImport& node, const ResizeModes& modes, const std::string& scales,
               const std::vector<Argument>& more = {}, const std::string& roi = "") {
  if (modes.RepeatsPixels()) {
    if (const int64_t scale = WholeScale(node, scales); scale != 0) {
      node.Op("UpsampleNearest", {node.Input(0)}, {node.Output(0)}, {MakeArgument("scale", scale)});
      return;
    }
  }
  std::vector<std::string> inputs = {node.Input(0), scales};
  if (!roi.empty()) inputs.push_back(roi);
  std::vector<Argument> args = modes.Arguments();
  args.insert(args.end(), more.begin(), more.end());
  node.Op("Resize", inputs, {node.Output(0)}, args);
}

// Of Upsample, and of Resize until version 10.
absl::Status ImportByScales(NodeImport& node) {
  ResizeModes modes;
  modes.mode = node.String("mode", "nearest");
  if (modes.mode == "bilinear") modes.mode = "linear";
  if (modes.mode != "nearest" && modes.mode != "linear") {
    return absl::InvalidArgumentError(absl::StrCat("mode is \"", modes.mode, "\""));
  }
  std::string scales;
  if (node.opset() >= 9) {
    scales = node.Input(1);
  } else if (node.opset() >= 7) {
    const std::vector<float> values = node.Floats("scales");
    if (values.empty()) return absl::InvalidArgumentError("scales is missing");
    DOPPIO_ASSIGN_OR_RETURN(const Tensor tensor,
                            Tensor::FromSpan<float>({static_cast<int64_t>(values.size())}, values));
    scales = node.Constant("scales", tensor);
  } else {
    DOPPIO_ASSIGN_OR_RETURN(const Tensor tensor,
                            Tensor::Of<float>({4}, {1, 1, node.Float("height_scale", 0),
                                                    node.Float("width_scale", 0)}));
    scales = node.Constant("scales", tensor);
  }
  AddResize(node, modes, scales);
  return absl::OkStatus();
}
DOPPIO_ONNX_IMPORT(Upsample, ImportByScales);

// Whether an input is there, and not an empty tensor, by which version 11 means that it is not.
bool IsGiven(NodeImport& node, int input) {
  if (!node.HasInput(input)) return false;
  const std::optional<Dims>& dims = node.Info(node.Input(input)).dims;
  return !dims.has_value() || SizeFromDim(*dims, 0) != 0;
}

absl::Status ImportResize(NodeImport& node) {
  if (node.opset() < 11) return ImportByScales(node);
  ResizeModes modes;
  modes.mode = node.String("mode", "nearest");
  modes.transformation = node.String("coordinate_transformation_mode", "half_pixel");
  modes.nearest_mode = node.String("nearest_mode", "round_prefer_floor");
  if (modes.mode != "nearest") {
    DOPPIO_RETURN_IF_ERROR(RequireTypes(node, 0, {DataType::kFloat, DataType::kDouble}));
  }
  const std::vector<Argument> more = {
      MakeArgument("cubic_coeff_a", node.Float("cubic_coeff_a", -0.75f)),
      MakeArgument("exclude_outside", node.Int("exclude_outside", 0)),
      MakeArgument("extrapolation_value", node.Float("extrapolation_value", 0))};
  const bool has_sizes = IsGiven(node, 3);
  if (has_sizes == IsGiven(node, 2)) {
    return has_sizes ? NodeImport::Unsupported("both scales and sizes, of which one must be empty")
                     : absl::InvalidArgumentError("neither scales nor sizes are given");
  }
  const bool crops = modes.transformation == "tf_crop_and_resize";
  AddResize(node, modes, node.Input(has_sizes ? 3 : 2), more, crops ? node.Input(1) : "");
  return absl::OkStatus();
}
DOPPIO_ONNX_IMPORT(Resize, ImportResize);

}  // namespace
}  // namespace onnx
}  // namespace doppio
