// OneHot and SegmentOneHot: rows of zeros, with ones at the indices that belong to the row.

#include <algorithm>

#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "src/kernel/indices.h"
#include "src/operator/lengths_input.h"

namespace doppio {
namespace {

absl::StatusOr<int64_t> IndexSize(const Tensor& tensor) {
  DOPPIO_ASSIGN_OR_RETURN(int64_t size, SingleInteger(tensor, "index_size_tensor"));
  if (size < 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("index_size_tensor is ", size, ", but a size is not negative"));
  }
  return size;
}

// Infers [the size of input 0, the size that input `size` holds].
OpSchema::InferenceFunction InferOneHot(int size) {
  return [=](InferenceContext* context) -> absl::Status {
    DOPPIO_RETURN_IF_ERROR(CheckIsVector(context->dims(0), "input 0"));
    DOPPIO_ASSIGN_OR_RETURN(int64_t columns, IndexSize(*context->value(size)));
    const Dims dims = {context->dims(0)[0], columns};
    DOPPIO_RETURN_IF_ERROR(NumElements(dims).status());
    context->SetOutput(0, DataType::kFloat, dims);
    return absl::OkStatus();
  };
}

DOPPIO_OPERATOR_SCHEMA(OneHot)
    .NumInputs(2)
    .NumOutputs(1)
    .Doc(R"DOC(
A matrix with a row for each index, which is 1 at that index and 0 everywhere else.

Example: indices [2,0] and index_size_tensor 3 give [[0,0,1],[1,0,0]].
)DOC")
    .Input(0, "indices", "vector of int64, each at least 0 and below the size")
    .Input(1, "index_size_tensor", "one int64: how long a row is")
    .Output(0, "one_hots", "matrix of float [indices, index_size]")
    .NeedsValue(1)
    .TensorInference(InferOneHot(1))
    .Flops([](const OperatorDef&, const auto&, const auto&) { return int64_t{0}; });

template <class Context>
class OneHotOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit OneHotOp(OperatorInit* init) : Operator<Context>(init) {}

  absl::Status RunOnDevice() override {
    DOPPIO_RETURN_IF_ERROR(CheckVector<int64_t>(Input(0), "indices"));
    const auto indices = Input(0).template span<int64_t>();
    DOPPIO_ASSIGN_OR_RETURN(int64_t size, IndexSize(Input(1)));
    DOPPIO_RETURN_IF_ERROR(CheckIndices(indices, 0, size));
    DOPPIO_ASSIGN_OR_RETURN(Tensor * output, Output(0, DataType::kFloat, {Input(0).numel(), size}));
    float* y = output->template mutable_data<float>();
    std::fill_n(y, output->numel(), 0.0f);
    for (int64_t index : indices) {
      y[index] = 1;
      y += size;
    }
    return absl::OkStatus();
  }
};

DOPPIO_OPERATOR_SCHEMA(SegmentOneHot)
    .NumInputs(3)
    .NumOutputs(1)
    .Doc(R"DOC(
A matrix with a row for each length, which is 1 at the indices that belong to it and 0 everywhere
else: the first lengths[0] indices to row 0, the next lengths[1] to row 1, and so on.

Example: lengths [2,0,1], indices [0,2,1] and index_size_tensor 3 give [[1,0,1],[0,0,0],[0,1,0]].
)DOC")
    .Input(0, "lengths", "vector of int32, which sum to the number of indices")
    .Input(1, "indices", "vector of int64, each at least 0 and below the size")
    .Input(2, "index_size_tensor", "one int64, at least 1: how long a row is")
    .Output(0, "one_hots", "matrix of float [lengths, index_size]")
    .NeedsValue(2)
    .TensorInference(InferOneHot(2))
    .Flops([](const OperatorDef&, const auto&, const auto&) { return int64_t{0}; });

template <class Context>
class SegmentOneHotOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit SegmentOneHotOp(OperatorInit* init) : Operator<Context>(init) {}

  absl::Status RunOnDevice() override {
    DOPPIO_RETURN_IF_ERROR(CheckVector<int32_t>(Input(0), "lengths"));
    DOPPIO_RETURN_IF_ERROR(CheckVector<int64_t>(Input(1), "indices"));
    const auto lengths = Input(0).template span<int32_t>();
    const auto indices = Input(1).template span<int64_t>();
    DOPPIO_ASSIGN_OR_RETURN(int64_t size, IndexSize(Input(2)));
    if (size == 0) return absl::InvalidArgumentError("index_size_tensor must be at least 1");
    DOPPIO_RETURN_IF_ERROR(CheckLengths(lengths, "lengths", Input(1).numel(), "indices"));
    DOPPIO_RETURN_IF_ERROR(CheckIndices(indices, 0, size));
    DOPPIO_ASSIGN_OR_RETURN(Tensor * output, Output(0, DataType::kFloat, {Input(0).numel(), size}));
    float* y = output->template mutable_data<float>();
    std::fill_n(y, output->numel(), 0.0f);
    const int64_t* index = indices.data();
    for (int32_t length : lengths) {
      for (const int64_t* end = index + length; index < end; ++index) y[*index] = 1;
      y += size;
    }
    return absl::OkStatus();
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(OneHot, OneHotOp<CPUContext>);
DOPPIO_REGISTER_CPU_OPERATOR(SegmentOneHot, SegmentOneHotOp<CPUContext>);
DOPPIO_NO_GRADIENT(OneHot);
DOPPIO_NO_GRADIENT(SegmentOneHot);

}  // namespace
}  // namespace doppio
