#ifndef DOPPIO_KERNEL_CHANNEL_SOFTMAX_H_
#define DOPPIO_KERNEL_CHANNEL_SOFTMAX_H_

#include <cstdint>

namespace doppio {

// y [groups,classes,positions] = exp(x) / sum(exp(x)), the sum being over the classes, computed
// after subtracting the largest of them. y may be x. T is float or double; sums are in double.
template <typename T>
void ChannelSoftmax(const T* x, int64_t groups, int64_t classes, int64_t positions, T* y);

// The logarithm of that, without overflow and without the logarithm of 0.
template <typename T>
void ChannelLogSoftmax(const T* x, int64_t groups, int64_t classes, int64_t positions, T* y);

// 1 at the largest of the classes, the first one of equal ones, and 0 elsewhere; NaN counts as
// larger than any number.
template <typename T>
void ChannelHardmax(const T* x, int64_t groups, int64_t classes, int64_t positions, T* y);

// The gradient of ChannelSoftmax: dx = y * (dy - sum(y * dy)). dx may be dy.
template <typename T>
void ChannelSoftmaxGradient(const T* y, const T* dy, int64_t groups, int64_t classes,
                            int64_t positions, T* dx);

}  // namespace doppio

#endif  // DOPPIO_KERNEL_CHANNEL_SOFTMAX_H_
