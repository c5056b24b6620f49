#ifndef DOPPIO_KERNEL_CONVOLVE_GROUPS_H_
#define DOPPIO_KERNEL_CONVOLVE_GROUPS_H_

// Convolutions in groups of 2, 4 or 8 channels, as many in as out, of images in which eight
// channels are next to each other: whole groups are side by side in a vector, which products of
// matrices would be too narrow to fill.

#include <cstdint>

#include "doppio/context.h"
#include "src/kernel/convolution_ending.h"

namespace doppio {

// Images are stored [batch, channels / lanes, rows, columns, lanes].
struct GroupConvolution {
  int64_t batch = 1;
  int64_t channels = 0;  // a multiple of lanes
  int64_t lanes = 8;     // a multiple of eight
  int64_t group = 0;     // channels of a group
  int64_t in_rows = 0;
  int64_t in_columns = 0;
  int64_t out_rows = 0;
  int64_t out_columns = 0;
  int64_t kernel_rows = 0;
  int64_t kernel_columns = 0;
  int64_t row_stride = 1;
  int64_t column_stride = 1;
  int64_t row_dilation = 1;
  int64_t column_dilation = 1;
  int64_t pad_top = 0;
  int64_t pad_left = 0;
};

// Whether ConvolveGroups can do it: the groups have such a size, and the rows of the image that one
// row of the result needs are not too much to be copied.
bool ConvolvesByGroups(const GroupConvolution& shape);

// Filters as ConvolveGroups reads them, as many floats, of w [channels, group, rows, columns]. All
// must be finite: they are multiplied by zeros beside the image.
void PackGroupFilters(const GroupConvolution& shape, const float* w, float* to);

// y begins at a multiple of 32 bytes; the bias, one number a channel, may be null. The bits do not
// depend on the number of threads.
void ConvolveGroups(const GroupConvolution& shape, const float* x, const float* filters,
                    const float* bias, const ConvolutionEnding& ending, float* y,
                    CPUContext* context);

}  // namespace doppio

#endif  // DOPPIO_KERNEL_CONVOLVE_GROUPS_H_
