#ifndef DOPPIO_KERNEL_ARG_REDUCE_H_
#define DOPPIO_KERNEL_ARG_REDUCE_H_

#include <cstdint>

#include "doppio/context.h"

namespace doppio {

// x has the shape [outer, n, inner], y [outer, inner]: the index in [0, n) of the first of the
// largest elements. NaN counts as larger than any number, so the first NaN wins, as in NumPy.
// n is at least 1 unless y is empty. T is any numeric type.
template <typename T>
void ArgMax(const T* x, int64_t outer, int64_t n, int64_t inner, int64_t* y, CPUContext* context);

}  // namespace doppio

#endif  // DOPPIO_KERNEL_ARG_REDUCE_H_
