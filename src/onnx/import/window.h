#ifndef DOPPIO_ONNX_IMPORT_WINDOW_H_
#define DOPPIO_ONNX_IMPORT_WINDOW_H_

// Windows that slide over an image, as ONNX's convolutions and pools state them.

#include <string>
#include <vector>

#include "src/onnx/import/node_import.h"

namespace doppio {
namespace onnx {

using Ints = std::vector<int64_t>;

struct ImageWindow {
  // Each has a number for each spatial dimension.
  Ints kernel;
  Ints stride;
  Ints dilation;
  Ints head;  // pads
  Ints tail;
  std::string auto_pad;
  int legacy_pad = 0;  // of Caffe2, where it finds the pads

  size_t rank() const { return kernel.size(); }
  // From the first element under a window to the last one.
  int64_t reach(size_t d) const { return (kernel[d] - 1) * dilation[d] + 1; }
  Ints pads() const;
  // As Caffe2 has them; what is a default is left out.
  std::vector<Argument> Arguments() const;
};

// The spatial sizes of weights, which are that input; empty where they are not known.
Ints KernelOf(NodeImport& node, int input);

// kernel_shape (or `kernel`, that of weights, where it is not given), strides, dilations, pads and
// auto_pad, which but for SAME_... is settled.
absl::StatusOr<ImageWindow> ReadWindow(NodeImport& node, const Ints& kernel = {});

// A list of `count` numbers from `least` to 2^31 - 1, all `fallback` where it is not given.
absl::StatusOr<Ints> ReadList(NodeImport& node, absl::string_view name, size_t count,
                              int64_t fallback, int64_t least);

// The spatial sizes of an input, up to 2^31 - 1; empty where they are not known.
absl::StatusOr<Ints> SpatialSizes(NodeImport& node, int input, size_t rank);

// The pads of SAME_UPPER and SAME_LOWER over the image that is that input.
absl::Status PadToSame(NodeImport& node, int input, ImageWindow* window);

// The window of a convolution by weights that are input `w` of the image that is input `x`.
absl::StatusOr<ImageWindow> ReadConvWindow(NodeImport& node, int x, int w);

}  // namespace onnx
}  // namespace doppio

#endif  // DOPPIO_ONNX_IMPORT_WINDOW_H_
