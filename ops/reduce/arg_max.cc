#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "src/kernel/arg_reduce.h"

namespace doppio {
namespace {

// The shape of the indices: X's with size 1 at `axis`, or without it.
Dims IndexDims(DimsView x, int axis, bool keepdims) {
  Dims dims(x.begin(), x.end());
  if (keepdims) {
    dims[axis] = 1;
  } else {
    dims.erase(dims.begin() + axis);
  }
  return dims;
}

absl::Status CheckHasLargest(DimsView x, int axis, DimsView indices) {
  if (x[axis] > 0 || SizeFromDim(indices, 0) == 0) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("dimension ", axis, " of X ", ShapeToString(x),
                                                 " is empty: nothing is the largest there"));
}

DOPPIO_OPERATOR_SCHEMA(ArgMax)
    .NumInputs(1)
    .NumOutputs(1)
    .Doc(R"DOC(
Where the largest element along one dimension stands: the first one, if there are several. NaN counts
as larger than any number.

Example: X [2,3] = [[1,5,5],[7,0,2]] and axis = 1 give [2,1] = [[1],[0]].
)DOC")
    .Arg<int>("axis", "the dimension of X, from the back if negative", -1)
    .Arg<bool>("keepdims", "1: that dimension stays, with size 1; 0: it goes", true)
    .Input(0, "X", "tensor of numbers of rank 1 or more")
    .Output(0, "Indices", "int64: the positions along `axis`")
    .Flops([](const OperatorDef&, const std::vector<TensorInfo>& inputs, const auto&) {
      return SizeFromDim(*inputs[0].dims, 0);
    })
    .TensorInference([](InferenceContext* context) -> absl::Status {
      const DimsView x = context->dims(0);
      DOPPIO_ASSIGN_OR_RETURN(const int axis, CanonicalAxis(context->GetSingleArgument<int>("axis"),
                                                            static_cast<int>(x.size())));
      const Dims dims = IndexDims(x, axis, context->GetSingleArgument<bool>("keepdims"));
      DOPPIO_RETURN_IF_ERROR(CheckHasLargest(x, axis, dims));
      context->SetOutput(0, DataType::kInt64, dims);
      return absl::OkStatus();
    });

template <class Context>
class ArgMaxOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit ArgMaxOp(OperatorInit* init)
      : Operator<Context>(init),
        axis_(init->GetSingleArgument<int>("axis")),
        keepdims_(init->GetSingleArgument<bool>("keepdims")) {}

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(0);
    DOPPIO_ASSIGN_OR_RETURN(const int axis, CanonicalAxis(axis_, x.rank()));
    const Dims dims = IndexDims(x.dims(), axis, keepdims_);
    DOPPIO_RETURN_IF_ERROR(CheckHasLargest(x.dims(), axis, dims));
    return DispatchType(AllNumericTypes(), x.dtype(), [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      DOPPIO_ASSIGN_OR_RETURN(Tensor * indices, Output(0, DataType::kInt64, dims));
      ArgMax(x.data<T>(), SizeToDim(x.dims(), axis), x.dim(axis), SizeFromDim(x.dims(), axis + 1),
             indices->mutable_data<int64_t>(), &context_);
      return absl::OkStatus();
    });
  }

 private:
  const int axis_;
  const bool keepdims_;
};

DOPPIO_REGISTER_CPU_OPERATOR(ArgMax, ArgMaxOp<CPUContext>);
DOPPIO_SHOULD_NOT_DO_GRADIENT(ArgMax);

}  // namespace
}  // namespace doppio
