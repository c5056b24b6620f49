#ifndef DOPPIO_KERNEL_POOLING_LANES_H_
#define DOPPIO_KERNEL_POOLING_LANES_H_

// Pooling of one image of some channels that are neighbours in memory (NHWC), all of them side by
// side, as MaxPool, AveragePool and their gradients have them. T is float or double. With one lane
// it does for any layout.

#include <cstdint>

#include "src/kernel/pooling_loops.h"

namespace doppio {

template <typename T>
void MaxPoolLanes(const PlainPool& shape, int64_t lanes, const T* x, T* y);
template <typename T>
void AveragePoolLanes(const PlainPool& shape, int64_t lanes, bool count_include_pad, const T* x,
                      T* y);
template <typename T>
void MaxPoolGradientLanes(const PlainPool& shape, int64_t lanes, const T* x, const T* y,
                          const T* dy, T* dx);
template <typename T>
void AveragePoolGradientLanes(const PlainPool& shape, int64_t lanes, bool count_include_pad,
                              const T* dy, T* dx);

}  // namespace doppio

#endif  // DOPPIO_KERNEL_POOLING_LANES_H_
