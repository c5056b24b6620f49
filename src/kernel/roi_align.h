#ifndef DOPPIO_KERNEL_ROI_ALIGN_H_
#define DOPPIO_KERNEL_ROI_ALIGN_H_

// Regions of a feature map, each sampled on a grid of points (He and others, Mask R-CNN, 2017).

#include <cstdint>
#include <vector>

#include "absl/types/span.h"

namespace doppio {

// A region in pixels of the feature map of `image`; the centre of pixel 0 is at 0.
template <typename T>
struct AlignedRegion {
  int64_t image;
  T x1, y1;
  T width, height;
  // Samples of each bin along both axes; 0 only in an adaptive grid over nothing.
  int64_t grid_x, grid_y;
};

// A region that is turned around its centre (x, y), counter-clockwise.
template <typename T>
struct RotatedRegion {
  int64_t image;
  T x, y;
  T width, height;
  T cosine, sine;  // of the angle
  int64_t grid_x, grid_y;
};

struct RoIAlignShape {
  bool channels_last;
  int64_t channels;
  int64_t height;
  int64_t width;
  int64_t pooled_height;
  int64_t pooled_width;
};

// A pixel, and its part in the samples of a bin.
template <typename T>
struct PixelWeight {
  int64_t pixel;
  T weight;
};

// What the bins of one region are made of, as lists that stand one after the other. Of an upright
// region, the pixels along one axis: the lists of all rows of bins, then those of all columns. Of
// a rotated one, the lists of all bins, whose pixels are places in a plane.
template <typename T>
struct RegionWeights {
  std::vector<PixelWeight<T>> weights;
  std::vector<size_t> begins;  // of each list, and the end
  bool by_axis = true;
};

// Scratch of a call, kept from run to run: one for each piece of the work.
template <typename T>
using RoIAlignScratch = std::vector<RegionWeights<T>>;

// y [regions, channels, pooled_height, pooled_width], or with the channels last: the mean of the
// samples of each bin of each region, interpolated between the four pixels around each sample,
// which count as 0 more than a pixel outside of the map. A region's image is in range. The time
// depends on the pixels that a bin touches, and of rotated regions on the rows of samples too, but
// not on the samples beyond the map. T is float or double, Region AlignedRegion<T> or
// RotatedRegion<T>.
template <typename T, typename Region>
void RoIAlign(const T* x, absl::Span<const Region> regions, const RoIAlignShape& shape, T* y,
              RoIAlignScratch<T>* scratch);

// Adds the gradient of the above to dx, which has the shape of `images` feature maps.
template <typename T, typename Region>
void RoIAlignGradient(const T* dy, absl::Span<const Region> regions, const RoIAlignShape& shape,
                      T* dx, RoIAlignScratch<T>* scratch);

}  // namespace doppio

#endif  // DOPPIO_KERNEL_ROI_ALIGN_H_
