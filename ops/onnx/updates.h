#ifndef DOPPIO_OPS_ONNX_UPDATES_H_
#define DOPPIO_OPS_ONNX_UPDATES_H_

// What ScatterElements and ScatterND have in common.

#include <cstdint>
#include <vector>

#include "doppio/arguments.h"
#include "doppio/schema.h"
#include "doppio/tensor.h"

namespace doppio {

// What becomes of an element that is updated: the update, or its sum or product with it.
enum class Reduction { kNone, kAdd, kMul };

void StateReduction(OpSchema& schema);
Reduction ReadReduction(ArgumentReader* args);

// The blocks of `updates` go to the elements of `output` from places[0], places[1], ... on, in this
// order: places may meet. Both tensors have one type.
absl::Status ApplyUpdates(Reduction reduction, const Tensor& updates,
                          const std::vector<int64_t>& places, int64_t block, Tensor* output);

}  // namespace doppio

#endif  // DOPPIO_OPS_ONNX_UPDATES_H_
