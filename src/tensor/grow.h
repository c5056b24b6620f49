#ifndef DOPPIO_TENSOR_GROW_H_
#define DOPPIO_TENSOR_GROW_H_

#include "doppio/tensor.h"

namespace doppio::internal {

// *tensor, which has at least one dimension, gets `count` more rows, whose elements are
// unspecified; those that it has stay. It gets storage for half as many rows again where it has
// none for them, so that many small steps cost no more than a few large ones. (Strings are moved in
// each step.) Never fails halfway.
absl::Status GrowRows(int64_t count, Tensor* tensor);

}  // namespace doppio::internal

#endif  // DOPPIO_TENSOR_GROW_H_
