#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "ops/onnx/moved_elements.h"
#include "ops/onnx/places_along.h"
#include "ops/onnx/resolved_indices.h"

namespace doppio {
namespace {

DOPPIO_OPERATOR_SCHEMA(GatherElements)
    .NumInputs(2)
    .NumOutputs(1)
    .Doc(R"DOC(
ONNX's GatherElements: an element of data for each index. It has the position of the index, but along
the axis that which the index says: for axis 1 of two, output[i,j] = data[i,indices[i,j]].

Example: data = [[1,2],[3,4]], indices = [[0,0],[1,0]] and axis = 1 give [[1,1],[4,3]].
)DOC")
    .Arg<int>("axis", "the dimension that is indexed, from the back if negative", 0)
    .Input(0, "data", "tensor of any type, at least a vector")
    .Input(1, "indices",
           "tensor of int32 or int64 of data's rank, from the back if negative; none of its "
           "dimensions is larger than data's, but for the axis")
    .Output(0, "output", "tensor of data's type and the shape of indices")
    .Flops(NoOperations)
    .TensorInference([](InferenceContext* context) -> absl::Status {
      const DimsView data = context->dims(0);
      DOPPIO_ASSIGN_OR_RETURN(const int axis, CanonicalAxis(context->GetSingleArgument<int>("axis"),
                                                            static_cast<int>(data.size())));
      DOPPIO_RETURN_IF_ERROR(CheckIndexDims(data, context->dims(1), axis));
      context->SetOutput(0, context->dtype(0), context->dims(1));
      return absl::OkStatus();
    });

template <class Context>
class GatherElementsOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit GatherElementsOp(OperatorInit* init)
      : Operator<Context>(init), axis_(init->GetSingleArgument<int>("axis")) {}

  absl::Status RunOnDevice() override {
    const Tensor& data = Input(0);
    const Tensor& indices = Input(1);
    DOPPIO_ASSIGN_OR_RETURN(const int axis, CanonicalAxis(axis_, data.rank()));
    DOPPIO_RETURN_IF_ERROR(CheckIndexDims(data.dims(), indices.dims(), axis));
    DOPPIO_RETURN_IF_ERROR(ResolveIndices(indices, {data.dim(axis)}, &places_));
    PlacesAlong(data.dims(), indices.dims(), axis, &places_);
    DOPPIO_ASSIGN_OR_RETURN(Tensor * output, Output(0, data.dtype(), indices.dims()));
    return DispatchMoved(data.dtype(), [&](auto tag) {
      using T = typename decltype(tag)::type;
      T* to = MovedElements<T>(output);
      for (const int64_t place : places_) *to++ = MovedElements<T>(data)[place];
      return absl::OkStatus();
    });
  }

 private:
  const int axis_;
  std::vector<int64_t> places_;
};

DOPPIO_REGISTER_CPU_OPERATOR(GatherElements, GatherElementsOp<CPUContext>);
DOPPIO_GRADIENT_NOT_IMPLEMENTED_YET(GatherElements);

}  // namespace
}  // namespace doppio
