#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "ops/onnx/resolved_indices.h"
#include "ops/onnx/updates.h"

namespace doppio {
namespace {

// How many first dimensions of data a list of indices names an element of.
absl::StatusOr<int> DepthOf(DimsView data, DimsView indices, DimsView updates) {
  const auto cannot = [&](absl::string_view why) {
    return absl::InvalidArgumentError(absl::StrCat("data ", ShapeToString(data), ", indices ",
                                                   ShapeToString(indices), " and updates ",
                                                   ShapeToString(updates), ": ", why));
  };
  if (indices.empty()) return cannot("the indices are a scalar");
  const int64_t depth = indices.back();
  if (depth < 1 || depth > static_cast<int64_t>(data.size())) {
    return cannot("the last size of indices must be a number of dimensions of data");
  }
  Dims wanted(indices.begin(), indices.end() - 1);
  wanted.insert(wanted.end(), data.begin() + depth, data.end());
  if (DimsView(wanted) != updates) {
    return cannot(absl::StrCat("updates must have the shape ", ShapeToString(wanted)));
  }
  return static_cast<int>(depth);
}

DOPPIO_OPERATOR_SCHEMA(ScatterND)
    .NumInputs(3)
    .NumOutputs(1)
    .AllowInplace({{0, 0}})
    .Doc(R"DOC(
ONNX's ScatterND: data, of which the slices are updated that lists of indices name, one list along the
last dimension of indices, an index for each of the first dimensions of data: output[indices[i,0],
indices[i,1], ...] = updates[i].

Example: data = [1,2,3,4], indices = [[3],[0]] and updates = [7,8] give [8,2,3,7].
)DOC")
    .FillUsing(StateReduction)
    .Input(0, "data", "tensor of any type (with a reduction: of numbers), at least a vector")
    .Input(1, "indices", "tensor of int32 or int64, at least a vector; from the back if negative")
    .Input(2, "updates",
           "tensor of data's type: a slice for each list of indices, of the dimensions of data "
           "that are not indexed")
    .Output(0, "output", "tensor of data's type and shape")
    .IdenticalTypeAndShape();

template <class Context>
class ScatterNdOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit ScatterNdOp(OperatorInit* init)
      : Operator<Context>(init), reduction_(ReadReduction(init)) {}

  absl::Status RunOnDevice() override {
    const Tensor& data = Input(0);
    const Tensor& updates = Input(2);
    DOPPIO_ASSIGN_OR_RETURN(const int depth, DepthOf(data.dims(), Input(1).dims(), updates.dims()));
    if (updates.dtype() != data.dtype()) {
      return absl::InvalidArgumentError(
          absl::StrCat(DescribeInput(0), " and ", DescribeInput(2), " must have the same type"));
    }
    const DimsView sizes = data.dims().subspan(0, static_cast<size_t>(depth));
    DOPPIO_RETURN_IF_ERROR(ResolveIndices(Input(1), sizes, &indices_));
    const int64_t block = SizeFromDim(data.dims(), depth);
    places_.resize(indices_.size() / sizes.size());
    for (size_t i = 0; i < places_.size(); ++i) {
      int64_t place = 0;
      for (size_t d = 0; d < sizes.size(); ++d) {
        place = place * sizes[d] + indices_[i * sizes.size() + d];
      }
      places_[i] = place * block;
    }
    Tensor* output = OutputBlob(0)->template GetMutable<Tensor>();
    if (!IsInplace(0, 0)) DOPPIO_RETURN_IF_ERROR(output->CopyFrom(data));
    DOPPIO_RETURN_IF_ERROR(output->MakeUnique());
    return ApplyUpdates(reduction_, updates, places_, block, output);
  }

 private:
  const Reduction reduction_;
  std::vector<int64_t> indices_;
  std::vector<int64_t> places_;
};

DOPPIO_REGISTER_CPU_OPERATOR(ScatterND, ScatterNdOp<CPUContext>);
DOPPIO_GRADIENT_NOT_IMPLEMENTED_YET(ScatterND);

}  // namespace
}  // namespace doppio
