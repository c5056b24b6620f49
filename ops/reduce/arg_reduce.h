#ifndef DOPPIO_OPS_REDUCE_ARG_REDUCE_H_
#define DOPPIO_OPS_REDUCE_ARG_REDUCE_H_

// What ArgMax and ArgMin have in common.

#include "doppio/gradient_maker.h"
#include "doppio/registry.h"

namespace doppio {

// The shape of the indices: X's with size 1 at `axis`, or without it.
inline Dims IndexDims(DimsView x, int axis, bool keepdims) {
  Dims dims(x.begin(), x.end());
  if (keepdims) {
    dims[axis] = 1;
  } else {
    dims.erase(dims.begin() + axis);
  }
  return dims;
}

inline absl::Status CheckHasElements(DimsView x, int axis, DimsView indices) {
  if (x[axis] > 0 || SizeFromDim(indices, 0) == 0) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("dimension ", axis, " of X ", ShapeToString(x),
                                                 " is empty: there is nothing to choose from"));
}

inline void StateArgReduce(OpSchema& schema) {
  schema.NumInputs(1)
      .NumOutputs(1)
      .Arg<int>("axis", "the dimension of X, from the back if negative", -1)
      .Arg<bool>("keepdims", "1: that dimension stays, with size 1; 0: it goes", true)
      .Input(0, "X", "tensor of numbers of rank 1 or more")
      .Output(0, "Indices", "int64: the positions along `axis`")
      .Flops([](const OperatorDef&, const std::vector<TensorInfo>& inputs, const auto&) {
        return SizeFromDim(*inputs[0].dims, 0);
      })
      .TensorInference([](InferenceContext* context) -> absl::Status {
        const DimsView x = context->dims(0);
        DOPPIO_ASSIGN_OR_RETURN(
            const int axis,
            CanonicalAxis(context->GetSingleArgument<int>("axis"), static_cast<int>(x.size())));
        const Dims dims = IndexDims(x, axis, context->GetSingleArgument<bool>("keepdims"));
        DOPPIO_RETURN_IF_ERROR(CheckHasElements(x, axis, dims));
        context->SetOutput(0, DataType::kInt64, dims);
        return absl::OkStatus();
      });
}

// Function: <T>(const T* x, int64_t outer, int64_t n, int64_t inner, int64_t* y, CPUContext*).
template <class Context, class Function>
class ArgReduceOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit ArgReduceOp(OperatorInit* init)
      : Operator<Context>(init),
        axis_(init->GetSingleArgument<int>("axis")),
        keepdims_(init->GetSingleArgument<bool>("keepdims")) {}

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(0);
    DOPPIO_ASSIGN_OR_RETURN(const int axis, CanonicalAxis(axis_, x.rank()));
    const Dims dims = IndexDims(x.dims(), axis, keepdims_);
    DOPPIO_RETURN_IF_ERROR(CheckHasElements(x.dims(), axis, dims));
    return DispatchType(AllNumericTypes(), x.dtype(), [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      DOPPIO_ASSIGN_OR_RETURN(Tensor * indices, Output(0, DataType::kInt64, dims));
      Function()(x.data<T>(), SizeToDim(x.dims(), axis), x.dim(axis),
                 SizeFromDim(x.dims(), axis + 1), indices->mutable_data<int64_t>(), &context_);
      return absl::OkStatus();
    });
  }

 private:
  const int axis_;
  const bool keepdims_;
};

}  // namespace doppio

#endif  // DOPPIO_OPS_REDUCE_ARG_REDUCE_H_
