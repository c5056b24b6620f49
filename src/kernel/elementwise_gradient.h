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
template <typename T>  // dy * cos(x)
void SinGradient(const T* x, const T* dy, T* dx, int64_t n, CPUContext* context);
template <typename T>  // -dy * sin(x)
void CosGradient(const T* x, const T* dy, T* dx, int64_t n, CPUContext* context);
template <typename T>  // dy / cos(x)^2
void TanGradient(const T* x, const T* dy, T* dx, int64_t n, CPUContext* context);
template <typename T>  // dy / sqrt(1 - x * x)
void AsinGradient(const T* x, const T* dy, T* dx, int64_t n, CPUContext* context);
template <typename T>  // -dy / sqrt(1 - x * x)
void AcosGradient(const T* x, const T* dy, T* dx, int64_t n, CPUContext* context);
template <typename T>  // dy / (1 + x * x)
void AtanGradient(const T* x, const T* dy, T* dx, int64_t n, CPUContext* context);
template <typename T>  // dy * cosh(x)
void SinhGradient(const T* x, const T* dy, T* dx, int64_t n, CPUContext* context);
template <typename T>  // dy * sinh(x)
void CoshGradient(const T* x, const T* dy, T* dx, int64_t n, CPUContext* context);
template <typename T>  // dy / (1 + x)
void Log1pGradient(const T* x, const T* dy, T* dx, int64_t n, CPUContext* context);
template <typename T>  // dy * 2 / sqrt(pi) * exp(-x * x)
void ErfGradient(const T* x, const T* dy, T* dx, int64_t n, CPUContext* context);
template <typename T>  // -dy * y * y
void ReciprocalGradient(const T* y, const T* dy, T* dx, int64_t n, CPUContext* context);
template <typename T>  // -dy / 2 * y * y * y
void RsqrtGradient(const T* y, const T* dy, T* dx, int64_t n, CPUContext* context);

}  // namespace doppio

#endif  // DOPPIO_KERNEL_ELEMENTWISE_GRADIENT_H_
