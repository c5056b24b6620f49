#ifndef DOPPIO_KERNEL_VECTOR_MATRIX_H_
#define DOPPIO_KERNEL_VECTOR_MATRIX_H_

#include <cstdint>

#include "doppio/context.h"

namespace doppio {

// y[j] = the sum of x[l] * w[l,j] over l, where w is [k,n]: waits for memory, and reads w once. An
// element's bits depend on x, its column and k alone.
void VectorTimesMatrix(const float* x, const float* w, int64_t k, int64_t n, float* y,
                       CPUContext* context);

}  // namespace doppio

#endif  // DOPPIO_KERNEL_VECTOR_MATRIX_H_
