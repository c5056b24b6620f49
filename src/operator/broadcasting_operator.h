#ifndef DOPPIO_OPERATOR_BROADCASTING_OPERATOR_H_
#define DOPPIO_OPERATOR_BROADCASTING_OPERATOR_H_

// What operators C = f(A, B), element by element, have in common, in every family: where their
// operands are, which may be phantoms, and where C goes.

#include "doppio/operator.h"
#include "src/operator/broadcast_rule.h"

namespace doppio {

template <class Context>
class BroadcastingOperator : public Operator<Context> {
 protected:
  using Operator<Context>::Operator;

  // What the kernel computes: c = f(a, b), where the first two shapes broadcast to the third.
  struct Task {
    const Tensor* a;
    const Tensor* b;
    Tensor* c;
    Dims a_dims;
    Dims b_dims;
    Dims c_dims;
  };

  // Of inputs 0 and 1, and output 0, of type `c_type`.
  absl::StatusOr<Task> Prepare(const BroadcastRule& rule, DataType c_type) {
    const auto a = this->InputOperand(0);
    const auto b = this->InputOperand(1);
    DOPPIO_ASSIGN_OR_RETURN(const BinaryShapes shapes, rule.Align(a.dims, b.dims));
    for (int i = 0; i < 2; ++i) {
      if (!this->IsInplace(i, 0)) continue;
      DOPPIO_RETURN_IF_ERROR(CheckInplaceShape(i, i == 0 ? a.dims : b.dims, 0, shapes.c_dims));
    }
    const bool is_repeated = a.is_repeated() || b.is_repeated();
    if (is_repeated && !rule.legacy()) return PrepareRepeated(c_type, shapes.c_dims);
    for (int i = 0; i < 2; ++i) DOPPIO_RETURN_IF_ERROR(this->InputBlob(i).WriteOut());
    Task task = {&this->Input(0), &this->Input(1), nullptr, shapes.a, shapes.b, shapes.c};
    DOPPIO_ASSIGN_OR_RETURN(task.c, this->Output(0, c_type, shapes.c_dims));
    return task;
  }

 private:
  absl::StatusOr<Task> PrepareRepeated(DataType c_type, const Dims& c_dims) {
    Task task = {
        &this->InputOperand(0).elements, &this->InputOperand(1).elements, nullptr, {}, {}, {}};
    DOPPIO_ASSIGN_OR_RETURN(task.c_dims, BroadcastShapes(task.a->dims(), task.b->dims()));
    // Where both are repeated so is C.
    const bool is_inplace = this->IsInplace(0, 0) || this->IsInplace(1, 0);
    if (!is_inplace && this->MakesPhantom(c_type, SizeFromDim(task.c_dims, 0), c_dims)) {
      DOPPIO_ASSIGN_OR_RETURN(task.c, this->OutputBlob(0)->SetPhantom(c_type, task.c_dims, c_dims));
    } else {
      for (int i = 0; i < 2 && task.c_dims != c_dims; ++i) {
        DOPPIO_RETURN_IF_ERROR(this->InputBlob(i).WriteOut());
        (i == 0 ? task.a : task.b) = &this->Input(i);
        DOPPIO_ASSIGN_OR_RETURN(task.c_dims, BroadcastShapes(task.a->dims(), task.b->dims()));
      }
      DOPPIO_ASSIGN_OR_RETURN(task.c, this->Output(0, c_type, c_dims));
    }
    task.a_dims.assign(task.a->dims().begin(), task.a->dims().end());
    task.b_dims.assign(task.b->dims().begin(), task.b->dims().end());
    return task;
  }
};

}  // namespace doppio

#endif  // DOPPIO_OPERATOR_BROADCASTING_OPERATOR_H_
