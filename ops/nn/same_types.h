#ifndef DOPPIO_OPS_NN_SAME_TYPES_H_
#define DOPPIO_OPS_NN_SAME_TYPES_H_

#include "doppio/operator.h"
#include "doppio/schema.h"

namespace doppio {

// All inputs have the type of the first one.
inline absl::Status CheckSameTypes(const OperatorBase& op) {
  const DataType type = op.InputBlob(0).Get<Tensor>()->dtype();
  for (int i = 1; i < op.InputSize(); ++i) {
    if (op.InputBlob(i).Get<Tensor>()->dtype() == type) continue;
    return absl::InvalidArgumentError(absl::StrCat("the inputs must have the same type, but are ",
                                                   op.DescribeInput(0), " and ",
                                                   op.DescribeInput(i)));
  }
  return absl::OkStatus();
}
inline absl::Status CheckSameTypes(const InferenceContext& context) {
  for (int i = 1; i < context.InputSize(); ++i) {
    if (context.dtype(i) == context.dtype(0)) continue;
    return absl::InvalidArgumentError(absl::StrCat(
        "the inputs must have the same type, but input 0 is ", DataTypeName(context.dtype(0)),
        " and input ", i, " is ", DataTypeName(context.dtype(i))));
  }
  return absl::OkStatus();
}

}  // namespace doppio

#endif  // DOPPIO_OPS_NN_SAME_TYPES_H_
