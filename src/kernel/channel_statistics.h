#ifndef DOPPIO_KERNEL_CHANNEL_STATISTICS_H_
#define DOPPIO_KERNEL_CHANNEL_STATISTICS_H_

// Loops over the channels of a tensor, for normalisation: sums over each channel, and products with
// numbers of each channel. T is float or double. A channel's sum is taken in an order that only the
// shape determines, in pieces that are added up in double.

#include <cstdint>

#include "doppio/context.h"

namespace doppio {

// A tensor seen as [outer, repeat, channels, inner]. "A channel" is one of outer * channels, and
// its elements are repeat * inner: of a batch of images [N, 1, C, H*W] (NCHW) or [N, H*W, C, 1]
// (NHWC) it is one image's, of [1, N, C, H*W] or [1, N*H*W, C, 1] all the images' together; the
// rows of a matrix are [1, 1, M, N].
struct ChannelView {
  int64_t outer;
  int64_t repeat;
  int64_t channels;
  int64_t inner;

  int64_t count() const { return outer * channels; }       // of channels
  int64_t channel_size() const { return repeat * inner; }  // elements of each
  int64_t size() const { return count() * channel_size(); }
};

// The mean of each channel and its variance, divided by the number of elements. Both 0 for none.
template <typename T>
void ChannelMoments(const T* x, const ChannelView& view, T* mean, T* variance, CPUContext* context);

// Of each channel the sum of dy, and of dy * (x - mean).
template <typename T>
void ChannelDots(const T* dy, const T* x, const T* mean, const ChannelView& view, T* sum, T* dot,
                 CPUContext* context);

// y = x * scale + shift, which have one element for each channel. y may be x.
template <typename T>
void ChannelScale(const T* x, const ChannelView& view, const T* scale, const T* shift, T* y,
                  CPUContext* context);

// z = x * a + y * b + c; a, b and c have one element for each channel. z may be x or y.
template <typename T>
void ChannelCombine(const T* x, const T* y, const ChannelView& view, const T* a, const T* b,
                    const T* c, T* z, CPUContext* context);

}  // namespace doppio

#endif  // DOPPIO_KERNEL_CHANNEL_STATISTICS_H_
