#ifndef DOPPIO_OPS_ONNX_RESOLVED_INDICES_H_
#define DOPPIO_OPS_ONNX_RESOLVED_INDICES_H_

#include <cstdint>
#include <vector>

#include "doppio/shape.h"
#include "doppio/status.h"
#include "doppio/tensor.h"

namespace doppio {

// The elements of a tensor of int32 or int64, of which the i-th is an index into a dimension of
// size sizes[i % sizes.size()], counted from the back where it is negative. `sizes` is not empty.
absl::Status ResolveIndices(const Tensor& indices, DimsView sizes, std::vector<int64_t>* resolved);

}  // namespace doppio

#endif  // DOPPIO_OPS_ONNX_RESOLVED_INDICES_H_
