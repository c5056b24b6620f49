#ifndef DOPPIO_OPS_ONNX_ALONG_AXIS_H_
#define DOPPIO_OPS_ONNX_ALONG_AXIS_H_

// Operators Y = f(X) that work along one dimension, each line of elements by itself.

#include "doppio/gradient_maker.h"
#include "doppio/registry.h"

namespace doppio {

// X as [groups, classes, positions], of which the classes are the dimension.
struct AlongAxis {
  int64_t groups;
  int64_t classes;
  int64_t positions;
};

inline absl::StatusOr<AlongAxis> ReadAlongAxis(int axis_argument, DimsView dims) {
  DOPPIO_ASSIGN_OR_RETURN(const int axis,
                          CanonicalAxis(axis_argument, static_cast<int>(dims.size())));
  return AlongAxis{SizeToDim(dims, axis), dims[static_cast<size_t>(axis)],
                   SizeFromDim(dims, axis + 1)};
}

// Everything but the documentation.
inline void StateAlongAxis(OpSchema& schema) {
  schema.NumInputs(1)
      .NumOutputs(1)
      .AllowInplace({{0, 0}})
      .Arg<int>("axis", "the dimension, from the back if negative", -1)
      .Input(0, "X", "tensor of float or double, at least a vector")
      .Output(0, "Y", "tensor of X's type and shape")
      .TensorInference([](InferenceContext* context) -> absl::Status {
        const int axis = context->GetSingleArgument<int>("axis");
        DOPPIO_RETURN_IF_ERROR(ReadAlongAxis(axis, context->dims(0)).status());
        context->SetOutput(0, context->dtype(0), context->dims(0));
        return absl::OkStatus();
      });
}

// Function: Run<T>(const T* x, groups, classes, positions, T* y), where y may be x.
template <class Context, class Function>
class AlongAxisOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit AlongAxisOp(OperatorInit* init)
      : Operator<Context>(init), axis_(init->GetSingleArgument<int>("axis")) {}

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(0);
    DOPPIO_ASSIGN_OR_RETURN(const AlongAxis sizes, ReadAlongAxis(axis_, x.dims()));
    return DispatchType(TypeList<float, double>(), x.dtype(), [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      DOPPIO_ASSIGN_OR_RETURN(Tensor * y, Output(0, x.dtype(), x.dims()));
      Function::template Run<T>(x.data<T>(), sizes.groups, sizes.classes, sizes.positions,
                                y->mutable_data<T>());
      return absl::OkStatus();
    });
  }

 private:
  const int axis_;
};

}  // namespace doppio

#endif  // DOPPIO_OPS_ONNX_ALONG_AXIS_H_
