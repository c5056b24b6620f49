// What ids of segments are turned into: lengths and ranges.

#include <algorithm>
#include <limits>

#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "src/operator/lengths_input.h"

namespace doppio {
namespace {

using IdTypes = TypeList<int32_t, int64_t>;

// Checks ids and returns the number of segments: one more than the last id, or what `wanted` says
// where that is not negative.
template <typename Id>
absl::StatusOr<int64_t> CountSegments(absl::Span<const Id> ids, int64_t wanted) {
  if (ids.size() > static_cast<size_t>(std::numeric_limits<int32_t>::max())) {
    return absl::InvalidArgumentError(
        absl::StrCat(ids.size(), " segment ids are more than int32 can count"));
  }
  Id last = -1;
  for (size_t i = 0; i < ids.size(); ++i) {
    if (ids[i] < 0 || ids[i] < last) {
      return absl::InvalidArgumentError(absl::StrCat("segment id ", i, " is ", ids[i],
                                                     ", but ids ascend from 0, and the one before "
                                                     "is ",
                                                     last));
    }
    last = ids[i];
  }
  if (wanted >= 0) {
    if (last >= wanted) {
      return absl::InvalidArgumentError(
          absl::StrCat("the last segment id is ", last, ", but data has ", wanted, " rows"));
    }
    return wanted;
  }
  if (int64_t{last} == std::numeric_limits<int64_t>::max()) {
    return absl::InvalidArgumentError(absl::StrCat("segment id ", last, " is too large"));
  }
  return int64_t{last} + 1;
}

// `columns`: the shape of the output behind the number of segments.
absl::StatusOr<Dims> SegmentsShape(const Tensor& ids, std::optional<DimsView> data,
                                   DimsView columns) {
  int64_t wanted = -1;
  if (data.has_value()) {
    DOPPIO_RETURN_IF_ERROR(CheckNotScalar(*data, "data"));
    wanted = (*data)[0];
  }
  const bool is_line = ids.rank() == 2 && (ids.dim(0) == 1 || ids.dim(1) == 1);
  if (!is_line) DOPPIO_RETURN_IF_ERROR(CheckIsVector(ids.dims(), "segment_ids"));
  Dims dims;
  DOPPIO_RETURN_IF_ERROR(DispatchType(IdTypes(), ids.dtype(), [&](auto tag) -> absl::Status {
    using Id = typename decltype(tag)::type;
    DOPPIO_ASSIGN_OR_RETURN(int64_t count, CountSegments(ids.span<Id>(), wanted));
    dims = {count};
    return absl::OkStatus();
  }));
  dims.insert(dims.end(), columns.begin(), columns.end());
  DOPPIO_RETURN_IF_ERROR(NumElements(dims).status());
  return dims;
}

void StateSegmentIds(OpSchema& schema) {
  schema.NumInputs(1, 2)
      .NumOutputs(1)
      .Input(0, "segment_ids",
             "vector of int32 or int64 in ascending order, none negative; or a matrix with one row "
             "or column")
      .Input(1, "data",
             "tensor of any type, optional: its first dimension says how many segments "
             "there are. Without it there is one more than the last id says")
      .ShapeOnly({1})
      .NeedsValue(0)
      .Flops([](const OperatorDef&, const auto&, const auto&) { return int64_t{0}; });
}

OpSchema::InferenceFunction InferSegments(Dims columns) {
  return [=](InferenceContext* context) -> absl::Status {
    std::optional<DimsView> data;
    if (context->InputSize() > 1) data = context->dims(1);
    DOPPIO_ASSIGN_OR_RETURN(Dims dims, SegmentsShape(*context->value(0), data, columns));
    context->SetOutput(0, DataType::kInt32, dims);
    return absl::OkStatus();
  };
}

DOPPIO_OPERATOR_SCHEMA(SegmentIdsToLengths)
    .FillUsing(StateSegmentIds)
    .Doc(R"DOC(
How often each id stands there: the reverse of LengthsToSegmentIds, but for empty segments at the end,
which ids can not tell; `data` does.

Example: segment_ids [0,0,2,2,2] give [2,0,3].
)DOC")
    .Output(0, "lengths", "vector of int32 with an element for each segment")
    .TensorInference(InferSegments({}));

DOPPIO_OPERATOR_SCHEMA(SegmentIdsToRanges)
    .FillUsing(StateSegmentIds)
    .Doc(R"DOC(
Where the ids of each segment begin, and how many there are. A segment without ids begins where the
next one does, and at 0 if there is none.

Example: segment_ids [0,0,2,2,2] give [[0,2],[2,0],[2,3]].
)DOC")
    .Output(0, "ranges", "matrix of int32 with a row [offset,length] for each segment")
    .TensorInference(InferSegments({2}));

template <class Context>
class SegmentIdsToLengthsOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit SegmentIdsToLengthsOp(OperatorInit* init) : Operator<Context>(init) {}

  absl::Status RunOnDevice() override {
    std::optional<DimsView> data;
    if (InputSize() > 1) data = Input(1).dims();
    DOPPIO_ASSIGN_OR_RETURN(Dims dims, SegmentsShape(Input(0), data, {}));
    return DispatchType(IdTypes(), Input(0).dtype(), [&](auto tag) -> absl::Status {
      using Id = typename decltype(tag)::type;
      DOPPIO_ASSIGN_OR_RETURN(Tensor * output, Output(0, DataType::kInt32, dims));
      int32_t* y = output->template mutable_data<int32_t>();
      std::fill_n(y, output->numel(), 0);
      for (Id id : Input(0).template span<Id>()) ++y[id];
      return absl::OkStatus();
    });
  }
};

template <class Context>
class SegmentIdsToRangesOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit SegmentIdsToRangesOp(OperatorInit* init) : Operator<Context>(init) {}

  absl::Status RunOnDevice() override {
    std::optional<DimsView> data;
    if (InputSize() > 1) data = Input(1).dims();
    DOPPIO_ASSIGN_OR_RETURN(Dims dims, SegmentsShape(Input(0), data, {2}));
    return DispatchType(IdTypes(), Input(0).dtype(), [&](auto tag) -> absl::Status {
      using Id = typename decltype(tag)::type;
      DOPPIO_ASSIGN_OR_RETURN(Tensor * output, Output(0, DataType::kInt32, dims));
      int32_t* y = output->template mutable_data<int32_t>();
      std::fill_n(y, output->numel(), 0);
      int64_t begun = 0;  // segments
      int32_t place = 0;
      for (Id id : Input(0).template span<Id>()) {
        for (; begun <= id; ++begun) y[2 * begun] = place;
        ++y[2 * int64_t{id} + 1];
        ++place;
      }
      return absl::OkStatus();
    });
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(SegmentIdsToLengths, SegmentIdsToLengthsOp<CPUContext>);
DOPPIO_REGISTER_CPU_OPERATOR(SegmentIdsToRanges, SegmentIdsToRangesOp<CPUContext>);
DOPPIO_SHOULD_NOT_DO_GRADIENT(SegmentIdsToLengths);
DOPPIO_SHOULD_NOT_DO_GRADIENT(SegmentIdsToRanges);

}  // namespace
}  // namespace doppio
