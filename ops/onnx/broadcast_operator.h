#ifndef DOPPIO_OPS_ONNX_BROADCAST_OPERATOR_H_
#define DOPPIO_OPS_ONNX_BROADCAST_OPERATOR_H_

// What operators on two tensors of one type, with NumPy's broadcasting, have in common.

#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "src/operator/broadcasting_operator.h"

namespace doppio {

// C has A's type.
inline absl::Status InferBroadcast(InferenceContext* context) {
  if (context->dtype(0) != context->dtype(1)) {
    return absl::InvalidArgumentError(absl::StrCat("A is ", DataTypeName(context->dtype(0)),
                                                   " and B is ", DataTypeName(context->dtype(1)),
                                                   "; they must have the same type"));
  }
  DOPPIO_ASSIGN_OR_RETURN(const Dims dims, BroadcastShapes(context->dims(0), context->dims(1)));
  DOPPIO_RETURN_IF_ERROR(NumElements(dims).status());
  context->SetOutput(0, context->dtype(0), dims);
  return absl::OkStatus();
}

#define DOPPIO_ONNX_BROADCAST_SCHEMA(Type, doc, types)                                          \
  DOPPIO_OPERATOR_SCHEMA(Type)                                                                  \
      .NumInputs(2)                                                                             \
      .NumOutputs(1)                                                                            \
      .Doc(doc)                                                                                 \
      .Input(0, "A", "tensor of " types)                                                        \
      .Input(1, "B", "tensor of A's type, whose shape goes together with A's by NumPy's rules") \
      .Output(0, "C", "tensor of A's type, of the broadcast shape")                             \
      .TakesPhantoms({0, 1})                                                                    \
      .TensorInference(InferBroadcast)

// Function: made of an OperatorInit*; Types, the types that it takes, and
//   <T> absl::Status operator()(const T* a, DimsView a_dims, const T* b, DimsView b_dims, T* c,
//                               DimsView c_dims, CPUContext*) const
template <class Context, class Function>
class OnnxBroadcastOp final : public BroadcastingOperator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit OnnxBroadcastOp(OperatorInit* init)
      : BroadcastingOperator<Context>(init), rule_(init), function_(init) {}

  absl::Status RunOnDevice() override {
    const DataType type = InputOperand(0).elements.dtype();
    if (type != InputOperand(1).elements.dtype()) {
      return absl::InvalidArgumentError(
          absl::StrCat(DescribeInput(0), " and ", DescribeInput(1), " must have the same type"));
    }
    return DispatchType(typename Function::Types(), type, [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      DOPPIO_ASSIGN_OR_RETURN(const auto task, this->Prepare(rule_, type));
      return function_(task.a->template data<T>(), task.a_dims, task.b->template data<T>(),
                       task.b_dims, task.c->template mutable_data<T>(), task.c_dims, &context_);
    });
  }

 private:
  const BroadcastRule rule_;
  const Function function_;
};

}  // namespace doppio

#endif  // DOPPIO_OPS_ONNX_BROADCAST_OPERATOR_H_
