// Convolutions and pools.

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "src/onnx/export/steps.h"

namespace doppio {
namespace onnx {
namespace {

// How a window slides, as Caffe2's operators are told.
struct WindowArguments {
  std::vector<int64_t> kernel;
  std::vector<int64_t> strides;
  std::vector<int64_t> dilations;
  std::vector<int64_t> pads;  // as ONNX has them: all heads, then all tails
  int64_t legacy_pad = 0;
  bool is_global = false;
};

// A list, or one number for both dimensions, or two.
std::vector<int64_t> ReadSizes(OpExport& op, const std::string& name) {
  std::vector<int64_t> sizes = op.Ints(name + "s");
  const std::string vertical = name + "_h", horizontal = name + "_w";
  const bool has_both = op.Has(vertical) && op.Has(horizontal);
  op.Arguments({name, vertical, horizontal});
  if (op.Has(name)) {
    sizes.assign(2, op.Int(name));
  } else if (has_both) {
    sizes = {op.Int(vertical), op.Int(horizontal)};
  }
  return sizes;
}

std::vector<int64_t> ReadPads(OpExport& op) {
  const char* const sides[] = {"pad_t", "pad_l", "pad_b", "pad_r"};
  std::vector<int64_t> pads = op.Ints("pads");
  op.Arguments({"pad", "pad_t", "pad_l", "pad_b", "pad_r"});
  if (op.Has("pad")) {
    pads.assign(4, op.Int("pad"));
  } else if (std::all_of(std::begin(sides), std::end(sides),
                         [&](const char* side) { return op.Has(side); })) {
    pads.clear();
    for (const char* side : sides) pads.push_back(op.Int(side));
  }
  return pads;
}

WindowArguments ReadWindow(OpExport& op) {
  WindowArguments window;
  window.kernel = ReadSizes(op, "kernel");
  window.strides = ReadSizes(op, "stride");
  window.dilations = ReadSizes(op, "dilation");
  window.pads = ReadPads(op);
  window.legacy_pad = op.Int("legacy_pad");
  const size_t rank = window.kernel.size();
  if (window.strides.empty()) window.strides.assign(rank, 1);
  if (window.dilations.empty()) window.dilations.assign(rank, 1);
  if (window.pads.empty()) window.pads.assign(2 * rank, 0);
  return window;
}

// Rules that find the pads themselves: by the sizes of this image.
absl::Status PlacePads(OpExport& op, bool channels_last, WindowArguments* window) {
  enum { kNotSet = 0, kValid = 1, kSame = 2, kCaffe = 3 };
  if (window->legacy_pad == kNotSet) return absl::OkStatus();
  const size_t rank = window->kernel.size();
  if (window->legacy_pad == kValid) {
    window->pads.assign(2 * rank, 0);
    return absl::OkStatus();
  }
  DOPPIO_ASSIGN_OR_RETURN(const Dims x, op.FixedDims(0));
  DOPPIO_ASSIGN_OR_RETURN(const Dims y, op.FixedOutputDims(0));
  const size_t first = channels_last ? 1 : 2;
  for (size_t d = 0; d < rank; ++d) {
    const int64_t in = x[first + d], out = y[first + d];
    const int64_t kernel = window->kernel[d], stride = window->strides[d];
    const int64_t needed = (out - 1) * stride + kernel - in;  // pads at both ends together
    int64_t& head = window->pads[d];
    int64_t& tail = window->pads[rank + d];
    if (window->legacy_pad == kSame) head = needed / 2;
    tail = std::max<int64_t>(needed - head, 0);
    const bool is_empty = (out - 1) * stride - head >= in;  // the last window sees padding alone
    if (head < 0 || is_empty || (in + head + tail - kernel) / stride + 1 != out) {
      return op.Unsupported("some of its windows, as legacy_pad places them, lie beside the image");
    }
  }
  return absl::OkStatus();
}

std::vector<AttributeProto> WindowAttributes(const WindowArguments& window) {
  return {MakeAttribute("kernel_shape", window.kernel), MakeAttribute("strides", window.strides),
          MakeAttribute("pads", window.pads)};
}

// Rows that are added at the end. ONNX takes less of them than a stride; what pads cut off there
// need not be added first.
absl::StatusOr<std::vector<int64_t>> ReadAdjust(OpExport& op, WindowArguments* window) {
  const size_t rank = window->kernel.size();
  std::vector<int64_t> adjust = ReadSizes(op, "adj");
  adjust.resize(rank, 0);
  for (size_t d = 0; d < rank; ++d) {
    int64_t& tail = window->pads[rank + d];
    const int64_t both = std::min(adjust[d], tail);
    adjust[d] -= both;
    tail -= both;
    if (adjust[d] > 0 && adjust[d] >= window->strides[d]) {
      return op.Unsupported("adj is as large as the stride, which ONNX does not allow");
    }
  }
  return adjust;
}

absl::Status ExportConvolution(OpExport& op, absl::string_view type, bool is_rectified) {
  const bool is_transposed = type == "ConvTranspose";
  if (!is_transposed && op.Flag("global_pooling")) return op.Unsupported("global_pooling");
  WindowArguments window = ReadWindow(op);
  const bool channels_last = op.IsChannelsLast();
  if (is_transposed && window.legacy_pad != 0) window.legacy_pad = 1;  // neither rule has pads then
  DOPPIO_RETURN_IF_ERROR(PlacePads(op, channels_last, &window));
  std::vector<int64_t> adjust;
  if (is_transposed) {
    DOPPIO_ASSIGN_OR_RETURN(adjust, ReadAdjust(op, &window));
  }
  std::vector<AttributeProto> attributes = WindowAttributes(window);
  attributes.push_back(MakeAttribute("dilations", window.dilations));
  attributes.push_back(MakeAttribute("group", op.Int("group")));
  if (is_transposed) attributes.push_back(MakeAttribute("output_padding", adjust));
  const auto rank = static_cast<int>(window.kernel.size()) + 2;
  const std::string filter = channels_last ? ChannelsFirst(op, op.Input(1), rank) : op.Input(1);
  return WithChannelsFirst(op, [&](const std::string& x, const std::string& output) {
    std::vector<std::string> inputs = {x, filter};
    if (op.InputSize() > 2) inputs.push_back(AsVector(op, 2));
    if (!is_rectified) return op.Node(type, inputs, attributes, output);
    return op.Node("Relu", {op.Node(type, inputs, attributes)}, {}, output);
  });
}

absl::Status ExportConv(OpExport& op) { return ExportConvolution(op, "Conv", false); }
DOPPIO_ONNX_EXPORT(Conv, ExportConv);
DOPPIO_ONNX_EXPORT(Conv1D, ExportConv);
DOPPIO_ONNX_EXPORT(Conv2D, ExportConv);
DOPPIO_ONNX_EXPORT(Conv3D, ExportConv);

absl::Status ExportConvRelu(OpExport& op) { return ExportConvolution(op, "Conv", true); }
DOPPIO_ONNX_EXPORT(ConvRelu, ExportConvRelu);

absl::Status ExportConvTranspose(OpExport& op) {
  return ExportConvolution(op, "ConvTranspose", false);
}
DOPPIO_ONNX_EXPORT(ConvTranspose, ExportConvTranspose);

absl::Status ExportPool(OpExport& op, const std::string& type) {
  WindowArguments window = ReadWindow(op);
  const bool is_average = type == "AveragePool";
  const bool counts_pads = is_average && op.Flag("count_include_pad");
  if (op.Flag("global_pooling")) {  // without padding
    return WithChannelsFirst(op, [&](const std::string& x, const std::string& output) {
      return op.Node(absl::StrCat("Global", type), {x}, {}, output);
    });
  }
  DOPPIO_RETURN_IF_ERROR(PlacePads(op, op.IsChannelsLast(), &window));
  std::vector<AttributeProto> attributes = WindowAttributes(window);
  if (is_average) attributes.push_back(MakeAttribute("count_include_pad", counts_pads));
  return WithChannelsFirst(op, [&](const std::string& x, const std::string& output) {
    return op.Node(type, {x}, attributes, output);
  });
}

absl::Status ExportMaxPool(OpExport& op) { return ExportPool(op, "MaxPool"); }
DOPPIO_ONNX_EXPORT(MaxPool, ExportMaxPool);
DOPPIO_ONNX_EXPORT(MaxPool1D, ExportMaxPool);
DOPPIO_ONNX_EXPORT(MaxPool2D, ExportMaxPool);
DOPPIO_ONNX_EXPORT(MaxPool3D, ExportMaxPool);

absl::Status ExportAveragePool(OpExport& op) { return ExportPool(op, "AveragePool"); }
DOPPIO_ONNX_EXPORT(AveragePool, ExportAveragePool);
DOPPIO_ONNX_EXPORT(AveragePool1D, ExportAveragePool);
DOPPIO_ONNX_EXPORT(AveragePool2D, ExportAveragePool);
DOPPIO_ONNX_EXPORT(AveragePool3D, ExportAveragePool);

}  // namespace
}  // namespace onnx
}  // namespace doppio
