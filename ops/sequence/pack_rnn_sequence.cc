#include "doppio/gradient_maker.h"
#include "doppio/parallel.h"
#include "doppio/registry.h"
#include "ops/sequence/row_segments.h"
#include "src/operator/element_copy.h"

namespace doppio {
namespace {

absl::StatusOr<Dims> PackedDims(DimsView values, const RowSegments& segments) {
  DOPPIO_RETURN_IF_ERROR(CheckNotScalar(values, "values"));
  DOPPIO_RETURN_IF_ERROR(segments.CheckRows("lengths", values[0], "values"));
  Dims dims = {segments.longest(), segments.count()};
  dims.insert(dims.end(), values.begin() + 1, values.end());
  DOPPIO_RETURN_IF_ERROR(NumElements(dims).status());
  return dims;
}

absl::StatusOr<Dims> UnpackedDims(DimsView values, const RowSegments& segments) {
  if (values.size() < 2 || values[0] != segments.longest() || values[1] != segments.count()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "values ", ShapeToString(values), " must begin with [", segments.longest(), ",",
        segments.count(), "]: the longest length, and how many lengths there are"));
  }
  Dims dims(values.begin() + 1, values.end());
  dims[0] = segments.rows();
  DOPPIO_RETURN_IF_ERROR(NumElements(dims).status());
  return dims;
}

// Both operators read values and lengths, and differ in the shape that they make of them.
template <absl::StatusOr<Dims> (*OutputDims)(DimsView, const RowSegments&)>
void StatePacking(OpSchema& schema) {
  schema.NumInputs(2)
      .NumOutputs(1)
      .Flops([](const OperatorDef&, const auto&, const auto&) { return int64_t{0}; })
      .NeedsValue(1)
      .TensorInference([](InferenceContext* context) -> absl::Status {
        RowSegments segments;
        DOPPIO_RETURN_IF_ERROR(segments.SetInt32(*context->value(1), "lengths"));
        DOPPIO_ASSIGN_OR_RETURN(Dims dims, OutputDims(context->dims(0), segments));
        context->SetOutput(0, context->dtype(0), dims);
        return absl::OkStatus();
      });
}

DOPPIO_OPERATOR_SCHEMA(PackRNNSequence)
    .Doc(R"DOC(
Sequences of rows, which lie one behind the other, are put side by side: output[t,i] is row t of
sequence i, and 0 (an empty string) where it has ended. That is what recurrent nets read, step by step.

Example: values [8] = [1,2,3,4,5,6,7,8] and lengths [4] = [2,3,1,2] give output [3,4] =
[[1,3,6,7],[2,4,0,8],[0,5,0,0]].
)DOC")
    .FillUsing(StatePacking<PackedDims>)
    .Input(0, "values", "tensor of any type, at least a vector")
    .Input(1, "lengths", "vector of int32, none negative, which sum to the rows of values")
    .Output(0, "output", "tensor of values' type, [the longest length, sequences, ...]");

DOPPIO_OPERATOR_SCHEMA(UnpackRNNSequence)
    .Doc(R"DOC(
The rows that PackRNNSequence put side by side, one behind the other again.

Example: values [3,4] = [[1,3,6,7],[2,4,0,8],[0,5,0,0]] and lengths [4] = [2,3,1,2] give output [8] =
[1,2,3,4,5,6,7,8].

values must have as many steps as the longest length says. (Caffe2 takes more, but has a gradient of
another shape then.) The gradient is 0 where a sequence has ended.
)DOC")
    .FillUsing(StatePacking<UnpackedDims>)
    .Input(0, "values", "tensor of any type, [the longest length, sequences, ...]")
    .Input(1, "lengths", "vector of int32, none negative: rows of each sequence")
    .Output(0, "output", "tensor of values' type, with as many rows as the lengths sum to");

template <class Context>
class PackRNNSequenceOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit PackRNNSequenceOp(OperatorInit* init) : Operator<Context>(init) {}

  absl::Status RunOnDevice() override {
    const Tensor& values = Input(0);
    DOPPIO_RETURN_IF_ERROR(segments_.SetInt32(Input(1), "lengths"));
    DOPPIO_ASSIGN_OR_RETURN(Dims dims, PackedDims(values.dims(), segments_));
    DOPPIO_ASSIGN_OR_RETURN(Tensor * output, Output(0, values.dtype(), dims));
    const ElementCopy copy(values, output);
    const ElementZero zero(output);
    const int64_t block = SizeFromDim(values.dims(), 1);
    const int64_t count = segments_.count();
    const int64_t grain = kCopyGrain / (count * block + 1) + 1;
    ParallelFor(segments_.longest(), grain, [&](int64_t begin, int64_t end) {
      for (int64_t t = begin; t < end; ++t) {
        for (int64_t i = 0; i < count; ++i) {
          const int64_t to = (t * count + i) * block;
          if (t < segments_.length(i)) {
            copy((segments_.begin(i) + t) * block, to, block);
          } else {
            zero(to, block);
          }
        }
      }
    });
    return absl::OkStatus();
  }

 private:
  RowSegments segments_;
};

template <class Context>
class UnpackRNNSequenceOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit UnpackRNNSequenceOp(OperatorInit* init) : Operator<Context>(init) {}

  absl::Status RunOnDevice() override {
    const Tensor& values = Input(0);
    DOPPIO_RETURN_IF_ERROR(segments_.SetInt32(Input(1), "lengths"));
    DOPPIO_ASSIGN_OR_RETURN(Dims dims, UnpackedDims(values.dims(), segments_));
    DOPPIO_ASSIGN_OR_RETURN(Tensor * output, Output(0, values.dtype(), dims));
    const ElementCopy copy(values, output);
    const int64_t block = SizeFromDim(values.dims(), 2);
    const int64_t count = segments_.count();
    const int64_t grain = kCopyGrain / (segments_.longest() * block + 1) + 1;
    ParallelFor(count, grain, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        for (int64_t t = 0; t < segments_.length(i); ++t) {
          copy((t * count + i) * block, (segments_.begin(i) + t) * block, block);
        }
      }
    });
    return absl::OkStatus();
  }

 private:
  RowSegments segments_;
};

class GetPackRNNSequenceGradient final : public GradientMakerBase {
  using GradientMakerBase::GradientMakerBase;
  std::vector<OperatorDef> GetGradientDefs() override {
    return SingleGradientDef("UnpackRNNSequence", "", {GO(0), I(1)}, {GI(0)});
  }
};
class GetUnpackRNNSequenceGradient final : public GradientMakerBase {
  using GradientMakerBase::GradientMakerBase;
  std::vector<OperatorDef> GetGradientDefs() override {
    return SingleGradientDef("PackRNNSequence", "", {GO(0), I(1)}, {GI(0)});
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(PackRNNSequence, PackRNNSequenceOp<CPUContext>);
DOPPIO_REGISTER_CPU_OPERATOR(UnpackRNNSequence, UnpackRNNSequenceOp<CPUContext>);
DOPPIO_REGISTER_GRADIENT(PackRNNSequence, GetPackRNNSequenceGradient);
DOPPIO_REGISTER_GRADIENT(UnpackRNNSequence, GetUnpackRNNSequenceGradient);

}  // namespace
}  // namespace doppio
