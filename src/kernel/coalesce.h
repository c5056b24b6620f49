#ifndef DOPPIO_KERNEL_COALESCE_H_
#define DOPPIO_KERNEL_COALESCE_H_

// Shapes as the loops need them: as few dimensions as possible. Nothing here allocates.

#include <cstdint>

#include "absl/container/inlined_vector.h"
#include "doppio/shape.h"

namespace doppio {

// One loop over a broadcast pair: `size` steps along y, along which x advances too (kept) or stays
// (repeated: broadcast there, summed in the reverse direction).
struct BroadcastLoop {
  int64_t size;
  bool repeated;
  int64_t x_stride;  // elements; 0 where repeated
  int64_t y_stride;
};

using BroadcastLoops = absl::InlinedVector<BroadcastLoop, kMaxRank>;

// The loops of x_dims -> y_dims, outermost first; kept and repeated ones alternate, no size is 1.
// Empty for a single element. y must have elements.
BroadcastLoops CoalesceBroadcast(DimsView x_dims, DimsView y_dims);

// The product of the sizes of a tensor's shape; 0 as soon as one of them is.
int64_t CountElements(DimsView dims);

}  // namespace doppio

#endif  // DOPPIO_KERNEL_COALESCE_H_
