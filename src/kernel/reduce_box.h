#ifndef DOPPIO_KERNEL_REDUCE_BOX_H_
#define DOPPIO_KERNEL_REDUCE_BOX_H_

// The inner part of sums over dimensions: one box of a tensor, on the calling thread.

#include <cstdint>

#include "absl/types/span.h"
#include "doppio/float16.h"
#include "src/base/run_scope.h"
#include "src/kernel/coalesce.h"

namespace doppio {

// What a T is summed in: unsigned for integers, whose sums wrap.
template <typename T>
struct Accumulator {
  using type = T;
};
template <>
struct Accumulator<int32_t> {
  using type = uint32_t;
};
template <>
struct Accumulator<int64_t> {
  using type = uint64_t;
};
template <>
struct Accumulator<float16> {
  using type = float;
};
template <>
struct Accumulator<bfloat16> {
  using type = float;
};
template <typename T>
using Acc = typename Accumulator<T>::type;

// The largest number of sums that one box may have, in one contiguous range.
inline constexpr int64_t kMaxSums = 2048;

// Rows of fewer sums than this are joined to longer ones, if nothing lies between them.
template <typename A>
inline constexpr int64_t kShortRow = 128 / static_cast<int64_t>(sizeof(A));

// Adds every element of the box to its sum: element y[i0 * y_stride0 + i1 * y_stride1 + ...] to
// sums[i0 * x_stride0 + ...]. Loops are outermost first, the last one has y_stride 1, and kept
// loops cover the range of sums without a gap.
//
// For one sum the order of the additions follows from the sizes of the repeated loops (and from
// that of the innermost loop, if it is a short row), neither from how many other sums the box has
// nor from the width of the processor's vectors.
//
// Where `watch` says so, it ends with any sums.
template <typename T>
void SumBox(absl::Span<const BroadcastLoop> loops, const T* y, Acc<T>* sums,
            internal::PieceWatch* watch);

}  // namespace doppio

#endif  // DOPPIO_KERNEL_REDUCE_BOX_H_
