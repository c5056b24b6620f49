#ifndef DOPPIO_OPS_LOSS_LABELS_H_
#define DOPPIO_OPS_LOSS_LABELS_H_

// Class labels, as losses and metrics are given them: int32 or int64, one for each example.

#include <cstdint>

#include "doppio/dtype.h"
#include "doppio/status.h"
#include "doppio/tensor.h"

namespace doppio {

using LabelTypes = TypeList<int32_t, int64_t>;

// Every label is in [least, classes). InvalidArgument names the first that is not.
template <typename Label>
absl::Status CheckLabels(absl::Span<const Label> labels, int64_t classes, int64_t least = 0) {
  for (size_t i = 0; i < labels.size(); ++i) {
    if (labels[i] < least || labels[i] >= classes) {
      return absl::InvalidArgumentError(absl::StrCat(
          "label ", i, " is ", labels[i], ", but must be in [", least, ", ", classes, ")"));
    }
  }
  return absl::OkStatus();
}

}  // namespace doppio

#endif  // DOPPIO_OPS_LOSS_LABELS_H_
