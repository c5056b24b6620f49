#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "ops/onnx/moved_elements.h"
#include "ops/onnx/resolved_indices.h"
#include "src/kernel/pick_grid.h"

namespace doppio {
namespace {

absl::StatusOr<Dims> GatheredDims(DimsView data, DimsView indices, int axis) {
  Dims dims(data.begin(), data.begin() + axis);
  dims.insert(dims.end(), indices.begin(), indices.end());
  dims.insert(dims.end(), data.begin() + axis + 1, data.end());
  DOPPIO_RETURN_IF_ERROR(NumElements(dims).status());
  return dims;
}

DOPPIO_OPERATOR_SCHEMA(OnnxGather)
    .NumInputs(2)
    .NumOutputs(1)
    .Doc(R"DOC(
ONNX's Gather: the slices of data along a dimension that indices name. Their shape takes the place of
that dimension. (Caffe2's Gather gives a tensor of data's shape where that dimension is empty.)

Example: data = [[1,2],[3,4],[5,6]] and indices = [2,-3] give [[5,6],[1,2]].
)DOC")
    .Arg<int>("axis", "the dimension that is indexed, from the back if negative", 0)
    .Input(0, "data", "tensor of any type, at least a vector")
    .Input(1, "indices", "tensor of int32 or int64, from the back if negative")
    .Output(0, "output", "tensor of data's type")
    .Flops(NoOperations)
    .TensorInference([](InferenceContext* context) -> absl::Status {
      const DimsView data = context->dims(0);
      DOPPIO_ASSIGN_OR_RETURN(const int axis, CanonicalAxis(context->GetSingleArgument<int>("axis"),
                                                            static_cast<int>(data.size())));
      DOPPIO_ASSIGN_OR_RETURN(const Dims dims, GatheredDims(data, context->dims(1), axis));
      context->SetOutput(0, context->dtype(0), dims);
      return absl::OkStatus();
    });

template <class Context>
class OnnxGatherOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit OnnxGatherOp(OperatorInit* init)
      : Operator<Context>(init), axis_(init->GetSingleArgument<int>("axis")), places_(3) {}

  absl::Status RunOnDevice() override {
    const Tensor& data = Input(0);
    DOPPIO_ASSIGN_OR_RETURN(const int axis, CanonicalAxis(axis_, data.rank()));
    DOPPIO_RETURN_IF_ERROR(ResolveIndices(Input(1), {data.dim(axis)}, &places_[1]));
    DOPPIO_ASSIGN_OR_RETURN(const Dims dims, GatheredDims(data.dims(), Input(1).dims(), axis));
    DOPPIO_ASSIGN_OR_RETURN(Tensor * output, Output(0, data.dtype(), dims));
    if (output->numel() == 0) return absl::OkStatus();
    // Dimensions before and behind the axis are taken whole.
    const int64_t sizes[] = {SizeToDim(data.dims(), axis), data.dim(axis),
                             SizeFromDim(data.dims(), axis + 1)};
    for (const size_t whole : {0, 2}) {
      places_[whole].resize(static_cast<size_t>(sizes[whole]));
      for (int64_t i = 0; i < sizes[whole]; ++i) places_[whole][static_cast<size_t>(i)] = i;
    }
    return DispatchMoved(data.dtype(), [&](auto tag) {
      using T = typename decltype(tag)::type;
      PickGrid(MovedElements<T>(data), sizes, places_, T(), MovedElements<T>(output));
      return absl::OkStatus();
    });
  }

 private:
  const int axis_;
  std::vector<Places> places_;
};

DOPPIO_REGISTER_CPU_OPERATOR(OnnxGather, OnnxGatherOp<CPUContext>);
DOPPIO_GRADIENT_NOT_IMPLEMENTED_YET(OnnxGather);

}  // namespace
}  // namespace doppio
