#ifndef DOPPIO_KERNEL_ELEMENTWISE_BINARY_H_
#define DOPPIO_KERNEL_ELEMENTWISE_BINARY_H_

// Functions of two elements, with NumPy's broadcasting.

#include "doppio/context.h"
#include "doppio/shape.h"

namespace doppio {

// c = a (op) b, where c_dims is the broadcast of a_dims and b_dims (BroadcastShapes). c may be a
// where their shapes are equal, and likewise b. T: float, double, int32_t, int64_t.
//
// Integers wrap and quotients truncate toward zero; no integer divisor may be 0. Results depend
// neither on the number of threads nor on the processor.
template <typename T>
void Add(const T* a, DimsView a_dims, const T* b, DimsView b_dims, T* c, DimsView c_dims,
         CPUContext* context);
template <typename T>
void Sub(const T* a, DimsView a_dims, const T* b, DimsView b_dims, T* c, DimsView c_dims,
         CPUContext* context);
template <typename T>
void Mul(const T* a, DimsView a_dims, const T* b, DimsView b_dims, T* c, DimsView c_dims,
         CPUContext* context);
template <typename T>
void Div(const T* a, DimsView a_dims, const T* b, DimsView b_dims, T* c, DimsView c_dims,
         CPUContext* context);
// The larger and the smaller one; NaN wins, wherever it stands.
template <typename T>
void Max(const T* a, DimsView a_dims, const T* b, DimsView b_dims, T* c, DimsView c_dims,
         CPUContext* context);
template <typename T>
void Min(const T* a, DimsView a_dims, const T* b, DimsView b_dims, T* c, DimsView c_dims,
         CPUContext* context);

// y[i] = xs[0][i] + xs[1][i] + ..., summed in this order; at least one x, and y may be any of
// them. Types as above.
template <typename T>
void SumOf(absl::Span<const T* const> xs, T* y, int64_t n, CPUContext* context);

}  // namespace doppio

#endif  // DOPPIO_KERNEL_ELEMENTWISE_BINARY_H_
