#ifndef DOPPIO_KERNEL_REDUCE_H_
#define DOPPIO_KERNEL_REDUCE_H_

// Sums and means over dimensions: the reverse of Broadcast.

#include "doppio/context.h"
#include "doppio/shape.h"
#include "doppio/status.h"

namespace doppio {

// x[i] = the sum of all y that Broadcast(x -> y) would have made of x[i]; writes all of x. Shapes
// as there: to reduce some dimensions, give them size 1 in x_dims. The sum of nothing is 0.
//
// T is int32_t, int64_t, float, double, float16 or bfloat16. Integers wrap; the 16-bit types are
// summed in float and rounded once. Every element of x is summed in an order that only the shapes
// determine, neither the number of threads nor the processor: the bits are always the same. Long
// sums of floats are split into blocks that are summed as a tree, so that rounding errors grow
// about with the logarithm of the length.
//
// Errors: only that the run was cancelled or is late, which is asked in between where there is much
// to do (doppio/cancellation.h); x has any values then.
template <typename T>
absl::Status ReduceSumTo(const T* y, DimsView y_dims, T* x, DimsView x_dims, CPUContext* context);

// The sum divided by the number of its elements: integers truncate toward zero, 16-bit types are
// divided before they are rounded. The mean of nothing is NaN, for integers 0.
template <typename T>
absl::Status ReduceMeanTo(const T* y, DimsView y_dims, T* x, DimsView x_dims, CPUContext* context);

// The same of a y that is not written out: of its elements, which are repeated to the shape y_dims,
// of whose rank their shape is. The same bits. False, and nothing was written, for shapes for which
// this is not done: those where elements are repeated along a part only of what one loop takes, or
// along the innermost one, or where that one makes short rows.
template <typename T>
absl::StatusOr<bool> ReduceSumRepeated(const T* elements, DimsView element_dims, DimsView y_dims,
                                       T* x, DimsView x_dims, CPUContext* context);
template <typename T>
absl::StatusOr<bool> ReduceMeanRepeated(const T* elements, DimsView element_dims, DimsView y_dims,
                                        T* x, DimsView x_dims, CPUContext* context);

}  // namespace doppio

#endif  // DOPPIO_KERNEL_REDUCE_H_
