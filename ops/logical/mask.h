#ifndef DOPPIO_OPS_LOGICAL_MASK_H_
#define DOPPIO_OPS_LOGICAL_MASK_H_

#include <algorithm>

#include "doppio/dtype.h"
#include "doppio/shape.h"

namespace doppio {

// A mask is a vector of bool.
inline absl::Status CheckMask(DataType type, DimsView dims) {
  if (type == DataType::kBool && dims.size() == 1) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("the mask must be a vector of bool, but is ",
                                                 DataTypeName(type), ShapeToString(dims)));
}

inline int64_t CountTrue(absl::Span<const bool> mask) {
  return std::count(mask.begin(), mask.end(), true);
}

}  // namespace doppio

#endif  // DOPPIO_OPS_LOGICAL_MASK_H_
