#ifndef DOPPIO_KERNEL_ELEMENTWISE_GRADIENT_H_
#define DOPPIO_KERNEL_ELEMENTWISE_GRADIENT_H_

#include <cstdint>

#include "doppio/context.h"

namespace doppio {

// Gradients of functions of one element, for n elements: from dy and what the forward function took
// (x) or gave (y). dx may be one of them. T: float, double.
template <typename T>  // dy where y > 0, else 0
void ReluGradient(const T* y, const T* dy, T* dx, int64_t n, CPUContext* context);
template <typename T>  // dy, -dy or 0, after the sign of x
void AbsGradient(const T* x, const T* dy, T* dx, int64_t n, CPUContext* context);
template <typename T>  // dy * (1 - y * y)
void TanhGradient(const T* y, const T* dy, T* dx, int64_t n, CPUContext* context);
template <typename T>  // dy * y * (1 - y)
void SigmoidGradient(const T* y, const T* dy, T* dx, int64_t n, CPUContext* context);

}  // namespace doppio

#endif  // DOPPIO_KERNEL_ELEMENTWISE_GRADIENT_H_
