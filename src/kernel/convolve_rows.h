#ifndef DOPPIO_KERNEL_CONVOLVE_ROWS_H_
#define DOPPIO_KERNEL_CONVOLVE_ROWS_H_

// Convolutions of few channels a group, where products of matrices are too narrow to pay: rows of
// the image are multiplied by one tap after another, several columns at once.

#include "doppio/context.h"
#include "src/kernel/convolution_loops.h"

namespace doppio {

// Whether ConvolveRows can and should do it: order NCHW, at most two spatial dimensions, places
// next to each other along the rows, few channels, and a window that is small enough.
bool ConvolvesByRows(const PlainConvolution& shape);

// As Convolve. The bits do not depend on the number of threads.
void ConvolveRows(const PlainConvolution& shape, const float* x, const float* w, const float* b,
                  float* y, CPUContext* context);

}  // namespace doppio

#endif  // DOPPIO_KERNEL_CONVOLVE_ROWS_H_
