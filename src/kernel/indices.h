#ifndef DOPPIO_KERNEL_INDICES_H_
#define DOPPIO_KERNEL_INDICES_H_

// Indices of rows, int32 or int64.

#include <cstdint>

#include "absl/types/span.h"
#include "doppio/dtype.h"
#include "doppio/status.h"

namespace doppio {

using IndexTypes = TypeList<int32_t, int64_t>;

// Every index is in [least, size). InvalidArgument names the first that is not.
template <typename Index>
absl::Status CheckIndices(absl::Span<const Index> indices, int64_t least, int64_t size) {
  for (size_t i = 0; i < indices.size(); ++i) {
    if (indices[i] < least || indices[i] >= size) {
      return absl::InvalidArgumentError(absl::StrCat("index ", i, " is ", indices[i],
                                                     ", but must be in [", least, ", ", size, ")"));
    }
  }
  return absl::OkStatus();
}

}  // namespace doppio

#endif  // DOPPIO_KERNEL_INDICES_H_
