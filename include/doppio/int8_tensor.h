#ifndef DOPPIO_INT8_TENSOR_H_
#define DOPPIO_INT8_TENSOR_H_

// Threads: as with a Tensor (tensor.h), many may read one, or one may change it.

#include <cstdint>

#include "doppio/tensor.h"

namespace doppio {

// A quantised tensor, in blobs of its own type ("Int8TensorCPU" in files): the real value of an
// element q is scale * (q - zero_point). Elements are uint8, or int32 for biases.
struct Int8Tensor {
  Tensor values;
  float scale = 1.0f;
  int32_t zero_point = 0;
};

}  // namespace doppio

#endif  // DOPPIO_INT8_TENSOR_H_
