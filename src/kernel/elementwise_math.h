#ifndef DOPPIO_KERNEL_ELEMENTWISE_MATH_H_
#define DOPPIO_KERNEL_ELEMENTWISE_MATH_H_

// Elementary functions of one element, and powers, as in elementwise_unary.h: x and y are the same
// or do not overlap, T is float or double, and an element's result depends on its value alone.
// Infinities, NaN and -0 are as in the C library. How far from the exact value results are is
// measured by tests/kernel/vector_math_test.cc and said in docs/performance.md.

#include <cstdint>

#include "doppio/context.h"
#include "doppio/shape.h"

namespace doppio {

template <typename T>
void Sin(const T* x, T* y, int64_t n, CPUContext* context);
template <typename T>
void Cos(const T* x, T* y, int64_t n, CPUContext* context);
template <typename T>
void Tan(const T* x, T* y, int64_t n, CPUContext* context);
template <typename T>
void Asin(const T* x, T* y, int64_t n, CPUContext* context);
template <typename T>
void Acos(const T* x, T* y, int64_t n, CPUContext* context);
template <typename T>
void Atan(const T* x, T* y, int64_t n, CPUContext* context);
template <typename T>
void Sinh(const T* x, T* y, int64_t n, CPUContext* context);
template <typename T>
void Cosh(const T* x, T* y, int64_t n, CPUContext* context);
template <typename T>
void Log1p(const T* x, T* y, int64_t n, CPUContext* context);
template <typename T>
void Erf(const T* x, T* y, int64_t n, CPUContext* context);
template <typename T>
void Cbrt(const T* x, T* y, int64_t n, CPUContext* context);

// y = x^exponent, where y_dims is the broadcast of the others'.
template <typename T>
void Pow(const T* x, DimsView x_dims, const T* exponent, DimsView exponent_dims, T* y,
         DimsView y_dims, CPUContext* context);

// x^(1/2): the square root, but infinite for -infinity, and 0 for -0.
template <typename T>
void RootPower(const T* x, T* y, int64_t n, CPUContext* context);

}  // namespace doppio

#endif  // DOPPIO_KERNEL_ELEMENTWISE_MATH_H_
