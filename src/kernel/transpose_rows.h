#ifndef DOPPIO_KERNEL_TRANSPOSE_ROWS_H_
#define DOPPIO_KERNEL_TRANSPOSE_ROWS_H_

// Transposed convolutions that make images of few channels, whose blocks oneDNN would not fill:
// what a stride leaves to one column and to the next is summed side by side, several columns at
// once.

#include "doppio/context.h"
#include "src/kernel/convolution_loops.h"

namespace doppio {

// Whether TransposeRows can and should do it: order NCHW, at most two spatial dimensions, no
// dilation, a stride of 1 or 2 along the rows, few channels of the image, and filters that are
// finite: a place beside the image counts as 0.
bool TransposesByRows(const PlainConvolution& shape, const float* w);

// The image x from the places y by the filters w, plus b, a number for each channel of the image,
// unless it is null: ConvolveBackwardData with a bias. The bits do not depend on the number of
// threads.
void TransposeRows(const PlainConvolution& shape, const float* y, const float* w, const float* b,
                   float* x, CPUContext* context);

}  // namespace doppio

#endif  // DOPPIO_KERNEL_TRANSPOSE_ROWS_H_
