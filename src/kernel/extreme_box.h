#ifndef DOPPIO_KERNEL_EXTREME_BOX_H_
#define DOPPIO_KERNEL_EXTREME_BOX_H_

// The inner part of extremes along dimensions: one box of a tensor, on the calling thread.

#include "absl/types/span.h"
#include "doppio/float16.h"
#include "src/base/run_scope.h"
#include "src/kernel/coalesce.h"

namespace doppio {

// y[i0 * x_stride0 + i1 * x_stride1 + ...] becomes the largest (or smallest) of itself and the
// elements x[i0 * y_stride0 + ...] of the box; `first`: y holds nothing yet. Loops are outermost
// first, the last one has y_stride 1. NaN wins, and -0 is less than 0: so the result is the same,
// to the bit, in whatever order the elements are looked at. Ends anywhere where `watch`, asked now
// and then, says so.
//
// T is float, double, int32_t, int64_t, float16 or bfloat16.
template <bool kLargest, typename T>
void ExtremesOfBox(absl::Span<const BroadcastLoop> loops, const T* x, T* y, bool first,
                   internal::PieceWatch* watch);

}  // namespace doppio

#endif  // DOPPIO_KERNEL_EXTREME_BOX_H_
