// Bucketize and BatchBucketize.

#include <algorithm>

#include "doppio/gradient_maker.h"
#include "doppio/parallel.h"
#include "doppio/registry.h"
#include "src/kernel/indices.h"
#include "src/operator/lengths_input.h"

namespace doppio {
namespace {

constexpr int64_t kGrain = 1 << 12;

absl::Status CheckAscending(absl::Span<const float> boundaries, absl::string_view of) {
  for (size_t i = 0; i < boundaries.size(); ++i) {
    // Not the opposite of <, so that NaN is refused.
    if (boundaries[i] >= boundaries[i > 0 ? i - 1 : i]) continue;
    return absl::InvalidArgumentError(absl::StrCat(
        "the boundaries", of, " must be in ascending order, but one is ", boundaries[i]));
  }
  return absl::OkStatus();
}

DOPPIO_OPERATOR_SCHEMA(Bucketize)
    .NumInputs(1)
    .NumOutputs(1)
    .Doc(R"DOC(
The bucket of each element: i where boundaries[i - 1] < x <= boundaries[i], 0 up to the first boundary,
and as many as there are boundaries above the last one. NaN is in bucket 0.

Example: data [2,4,1] and boundaries = [0.1,2.5] give [1,2,1].
)DOC")
    .OptionalArg<std::vector<float>>("boundaries", "in ascending order; none: all is in bucket 0")
    .Input(0, "data", "tensor of float")
    .Output(0, "output", "tensor of int32 of data's shape")
    .TensorInference([](InferenceContext* context) {
      context->SetOutput(0, DataType::kInt32, context->dims(0));
      return absl::OkStatus();
    });

template <class Context>
class BucketizeOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit BucketizeOp(OperatorInit* init)
      : Operator<Context>(init), boundaries_(init->GetRepeatedArgument<float>("boundaries")) {
    init->Fail(CheckAscending(boundaries_, ""));
  }

  absl::Status RunOnDevice() override {
    if (!Input(0).template Is<float>()) {
      return absl::InvalidArgumentError(
          absl::StrCat("data must be float, but is ", DescribeInput(0)));
    }
    DOPPIO_ASSIGN_OR_RETURN(Tensor * output, Output(0, DataType::kInt32, Input(0).dims()));
    const float* x = Input(0).template data<float>();
    int32_t* y = output->template mutable_data<int32_t>();
    ParallelFor(output->numel(), kGrain, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        y[i] = static_cast<int32_t>(std::lower_bound(boundaries_.begin(), boundaries_.end(), x[i]) -
                                    boundaries_.begin());
      }
    });
    return absl::OkStatus();
  }

 private:
  const std::vector<float> boundaries_;
};

DOPPIO_OPERATOR_SCHEMA(BatchBucketize)
    .NumInputs(4)
    .NumOutputs(1)
    .Doc(R"DOC(
The buckets of some columns of a matrix, each of which has boundaries of its own: the first LENGTHS[0] are
those of the column INDICES[0], and so on. The bucket is i where boundaries[i - 1] < x <= boundaries[i];
NaN is in the last one.

Caffe2 documents LENGTHS before BOUNDARIES, but reads them in this order.

Example: FEATURE [[1.42,2.07,3.19],[4.57,2.30,0.84]], INDICES [0,2], BOUNDARIES [0.5,1,2.5] and LENGTHS
[2,1] give [[2,1],[2,0]].
)DOC")
    .Input(0, "FEATURE", "matrix of float")
    .Input(1, "INDICES", "vector of int32: columns of FEATURE")
    .Input(2, "BOUNDARIES", "vector of float; those of a column in ascending order")
    .Input(3, "LENGTHS", "vector of int32: how many boundaries each of INDICES has")
    .Output(0, "O", "matrix of int32 [rows of FEATURE, INDICES]")
    .TensorInference([](InferenceContext* context) -> absl::Status {
      if (context->dims(0).size() != 2) {
        return absl::InvalidArgumentError("FEATURE must be a matrix");
      }
      DOPPIO_RETURN_IF_ERROR(CheckIsVector(context->dims(1), "INDICES"));
      const Dims dims = {context->dims(0)[0], context->dims(1)[0]};
      DOPPIO_RETURN_IF_ERROR(NumElements(dims).status());
      context->SetOutput(0, DataType::kInt32, dims);
      return absl::OkStatus();
    });

template <class Context>
class BatchBucketizeOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit BatchBucketizeOp(OperatorInit* init) : Operator<Context>(init) {}

  absl::Status RunOnDevice() override {
    DOPPIO_RETURN_IF_ERROR(Check());
    const Tensor& feature = Input(0);
    const auto indices = Input(1).template span<int32_t>();
    const int32_t* lengths = Input(3).template data<int32_t>();
    const int64_t width = feature.dim(1);
    const int64_t count = Input(1).numel();
    DOPPIO_ASSIGN_OR_RETURN(Tensor * output, Output(0, DataType::kInt32, {feature.dim(0), count}));
    int32_t* y = output->template mutable_data<int32_t>();
    ParallelFor(feature.dim(0), kGrain / (count + 1) + 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const float* x = feature.data<float>() + i * width;
        const float* edges = Input(2).template data<float>();
        for (int64_t j = 0; j < count; ++j) {
          // Counts the boundaries that x is not up to, all of them for NaN.
          const float value = x[indices[static_cast<size_t>(j)]];
          y[i * count + j] = static_cast<int32_t>(
              std::partition_point(edges, edges + lengths[j],
                                   [&](float edge) { return !(value <= edge); }) -
              edges);
          edges += lengths[j];
        }
      }
    });
    return absl::OkStatus();
  }

 private:
  absl::Status Check() {
    const Tensor& feature = Input(0);
    if (!feature.Is<float>() || feature.rank() != 2) {
      return absl::InvalidArgumentError(
          absl::StrCat("FEATURE must be a matrix of float, but is ", DescribeInput(0)));
    }
    DOPPIO_RETURN_IF_ERROR(CheckVector<int32_t>(Input(1), "INDICES"));
    DOPPIO_RETURN_IF_ERROR(CheckVector<float>(Input(2), "BOUNDARIES"));
    DOPPIO_RETURN_IF_ERROR(CheckVector<int32_t>(Input(3), "LENGTHS"));
    const auto lengths = Input(3).template span<int32_t>();
    if (Input(1).numel() != Input(3).numel()) {
      return absl::InvalidArgumentError(absl::StrCat(
          "LENGTHS ", DescribeInput(3), " must be as many as INDICES ", DescribeInput(1)));
    }
    DOPPIO_RETURN_IF_ERROR(CheckLengths(lengths, "LENGTHS", Input(2).numel(), "BOUNDARIES"));
    DOPPIO_RETURN_IF_ERROR(CheckIndices(Input(1).template span<int32_t>(), 0, feature.dim(1)));
    const float* edges = Input(2).template data<float>();
    for (size_t j = 0; j < lengths.size(); ++j) {
      const auto length = static_cast<size_t>(lengths[j]);
      DOPPIO_RETURN_IF_ERROR(
          CheckAscending(absl::MakeConstSpan(edges, length), absl::StrCat(" of INDICES[", j, "]")));
      edges += length;
    }
    return absl::OkStatus();
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(Bucketize, BucketizeOp<CPUContext>);
DOPPIO_REGISTER_CPU_OPERATOR(BatchBucketize, BatchBucketizeOp<CPUContext>);
DOPPIO_NO_GRADIENT(Bucketize);
DOPPIO_NO_GRADIENT(BatchBucketize);

}  // namespace
}  // namespace doppio
