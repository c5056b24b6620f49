#ifndef DOPPIO_KERNEL_ELEMENTWISE_UNARY_H_
#define DOPPIO_KERNEL_ELEMENTWISE_UNARY_H_

// Functions of one element: y[i] = f(x[i]) for n elements. x and y are the same or do not overlap.
// An element's result depends on its value alone: not on n, its place or the number of threads.

#include <cstdint>

#include "doppio/context.h"
#include "doppio/parallel.h"

namespace doppio {

// max(x, 0), where NaN stays NaN; x * x; x * x * x; the square root, NaN below 0; one over it; one
// over x; the next whole number below and above. T: float, double.
template <typename T>
void Relu(const T* x, T* y, int64_t n, CPUContext* context);
template <typename T>
void Sqr(const T* x, T* y, int64_t n, CPUContext* context);
template <typename T>
void Cube(const T* x, T* y, int64_t n, CPUContext* context);
template <typename T>
void Sqrt(const T* x, T* y, int64_t n, CPUContext* context);
template <typename T>
void Rsqrt(const T* x, T* y, int64_t n, CPUContext* context);
template <typename T>
void Reciprocal(const T* x, T* y, int64_t n, CPUContext* context);
template <typename T>
void Floor(const T* x, T* y, int64_t n, CPUContext* context);
template <typename T>
void Ceil(const T* x, T* y, int64_t n, CPUContext* context);

// T of these three: float, double, int32_t, int64_t. Integers wrap; the sign of NaN is 0.
template <typename T>
void Negative(const T* x, T* y, int64_t n, CPUContext* context);
template <typename T>
void Abs(const T* x, T* y, int64_t n, CPUContext* context);
template <typename T>
void Sign(const T* x, T* y, int64_t n, CPUContext* context);

// T: float, double. Within 2 units in the last place of the exact value (Tanh and Sigmoid: 3),
// infinities and NaN as in the C library.
template <typename T>
void Exp(const T* x, T* y, int64_t n, CPUContext* context);
template <typename T>
void Log(const T* x, T* y, int64_t n, CPUContext* context);
template <typename T>
void Tanh(const T* x, T* y, int64_t n, CPUContext* context);
// 1 / (1 + exp(-x)), without overflow.
template <typename T>
void Sigmoid(const T* x, T* y, int64_t n, CPUContext* context);

// Elements that one thread takes at least: of functions that wait for memory, and of those that
// compute.
constexpr int64_t kCheapGrain = 32768;
constexpr int64_t kCostlyGrain = 4096;

// Any other function, one element at a time.
template <typename T, typename F>
void MapElements(const F& f, const T* x, T* y, int64_t n, CPUContext*) {
  ParallelFor(n, kCostlyGrain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) y[i] = f(x[i]);
  });
}

// The same for a function of two elements, y[i] = f(a[i], b[i]).
template <typename T, typename F>
void MapPairs(const F& f, const T* a, const T* b, T* y, int64_t n, CPUContext*) {
  ParallelFor(n, kCostlyGrain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) y[i] = f(a[i], b[i]);
  });
}

}  // namespace doppio

#endif  // DOPPIO_KERNEL_ELEMENTWISE_UNARY_H_
