#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "ops/sequence/marked_rows.h"
#include "src/operator/element_copy.h"
#include "src/operator/lengths_input.h"

namespace doppio {
namespace {

// The shape of what is left; `removed` become the rows that go.
absl::StatusOr<Dims> ShrunkDims(DimsView data, const Tensor& indices, MarkedRows* removed) {
  DOPPIO_RETURN_IF_ERROR(CheckNotScalar(data, "data"));
  DOPPIO_RETURN_IF_ERROR(CheckIsVector(indices.dims(), "indices"));
  if (indices.numel() == 0) {  // of any type: an empty list in NumPy is float64
    DOPPIO_RETURN_IF_ERROR(removed->Set(absl::Span<const int64_t>(), data[0]));
  } else {
    DOPPIO_RETURN_IF_ERROR(DispatchType(IndexTypes(), indices.dtype(), [&](auto tag) {
      return removed->Set(indices.span<typename decltype(tag)::type>(), data[0]);
    }));
  }
  Dims dims(data.begin(), data.end());
  dims[0] -= removed->count();
  return dims;
}

DOPPIO_OPERATOR_SCHEMA(RemoveDataBlocks)
    .NumInputs(2)
    .NumOutputs(1)
    .Doc(R"DOC(
Takes rows out of a tensor. Indices may stand in any order, and more than once.

Example: data [4] = [5,6,7,8] and indices [3] = [2,0,2] give [6,8].
)DOC")
    .Input(0, "data", "tensor of any type, at least a vector")
    .Input(1, "indices", "vector of int32 or int64: rows of data; an empty one may have any type")
    .Output(0, "shrunk_data", "tensor of data's type: the other rows")
    .Flops([](const OperatorDef&, const auto&, const auto&) { return int64_t{0}; })
    .NeedsValue(1)
    .TensorInference([](InferenceContext* context) -> absl::Status {
      MarkedRows removed;
      DOPPIO_ASSIGN_OR_RETURN(Dims dims,
                              ShrunkDims(context->dims(0), *context->value(1), &removed));
      context->SetOutput(0, context->dtype(0), dims);
      return absl::OkStatus();
    });

template <class Context>
class RemoveDataBlocksOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit RemoveDataBlocksOp(OperatorInit* init) : Operator<Context>(init) {}

  absl::Status RunOnDevice() override {
    const Tensor& data = Input(0);
    DOPPIO_ASSIGN_OR_RETURN(Dims dims, ShrunkDims(data.dims(), Input(1), &removed_));
    DOPPIO_ASSIGN_OR_RETURN(Tensor * shrunk, Output(0, data.dtype(), dims));
    const ElementCopy copy(data, shrunk);
    const int64_t block = SizeFromDim(data.dims(), 1);
    int64_t to = 0;
    int64_t begin = 0;  // of a run of rows that stay
    for (int64_t row = 0; row <= data.dim(0); ++row) {
      if (row < data.dim(0) && !removed_.contains(row)) continue;
      copy(begin * block, to, (row - begin) * block);
      to += (row - begin) * block;
      begin = row + 1;
    }
    return absl::OkStatus();
  }

 private:
  MarkedRows removed_;
};

DOPPIO_REGISTER_CPU_OPERATOR(RemoveDataBlocks, RemoveDataBlocksOp<CPUContext>);
DOPPIO_SHOULD_NOT_DO_GRADIENT(RemoveDataBlocks);

}  // namespace
}  // namespace doppio
