#ifndef DOPPIO_KERNEL_SOFTMAX_H_
#define DOPPIO_KERNEL_SOFTMAX_H_

#include <cstdint>

#include "doppio/context.h"

namespace doppio {

// Every row of y [rows,n] becomes exp(x) / sum(exp(x)) of that row of x, computed after subtracting
// the row's maximum, so that large numbers do no harm. y may be x. With `log_norm` (one for each
// row) that becomes log(sum(exp(x - max))), and `row_max` the maximum: the logarithm of an element
// of y is then x - row_max - log_norm. Both may be null. T is float or double; sums are in double.
template <typename T>
void Softmax(const T* x, int64_t rows, int64_t n, T* y, T* row_max, T* log_norm,
             CPUContext* context);

// The gradient of the above: dx = y * (dy - sum(y * dy)) in every row. dx may be dy.
template <typename T>
void SoftmaxGradient(const T* y, const T* dy, int64_t rows, int64_t n, T* dx, CPUContext* context);

}  // namespace doppio

#endif  // DOPPIO_KERNEL_SOFTMAX_H_
