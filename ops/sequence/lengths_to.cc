// What lengths of segments are turned into: ids, ranges, offsets, weights, and places in a segment.

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "src/operator/lengths_input.h"

namespace doppio {
namespace {

using LengthTypes = TypeList<int32_t, int64_t>;

// The sum of a vector of int32 lengths, which int32 must hold.
absl::StatusOr<int64_t> SumOfInt32Lengths(const Tensor& lengths) {
  DOPPIO_RETURN_IF_ERROR(CheckVector<int32_t>(lengths, "lengths"));
  DOPPIO_ASSIGN_OR_RETURN(int64_t sum, SumOfLengths(lengths.span<int32_t>(), "lengths"));
  if (sum > std::numeric_limits<int32_t>::max() ||
      lengths.numel() > std::numeric_limits<int32_t>::max()) {
    return absl::InvalidArgumentError(
        absl::StrCat(lengths.numel(), " lengths that sum to ", sum, " are more than int32 holds"));
  }
  return sum;
}

// Operators whose output has an element for each of those that the lengths count.
void StateExpansion(OpSchema& schema) {
  schema.NumInputs(1).NumOutputs(1).NeedsValue(0).Flops(
      [](const OperatorDef&, const auto&, const auto&) { return int64_t{0}; });
}

absl::Status InferInt32Expansion(InferenceContext* context) {
  DOPPIO_ASSIGN_OR_RETURN(int64_t sum, SumOfInt32Lengths(*context->value(0)));
  context->SetOutput(0, DataType::kInt32, {sum});
  return absl::OkStatus();
}

DOPPIO_OPERATOR_SCHEMA(LengthsToSegmentIds)
    .FillUsing(StateExpansion)
    .Doc(R"DOC(
For each element of segments that lie one behind the other, which segment it belongs to.

Example: lengths [1,3,0,2] give [0,1,1,1,3,3].
)DOC")
    .Input(0, "lengths", "vector of int32, none negative")
    .Output(0, "segment_ids", "vector of int32, as long as the sum of the lengths")
    .TensorInference(InferInt32Expansion);

DOPPIO_OPERATOR_SCHEMA(LengthsRangeFill)
    .FillUsing(StateExpansion)
    .Doc(R"DOC(
For each element of segments that lie one behind the other, its place in the segment.

Example: lengths [4,3,1] give [0,1,2,3,0,1,2,0].
)DOC")
    .Input(0, "lengths", "vector of int32, none negative")
    .Output(0, "range_sequence", "vector of int32, as long as the sum of the lengths")
    .TensorInference(InferInt32Expansion);

// Each length becomes as many elements: those of the segment `segment`, from *begin to *end, are
// made by fill(begin, end, segment).
template <class Context, typename Fill>
class ExpansionOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit ExpansionOp(OperatorInit* init) : Operator<Context>(init) {}

  absl::Status RunOnDevice() override {
    DOPPIO_ASSIGN_OR_RETURN(int64_t sum, SumOfInt32Lengths(Input(0)));
    DOPPIO_ASSIGN_OR_RETURN(Tensor * output, Output(0, DataType::kInt32, {sum}));
    int32_t* y = output->template mutable_data<int32_t>();
    int32_t segment = 0;
    for (int32_t length : Input(0).template span<int32_t>()) {
      Fill()(y, y + length, segment++);
      y += length;
    }
    return absl::OkStatus();
  }
};
struct FillWithSegment {
  void operator()(int32_t* begin, int32_t* end, int32_t segment) { std::fill(begin, end, segment); }
};
struct FillWithPlace {
  void operator()(int32_t* begin, int32_t* end, int32_t /*segment*/) { std::iota(begin, end, 0); }
};

DOPPIO_OPERATOR_SCHEMA(LengthsToRanges)
    .NumInputs(1)
    .NumOutputs(1)
    .Doc(R"DOC(
The offset and the length of each of the segments that lie one behind the other.

Example: lengths [1,3,0,2] give [[0,1],[1,3],[4,0],[4,2]].
)DOC")
    .Input(0, "lengths", "vector of int32, none negative")
    .Output(0, "ranges", "matrix of int32 [lengths,2]")
    .TensorInference([](InferenceContext* context) -> absl::Status {
      DOPPIO_RETURN_IF_ERROR(CheckVector<int32_t>(context->dtype(0), context->dims(0), "lengths"));
      context->SetOutput(0, DataType::kInt32, {context->dims(0)[0], 2});
      return absl::OkStatus();
    });

template <class Context>
class LengthsToRangesOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit LengthsToRangesOp(OperatorInit* init) : Operator<Context>(init) {}

  absl::Status RunOnDevice() override {
    DOPPIO_RETURN_IF_ERROR(SumOfInt32Lengths(Input(0)).status());
    DOPPIO_ASSIGN_OR_RETURN(Tensor * output, Output(0, DataType::kInt32, {Input(0).numel(), 2}));
    int32_t* y = output->template mutable_data<int32_t>();
    int32_t offset = 0;
    for (int32_t length : Input(0).template span<int32_t>()) {
      *y++ = offset;
      *y++ = length;
      offset += length;
    }
    return absl::OkStatus();
  }
};

DOPPIO_OPERATOR_SCHEMA(LengthsToOffsets)
    .NumInputs(1)
    .NumOutputs(1)
    .Doc(R"DOC(
Where each of the segments that lie one behind the other begins, and with include_last_offset where
the last one ends.

Example: lengths [1,3,0,2] give [0,1,4,4], and with include_last_offset [0,1,4,4,6].
)DOC")
    .Arg<bool>("include_last_offset", "whether the end of the last segment is added", false)
    .Input(0, "lengths", "vector of int32, none negative")
    .Output(0, "offsets", "vector of int32, as long as `lengths`, or one longer")
    .TensorInference([](InferenceContext* context) -> absl::Status {
      DOPPIO_RETURN_IF_ERROR(CheckVector<int32_t>(context->dtype(0), context->dims(0), "lengths"));
      const int64_t more = context->GetSingleArgument<bool>("include_last_offset") ? 1 : 0;
      context->SetOutput(0, DataType::kInt32, {context->dims(0)[0] + more});
      return absl::OkStatus();
    });

template <class Context>
class LengthsToOffsetsOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit LengthsToOffsetsOp(OperatorInit* init)
      : Operator<Context>(init), with_end_(init->GetSingleArgument<bool>("include_last_offset")) {}

  absl::Status RunOnDevice() override {
    DOPPIO_RETURN_IF_ERROR(SumOfInt32Lengths(Input(0)).status());
    DOPPIO_ASSIGN_OR_RETURN(Tensor * output,
                            Output(0, DataType::kInt32, {Input(0).numel() + (with_end_ ? 1 : 0)}));
    int32_t* y = output->template mutable_data<int32_t>();
    int32_t offset = 0;
    for (int32_t length : Input(0).template span<int32_t>()) {
      *y++ = offset;
      offset += length;
    }
    if (with_end_) *y = offset;
    return absl::OkStatus();
  }

 private:
  const bool with_end_;
};

DOPPIO_OPERATOR_SCHEMA(LengthsToWeights)
    .FillUsing(StateExpansion)
    .Doc(R"DOC(
For each element of segments that lie one behind the other, one over the length of its segment to
the power of `power`.

Example: lengths [1,4,0] with power 0.5 give [1,0.5,0.5,0.5,0.5].
)DOC")
    .Arg<float>("power", "the exponent", 0.5f)
    .Input(0, "lengths", "vector of int32 or int64, none negative")
    .Output(0, "weights", "vector of float, as long as the sum of the lengths")
    .TensorInference([](InferenceContext* context) -> absl::Status {
      const Tensor& lengths = *context->value(0);
      DOPPIO_RETURN_IF_ERROR(CheckIsVector(lengths.dims(), "lengths"));
      return DispatchType(LengthTypes(), lengths.dtype(), [&](auto tag) -> absl::Status {
        using T = typename decltype(tag)::type;
        DOPPIO_ASSIGN_OR_RETURN(int64_t sum, SumOfLengths(lengths.span<T>(), "lengths"));
        context->SetOutput(0, DataType::kFloat, {sum});
        return absl::OkStatus();
      });
    });

template <class Context>
class LengthsToWeightsOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit LengthsToWeightsOp(OperatorInit* init)
      : Operator<Context>(init), power_(init->GetSingleArgument<float>("power")) {}

  absl::Status RunOnDevice() override {
    const Tensor& lengths = Input(0);
    DOPPIO_RETURN_IF_ERROR(CheckIsVector(lengths.dims(), "lengths"));
    return DispatchType(LengthTypes(), lengths.dtype(), [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      DOPPIO_ASSIGN_OR_RETURN(int64_t sum, SumOfLengths(lengths.span<T>(), "lengths"));
      DOPPIO_ASSIGN_OR_RETURN(Tensor * output, Output(0, DataType::kFloat, {sum}));
      float* y = output->template mutable_data<float>();
      for (T length : lengths.span<T>()) {
        if (length == 0) continue;
        const double value = static_cast<double>(length);
        const double power = power_ == 0.5f ? std::sqrt(value) : std::pow(value, double{power_});
        y = std::fill_n(y, length, static_cast<float>(1 / power));
      }
      return absl::OkStatus();
    });
  }

 private:
  const float power_;
};

using LengthsToSegmentIdsOp = ExpansionOp<CPUContext, FillWithSegment>;
using LengthsRangeFillOp = ExpansionOp<CPUContext, FillWithPlace>;

DOPPIO_REGISTER_CPU_OPERATOR(LengthsToSegmentIds, LengthsToSegmentIdsOp);
DOPPIO_REGISTER_CPU_OPERATOR(LengthsRangeFill, LengthsRangeFillOp);
DOPPIO_REGISTER_CPU_OPERATOR(LengthsToRanges, LengthsToRangesOp<CPUContext>);
DOPPIO_REGISTER_CPU_OPERATOR(LengthsToOffsets, LengthsToOffsetsOp<CPUContext>);
DOPPIO_REGISTER_CPU_OPERATOR(LengthsToWeights, LengthsToWeightsOp<CPUContext>);
DOPPIO_SHOULD_NOT_DO_GRADIENT(LengthsToSegmentIds);
DOPPIO_NO_GRADIENT(LengthsRangeFill);
DOPPIO_SHOULD_NOT_DO_GRADIENT(LengthsToRanges);
DOPPIO_SHOULD_NOT_DO_GRADIENT(LengthsToOffsets);
DOPPIO_SHOULD_NOT_DO_GRADIENT(LengthsToWeights);

}  // namespace
}  // namespace doppio
