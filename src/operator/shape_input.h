#ifndef DOPPIO_OPERATOR_SHAPE_INPUT_H_
#define DOPPIO_OPERATOR_SHAPE_INPUT_H_

#include "absl/strings/string_view.h"
#include "doppio/shape.h"
#include "doppio/status.h"
#include "doppio/tensor.h"

namespace doppio {

// The elements of a short vector of int32 or int64 that a net gives as a blob: a shape, or starts
// and ends. They may be anything; InvalidArgument, with `what` as the vector's name, when `tensor`
// is no such vector or has more than kMaxRank elements.
absl::StatusOr<Dims> ShapeFromTensor(const Tensor& tensor, absl::string_view what);

}  // namespace doppio

#endif  // DOPPIO_OPERATOR_SHAPE_INPUT_H_
