#ifndef DOPPIO_OPS_LOGICAL_MASK_H_
#define DOPPIO_OPS_LOGICAL_MASK_H_

#include <algorithm>

#include "src/operator/lengths_input.h"

namespace doppio {

// A mask is a vector of bool.
inline absl::Status CheckMask(DataType type, DimsView dims) {
  return CheckVector<bool>(type, dims, "the mask");
}

inline int64_t CountTrue(absl::Span<const bool> mask) {
  return std::count(mask.begin(), mask.end(), true);
}

}  // namespace doppio

#endif  // DOPPIO_OPS_LOGICAL_MASK_H_
