#ifndef DOPPIO_OPS_SHAPE_COPYING_H_
#define DOPPIO_OPS_SHAPE_COPYING_H_

// What the operators that only move elements have in common.

#include <vector>

#include "doppio/operator.h"
#include "doppio/schema.h"

namespace doppio {

// The cost of an operator that computes nothing.
inline int64_t NoFlops(const OperatorDef& /*def*/, const std::vector<TensorInfo>& /*inputs*/,
                       const std::vector<TensorInfo>& /*outputs*/) {
  return 0;
}

// What the outputs take of an operator that hands out all elements of input 0, each once.
inline int64_t BytesOfInput0(const OperatorDef& /*def*/, const std::vector<TensorInfo>& inputs,
                             const std::vector<TensorInfo>& /*outputs*/) {
  return SizeFromDim(*inputs[0].dims, 0) * static_cast<int64_t>(DataTypeSize(inputs[0].dtype));
}

// An operator whose output 0 has the elements of input 0 in the same order.
template <class Context>
class CopyingOperator : public Operator<Context> {
 protected:
  using Operator<Context>::Operator;

  // Output 0 becomes input 0. In place nothing is copied; otherwise the output gets storage of its
  // own, so that a later operator may write to it in place.
  absl::Status Copy() {
    if (this->IsInplace(0, 0)) return absl::OkStatus();
    return this->OutputBlob(0)->template GetMutable<Tensor>()->CopyFrom(this->Input(0));
  }
  // The same in the shape `dims`, which must have as many elements.
  absl::Status CopyReshaped(DimsView dims) {
    DOPPIO_RETURN_IF_ERROR(Copy());
    return this->OutputBlob(0)->template GetMutable<Tensor>()->Reshape(dims);
  }
};

}  // namespace doppio

#endif  // DOPPIO_OPS_SHAPE_COPYING_H_
