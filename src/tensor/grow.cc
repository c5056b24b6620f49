#include "src/tensor/grow.h"

#include <algorithm>
#include <cstring>
#include <limits>

namespace doppio::internal {
namespace {

Dims WithRows(const Tensor& tensor, int64_t rows) {
  Dims dims(tensor.dims().begin(), tensor.dims().end());
  dims[0] = rows;
  return dims;
}

// Storage is kept while it suffices, and numbers in it are not touched (Tensor::ResizeSlow).
absl::StatusOr<bool> GrowInPlace(int64_t rows, Tensor* tensor) {
  DOPPIO_ASSIGN_OR_RETURN(const int64_t count, NumElements(WithRows(*tensor, rows)));
  const size_t size = DataTypeSize(tensor->dtype());
  if (!IsNumeric(tensor->dtype()) || !tensor->IsUnique() ||
      static_cast<uint64_t>(count) > tensor->capacity() / size) {
    return false;
  }
  DOPPIO_RETURN_IF_ERROR(tensor->Resize(tensor->dtype(), WithRows(*tensor, rows)));
  return true;
}

}  // namespace

absl::Status GrowRows(int64_t count, Tensor* tensor) {
  const int64_t old_rows = tensor->dim(0);
  if (count > std::numeric_limits<int64_t>::max() - old_rows) {
    return absl::InvalidArgumentError(
        absl::StrCat(old_rows, " and ", count, " rows are more than int64 counts"));
  }
  const int64_t rows = old_rows + count;
  DOPPIO_ASSIGN_OR_RETURN(const bool is_done, GrowInPlace(rows, tensor));
  if (is_done) return absl::OkStatus();
  Tensor larger;
  if (tensor->Is<std::string>()) {
    // Tensors make and destroy their strings at every change of size: there is nothing to reserve.
    const bool is_own = tensor->IsUnique();
    DOPPIO_RETURN_IF_ERROR(larger.Resize(tensor->dtype(), WithRows(*tensor, rows)));
    std::string* to = larger.mutable_data<std::string>();
    std::string* from = tensor->mutable_data<std::string>();
    if (is_own) {
      std::move(from, from + tensor->numel(), to);
    } else {
      std::copy(from, from + tensor->numel(), to);
    }
  } else {
    // The room is not needed: without it this takes longer, no more.
    const int64_t more = std::min(rows / 2, std::numeric_limits<int64_t>::max() - rows);
    if (!larger.Resize(tensor->dtype(), WithRows(*tensor, rows + more)).ok()) larger.Reset();
    DOPPIO_RETURN_IF_ERROR(larger.Resize(tensor->dtype(), WithRows(*tensor, rows)));
    if (tensor->bytes() > 0) {
      std::memcpy(larger.raw_mutable_data(), tensor->raw_data(), tensor->bytes());
    }
  }
  *tensor = std::move(larger);
  return absl::OkStatus();
}

}  // namespace doppio::internal
