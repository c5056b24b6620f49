#ifndef DOPPIO_KERNEL_PICK_GRID_H_
#define DOPPIO_KERNEL_PICK_GRID_H_

// The elements of a tensor that stand where lists of places, one for each dimension, cross: slices
// with steps, borders, rows that indices name.

#include <cstdint>
#include <vector>

#include "absl/types/span.h"
#include "doppio/shape.h"

namespace doppio {

// Places along one dimension.
using Places = std::vector<int64_t>;

// y[i0,i1,...] = x[places[0][i0], places[1][i1], ...], or `fill` where one of the places is -1.
// There is a list for each dimension of x, and its places are below that dimension's size; y has
// their lengths as its shape, and is not x. T: uint8_t, uint16_t, uint32_t, uint64_t, std::string.
template <typename T>
void PickGrid(const T* x, DimsView x_dims, absl::Span<const Places> places, const T& fill, T* y);

}  // namespace doppio

#endif  // DOPPIO_KERNEL_PICK_GRID_H_
