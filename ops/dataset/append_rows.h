#ifndef DOPPIO_OPS_DATASET_APPEND_ROWS_H_
#define DOPPIO_OPS_DATASET_APPEND_ROWS_H_

#include <algorithm>
#include <limits>

#include "absl/strings/string_view.h"
#include "doppio/tensor.h"
#include "src/operator/element_copy.h"

namespace doppio {

// Nothing was collected yet: no rows, of whatever type and shape.
inline bool HasNoRows(const Tensor& tensor) { return tensor.rank() > 0 && tensor.dim(0) == 0; }

// InvalidArgument unless both have rows, and these are of the same type and shape.
inline absl::Status CheckSameRows(const Tensor& base, absl::string_view base_name,
                                  const Tensor& rows, absl::string_view rows_name) {
  if (rows.rank() > 0 && base.rank() == rows.rank() && base.dtype() == rows.dtype() &&
      std::equal(base.dims().begin() + 1, base.dims().end(), rows.dims().begin() + 1)) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(absl::StrCat(rows_name, " ", rows.TypeAndShape(),
                                                 " must have rows like those of ", base_name, " ",
                                                 base.TypeAndShape()));
}

// InvalidArgument unless AppendRows will do.
inline absl::Status CheckAppendRows(const Tensor& base, absl::string_view base_name,
                                    const Tensor& rows, absl::string_view rows_name) {
  if (!HasNoRows(base)) return CheckSameRows(base, base_name, rows, rows_name);
  if (rows.rank() > 0) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(rows_name, " must be at least a vector, but is ", rows.TypeAndShape()));
}

// Puts rows at the end of *base, which becomes a copy of them where it had none.
inline absl::Status AppendRows(const Tensor& rows, Tensor* base) {
  if (HasNoRows(*base)) return base->CopyFrom(rows);
  if (rows.dim(0) == 0) return absl::OkStatus();
  Dims dims(base->dims().begin(), base->dims().end());
  if (rows.dim(0) > std::numeric_limits<int64_t>::max() - dims[0]) {
    return absl::InvalidArgumentError(
        absl::StrCat(dims[0], " and ", rows.dim(0), " rows are more than int64 counts"));
  }
  dims[0] += rows.dim(0);
  DOPPIO_ASSIGN_OR_RETURN(Tensor both, Tensor::Create(base->dtype(), dims));
  ElementCopy(*base, &both)(0, 0, base->numel());
  ElementCopy(rows, &both)(0, base->numel(), rows.numel());
  *base = std::move(both);
  return absl::OkStatus();
}

}  // namespace doppio

#endif  // DOPPIO_OPS_DATASET_APPEND_ROWS_H_
