#ifndef DOPPIO_OPS_LOGICAL_BINARY_H_
#define DOPPIO_OPS_LOGICAL_BINARY_H_

// What operators on two tensors of one type have in common that compare elements or combine their
// bits.

#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "src/kernel/logical_binary.h"
#include "src/operator/broadcasting_operator.h"

namespace doppio {

// The end of the documentation of such an operator.
constexpr char kLogicalBroadcasting[] =
    "\n\nShapes are broadcast by NumPy's rules: aligned at the last dimension; where both have a "
    "size they are equal or one of them is 1. With broadcast=1 an older rule holds instead: C has "
    "A's shape, and B's shape, without 1s at its ends, must stand in A's, beginning at `axis`; a "
    "single element goes with anything.";

// Function says
//   using Types = TypeList<...>;
//   static DataType OutputType(DataType input);
//   static void Run(DataType, const void* a, DimsView a_dims, const void* b, DimsView b_dims,
//                   void* c, DimsView c_dims, CPUContext*);
template <class Function>
absl::Status CheckOperandType(DataType type) {
  return DispatchType(typename Function::Types(), type, [](auto) { return absl::OkStatus(); });
}

template <class Function>
absl::Status InferLogicalBinary(InferenceContext* context) {
  const BroadcastRule rule(context);
  DOPPIO_RETURN_IF_ERROR(context->status());
  const DataType type = context->dtype(0);
  if (type != context->dtype(1)) {
    return absl::InvalidArgumentError(absl::StrCat("A is ", DataTypeName(type), " and B is ",
                                                   DataTypeName(context->dtype(1)),
                                                   "; they must have the same type"));
  }
  DOPPIO_RETURN_IF_ERROR(CheckOperandType<Function>(type));
  DOPPIO_ASSIGN_OR_RETURN(const BinaryShapes shapes,
                          rule.Align(context->dims(0), context->dims(1)));
  DOPPIO_RETURN_IF_ERROR(NumElements(shapes.c_dims).status());
  context->SetOutput(0, Function::OutputType(type), shapes.c_dims);
  return absl::OkStatus();
}

template <class Context, class Function>
class LogicalBinaryOp final : public BroadcastingOperator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit LogicalBinaryOp(OperatorInit* init) : BroadcastingOperator<Context>(init), rule_(init) {}

  absl::Status RunOnDevice() override {
    const DataType type = InputOperand(0).elements.dtype();
    if (type != InputOperand(1).elements.dtype()) {
      return absl::InvalidArgumentError(
          absl::StrCat(DescribeInput(0), " and ", DescribeInput(1), " must have the same type"));
    }
    DOPPIO_RETURN_IF_ERROR(CheckOperandType<Function>(type));
    DOPPIO_ASSIGN_OR_RETURN(const auto task, this->Prepare(rule_, Function::OutputType(type)));
    Function::Run(type, task.a->raw_data(), task.a_dims, task.b->raw_data(), task.b_dims,
                  task.c->raw_mutable_data(), task.c_dims, &context_);
    return absl::OkStatus();
  }

 private:
  const BroadcastRule rule_;
};

}  // namespace doppio

#endif  // DOPPIO_OPS_LOGICAL_BINARY_H_
