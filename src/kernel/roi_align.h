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

struct RoIAlignShape {
  bool channels_last;
  int64_t channels;
  int64_t height;
  int64_t width;
  int64_t pooled_height;
  int64_t pooled_width;
};

// Where the samples of one bin lie along one axis: between pixels `low` and `high`, with the weight
// `fraction` for the latter. Samples outside of the map do not appear: they count as 0.
template <typename T>
struct AxisSample {
  int64_t low;
  int64_t high;
  T fraction;
};

// Scratch of a call, kept from run to run: one for each piece of the work.
template <typename T>
using RoIAlignScratch = std::vector<std::vector<AxisSample<T>>>;

// y [regions, channels, pooled_height, pooled_width], or with the channels last: the mean of the
// samples of each bin of each region, interpolated between the four pixels around each sample. A
// region's image is in range. The time depends on the size of the map, not on how far a region
// reaches beyond it. T is float or double.
template <typename T>
void RoIAlign(const T* x, absl::Span<const AlignedRegion<T>> regions, const RoIAlignShape& shape,
              T* y, RoIAlignScratch<T>* scratch);

// Adds the gradient of the above to dx, which has the shape of `images` feature maps.
template <typename T>
void RoIAlignGradient(const T* dy, absl::Span<const AlignedRegion<T>> regions,
                      const RoIAlignShape& shape, T* dx, RoIAlignScratch<T>* scratch);

}  // namespace doppio

#endif  // DOPPIO_KERNEL_ROI_ALIGN_H_
