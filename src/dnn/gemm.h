#ifndef DOPPIO_DNN_GEMM_H_
#define DOPPIO_DNN_GEMM_H_

// Matrix products.

#include <cstdint>

#include "doppio/context.h"
#include "doppio/status.h"

namespace doppio {

// c [m,n] = op(a) op(b), where op(a) is [m,k] and op(b) is [k,n]: op(x) is x, or its transpose
// where `trans_x` says so (a is then stored as [k,m], b as [n,k]). All matrices are row-major
// without gaps; c overlaps neither a nor b. The sum of nothing (k = 0) is 0.
//
// T is float, by oneDNN, or double, by a plain loop that is for checks rather than for speed. The
// blocks that threads share out depend on the shape alone, and so do the bits of the result.
// Errors: what oneDNN reports (it may run out of memory).
template <typename T>
absl::Status Gemm(bool trans_a, bool trans_b, int64_t m, int64_t n, int64_t k, const T* a,
                  const T* b, T* c, CPUContext* context);

// The same, added to what c holds: c += op(a) op(b).
template <typename T>
absl::Status GemmAdd(bool trans_a, bool trans_b, int64_t m, int64_t n, int64_t k, const T* a,
                     const T* b, T* c, CPUContext* context);

// Multiplications with an addition each of such a product; at most 2^60, so that a few may be added
// up.
int64_t GemmMultiplyAdds(int64_t m, int64_t n, int64_t k);

}  // namespace doppio

#endif  // DOPPIO_DNN_GEMM_H_
