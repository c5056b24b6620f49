#include "doppio/registry.h"
#include "ops/sequence/row_segments.h"
#include "src/operator/element_copy.h"

namespace doppio {
namespace {

int64_t CountEmpty(const RowSegments& samples) {
  int64_t empty = 0;
  for (int64_t i = 0; i < samples.count(); ++i) empty += samples.length(i) == 0 ? 1 : 0;
  return empty;
}

absl::StatusOr<Dims> PaddedDims(const RowSegments& samples, DimsView features) {
  DOPPIO_RETURN_IF_ERROR(CheckNotScalar(features, "a tensor of features"));
  DOPPIO_RETURN_IF_ERROR(samples.CheckRows("lengths", features[0], "a tensor of features"));
  Dims dims(features.begin(), features.end());
  dims[0] += CountEmpty(samples);
  DOPPIO_RETURN_IF_ERROR(NumElements(dims).status());
  return dims;
}

absl::Status CheckArity(int inputs, int outputs) {
  if (inputs == outputs) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("each of the ", inputs, " inputs needs its output, but there are ", outputs));
}

DOPPIO_OPERATOR_SCHEMA(PadEmptySamples)
    .NumInputs(1, OpSchema::kMany)
    .NumOutputs(1, OpSchema::kMany)
    .Doc(R"DOC(
Gives every sample at least one row: where a length is 0 it becomes 1, and all features get a row of zeros
(or of empty strings) there.

Example: lengths [2,0,1] and features [3] = [5,6,7] give out_lengths [2,1,1] and out_features
[4] = [5,6,0,7].
)DOC")
    .Input(0, "lengths", "vector of int32, none negative: rows of each sample")
    .Input(1, "features0, features1, ...",
           "tensors of any types, at least vectors, with as many rows as the lengths sum to")
    .Output(0, "out_lengths", "vector of int32, none below 1")
    .Output(1, "out_features0, out_features1, ...", "the features, in order")
    .Flops([](const OperatorDef&, const auto&, const auto&) { return int64_t{0}; })
    .TensorInference([](InferenceContext* context) -> absl::Status {
      DOPPIO_RETURN_IF_ERROR(CheckArity(context->InputSize(), context->OutputSize()));
      DOPPIO_RETURN_IF_ERROR(CheckIsVector(context->dims(0), "lengths"));
      context->SetOutput(0, DataType::kInt32, context->dims(0));
      if (context->value(0) == nullptr) return absl::OkStatus();
      RowSegments samples;
      DOPPIO_RETURN_IF_ERROR(samples.SetInt32(*context->value(0), "lengths"));
      for (int i = 1; i < context->InputSize(); ++i) {
        DOPPIO_ASSIGN_OR_RETURN(Dims dims, PaddedDims(samples, context->dims(i)));
        context->SetOutput(i, context->dtype(i), dims);
      }
      return absl::OkStatus();
    });

template <class Context>
class PadEmptySamplesOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit PadEmptySamplesOp(OperatorInit* init) : Operator<Context>(init) {
    const absl::Status status = CheckArity(InputSize(), OutputSize());
    if (!status.ok()) init->Fail(status);
  }

  absl::Status RunOnDevice() override {
    DOPPIO_RETURN_IF_ERROR(samples_.SetInt32(Input(0), "lengths"));
    const int64_t count = samples_.count();
    DOPPIO_ASSIGN_OR_RETURN(Tensor * lengths, Output(0, DataType::kInt32, {count}));
    for (int64_t i = 0; i < count; ++i) {
      lengths->mutable_data<int32_t>()[i] =
          static_cast<int32_t>(std::max<int64_t>(samples_.length(i), 1));
    }
    for (int i = 1; i < InputSize(); ++i) DOPPIO_RETURN_IF_ERROR(Pad(i));
    return absl::OkStatus();
  }

 private:
  absl::Status Pad(int i) {
    const Tensor& features = Input(i);
    DOPPIO_ASSIGN_OR_RETURN(Dims dims, PaddedDims(samples_, features.dims()));
    DOPPIO_ASSIGN_OR_RETURN(Tensor * output, Output(i, features.dtype(), dims));
    const ElementCopy copy(features, output);
    const ElementZero zero(output);
    const int64_t block = SizeFromDim(dims, 1);
    int64_t to = 0;
    for (int64_t k = 0; k < samples_.count(); ++k) {
      const int64_t count = samples_.length(k) * block;
      copy(samples_.begin(k) * block, to, count);
      to += count;
      if (samples_.length(k) > 0) continue;
      zero(to, block);
      to += block;
    }
    return absl::OkStatus();
  }

  RowSegments samples_;
};

DOPPIO_REGISTER_CPU_OPERATOR(PadEmptySamples, PadEmptySamplesOp<CPUContext>);

}  // namespace
}  // namespace doppio
