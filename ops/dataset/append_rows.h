#ifndef DOPPIO_OPS_DATASET_APPEND_ROWS_H_
#define DOPPIO_OPS_DATASET_APPEND_ROWS_H_

#include <algorithm>
#include <limits>

#include "absl/strings/string_view.h"
#include "doppio/tensor.h"
#include "src/operator/element_copy.h"
#include "src/tensor/grow.h"

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
  // A tensor may be appended to itself.
  const Tensor more = rows;
  const int64_t end = base->numel();
  DOPPIO_RETURN_IF_ERROR(internal::GrowRows(more.dim(0), base));
  ElementCopy(more, base)(0, end, more.numel());
  return absl::OkStatus();
}

}  // namespace doppio

#endif  // DOPPIO_OPS_DATASET_APPEND_ROWS_H_
