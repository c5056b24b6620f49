// BatchOneHot and BatchBucketOneHot: each column of a matrix becomes as many columns as it has
// values or buckets.

#include <algorithm>
#include <cmath>

#include "doppio/gradient_maker.h"
#include "doppio/parallel.h"
#include "doppio/registry.h"
#include "src/kernel/indices.h"
#include "src/operator/lengths_input.h"

namespace doppio {
namespace {

constexpr int64_t kGrain = 1 << 14;

// Checks that the lengths, one for each column of `data`, sum to the number of `entries`.
absl::Status CheckColumns(const Tensor& data, const Tensor& lengths, const Tensor& entries,
                          absl::string_view of) {
  DOPPIO_RETURN_IF_ERROR(CheckNotScalar(data.dims(), "data"));
  const int64_t columns = SizeFromDim(data.dims(), 1);
  if (!lengths.Is<int32_t>() || lengths.numel() != columns) {
    return absl::InvalidArgumentError(
        absl::StrCat("lengths must be int32 and have an element for each of the ", columns,
                     " columns of data, but is ", lengths.TypeAndShape()));
  }
  return CheckLengths(lengths.span<int32_t>(), "lengths", entries.numel(), of);
}

void StateBatchOneHot(OpSchema& schema) {
  schema.NumInputs(3)
      .NumOutputs(1)
      .Input(1, "lengths", "int32, one for each column of data: how many of input 2 belong to it")
      .Flops([](const OperatorDef&, const auto&, const std::vector<TensorInfo>& outputs) {
        return NumElements(*outputs[0].dims).value_or(0);
      });
}

DOPPIO_OPERATOR_SCHEMA(BatchOneHot)
    .FillUsing(StateBatchOneHot)
    .Doc(R"DOC(
Each column of a matrix becomes one column for each value that it may have, which is 1 where it has
that value and 0 elsewhere. The first lengths[0] values are those of column 0, the next lengths[1]
those of column 1, and so on. A value that stands there twice has two columns.

Example: data [[2,3],[4,1],[2,5]], lengths [2,3] and values [2,4,1,3,5] give
[[1,0,0,1,0],[0,1,1,0,0],[1,0,0,0,1]].
)DOC")
    .Input(0, "data", "tensor of int32 or int64, read as a matrix with its first dimension as rows")
    .Input(2, "values", "tensor of data's type, of as many elements as lengths sum to")
    .Output(0, "output", "matrix of data's type [rows of data, values]")
    .TensorInference([](InferenceContext* context) -> absl::Status {
      DOPPIO_RETURN_IF_ERROR(CheckNotScalar(context->dims(0), "data"));
      const Dims dims = {context->dims(0)[0], SizeFromDim(context->dims(2), 0)};
      DOPPIO_RETURN_IF_ERROR(NumElements(dims).status());
      context->SetOutput(0, context->dtype(0), dims);
      return absl::OkStatus();
    });

template <class Context>
class BatchOneHotOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit BatchOneHotOp(OperatorInit* init) : Operator<Context>(init) {}

  absl::Status RunOnDevice() override {
    const Tensor& data = Input(0);
    const Tensor& values = Input(2);
    DOPPIO_RETURN_IF_ERROR(CheckColumns(data, Input(1), values, "values"));
    if (values.dtype() != data.dtype()) {
      return absl::InvalidArgumentError(absl::StrCat(
          "values ", DescribeInput(2), " must be of the type of data ", DescribeInput(0)));
    }
    return DispatchType(IndexTypes(), data.dtype(), [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      const auto lengths = Input(1).template span<int32_t>();
      const int64_t width = values.numel();
      DOPPIO_ASSIGN_OR_RETURN(Tensor * output, Output(0, data.dtype(), {data.dim(0), width}));
      const int64_t columns = Input(1).numel();
      const T* x = data.data<T>();
      const T* value = values.data<T>();
      T* y = output->template mutable_data<T>();
      ParallelFor(data.dim(0), kGrain / (width + 1) + 1, [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) {
          T* row = y + i * width;
          int64_t k = 0;
          for (int64_t j = 0; j < columns; ++j) {
            const T wanted = x[i * columns + j];
            for (int64_t last = k + lengths[static_cast<size_t>(j)]; k < last; ++k) {
              row[k] = value[k] == wanted ? 1 : 0;
            }
          }
        }
      });
      return absl::OkStatus();
    });
  }
};

DOPPIO_OPERATOR_SCHEMA(BatchBucketOneHot)
    .FillUsing(StateBatchOneHot)
    .Doc(R"DOC(
Each column of a matrix becomes one column for each bucket that its boundaries make, which is 1
where the element is in that bucket and 0 elsewhere. The first lengths[0] boundaries are those of
column 0, the next lengths[1] those of column 1, and so on; n boundaries, in ascending order, make
n + 1 buckets, each of which includes its upper boundary. An element that equals several boundaries
is in the bucket in the middle of those that they make. NaN is in the last bucket, as in NumPy.

Example: data [[2,3],[4,1],[2,5]], lengths [2,3] and boundaries [0.1,2.5,1,3.1,4.5] give
[[0,1,0,0,1,0,0],[0,0,1,1,0,0,0],[0,1,0,0,0,0,1]].
)DOC")
    .Input(0, "data", "tensor of float, read as a matrix with its first dimension as rows")
    .Input(2, "boundaries", "tensor of float, of as many elements as lengths (at least 1) sum to")
    .Output(0, "output", "matrix of float [rows of data, boundaries + columns of data]")
    .TensorInference([](InferenceContext* context) -> absl::Status {
      DOPPIO_RETURN_IF_ERROR(CheckNotScalar(context->dims(0), "data"));
      // Neither number is above 2^61, so that the sum fits.
      const Dims dims = {context->dims(0)[0],
                         SizeFromDim(context->dims(1), 0) + SizeFromDim(context->dims(2), 0)};
      DOPPIO_RETURN_IF_ERROR(NumElements(dims).status());
      context->SetOutput(0, DataType::kFloat, dims);
      return absl::OkStatus();
    });

// The place among `length` boundaries in order.
int64_t BucketOf(float x, const float* edges, int64_t length) {
  if (std::isnan(x)) return length;
  const auto [first, last] = std::equal_range(edges, edges + length, x);
  return ((first - edges) + (last - edges)) / 2;
}

template <class Context>
class BatchBucketOneHotOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit BatchBucketOneHotOp(OperatorInit* init) : Operator<Context>(init) {}

  absl::Status RunOnDevice() override {
    const Tensor& data = Input(0);
    const Tensor& boundaries = Input(2);
    if (!data.Is<float>() || !boundaries.Is<float>()) {
      return absl::InvalidArgumentError(absl::StrCat("data ", DescribeInput(0), " and boundaries ",
                                                     DescribeInput(2), " must be float"));
    }
    DOPPIO_RETURN_IF_ERROR(CheckColumns(data, Input(1), boundaries, "boundaries"));
    const auto lengths = Input(1).template span<int32_t>();
    const float* first = boundaries.data<float>();
    for (size_t j = 0; j < lengths.size(); ++j) {
      if (lengths[j] < 1) {
        return absl::InvalidArgumentError(
            absl::StrCat("lengths[", j, "] is 0, but a column needs a boundary"));
      }
      if (!std::is_sorted(first, first + lengths[j])) {
        return absl::InvalidArgumentError(
            absl::StrCat("the boundaries of column ", j, " are not in ascending order"));
      }
      first += lengths[j];
    }
    const int64_t columns = Input(1).numel();
    const int64_t width = boundaries.numel() + columns;
    DOPPIO_ASSIGN_OR_RETURN(Tensor * output, Output(0, DataType::kFloat, {data.dim(0), width}));
    const float* x = data.data<float>();
    float* y = output->template mutable_data<float>();
    ParallelFor(data.dim(0), kGrain / (width + 1) + 1, [&](int64_t begin, int64_t end) {
      std::fill(y + begin * width, y + end * width, 0.0f);
      for (int64_t i = begin; i < end; ++i) {
        const float* edges = boundaries.data<float>();
        float* row = y + i * width;
        for (int64_t j = 0; j < columns; ++j) {
          const int32_t length = lengths[static_cast<size_t>(j)];
          row[BucketOf(x[i * columns + j], edges, length)] = 1;
          edges += length;
          row += length + 1;
        }
      }
    });
    return absl::OkStatus();
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(BatchOneHot, BatchOneHotOp<CPUContext>);
DOPPIO_REGISTER_CPU_OPERATOR(BatchBucketOneHot, BatchBucketOneHotOp<CPUContext>);
DOPPIO_NO_GRADIENT(BatchOneHot);
DOPPIO_NO_GRADIENT(BatchBucketOneHot);

}  // namespace
}  // namespace doppio
