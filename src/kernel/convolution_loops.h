#ifndef DOPPIO_KERNEL_CONVOLUTION_LOOPS_H_
#define DOPPIO_KERNEL_CONVOLUTION_LOOPS_H_

// Convolutions as plain loops, in any layout: for types and geometries that no library has.

#include <cstdint>

#include "doppio/context.h"
#include "src/kernel/spatial.h"

namespace doppio {

// X [batch, groups * inputs, in...], W [groups * outputs, inputs, kernel...] and
// Y [batch, groups * outputs, out...]: every y is a sum over the taps of a window on x, and taps
// beside the image count as 0.
struct PlainConvolution : SlidingWindow {
  int64_t groups = 1;
  int64_t inputs = 1;   // channels of a group
  int64_t outputs = 1;  // of a group
  ImageStrides x;
  ImageStrides w;
  ImageStrides y;
};

// y = W * x + b; b, one number for each output channel, may be null. T is float or double; each
// element is summed in the same order for any number of threads.
template <typename T>
void Convolve(const PlainConvolution& shape, const T* x, const T* w, const T* b, T* y,
              CPUContext* context);

// The gradient of x, from that of y.
template <typename T>
void ConvolveBackwardData(const PlainConvolution& shape, const T* dy, const T* w, T* dx,
                          CPUContext* context);

// The gradient of w.
template <typename T>
void ConvolveBackwardWeights(const PlainConvolution& shape, const T* x, const T* dy, T* dw,
                             CPUContext* context);

}  // namespace doppio

#endif  // DOPPIO_KERNEL_CONVOLUTION_LOOPS_H_
