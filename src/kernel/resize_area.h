#ifndef DOPPIO_KERNEL_RESIZE_AREA_H_
#define DOPPIO_KERNEL_RESIZE_AREA_H_

// Pictures of bytes in another size, to the bit as OpenCV's cv::resize makes them with INTER_AREA:
// what Caffe2's pictures went through on their way into a net.

#include <cstdint>

namespace doppio {

// A part of a picture: `height` rows of `width` pixels, each of `channels` bytes, row_stride bytes
// from one row to the next.
struct PictureView {
  const uint8_t* data;
  int64_t height;
  int64_t width;
  int64_t channels;
  int64_t row_stride;
};

// Writes `height` x `width` pixels without gaps. All sides are at least 1. Where neither side
// grows, a pixel is the mean of the area that it covers; otherwise it lies between two pixels in
// each direction.
void ResizeArea(const PictureView& picture, int64_t height, int64_t width, uint8_t* out);

}  // namespace doppio

#endif  // DOPPIO_KERNEL_RESIZE_AREA_H_
