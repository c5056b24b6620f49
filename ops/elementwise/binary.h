#ifndef DOPPIO_OPS_ELEMENTWISE_BINARY_H_
#define DOPPIO_OPS_ELEMENTWISE_BINARY_H_

// What operators on two tensors, element by element, have in common. A new one is this, its
// gradient (binary_gradient.h) and a row of the table test:
//
//   DOPPIO_BINARY_SCHEMA(Add, "sum", "A + B", "...").AllowInplace({{0, 0}, {1, 0}});
//   struct AddFunction : BinaryFunction {
//     DOPPIO_BINARY_KERNEL(Add)
//   };
//   DOPPIO_REGISTER_CPU_OPERATOR(Add, BinaryOp<CPUContext, AddFunction>);

#include "doppio/registry.h"
#include "src/kernel/elementwise_binary.h"
#include "src/operator/broadcasting_operator.h"

namespace doppio {

// A and B have the same type and go together; SetOutput(0) has C's shape.
absl::Status InferBinary(InferenceContext* context);

// What a function of BinaryOp may say besides the kernel.
struct BinaryFunction {
  using Types = TypeList<float, double, int32_t, int64_t>;
  static absl::Status CheckB(const Tensor&) { return absl::OkStatus(); }
};

#define DOPPIO_BINARY_KERNEL(kernel)                                                               \
  template <typename T>                                                                            \
  void operator()(const T* a, DimsView a_dims, const T* b, DimsView b_dims, T* c, DimsView c_dims, \
                  CPUContext* context) const {                                                     \
    kernel(a, a_dims, b, b_dims, c, c_dims, context);                                              \
  }

template <class Context, class Function>
class BinaryOp final : public BroadcastingOperator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit BinaryOp(OperatorInit* init) : BroadcastingOperator<Context>(init), rule_(init) {}

  absl::Status RunOnDevice() override {
    const auto a = InputOperand(0);
    const auto b = InputOperand(1);
    const DataType type = a.elements.dtype();
    if (type != b.elements.dtype()) {
      return absl::InvalidArgumentError(
          absl::StrCat(DescribeInput(0), " and ", DescribeInput(1), " must have the same type"));
    }
    DOPPIO_RETURN_IF_ERROR(Function::CheckB(b.elements));
    return DispatchType(typename Function::Types(), type, [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      const bool is_repeated = a.is_repeated() || b.is_repeated();
      if (!rule_.legacy() && !is_repeated && a.dims == b.dims) {
        DOPPIO_ASSIGN_OR_RETURN(Tensor * c, Output(0, type, a.dims));
        Function()(a.elements.template data<T>(), a.dims, b.elements.template data<T>(), b.dims,
                   c->mutable_data<T>(), c->dims(), &context_);
        return absl::OkStatus();
      }
      DOPPIO_ASSIGN_OR_RETURN(const auto task, this->Prepare(rule_, type));
      Function()(task.a->template data<T>(), task.a_dims, task.b->template data<T>(), task.b_dims,
                 task.c->template mutable_data<T>(), task.c_dims, &context_);
      return absl::OkStatus();
    });
  }

 private:
  const BroadcastRule rule_;
};

#define DOPPIO_BINARY_SCHEMA(Type, what, formula, more)                                           \
  DOPPIO_OPERATOR_SCHEMA(Type)                                                                    \
      .NumInputs(2)                                                                               \
      .NumOutputs(1)                                                                              \
      .Doc(absl::StrCat(                                                                          \
          "The ", what, ", element by element: C = ", formula, ". ", more,                        \
          "\n\nShapes are broadcast by NumPy's rules: aligned at the last dimension; where both " \
          "have a size they are equal or one of them is 1. With broadcast=1 an older rule holds " \
          "instead: C has A's shape, and B's shape, without 1s at its ends, must stand in A's, "  \
          "beginning at `axis`; a single element goes with anything.\n\n"                         \
          "Example: A [2,3] and B [3] give C [2,3]; with broadcast=1 and axis=0, A [2,3] and B "  \
          "[2] do too."))                                                                         \
      .DOPPIO_BROADCAST_ARGUMENTS.Input(0, "A", "float, double, int32 or int64")                  \
      .Input(1, "B", "tensor of A's type")                                                        \
      .Output(0, "C", "tensor of A's type, of the broadcast shape")                               \
      .TakesPhantoms({0, 1})                                                                      \
      .TensorInference(InferBinary)

}  // namespace doppio

#endif  // DOPPIO_OPS_ELEMENTWISE_BINARY_H_
