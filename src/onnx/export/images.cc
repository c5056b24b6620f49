// Pixels: sizes, borders, and the pictures of style transfer nets.

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "doppio/workspace.h"
#include "src/onnx/export/steps.h"

namespace doppio {
namespace onnx {
namespace {

// How many times as large each dimension becomes: numbers that are known, or a value.
struct Scales {
  std::vector<float> known;
  std::string value;
  std::vector<int64_t> sides = {};  // height and width that come of it, where they are known
};

// Nearest: the pixel at the place divided by the scale, rounded down. Linear: the corner pixels
// stay where they are.
absl::Status Resize(OpExport& op, const std::string& x, const Scales& scales, bool is_linear,
                    const std::string& output) {
  if (is_linear && op.opset() < 11) {
    return op.Unsupported("ONNX keeps corners where they are from opset 11 on");
  }
  const bool shrinks =
      std::any_of(scales.known.begin(), scales.known.end(), [](float scale) { return scale < 1; });
  if (op.opset() < 11 && (shrinks || !scales.value.empty())) {
    return op.Unsupported("which pixels of a smaller image are taken ONNX says from opset 11 on");
  }
  std::string factors = scales.value;
  if (factors.empty() && op.opset() >= 9) {
    const auto count = static_cast<int64_t>(scales.known.size());
    DOPPIO_ASSIGN_OR_RETURN(const Tensor tensor, Tensor::FromSpan<float>({count}, scales.known));
    factors = op.Constant("scales", tensor);
  }
  if (op.opset() >= 11) {
    std::vector<AttributeProto> attributes = {
        MakeAttribute("mode", is_linear ? "linear" : "nearest"),
        MakeAttribute("coordinate_transformation_mode",
                      is_linear ? "align_corners" : "asymmetric")};
    if (!is_linear) attributes.push_back(MakeAttribute("nearest_mode", "floor"));
    DOPPIO_ASSIGN_OR_RETURN(const Tensor no_region, Tensor::Create(DataType::kFloat, {0}));
    // Before opset 13 the region of interest could not be left out.
    const std::string region = op.opset() >= 13 ? "" : op.Constant("region", no_region);
    if (is_linear && !scales.sides.empty()) {
      const std::string none = op.opset() >= 13 ? "" : region;
      const std::string sizes = Concat(op, {Sizes(op, x, 0, 2), op.Int64s(scales.sides)}, 0);
      op.Node("Resize", {x, region, none, sizes}, attributes, output);
    } else {
      op.Node("Resize", {x, region, factors}, attributes, output);
    }
  } else if (op.opset() >= 9) {
    op.Node(op.opset() == 10 ? "Resize" : "Upsample", {x, factors},
            {MakeAttribute("mode", "nearest")}, output);
  } else {
    op.Node("Upsample", {x},
            {MakeAttribute("mode", "nearest"), MakeAttribute("scales", scales.known)}, output);
  }
  return absl::OkStatus();
}

absl::Status ExportResize(OpExport& op, bool is_linear) {
  Scales scales;
  const Tensor* given = op.InputSize() > 1 ? op.Value(1) : nullptr;
  op.Arguments({"height_scale", "width_scale"});
  if (op.InputSize() > 1 && given == nullptr) {
    DOPPIO_ASSIGN_OR_RETURN(const Tensor ones, Tensor::Of<float>({2}, {1, 1}));
    scales.value = Concat(op, {op.Constant("ones", ones), AsVector(op, 1)}, 0);
  } else if (given != nullptr) {
    if (!given->Is<float>() || given->numel() != 2) return op.Unsupported("scales of no floats");
    scales.known = {1, 1, given->data<float>()[0], given->data<float>()[1]};
  } else {
    scales.known = {1, 1, op.Float("height_scale"), op.Float("width_scale")};
  }
  if (is_linear) {
    // Where the corner is depends on the size; of a scale that leaves a part of a pixel, readers
    // take it to be rounded or not.
    const std::optional<Dims>& dims = op.OutputInfo(0).dims;
    const size_t first = op.IsChannelsLast() ? 1 : 2;
    if (dims.has_value() && (*dims)[first] >= 0 && (*dims)[first + 1] >= 0) {
      scales.sides = {(*dims)[first], (*dims)[first + 1]};
    } else if (scales.known.empty() ||
               std::any_of(scales.known.begin(), scales.known.end(),
                           [](float scale) { return scale != std::floor(scale); })) {
      return op.FixedOutputDims(0).status();
    }
  }
  absl::Status status;
  DOPPIO_RETURN_IF_ERROR(
      WithChannelsFirst(op, [&](const std::string& x, const std::string& output) {
        const std::string made = output.empty() ? op.NewValue("resized") : output;
        status = Resize(op, x, scales, is_linear, made);
        return made;
      }));
  return status;
}

absl::Status ExportResizeNearest(OpExport& op) { return ExportResize(op, false); }
absl::Status ExportResizeBilinear(OpExport& op) { return ExportResize(op, true); }
DOPPIO_ONNX_EXPORT(ResizeNearest, ExportResizeNearest);
DOPPIO_ONNX_EXPORT(ResizeBilinear, ExportResizeBilinear);
DOPPIO_ONNX_EXPORT(UpsampleBilinear, ExportResizeBilinear);

absl::Status ExportUpsampleNearest(OpExport& op) {
  DOPPIO_ASSIGN_OR_RETURN(const int rank, op.Rank(0));
  const auto scale = static_cast<float>(op.Int("scale"));
  std::vector<float> scales(rank, 1);
  for (int d = rank - 2; d < rank; ++d) scales[d] = scale;
  return Resize(op, op.Input(0), {scales, ""}, false, op.Output(0));
}
DOPPIO_ONNX_EXPORT(UpsampleNearest, ExportUpsampleNearest);

absl::Status ExportPadImage(OpExport& op) {
  DOPPIO_ASSIGN_OR_RETURN(const DataType dtype, op.Type(0));
  if (op.opset() < (dtype == DataType::kFloat || dtype == DataType::kDouble ? 7 : 11)) {
    return op.Unsupported("ONNX pads whole numbers from opset 11 on");
  }
  const char* const sides[] = {"pad_t", "pad_l", "pad_b", "pad_r"};
  std::vector<int64_t> given = op.Ints("pads");
  op.Arguments({"pad", "pad_t", "pad_l", "pad_b", "pad_r", "value"});
  if (op.Has("pad")) {
    given.assign(4, op.Int("pad"));
  } else if (op.Has(sides[0]) && op.Has(sides[1]) && op.Has(sides[2]) && op.Has(sides[3])) {
    given.clear();
    for (const char* side : sides) given.push_back(op.Int(side));
  }
  if (given.empty()) given.assign(4, 0);
  const std::string mode = op.Text("mode");
  if (mode != "constant" && std::any_of(given.begin(), given.end(), [](auto p) { return p < 0; })) {
    return op.Unsupported("pixels are cut off and others mirrored or repeated");
  }
  const int first = op.IsChannelsLast() ? 1 : 2;  // of height and width
  std::vector<int64_t> pads(8, 0);
  for (int d = 0; d < 2; ++d) {
    pads[first + d] = given[d];
    pads[4 + first + d] = given[2 + d];
  }
  Pad(op, op.Input(0), pads, mode, op.Float("value"), dtype, op.Output(0));
  return absl::OkStatus();
}
DOPPIO_ONNX_EXPORT(PadImage, ExportPadImage);

// The noise that the operator adds to a black picture without a mean: [1,3,1,noise_size].
absl::StatusOr<Tensor> DrawNoise(const OpExport& op, int64_t size) {
  OperatorDef def = op.def();
  def.set_output(0, "noise");
  Workspace workspace;
  DOPPIO_ASSIGN_OR_RETURN(Tensor black, Tensor::Create(DataType::kUInt8, {1, 1, size, 4}));
  std::fill_n(black.mutable_data<uint8_t>(), black.numel(), uint8_t{0});
  DOPPIO_ASSIGN_OR_RETURN(Tensor mean, Tensor::Of<float>({3}, {0, 0, 0}));
  DOPPIO_RETURN_IF_ERROR(workspace.Feed(def.input(0), std::move(black)));
  DOPPIO_RETURN_IF_ERROR(workspace.Feed(def.input(1), std::move(mean)));
  DOPPIO_RETURN_IF_ERROR(workspace.RunOperatorOnce(def));
  return workspace.Fetch("noise");
}

// Noise that is dealt out pixel by pixel, again and again: as many copies as it takes for the
// pixels of `planes` [N,3,H,W], without what is too much.
std::string SpreadNoise(OpExport& op, const Tensor& noise, int64_t size,
                        const std::string& planes) {
  const std::string row = Reshape(op, op.Constant("noise", noise), {3, size});
  const std::string sides = Sizes(op, planes, 2, 4);
  const std::string height = Slice(op, sides, {0}, {1}, {0});
  const std::string width = Slice(op, sides, {1}, {2}, {0});
  const std::string pixels = op.Node("Mul", {height, width});
  const std::string more = op.Node("Add", {pixels, op.Int64s({size - 1})});
  const std::string copies = op.Node("Div", {more, op.Int64s({size})});
  const std::string repeats = Concat(op, {op.Int64s({1}), copies}, 0);
  const std::string tiled = op.Node("Tile", {row, repeats});
  const std::string zero = op.Int64s({0});
  const std::string needed = op.Node("Slice", {tiled, zero, pixels, op.Int64s({1})});
  return op.Node("Reshape", {needed, Concat(op, {op.Int64s({3}), sides}, 0)});
}

// Packed pixels of blue, green, red and alpha become planes of floats.
absl::Status ExportStylizerPreprocess(OpExport& op) {
  const float deviation = op.Float("noise_std");
  const int64_t size = op.Int("noise_size");
  const std::string pixels = Cast(op, op.Input(0), DataType::kFloat);
  const std::string colours = Slice(op, pixels, {0}, {3}, {3});
  const std::string planes = Transpose(op, colours, {0, 3, 1, 2});
  const std::string mean = Reshape(op, op.Input(1), {3, 1, 1});
  if (deviation == 0) {
    op.Node("Sub", {planes, mean}, {}, op.Output(0));
    return absl::OkStatus();
  }
  if (op.opset() < 10) return op.Unsupported("its noise takes ONNX's Slice of opset 10");
  DOPPIO_ASSIGN_OR_RETURN(const Tensor noise, DrawNoise(op, size));
  const std::string clean = op.Node("Sub", {planes, mean});
  op.Node("Add", {clean, SpreadNoise(op, noise, size, planes)}, {}, op.Output(0));
  return absl::OkStatus();
}
DOPPIO_ONNX_EXPORT(PackedInt8BGRANHWCToNCHWCStylizerPreprocess, ExportStylizerPreprocess);

// Planes of floats become packed pixels, cut off to whole numbers; alpha is 255.
absl::Status ExportStylizerDeprocess(OpExport& op) {
  const std::string mean = Reshape(op, op.Input(1), {3, 1, 1});
  const std::string sum = op.Node("Add", {op.Input(0), mean});
  const std::string bytes = Clip(op, sum, 0, 255, DataType::kFloat);
  const std::string pixels = Transpose(op, bytes, {0, 2, 3, 1});
  const std::vector<int64_t> one_more = {0, 0, 0, 0, 0, 0, 0, 1};
  const std::string with_alpha = Pad(op, pixels, one_more, "constant", 255, DataType::kFloat);
  Cast(op, with_alpha, DataType::kUInt8, op.Output(0));
  return absl::OkStatus();
}
DOPPIO_ONNX_EXPORT(BRGNCHWCToPackedInt8BGRAStylizerDeprocess, ExportStylizerDeprocess);

}  // namespace
}  // namespace onnx
}  // namespace doppio
