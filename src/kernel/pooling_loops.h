#ifndef DOPPIO_KERNEL_POOLING_LOOPS_H_
#define DOPPIO_KERNEL_POOLING_LOOPS_H_

// Maxima and means of windows that slide over an image, as plain loops in any layout.

#include "doppio/context.h"
#include "src/kernel/spatial.h"

namespace doppio {

// X [batch, channels, in...] and Y [batch, channels, out...]. Of what is beside the image nothing
// is taken. The dilation is 1.
struct PlainPool : SlidingWindow {
  int64_t channels = 1;
  ImageStrides x;
  ImageStrides y;
};

// T is float or double. NaN is passed over; windows without a number larger than the type's lowest
// give that.
template <typename T>
void MaxPool(const PlainPool& shape, const T* x, T* y, CPUContext* context);

// The sum divided by the size of the window, or of what of it lies in the image unless
// `count_include_pad`; windows wholly in the padding then give NaN.
template <typename T>
void AveragePool(const PlainPool& shape, bool count_include_pad, const T* x, T* y,
                 CPUContext* context);

// dx = the sum of the dy of all windows of which x is the maximum: all that are equal to it, as in
// Caffe2, not just one.
template <typename T>
void MaxPoolGradient(const PlainPool& shape, const T* x, const T* y, const T* dy, T* dx,
                     CPUContext* context);

template <typename T>
void AveragePoolGradient(const PlainPool& shape, bool count_include_pad, const T* dy, T* dx,
                         CPUContext* context);

}  // namespace doppio

#endif  // DOPPIO_KERNEL_POOLING_LOOPS_H_
