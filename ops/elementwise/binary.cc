#include "ops/elementwise/binary.h"

namespace doppio {

absl::Status InferBinary(InferenceContext* context) {
  const BroadcastRule rule(context);
  DOPPIO_RETURN_IF_ERROR(context->status());
  if (context->dtype(0) != context->dtype(1)) {
    return absl::InvalidArgumentError(absl::StrCat("A is ", DataTypeName(context->dtype(0)),
                                                   " and B is ", DataTypeName(context->dtype(1)),
                                                   "; they must have the same type"));
  }
  DOPPIO_ASSIGN_OR_RETURN(const BinaryShapes shapes,
                          rule.Align(context->dims(0), context->dims(1)));
  DOPPIO_RETURN_IF_ERROR(NumElements(shapes.c_dims).status());
  context->SetOutput(0, context->dtype(0), shapes.c_dims);
  return absl::OkStatus();
}

}  // namespace doppio
