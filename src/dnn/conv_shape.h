#ifndef DOPPIO_DNN_CONV_SHAPE_H_
#define DOPPIO_DNN_CONV_SHAPE_H_

// The shape of a convolution, stated once for Conv, ConvTranspose and their gradients, and whatever
// computes them.

#include <cstdint>

#include "src/dnn/onednn.h"
#include "src/dnn/window.h"

namespace doppio {

// A convolution takes an image [batch, in_channels, window.in...] to places
// [batch, out_channels, window.out...] by a filter [out_channels, in_channels / groups, kernel...].
// Where channels are last, those of all three are. A transposed convolution takes places to an
// image: it is the gradient, with respect to its image, of the convolution that this describes.
struct ConvShape {
  Window window;
  int64_t in_channels = 0;
  int64_t out_channels = 0;
  int64_t groups = 1;

  Dims image() const {
    return ImageDims(window.batch, in_channels, window.in, window.channels_last);
  }
  Dims places() const {
    return ImageDims(window.batch, out_channels, window.out, window.channels_last);
  }
  Dims filter() const {
    return ImageDims(out_channels, in_channels / groups, window.kernel, window.channels_last);
  }
};

// Of Conv: X is the image. Errors name the rule that X and W break; the result's shape is checked.
absl::StatusOr<ConvShape> ShapeOfConv(const WindowSettings& settings, DimsView x, DimsView w);
// Of ConvTranspose: X is the places, and W [X's channels, outputs / group, kernel...] the filter.
absl::StatusOr<ConvShape> ShapeOfConvTranspose(const WindowSettings& settings, DimsView x,
                                               DimsView w);

// A bias is a vector of the channels of the output.
absl::Status CheckConvBias(int64_t channels, DimsView b);

// One pass over all taps, padding included. At most 2^60.
int64_t ConvMultiplyAdds(const ConvShape& shape);

// What oneDNN calls the parts of a convolution, in the layouts of plain tensors; the filter of
// more than one group has five dimensions for four.
struct DnnlConv {
  explicit DnnlConv(const ConvShape& shape);

  dnnl::memory::desc image;
  dnnl::memory::desc filter;
  dnnl::memory::desc places;
  dnnl::memory::dims strides;
  dnnl::memory::dims dilates;  // 0: taps are neighbours
  dnnl::memory::dims pad_head;
  dnnl::memory::dims pad_tail;
};

}  // namespace doppio

#endif  // DOPPIO_DNN_CONV_SHAPE_H_
