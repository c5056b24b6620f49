#ifndef DOPPIO_KERNEL_GROUP_NORM_H_
#define DOPPIO_KERNEL_GROUP_NORM_H_

// Normalisation of groups of channels of an image: with one group for each channel it is instance
// normalisation. T is float or double.

#include "src/kernel/channel_statistics.h"

namespace doppio {

// The channels of images [N, C] (`view`) in groups of as many neighbours.
struct GroupShape {
  ChannelView view;
  int64_t groups;  // of each image; divides view.channels

  int64_t channels_of_each() const { return groups == 0 ? 0 : view.channels / groups; }
  int64_t count() const { return view.outer * groups; }
  int64_t room() const { return 5 * view.count(); }  // elements of scratch memory
};

// mean and 1 / sqrt(variance + epsilon) of every group; both have shape.count() elements.
template <typename T>
void GroupStatistics(const T* x, const GroupShape& shape, double epsilon, T* mean, T* inv_std,
                     T* room, CPUContext* context);

// y = (x - mean) * inv_std * gamma + beta, where gamma and beta have an element for each channel.
// y may be x.
template <typename T>
void GroupNorm(const T* x, const GroupShape& shape, const T* mean, const T* inv_std, const T* gamma,
               const T* beta, T* y, T* room, CPUContext* context);

// The gradients of both together.
template <typename T>
void GroupNormGradient(const T* dy, const T* x, const GroupShape& shape, const T* mean,
                       const T* inv_std, const T* gamma, T* dx, T* dgamma, T* dbeta, T* room,
                       CPUContext* context);

}  // namespace doppio

#endif  // DOPPIO_KERNEL_GROUP_NORM_H_
