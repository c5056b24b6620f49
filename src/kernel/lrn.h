#ifndef DOPPIO_KERNEL_LRN_H_
#define DOPPIO_KERNEL_LRN_H_

// Local response normalisation across channels.

#include <cstdint>

#include "doppio/context.h"

namespace doppio {

// A tensor [outer, channels, inner]: images [N, C, H*W], or [N*H*W, C, 1] where channels are last.
struct LrnShape {
  int64_t outer;
  int64_t channels;
  int64_t inner;

  int64_t size() const { return outer * channels * inner; }
};

// scale = bias + alpha / size * the sum of squares over a window of `size` >= 1 channels, which
// begins (size - 1) / 2 channels before the one in question and ends at the last channel there is.
struct LrnWindow {
  int64_t size;
  double alpha;
  double beta;
  double bias;
};

// y = x * scale^-beta. Also writes the scale, unless it is null. T: float, double.
template <typename T>
void Lrn(const T* x, const LrnShape& shape, const LrnWindow& window, T* y, T* scale,
         CPUContext* context);

// dx from x, y and dy. `scale` and `ratio` are room for as many elements as x has.
template <typename T>
void LrnGradient(const T* x, const T* y, const T* dy, const LrnShape& shape,
                 const LrnWindow& window, T* scale, T* ratio, T* dx, CPUContext* context);

}  // namespace doppio

#endif  // DOPPIO_KERNEL_LRN_H_
