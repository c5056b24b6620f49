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
#include "src/operator/broadcast_rule.h"

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
class BinaryOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit BinaryOp(OperatorInit* init) : Operator<Context>(init), rule_(init) {}

  absl::Status RunOnDevice() override {
    const Tensor& a = Input(0);
    const Tensor& b = Input(1);
    if (a.dtype() != b.dtype()) {
      return absl::InvalidArgumentError(
          absl::StrCat(DescribeInput(0), " and ", DescribeInput(1), " must have the same type"));
    }
    DOPPIO_RETURN_IF_ERROR(Function::CheckB(b));
    return DispatchType(typename Function::Types(), a.dtype(), [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      if (!rule_.legacy() && a.dims() == b.dims()) {
        DOPPIO_ASSIGN_OR_RETURN(Tensor * c, Output(0, a.dtype(), a.dims()));
        Function()(a.data<T>(), a.dims(), b.data<T>(), b.dims(), c->mutable_data<T>(), c->dims(),
                   &context_);
        return absl::OkStatus();
      }
      DOPPIO_ASSIGN_OR_RETURN(const BinaryShapes shapes, rule_.Align(a.dims(), b.dims()));
      for (int i = 0; i < 2; ++i) {
        if (!IsInplace(i, 0)) continue;
        DOPPIO_RETURN_IF_ERROR(CheckInplaceShape(i, Input(i).dims(), 0, shapes.c_dims));
      }
      DOPPIO_ASSIGN_OR_RETURN(Tensor * c, Output(0, a.dtype(), shapes.c_dims));
      Function()(a.data<T>(), shapes.a, b.data<T>(), shapes.b, c->mutable_data<T>(), shapes.c,
                 &context_);
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
      .TensorInference(InferBinary)

}  // namespace doppio

#endif  // DOPPIO_OPS_ELEMENTWISE_BINARY_H_
