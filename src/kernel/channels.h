#ifndef DOPPIO_KERNEL_CHANNELS_H_
#define DOPPIO_KERNEL_CHANNELS_H_

// What is computed with one parameter for each channel. Arrays are [outer, channels, inner], and
// parameters [channels]. T: float, double. y and x are the same or do not overlap.

#include <cstdint>

#include "doppio/context.h"

namespace doppio {

struct ChannelShape {
  int64_t outer;
  int64_t channels;
  int64_t inner;
};

// y = x where x > 0, else slope * x.
template <typename T>
void Prelu(const T* x, const T* slope, const ChannelShape& shape, T* y, CPUContext* context);

// dx = dy where x > 0, else slope * dy; dslope = sum of dy * x where x is not > 0. dx and dy are
// the same or do not overlap. Sums are made in double.
template <typename T>
void PreluGradient(const T* dy, const T* x, const T* slope, const ChannelShape& shape, T* dx,
                   T* dslope, CPUContext* context);

// y = scale * x + bias; without a bias where it is null.
template <typename T>
void ChannelAffine(const T* x, const T* scale, const T* bias, const ChannelShape& shape, T* y,
                   CPUContext* context);

// sums = sum of a * b over all but the channels, or of a where b is null; made in double.
template <typename T>
void ChannelSums(const T* a, const T* b, const ChannelShape& shape, T* sums, CPUContext* context);

}  // namespace doppio

#endif  // DOPPIO_KERNEL_CHANNELS_H_
