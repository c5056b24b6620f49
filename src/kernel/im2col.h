#ifndef DOPPIO_KERNEL_IM2COL_H_
#define DOPPIO_KERNEL_IM2COL_H_

// Windows of an image, written out one after another, and added up again.

#include "doppio/context.h"
#include "src/kernel/spatial.h"

namespace doppio {

// X [batch, channels, in...]; columns [batch, channels, kernel..., out...], whatever their order in
// memory. A column element is the x under a tap, or 0 beside the image.
struct ColumnShape : SlidingWindow {
  int64_t channels = 1;
  ImageStrides x;
  ImageStrides columns;  // `spatial` is that of the places
  Spatial taps{};        // strides of the taps in the columns
};

// T is float or double.
template <typename T>
void Im2Col(const ColumnShape& shape, const T* x, T* columns, CPUContext* context);

// Every x becomes the sum of the columns' elements that Im2Col would have copied it to.
template <typename T>
void Col2Im(const ColumnShape& shape, const T* columns, T* x, CPUContext* context);

}  // namespace doppio

#endif  // DOPPIO_KERNEL_IM2COL_H_
