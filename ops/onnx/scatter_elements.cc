#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "ops/onnx/moved_elements.h"
#include "ops/onnx/places_along.h"
#include "ops/onnx/resolved_indices.h"
#include "ops/onnx/updates.h"

namespace doppio {
namespace {

absl::Status CheckShapes(DimsView data, DimsView indices, DimsView updates, int axis) {
  DOPPIO_RETURN_IF_ERROR(CheckIndexDims(data, indices, axis));
  if (updates == indices) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("updates ", ShapeToString(updates),
                                                 " must have the shape of indices ",
                                                 ShapeToString(indices)));
}

DOPPIO_OPERATOR_SCHEMA(ScatterElements)
    .NumInputs(3)
    .NumOutputs(1)
    .AllowInplace({{0, 0}})
    .Doc(R"DOC(
ONNX's ScatterElements: data, of which some elements are updated. An update goes to the element that
has its position, but along the axis that which its index says: for axis 1 of two,
output[i,indices[i,j]] = updates[i,j].

Example: data = [[1,2,3]], indices = [[2,-3]], updates = [[7,8]] and axis = 1 give [[8,2,7]].
)DOC")
    .Arg<int>("axis", "the dimension that is indexed, from the back if negative", 0)
    .FillUsing(StateReduction)
    .Input(0, "data", "tensor of any type (with a reduction: of numbers), at least a vector")
    .Input(1, "indices",
           "tensor of int32 or int64 of data's rank, from the back if negative; none of its "
           "dimensions is larger than data's, but for the axis")
    .Input(2, "updates", "tensor of data's type and the shape of indices")
    .Output(0, "output", "tensor of data's type and shape")
    .IdenticalTypeAndShape();

template <class Context>
class ScatterElementsOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit ScatterElementsOp(OperatorInit* init)
      : Operator<Context>(init),
        axis_(init->GetSingleArgument<int>("axis")),
        reduction_(ReadReduction(init)) {}

  absl::Status RunOnDevice() override {
    const Tensor& data = Input(0);
    const Tensor& indices = Input(1);
    const Tensor& updates = Input(2);
    DOPPIO_ASSIGN_OR_RETURN(const int axis, CanonicalAxis(axis_, data.rank()));
    DOPPIO_RETURN_IF_ERROR(CheckShapes(data.dims(), indices.dims(), updates.dims(), axis));
    if (updates.dtype() != data.dtype()) {
      return absl::InvalidArgumentError(
          absl::StrCat(DescribeInput(0), " and ", DescribeInput(2), " must have the same type"));
    }
    DOPPIO_RETURN_IF_ERROR(ResolveIndices(indices, {data.dim(axis)}, &places_));
    PlacesAlong(data.dims(), indices.dims(), axis, &places_);
    Tensor* output = OutputBlob(0)->template GetMutable<Tensor>();
    if (!IsInplace(0, 0)) DOPPIO_RETURN_IF_ERROR(output->CopyFrom(data));
    DOPPIO_RETURN_IF_ERROR(output->MakeUnique());
    return ApplyUpdates(reduction_, updates, places_, 1, output);
  }

 private:
  const int axis_;
  const Reduction reduction_;
  std::vector<int64_t> places_;
};

DOPPIO_REGISTER_CPU_OPERATOR(ScatterElements, ScatterElementsOp<CPUContext>);
DOPPIO_GRADIENT_NOT_IMPLEMENTED_YET(ScatterElements);

}  // namespace
}  // namespace doppio
