#ifndef DOPPIO_KERNEL_WEIGHTED_SUM_H_
#define DOPPIO_KERNEL_WEIGHTED_SUM_H_

// Tensors times numbers, and their sums, on n elements that lie side by side; T is float or double.
// y may be an operand. An element's result does not depend on its place. On the calling thread.

#include <cstdint>

namespace doppio {

// y = w x
template <typename T>
void WeightedSum(T w, const T* x, int64_t n, T* y);

// y = w0 x0 + w1 x1
template <typename T>
void WeightedSum(T w0, const T* x0, T w1, const T* x1, int64_t n, T* y);

}  // namespace doppio

#endif  // DOPPIO_KERNEL_WEIGHTED_SUM_H_
