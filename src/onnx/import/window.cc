#include "src/onnx/import/window.h"

#include <algorithm>
#include <limits>

#include "absl/strings/str_cat.h"

namespace doppio {
namespace onnx {
namespace {

constexpr int64_t kMost = std::numeric_limits<int32_t>::max();

bool AreAll(const Ints& values, int64_t value) {
  return std::all_of(values.begin(), values.end(), [=](int64_t v) { return v == value; });
}

}  // namespace

absl::StatusOr<Ints> ReadList(NodeImport& node, absl::string_view name, size_t count,
                              int64_t fallback, int64_t least) {
  Ints values = node.Ints(name);
  if (values.empty()) values.assign(count, fallback);
  if (values.size() != count) {
    return absl::InvalidArgumentError(
        absl::StrCat(name, " has ", values.size(), " numbers, must have ", count));
  }
  for (int64_t value : values) {
    if (value < least || value > kMost) {
      return absl::InvalidArgumentError(
          absl::StrCat(name, " has ", value, ", must be ", least, " to 2^31 - 1"));
    }
  }
  return values;
}

Ints ImageWindow::pads() const {
  Ints pads = head;
  pads.insert(pads.end(), tail.begin(), tail.end());
  return pads;
}

std::vector<Argument> ImageWindow::Arguments() const {
  std::vector<Argument> args = {MakeArgument("kernels", kernel)};
  if (!AreAll(stride, 1)) args.push_back(MakeArgument("strides", stride));
  if (!AreAll(dilation, 1)) args.push_back(MakeArgument("dilations", dilation));
  if (!AreAll(pads(), 0)) args.push_back(MakeArgument("pads", pads()));
  if (legacy_pad != 0) args.push_back(MakeArgument("legacy_pad", legacy_pad));
  return args;
}

Ints KernelOf(NodeImport& node, int input) {
  const std::optional<Dims>& dims = node.Info(node.Input(input)).dims;
  if (!dims.has_value() || dims->size() < 3) return {};
  return {dims->begin() + 2, dims->end()};
}

absl::StatusOr<ImageWindow> ReadWindow(NodeImport& node, const Ints& kernel) {
  ImageWindow window;
  window.kernel = node.Ints("kernel_shape");
  if (window.kernel.empty()) window.kernel = kernel;
  if (window.kernel.empty()) {
    return NodeImport::Unsupported("no kernel_shape is given, and no shape of weights is known");
  }
  const size_t rank = window.rank();
  for (int64_t size : window.kernel) {
    if (size < 1 || size > kMost) {
      return absl::InvalidArgumentError(absl::StrCat("kernel_shape has ", size));
    }
  }
  DOPPIO_ASSIGN_OR_RETURN(window.stride, ReadList(node, "strides", rank, 1, 1));
  DOPPIO_ASSIGN_OR_RETURN(window.dilation, ReadList(node, "dilations", rank, 1, 1));
  DOPPIO_ASSIGN_OR_RETURN(const Ints pads, ReadList(node, "pads", 2 * rank, 0, 0));
  window.head.assign(pads.begin(), pads.begin() + static_cast<int64_t>(rank));
  window.tail.assign(pads.begin() + static_cast<int64_t>(rank), pads.end());
  window.auto_pad = node.String("auto_pad", "NOTSET");
  if (window.auto_pad == "NOTSET") return window;
  if (window.auto_pad != "VALID" && window.auto_pad != "SAME_UPPER" &&
      window.auto_pad != "SAME_LOWER") {
    return absl::InvalidArgumentError(absl::StrCat("auto_pad is \"", window.auto_pad, "\""));
  }
  if (!AreAll(pads, 0)) {
    return absl::InvalidArgumentError(
        absl::StrCat("auto_pad ", window.auto_pad, " finds the pads; none may be given"));
  }
  return window;
}

absl::StatusOr<Ints> SpatialSizes(NodeImport& node, int input, size_t rank) {
  const std::optional<Dims>& dims = node.Info(node.Input(input)).dims;
  if (!dims.has_value()) return Ints();
  if (dims->size() != rank + 2) {
    return absl::InvalidArgumentError(
        absl::StrCat("a window of ", rank, " dimensions needs an image with a batch, channels and ",
                     "as many dimensions, but input ", input, " is ", ShapeToString(*dims)));
  }
  for (size_t d = 2; d < dims->size(); ++d) {
    if ((*dims)[d] > kMost) {
      return absl::InvalidArgumentError(
          absl::StrCat("input ", input, " is ", ShapeToString(*dims), ", larger than 2^31 - 1"));
    }
  }
  return Ints(dims->begin() + 2, dims->end());
}

absl::Status PadToSame(NodeImport& node, int input, ImageWindow* window) {
  const bool is_upper = window->auto_pad == "SAME_UPPER";
  if (!is_upper && window->auto_pad != "SAME_LOWER") return absl::OkStatus();
  DOPPIO_ASSIGN_OR_RETURN(const Ints in, SpatialSizes(node, input, window->rank()));
  bool can_be_legacy = is_upper;  // Caffe2's rule is the same there
  bool is_known = true;
  for (size_t d = 0; d < window->rank(); ++d) {
    const int64_t stride = window->stride[d];
    const int64_t reach = window->reach(d);
    can_be_legacy = can_be_legacy && window->dilation[d] == 1 && window->kernel[d] >= stride;
    if (stride != 1 && in.empty()) {
      is_known = false;
      continue;
    }
    // With a stride of 1 the size of the image does not matter.
    const int64_t last = stride == 1 ? 0 : (in[d] - 1) / stride * stride + 1 - in[d];
    const int64_t total = std::max<int64_t>(0, last + reach - 1);
    window->head[d] = is_upper ? total / 2 : total - total / 2;
    window->tail[d] = total - window->head[d];
  }
  if (is_known) return absl::OkStatus();
  if (!can_be_legacy) {
    return NodeImport::Unsupported(
        absl::StrCat("auto_pad ", window->auto_pad, " of an image whose size is not known"));
  }
  window->head.assign(window->rank(), 0);
  window->tail = window->head;
  window->legacy_pad = 2;
  return absl::OkStatus();
}

absl::StatusOr<ImageWindow> ReadConvWindow(NodeImport& node, int x, int w) {
  DOPPIO_ASSIGN_OR_RETURN(ImageWindow window, ReadWindow(node, KernelOf(node, w)));
  DOPPIO_RETURN_IF_ERROR(PadToSame(node, x, &window));
  return window;
}

}  // namespace onnx
}  // namespace doppio
