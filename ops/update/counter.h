#ifndef DOPPIO_OPS_UPDATE_COUNTER_H_
#define DOPPIO_OPS_UPDATE_COUNTER_H_

#include <limits>

#include "doppio/status.h"
#include "doppio/tensor.h"

namespace doppio {

// Adds 1 to a counter of iterations: one int64, not negative.
inline absl::Status AddOne(Tensor* iter) {
  if (!iter->Is<int64_t>() || iter->numel() != 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("the counter must be one int64, but is ", iter->TypeAndShape()));
  }
  const int64_t count = *iter->data<int64_t>();
  if (count < 0 || count == std::numeric_limits<int64_t>::max()) {
    return absl::OutOfRangeError(
        absl::StrCat("the counter is ", count, ", must be at least 0 and leave room for 1 more"));
  }
  DOPPIO_RETURN_IF_ERROR(iter->MakeUnique());
  *iter->mutable_data<int64_t>() = count + 1;
  return absl::OkStatus();
}

}  // namespace doppio

#endif  // DOPPIO_OPS_UPDATE_COUNTER_H_
