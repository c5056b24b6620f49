#ifndef DOPPIO_OPS_LOSS_MARGINS_H_
#define DOPPIO_OPS_LOSS_MARGINS_H_

// What losses of elements with a label of 1 or -1 and a margin have in common: the checks of their
// inputs.

#include "doppio/operator.h"

namespace doppio {

constexpr int64_t kMarginGrain = 32768;  // elements that are worth a thread

// Every input has as many elements as the first and its type; the labels, input `labels`, are
// int32.
inline absl::Status CheckMarginInputs(const OperatorBase& op,
                                      absl::Span<const Tensor* const> inputs, int labels) {
  for (int i = 0; i < static_cast<int>(inputs.size()); ++i) {
    const DataType type = i == labels ? DataType::kInt32 : inputs[0]->dtype();
    if (inputs[i]->numel() == inputs[0]->numel() && inputs[i]->dtype() == type) continue;
    return absl::InvalidArgumentError(absl::StrCat(op.DescribeInput(i),
                                                   " must have as many elements "
                                                   "as ",
                                                   op.DescribeInput(0), ", of ",
                                                   DataTypeName(type)));
  }
  return absl::OkStatus();
}

}  // namespace doppio

#endif  // DOPPIO_OPS_LOSS_MARGINS_H_
