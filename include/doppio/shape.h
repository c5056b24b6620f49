#ifndef DOPPIO_SHAPE_H_
#define DOPPIO_SHAPE_H_

// Arithmetic on shapes that cannot overflow. A shape is a list of sizes, outermost first; a scalar
// has the empty shape.
//
// Threads: all functions may be called from many at once.

#include <cstdint>
#include <string>

#include "absl/container/inlined_vector.h"
#include "absl/types/span.h"
#include "doppio/limits.h"
#include "doppio/status.h"

namespace doppio {

// Shapes up to rank 8 need no allocation.
using Dims = absl::InlinedVector<int64_t, 8>;
using DimsView = absl::Span<const int64_t>;

// "[2,3,4]"; "[]" for a scalar.
std::string ShapeToString(DimsView dims);

// The product of the sizes; InvalidArgument when a size is negative, the rank is above kMaxRank or
// the product of the sizes that are not 0 does not fit into int64.
absl::StatusOr<int64_t> NumElements(DimsView dims);

// a * b for a, b >= 0; OutOfRange when it does not fit.
absl::StatusOr<int64_t> CheckedProduct(int64_t a, int64_t b);

// The product of dims[begin, end); the caller's shape has been checked (it is that of a tensor).
int64_t SizeBetween(DimsView dims, int begin, int end);
inline int64_t SizeToDim(DimsView dims, int axis) { return SizeBetween(dims, 0, axis); }
inline int64_t SizeFromDim(DimsView dims, int axis) {
  return SizeBetween(dims, axis, static_cast<int>(dims.size()));
}

// `axis` counted from the back when it is negative; InvalidArgument unless the result is in [0,
// rank).
absl::StatusOr<int> CanonicalAxis(int64_t axis, int rank);

// NumPy's rule: aligned at the last dimension; sizes are equal or one of them is 1 (which counts as
// missing too).
absl::StatusOr<Dims> BroadcastShapes(DimsView a, DimsView b);

// Row-major strides in elements. `dims` must be the shape of a tensor.
Dims ContiguousStrides(DimsView dims);

}  // namespace doppio

#endif  // DOPPIO_SHAPE_H_
