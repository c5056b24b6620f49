#include <algorithm>
#include <limits>
#include <optional>

#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "ops/sparse/add_rows.h"
#include "src/kernel/indices.h"
#include "src/operator/lengths_input.h"

namespace doppio {
namespace {

// The rows of the output, by the argument or the third input; none: the largest index tells.
absl::StatusOr<std::optional<int64_t>> StatedRows(int64_t argument, std::optional<DimsView> like) {
  if (argument > 0) {
    if (!like.has_value()) return argument;
    return absl::InvalidArgumentError(
        "output_first_dim and data_to_infer_dim both say how many rows there are");
  }
  if (!like.has_value()) return std::nullopt;
  DOPPIO_RETURN_IF_ERROR(CheckNotScalar(*like, "data_to_infer_dim"));
  return (*like)[0];
}

// One more than the largest index, or 0; CheckIndices finds the negative ones.
absl::StatusOr<int64_t> RowsOfIndices(const Tensor& indices) {
  int64_t largest = -1;
  DOPPIO_RETURN_IF_ERROR(DispatchType(IndexTypes(), indices.dtype(), [&](auto tag) {
    for (auto index : indices.span<typename decltype(tag)::type>()) {
      largest = std::max<int64_t>(largest, index);
    }
    return absl::OkStatus();
  }));
  if (largest == std::numeric_limits<int64_t>::max()) {
    return absl::InvalidArgumentError(
        absl::StrCat("the largest index is ", largest, ", which no tensor has a row for"));
  }
  return largest + 1;
}

// What Gather gives that was asked for rows of a table without any: nothing, whatever the indices.
bool IsFromNothing(DimsView values, std::optional<DimsView> like) {
  return like.has_value() && !like->empty() && (*like)[0] == 0 && values == *like;
}

absl::StatusOr<Dims> DenseDims(DimsView indices, DimsView values, int64_t rows,
                               std::optional<DimsView> like) {
  if (IsFromNothing(values, like)) return Dims(values.begin(), values.end());
  if (values.size() < indices.size() || values.subspan(0, indices.size()) != indices) {
    return absl::InvalidArgumentError(absl::StrCat("values ", ShapeToString(values),
                                                   " must begin with the shape of indices ",
                                                   ShapeToString(indices)));
  }
  // Gather, the gradient, would give what has another shape than values.
  if (rows == 0 && indices.size() != 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("indices must be a vector where the output has no row, but have the shape ",
                     ShapeToString(indices)));
  }
  Dims dims(1, rows);
  for (const int64_t dim : values.subspan(indices.size())) dims.push_back(dim);
  DOPPIO_RETURN_IF_ERROR(NumElements(dims).status());
  return dims;
}

DOPPIO_OPERATOR_SCHEMA(SparseToDense)
    .NumInputs(2, 3)
    .NumOutputs(1)
    .Doc(R"DOC(
Rows that are given with their indices, in a tensor that is 0 elsewhere: output[indices[k]] is
values[k], or the sum of these for all k where the index stands. The output has as many rows as
data_to_infer_dim or output_first_dim says, or else one more than the largest index. This makes a
dense gradient of a sparse one. Integers wrap.

In Caffe2 indices must be a vector. Here they may have any shape that values begin with, as the
gradient of a Gather has it. Where data_to_infer_dim has no row, values may have its shape, whatever the
indices: that is what Gather gives there.

Example: indices [2,0,2] and values [1,2,3] give [2,0,4].
)DOC")
    .Arg<int>("output_first_dim", "the number of rows; 0: another input or the indices say it", 0)
    .Input(0, "indices", "tensor of int32 or int64, none negative")
    .Input(1, "values", "tensor of float, double, int32 or int64: a row for each index")
    .Input(2, "data_to_infer_dim", "tensor with as many rows as wanted; optional")
    .Output(0, "output", "tensor of values' type: [rows] and the dimensions of a row")
    .ShapeOnly({2})
    .Flops([](const OperatorDef&, const std::vector<TensorInfo>& inputs, const auto&) {
      return SizeFromDim(*inputs[1].dims, 0);
    })
    .TensorInference([](InferenceContext* context) -> absl::Status {
      std::optional<DimsView> like;
      if (context->InputSize() > 2) like = context->dims(2);
      DOPPIO_ASSIGN_OR_RETURN(
          std::optional<int64_t> rows,
          StatedRows(context->GetSingleArgument<int>("output_first_dim"), like));
      if (!rows.has_value()) {
        if (context->value(0) == nullptr) return absl::OkStatus();
        DOPPIO_ASSIGN_OR_RETURN(rows, RowsOfIndices(*context->value(0)));
      }
      DOPPIO_ASSIGN_OR_RETURN(Dims dims,
                              DenseDims(context->dims(0), context->dims(1), *rows, like));
      context->SetOutput(0, context->dtype(1), dims);
      return absl::OkStatus();
    });

template <class Context>
class SparseToDenseOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit SparseToDenseOp(OperatorInit* init)
      : Operator<Context>(init), rows_(init->GetSingleArgument<int>("output_first_dim")) {}

  absl::Status RunOnDevice() override {
    using ValueTypes = TypeList<float, double, int32_t, int64_t>;
    const Tensor& indices = Input(0);
    const Tensor& values = Input(1);
    std::optional<DimsView> like;
    if (InputSize() > 2) like = Input(2).dims();
    DOPPIO_ASSIGN_OR_RETURN(std::optional<int64_t> rows, StatedRows(rows_, like));
    if (!rows.has_value()) {
      DOPPIO_ASSIGN_OR_RETURN(rows, RowsOfIndices(indices));
    }
    DOPPIO_ASSIGN_OR_RETURN(Dims dims, DenseDims(indices.dims(), values.dims(), *rows, like));
    return DispatchType(ValueTypes(), values.dtype(), [&](auto tag) {
      return DispatchType(IndexTypes(), indices.dtype(), [&](auto index_tag) -> absl::Status {
        using T = typename decltype(tag)::type;
        const auto index = indices.span<typename decltype(index_tag)::type>();
        if (!IsFromNothing(values.dims(), like)) {
          DOPPIO_RETURN_IF_ERROR(CheckIndices(index, 0, *rows));
        }
        DOPPIO_ASSIGN_OR_RETURN(Tensor * output, Output(0, values.dtype(), dims));
        if (output->numel() == 0) return absl::OkStatus();
        AddRows(values.data<T>(), index.data(), /*own_indices=*/false, /*outer=*/1,
                static_cast<int64_t>(index.size()), *rows, SizeFromDim(dims, 1),
                output->template mutable_data<T>());
        return absl::OkStatus();
      });
    });
  }

 private:
  const int64_t rows_;
};

class GetSparseToDenseGradient final : public GradientMakerBase {
  using GradientMakerBase::GradientMakerBase;
  std::vector<OperatorDef> GetGradientDefs() override {
    return SingleGradientDef("Gather", "", {GO(0), I(0)}, {GI(1)});
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(SparseToDense, SparseToDenseOp<CPUContext>);
DOPPIO_REGISTER_GRADIENT(SparseToDense, GetSparseToDenseGradient);

}  // namespace
}  // namespace doppio
