#ifndef DOPPIO_OPS_UPDATE_COUNTER_H_
#define DOPPIO_OPS_UPDATE_COUNTER_H_

#include <limits>

#include "doppio/status.h"
#include "doppio/tensor.h"

namespace doppio {

// Adds 1 to a counter of iterations: one int64, not negative. An int32 becomes one, as nets that
// start from a ConstantFill of int32 expect.
inline absl::Status AddOne(Tensor* iter) {
  const bool is_short = iter->Is<int32_t>();
  if ((!is_short && !iter->Is<int64_t>()) || iter->numel() != 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("the counter must be one int64 (or int32), but is ", iter->TypeAndShape()));
  }
  const int64_t count = is_short ? *iter->data<int32_t>() : *iter->data<int64_t>();
  if (count < 0 || count == std::numeric_limits<int64_t>::max()) {
    return absl::OutOfRangeError(
        absl::StrCat("the counter is ", count, ", must be at least 0 and leave room for 1 more"));
  }
  if (is_short) {
    const Dims dims(iter->dims().begin(), iter->dims().end());
    DOPPIO_RETURN_IF_ERROR(iter->Resize(DataType::kInt64, dims));
  }
  DOPPIO_RETURN_IF_ERROR(iter->MakeUnique());
  *iter->mutable_data<int64_t>() = count + 1;
  return absl::OkStatus();
}

}  // namespace doppio

#endif  // DOPPIO_OPS_UPDATE_COUNTER_H_
