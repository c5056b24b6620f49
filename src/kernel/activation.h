#ifndef DOPPIO_KERNEL_ACTIVATION_H_
#define DOPPIO_KERNEL_ACTIVATION_H_

// Activation functions of one element: y[i] = f(x[i]) for n elements, as in elementwise_unary.h; x
// and y are the same or do not overlap, and T is float or double. An element's bits depend on its
// value alone.

#include <cstdint>

#include "doppio/context.h"

namespace doppio {

// x, but no more than `high`, and then no less than `low`; NaN stays NaN.
template <typename T>
void Clip(const T* x, T* y, int64_t n, T low, T high, CPUContext* context);

// x where it is not negative, alpha * x elsewhere.
template <typename T>
void LeakyRelu(const T* x, T* y, int64_t n, T alpha, CPUContext* context);

// scale * x where x > 0, scale * alpha * (exp(x) - 1) elsewhere.
template <typename T>
void ScaledElu(const T* x, T* y, int64_t n, T alpha, T scale, CPUContext* context);

// x / (1 + exp(-x)).
template <typename T>
void Swish(const T* x, T* y, int64_t n, CPUContext* context);

// log(1 + exp(x)), without overflow.
template <typename T>
void Softplus(const T* x, T* y, int64_t n, CPUContext* context);

// x / (1 + |x|).
template <typename T>
void Softsign(const T* x, T* y, int64_t n, CPUContext* context);

// x * P(N(0, 1) <= x).
template <typename T>
void Gelu(const T* x, T* y, int64_t n, CPUContext* context);

// x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2, which is near x * P(N(0, 1) <= x).
template <typename T>
void FastGelu(const T* x, T* y, int64_t n, CPUContext* context);

}  // namespace doppio

#endif  // DOPPIO_KERNEL_ACTIVATION_H_
