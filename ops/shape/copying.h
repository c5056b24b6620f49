#ifndef DOPPIO_OPS_SHAPE_COPYING_H_
#define DOPPIO_OPS_SHAPE_COPYING_H_

// What the operators that only move elements have in common.

#include <optional>
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
  // own, so that a later operator may write to it in place. A phantom becomes one.
  absl::Status Copy() {
    const Tensor* x = this->InputBlob(0).TensorAtHand();
    if (x == nullptr) return CopyReshaped(this->InputOperand(0).dims);
    if (this->IsInplace(0, 0)) return absl::OkStatus();
    return this->OutputBlob(0)->template GetMutable<Tensor>()->CopyFrom(*x);
  }
  // The same in the shape `dims`, which must have as many elements.
  absl::Status CopyReshaped(DimsView dims) {
    Blob* output = this->OutputBlob(0);
    if (const Phantom* phantom = this->InputBlob(0).phantom()) {
      const std::optional<Dims> repeated = phantom->ElementsReshaped(dims);
      if (repeated && this->IsInplace(0, 0)) return output->ReshapePhantom(*repeated, dims);
      Tensor elements = phantom->elements();
      if (repeated && this->MakesPhantom(elements.dtype(), elements.numel(), dims)) {
        DOPPIO_RETURN_IF_ERROR(elements.Reshape(*repeated));
        return output->SetPhantom(elements, dims);
      }
    }
    DOPPIO_RETURN_IF_ERROR(this->InputBlob(0).WriteOut());
    if (!this->IsInplace(0, 0)) {
      DOPPIO_RETURN_IF_ERROR(output->Overwrite()->CopyFrom(this->Input(0)));
    }
    return output->template GetMutable<Tensor>()->Reshape(dims);
  }
};

}  // namespace doppio

#endif  // DOPPIO_OPS_SHAPE_COPYING_H_
