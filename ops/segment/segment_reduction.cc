#include "ops/segment/segment_reduction.h"

#include <algorithm>
#include <string>
#include <type_traits>

#include "src/kernel/indices.h"
#include "src/operator/lengths_input.h"

namespace doppio {
namespace {

using ValueTypes = TypeList<float, double>;

// Unsorted ids are counted, which takes memory for every segment, unless there are many more
// segments than rows: then they are sorted, so that a huge id costs no more than its output.
constexpr int64_t kSegmentsPerRow = 4;
constexpr int64_t kFewSegments = 4096;

absl::string_view ReducerName(SegmentReducer reducer, bool weighted) {
  switch (reducer) {
    case SegmentReducer::kSum:
      return weighted ? "WeightedSum" : "Sum";
    case SegmentReducer::kMean:
      return "Mean";
    case SegmentReducer::kMax:
      return "Max";
    case SegmentReducer::kLogSumExp:
      return "LogSumExp";
    case SegmentReducer::kLogMeanExp:
      return "LogMeanExp";
  }
  return "";
}

std::string ReducerDoc(const SegmentTraits& traits) {
  switch (traits.reducer) {
    case SegmentReducer::kSum:
      if (traits.by_place) {
        return "The sum of the rows of each segment, the i-th of each times SCALARS[i].";
      }
      return traits.weighted ? "The sum of the rows of each segment, each times its scalar."
                             : "The sum of the rows of each segment.";
    case SegmentReducer::kMean:
      return "The mean of the rows of each segment.";
    case SegmentReducer::kMax:
      return "The largest elements, column by column, of the rows of each segment; NaN where there "
             "is one. Elements that are equal all get the gradient.";
    case SegmentReducer::kLogSumExp:
      return "The logarithm of the sum of the exponentials, column by column, of the rows of each "
             "segment.";
    case SegmentReducer::kLogMeanExp:
      return "The logarithm of the mean of the exponentials, column by column, of the rows of each "
             "segment.";
  }
  return "";
}

std::string SegmentsDoc(const SegmentTraits& traits) {
  const absl::string_view rows = traits.gathered ? "INDICES" : "rows of DATA";
  switch (traits.kind) {
    case SegmentKind::kLengths:
      return absl::StrCat("Segments follow each other: the first has LENGTHS[0] ", rows,
                          ", the next LENGTHS[1], and so on; LENGTHS add up to the number of ",
                          rows, ".");
    case SegmentKind::kSortedIds:
      return absl::StrCat("SEGMENT_IDS says for each of the ", rows,
                          " which segment it belongs to, in order and without gaps: 0, 0, 1, 2...");
    case SegmentKind::kUnsortedIds:
      return absl::StrCat("SEGMENT_IDS says for each of the ", rows,
                          " which segment it belongs to, in any order. There are as many segments "
                          "as the largest id plus 1, or `num_segments`.");
  }
  return "";
}

template <typename Shapes>
std::vector<SegmentInput> InputsOf(int count, const Shapes& input) {
  std::vector<SegmentInput> inputs;
  for (int i = 0; i < count; ++i) inputs.push_back(input(i));
  return inputs;
}

absl::Status Infer(const SegmentTraits& traits, InferenceContext* context) {
  const std::vector<SegmentInput> inputs = InputsOf(traits.inputs(), [&](int i) {
    return SegmentInput{context->dtype(i), context->dims(i)};
  });
  DOPPIO_RETURN_IF_ERROR(CheckSegmentInputs(traits, inputs).status());
  int64_t count = inputs[traits.segments()].dims[0];
  if (traits.kind != SegmentKind::kLengths) {
    const int64_t num_segments = traits.kind == SegmentKind::kUnsortedIds
                                     ? context->GetSingleArgument<int64_t>("num_segments")
                                     : -1;
    const Tensor* ids = context->value(traits.segments());
    if (ids != nullptr) {
      DOPPIO_ASSIGN_OR_RETURN(count, CountSegments(traits.kind, *ids, num_segments));
    } else if (num_segments >= 0) {
      count = num_segments;
    } else {
      return absl::OkStatus();
    }
  }
  DOPPIO_ASSIGN_OR_RETURN(const Dims output, WithFirstDim(count, inputs[0].dims));
  context->SetOutput(0, SegmentOutputType(inputs[0].dtype), output);
  return absl::OkStatus();
}

absl::Status GradientError(absl::string_view name, const SegmentInput& input,
                           absl::string_view must) {
  return absl::InvalidArgumentError(absl::StrCat(name, " ", DataTypeName(input.dtype),
                                                 ShapeToString(input.dims), " must ", must));
}

// Checks types and shapes of a gradient operator's inputs; returns the number of rows, or -1 where
// the elements of LENGTHS alone tell it.
absl::StatusOr<int64_t> CheckGradientInputs(const SegmentGradientTraits& traits,
                                            absl::Span<const SegmentInput> inputs) {
  const SegmentInput& dy = inputs[traits.gradient];
  if (dy.dtype != DataType::kFloat && dy.dtype != DataType::kDouble) {
    return UnsupportedTypeError(dy.dtype, {DataType::kFloat, DataType::kDouble});
  }
  if (dy.dims.empty()) return GradientError("SEGMENT_GRADS", dy, "have a row for each segment");
  const bool lengths = traits.kind == SegmentKind::kLengths;
  const SegmentInput& segments = inputs[traits.segments];
  DOPPIO_RETURN_IF_ERROR(
      CheckVector<int32_t>(segments.dtype, segments.dims, lengths ? "LENGTHS" : "SEGMENT_IDS"));
  if (lengths && segments.dims[0] != dy.dims[0]) {
    return GradientError("SEGMENT_GRADS", dy,
                         absl::StrCat("have a row for each of ", segments.dims[0], " LENGTHS"));
  }
  int64_t positions = lengths ? -1 : segments.dims[0];
  if (traits.unread >= 0) {
    const SegmentInput& unread = inputs[traits.unread];
    if (unread.dims.empty()) return GradientError("INDICES", unread, "have a dimension");
    positions = unread.dims[0];
  }
  if (traits.data >= 0) {
    const SegmentInput& data = inputs[traits.data];
    const bool same_type = data.dtype == dy.dtype ||
                           (traits.indices >= 0 && SegmentOutputType(data.dtype) == dy.dtype);
    if (!same_type || data.dims.empty() || data.dims.subspan(1) != dy.dims.subspan(1)) {
      return GradientError("DATA", data,
                           absl::StrCat("have rows as those of SEGMENT_GRADS ",
                                        DataTypeName(dy.dtype), ShapeToString(dy.dims)));
    }
    if (traits.indices < 0) {
      if (positions >= 0 && data.dims[0] != positions) {
        return GradientError("DATA", data, absl::StrCat("have ", positions, " rows"));
      }
      positions = data.dims[0];
    }
  }
  if (traits.indices >= 0) {
    const SegmentInput& indices = inputs[traits.indices];
    if ((indices.dtype != DataType::kInt32 && indices.dtype != DataType::kInt64) ||
        indices.dims.size() != 1) {
      return GradientError("INDICES", indices, "be a vector of int32 or int64");
    }
    positions = indices.dims[0];
  }
  if (traits.output >= 0) {
    const SegmentInput& output = inputs[traits.output];
    if (output.dtype != dy.dtype || output.dims != dy.dims) {
      return GradientError(
          "OUTPUT", output,
          absl::StrCat("be as SEGMENT_GRADS ", DataTypeName(dy.dtype), ShapeToString(dy.dims)));
    }
  }
  if (traits.weights >= 0) {
    const SegmentInput& weights = inputs[traits.weights];
    if (weights.dtype != dy.dtype || weights.dims.size() != 1 ||
        (positions >= 0 && weights.dims[0] != positions)) {
      return GradientError(
          "SCALARS", weights,
          absl::StrCat("be a vector of ", DataTypeName(dy.dtype), " with an element for each row"));
    }
    positions = weights.dims[0];
  }
  return positions;
}

absl::Status InferGradient(const SegmentGradientTraits& traits, InferenceContext* context) {
  const std::vector<SegmentInput> inputs = InputsOf(traits.inputs, [&](int i) {
    return SegmentInput{context->dtype(i), context->dims(i)};
  });
  DOPPIO_ASSIGN_OR_RETURN(int64_t positions, CheckGradientInputs(traits, inputs));
  if (positions < 0) {
    const Tensor* lengths = context->value(traits.segments);
    if (lengths == nullptr) return absl::OkStatus();
    DOPPIO_ASSIGN_OR_RETURN(positions, SumOfLengths(lengths->span<int32_t>(), "LENGTHS"));
  }
  const SegmentInput& dy = inputs[traits.gradient];
  DOPPIO_ASSIGN_OR_RETURN(const Dims dims, WithFirstDim(positions, dy.dims));
  context->SetOutput(0, dy.dtype, dims);
  if (traits.WeightGradient()) context->SetOutput(1, dy.dtype, {positions});
  return absl::OkStatus();
}

}  // namespace

void StateSegments(OpSchema& schema, const SegmentTraits& traits, absl::string_view example) {
  std::string doc = absl::StrCat("\n", ReducerDoc(traits), " ", SegmentsDoc(traits));
  if (traits.gathered) {
    absl::StrAppend(&doc, " The rows are those of DATA that INDICES name",
                    traits.by_place ? "." : "; the gradient of DATA is sparse.");
  }
  if (traits.kind != SegmentKind::kSortedIds) {
    absl::StrAppend(&doc, " A segment without rows gives 0.");
  }
  absl::StrAppend(&doc, "\n\nExample: ", example, "\n");
  const bool lengths = traits.kind == SegmentKind::kLengths;
  schema.NumInputs(traits.inputs())
      .NumOutputs(1)
      .Doc(doc)
      .Input(0, "DATA",
             traits.gathered && lengths
                 ? "the table: tensor of float, double or float16, of rank 1 "
                   "or more"
                 : "tensor of float or double, of rank 1 or more")
      .Input(traits.segments(), lengths ? "LENGTHS" : "SEGMENT_IDS",
             lengths ? "vector of int32: the number of rows of each segment"
                     : "vector of int32: the segment of each row")
      .Output(0, "OUTPUT",
              "[segments, d1, d2...] for DATA [rows, d1, d2...], of its type (float for float16)")
      .Flops([traits](const OperatorDef&, const std::vector<TensorInfo>& inputs, const auto&) {
        const DimsView data = *inputs[0].dims;
        if (data.empty()) return int64_t{0};
        const int64_t rows =
            SizeFromDim(*inputs[traits.gathered ? traits.indices() : traits.segments()].dims, 0);
        if (!traits.gathered && traits.kind == SegmentKind::kLengths) return SizeFromDim(data, 0);
        const absl::StatusOr<int64_t> flops = CheckedProduct(rows, SizeFromDim(data, 1));
        return flops.ok() ? *flops * (traits.weighted ? 2 : 1) : int64_t{0};
      })
      .TensorInference([traits](InferenceContext* context) { return Infer(traits, context); });
  if (traits.weighted) {
    schema.Input(1, "SCALARS",
                 traits.by_place
                     ? "vector of OUTPUT's type: factors of the first row of every segment, of the "
                       "second..., at least as many as the longest has rows"
                     : "vector of OUTPUT's type: a factor for each row");
    if (!traits.by_place) {
      schema.Arg<bool>("grad_on_weights",
                       "whether SCALARS get a gradient too; LENGTHS alone can do that", false);
    }
  }
  if (traits.gathered) {
    schema.Input(traits.indices(), "INDICES", "vector of int32 or int64: rows of DATA");
  }
  if (traits.kind == SegmentKind::kUnsortedIds) {
    schema.Arg<int64_t>("num_segments", "the number of segments; -1: the largest id plus 1", -1);
  }
}

SegmentReduction::SegmentReduction(OperatorInit* init, const SegmentTraits& traits)
    : Operator<CPUContext>(init), traits_(traits), num_segments_(-1) {
  if (traits.kind == SegmentKind::kUnsortedIds) {
    num_segments_ = init->GetSingleArgument<int64_t>("num_segments");
  }
}

absl::Status SegmentReduction::RunOnDevice() {
  absl::InlinedVector<SegmentInput, 4> inputs;
  for (int i = 0; i < traits_.inputs(); ++i) inputs.push_back({Input(i).dtype(), Input(i).dims()});
  DOPPIO_ASSIGN_OR_RETURN(const int64_t positions, CheckSegmentInputs(traits_, inputs));
  const Tensor& data = Input(0);
  const Tensor& segments = Input(traits_.segments());
  int64_t count = segments.numel();
  if (traits_.kind == SegmentKind::kLengths) {
    DOPPIO_RETURN_IF_ERROR(
        offsets_.SetLengths(segments, positions, traits_.gathered ? "INDICES" : "rows of DATA"));
    if (traits_.by_place) {
      const absl::Span<const int32_t> lengths = segments.span<int32_t>();
      const auto longest = std::max_element(lengths.begin(), lengths.end());
      if (longest != lengths.end() && *longest > Input(1).numel()) {
        return absl::InvalidArgumentError(absl::StrCat(
            "SCALARS has ", Input(1).numel(), " elements, but a segment has ", *longest, " rows"));
      }
    }
  } else {
    DOPPIO_ASSIGN_OR_RETURN(count, CountSegments(traits_.kind, segments, num_segments_));
  }
  DOPPIO_ASSIGN_OR_RETURN(const Dims dims, WithFirstDim(count, data.dims()));
  DOPPIO_ASSIGN_OR_RETURN(Tensor * output, Output(0, SegmentOutputType(data.dtype()), dims));
  if (traits_.kind == SegmentKind::kSortedIds) {
    DOPPIO_RETURN_IF_ERROR(offsets_.SetIds(segments, count));
  }
  const auto with_rows = [&](auto data_tag, auto tag) -> absl::Status {
    using In = typename decltype(data_tag)::type;
    using T = typename decltype(tag)::type;
    if (!traits_.gathered) return Reduce<In, T, int32_t>(nullptr, positions, output);
    const Tensor& indices = Input(traits_.indices());
    return DispatchType(IndexTypes(), indices.dtype(), [&](auto index_tag) -> absl::Status {
      const auto rows = indices.span<typename decltype(index_tag)::type>();
      DOPPIO_RETURN_IF_ERROR(CheckIndices(rows, 0, data.dim(0)));
      return Reduce<In, T>(rows.data(), positions, output);
    });
  };
  if (data.Is<float16>()) return with_rows(TypeTag<float16>(), TypeTag<float>());
  return DispatchType(ValueTypes(), data.dtype(), [&](auto tag) { return with_rows(tag, tag); });
}

template <typename In, typename T, typename Index>
absl::Status SegmentReduction::Reduce(const Index* rows, int64_t positions, Tensor* output) {
  const Tensor& data = Input(0);
  const int64_t block = SizeFromDim(data.dims(), 1);
  DOPPIO_RETURN_IF_ERROR(
      scratch_.Resize(DataTypeOf<T>::value, {positions == 0 ? 0 : kSegmentPieces, block}));
  T* scratch = scratch_.mutable_data<T>();
  T* y = output->mutable_data<T>();
  const T* weights = traits_.weighted ? Input(1).data<T>() : nullptr;
  if (traits_.kind == SegmentKind::kUnsortedIds) {
    const bool all = output->dim(0) <= kSegmentsPerRow * positions + kFewSegments;
    DOPPIO_RETURN_IF_ERROR(SortPositions(all ? output->dim(0) : -1));
    DOPPIO_RETURN_IF_ERROR((SortRows<T, Index>(rows, positions)));
    if (traits_.weighted) weights = sorted_weights_.data<T>();
    const SegmentRows<In, T, int64_t> sorted{data.data<In>(), block, sorted_rows_.data<int64_t>(),
                                             weights, false};
    const SegmentRuns runs = offsets_.runs();
    if (all) {
      ReduceSegments(traits_.reducer, sorted, runs, scratch, y, &context_);
      return absl::OkStatus();
    }
    DOPPIO_RETURN_IF_ERROR(results_.Resize(DataTypeOf<T>::value, {runs.count, block}));
    T* results = results_.mutable_data<T>();
    ReduceSegments(traits_.reducer, sorted, runs, scratch, results, &context_);
    std::fill_n(y, output->numel(), T(0));
    const int32_t* ids = Input(traits_.segments()).data<int32_t>();
    const int64_t* order = order_.data<int64_t>();
    for (int64_t k = 0; k < runs.count; ++k) {
      std::copy_n(results + k * block, block, y + ids[order[runs.offsets[k]]] * block);
    }
    return absl::OkStatus();
  }
  const SegmentRows<In, T, Index> table{data.data<In>(), block, rows, weights, traits_.by_place};
  ReduceSegments(traits_.reducer, table, offsets_.runs(), scratch, y, &context_);
  return absl::OkStatus();
}

absl::Status SegmentReduction::SortPositions(int64_t count) {
  const absl::Span<const int32_t> ids = Input(traits_.segments()).span<int32_t>();
  const auto positions = static_cast<int64_t>(ids.size());
  DOPPIO_RETURN_IF_ERROR(order_.Resize(DataType::kInt64, {positions}));
  int64_t* order = order_.mutable_data<int64_t>();
  if (count < 0) {
    for (int64_t p = 0; p < positions; ++p) order[p] = p;
    std::sort(order, order + positions,
              [&](int64_t a, int64_t b) { return ids[a] != ids[b] ? ids[a] < ids[b] : a < b; });
    return offsets_.SetSortedIds(ids, {order, ids.size()});
  }
  DOPPIO_RETURN_IF_ERROR(offsets_.SetIds(Input(traits_.segments()), count));
  DOPPIO_RETURN_IF_ERROR(places_.Resize(DataType::kInt64, {count}));
  int64_t* places = places_.mutable_data<int64_t>();
  std::copy_n(offsets_.runs().offsets, count, places);
  for (int64_t p = 0; p < positions; ++p) order[places[ids[p]]++] = p;
  return absl::OkStatus();
}

template <typename T, typename Index>
absl::Status SegmentReduction::SortRows(const Index* rows, int64_t positions) {
  const int64_t* order = order_.data<int64_t>();
  DOPPIO_RETURN_IF_ERROR(sorted_rows_.Resize(DataType::kInt64, {positions}));
  int64_t* to = sorted_rows_.mutable_data<int64_t>();
  for (int64_t i = 0; i < positions; ++i) {
    to[i] = rows == nullptr ? order[i] : static_cast<int64_t>(rows[order[i]]);
  }
  if (!traits_.weighted) return absl::OkStatus();
  DOPPIO_RETURN_IF_ERROR(sorted_weights_.Resize(DataTypeOf<T>::value, {positions}));
  const T* weights = Input(1).data<T>();
  T* to_weights = sorted_weights_.mutable_data<T>();
  for (int64_t i = 0; i < positions; ++i) to_weights[i] = weights[order[i]];
  return absl::OkStatus();
}

void StateSegmentGradient(OpSchema& schema, const SegmentGradientTraits& traits,
                          absl::string_view forward) {
  std::string doc = absl::StrCat("The gradient of ", forward,
                                 " for the rows that were reduced, in the order in which they "
                                 "were: each gets the gradient of its segment's result");
  if (traits.weights >= 0) absl::StrAppend(&doc, ", times its scalar");
  switch (traits.reducer) {
    case SegmentReducer::kSum:
      break;
    case SegmentReducer::kMean:
      absl::StrAppend(&doc, ", divided by the number of rows of the segment");
      break;
    case SegmentReducer::kMax:
      absl::StrAppend(&doc, " where it is the largest, and 0 elsewhere");
      break;
    default:
      absl::StrAppend(&doc, ", times its share of the sum of exponentials");
  }
  absl::StrAppend(&doc, ".");
  if (traits.WeightGradient()) {
    absl::StrAppend(&doc,
                    " The gradient of a scalar is the dot product of its row and the gradient of "
                    "the segment's result.");
  }
  const bool lengths = traits.kind == SegmentKind::kLengths;
  schema.NumInputs(traits.inputs)
      .NumOutputs(1, traits.WeightGradient() ? 2 : 1)
      .Doc(doc)
      .Input(traits.gradient, "SEGMENT_GRADS", "gradient of the output, of float or double")
      .Input(traits.segments, lengths ? "LENGTHS" : "SEGMENT_IDS",
             absl::StrCat("that of ", forward, ": vector of int32"))
      .Output(0, "DATA_GRADS", "[rows, d1, d2...] for SEGMENT_GRADS [segments, d1, d2...]")
      .TensorInference(
          [traits](InferenceContext* context) { return InferGradient(traits, context); });
  if (traits.weights >= 0) {
    schema.Input(traits.weights, "SCALARS", absl::StrCat("those of ", forward));
  }
  if (traits.data >= 0) {
    schema.Input(traits.data, "DATA", absl::StrCat("that of ", forward));
  }
  if (traits.output >= 0) {
    schema.Input(traits.output, "OUTPUT", absl::StrCat("that of ", forward));
    const bool reads =
        traits.reducer != SegmentReducer::kSum && traits.reducer != SegmentReducer::kMean;
    if (!reads) schema.ShapeOnly({traits.data, traits.output});
  }
  if (traits.indices >= 0) {
    schema.Input(traits.indices, "INDICES", absl::StrCat("those of ", forward));
  }
  if (traits.unread >= 0) {
    schema
        .Input(traits.unread, "INDICES",
               "a tensor whose first dimension is the number of rows; its elements are not read")
        .ShapeOnly({traits.unread});
  }
  if (traits.WeightGradient()) {
    schema.Output(1, "SCALARS_GRADS", "gradient of SCALARS");
  }
}

absl::Status SegmentGradient::RunOnDevice() {
  absl::InlinedVector<SegmentInput, 6> inputs;
  for (int i = 0; i < traits_.inputs; ++i) inputs.push_back({Input(i).dtype(), Input(i).dims()});
  DOPPIO_ASSIGN_OR_RETURN(int64_t positions, CheckGradientInputs(traits_, inputs));
  const Tensor& dy = Input(traits_.gradient);
  const Tensor& segments = Input(traits_.segments);
  if (traits_.kind == SegmentKind::kLengths) {
    if (positions < 0) {
      DOPPIO_ASSIGN_OR_RETURN(positions, SumOfLengths(segments.span<int32_t>(), "LENGTHS"));
    }
    DOPPIO_RETURN_IF_ERROR(offsets_.SetLengths(segments, positions, "rows"));
  } else {
    const bool sorted = traits_.kind == SegmentKind::kSortedIds;
    DOPPIO_ASSIGN_OR_RETURN(const int64_t count,
                            CountSegments(traits_.kind, segments, sorted ? -1 : dy.dim(0)));
    if (count != dy.dim(0)) {
      return absl::InvalidArgumentError(
          absl::StrCat("SEGMENT_GRADS ", DescribeInput(traits_.gradient), " has ", dy.dim(0),
                       " rows, but there are ", count, " segments"));
    }
    if (sorted || traits_.reducer == SegmentReducer::kMean) {
      DOPPIO_RETURN_IF_ERROR(offsets_.SetIds(segments, count));
    } else {
      DOPPIO_RETURN_IF_ERROR(offsets_.SetOne(positions));
    }
  }
  DOPPIO_ASSIGN_OR_RETURN(const Dims dims, WithFirstDim(positions, dy.dims()));
  return DispatchType(ValueTypes(), dy.dtype(), [&](auto tag) -> absl::Status {
    using T = typename decltype(tag)::type;
    DOPPIO_ASSIGN_OR_RETURN(Tensor * dx, Output(0, dy.dtype(), dims));
    Spread<T>(dx);
    if (OutputSize() == 1) return absl::OkStatus();
    DOPPIO_ASSIGN_OR_RETURN(Tensor * dweights, Output(1, dy.dtype(), {positions}));
    if (Input(traits_.data).Is<T>()) return WeightGradient<T, T>(dweights);
    if constexpr (std::is_same_v<T, float>) return WeightGradient<float16, T>(dweights);
    return UnsupportedTypeError(Input(traits_.data).dtype(), {dy.dtype()});
  });
}

template <typename T>
void SegmentGradient::Spread(Tensor* dx) {
  const Tensor& dy = Input(traits_.gradient);
  const int64_t block = SizeFromDim(dy.dims(), 1);
  const SegmentReducer reducer = traits_.reducer;
  if (reducer != SegmentReducer::kSum && reducer != SegmentReducer::kMean) {
    SegmentExtremeGradient(reducer, dy.data<T>(), Input(traits_.data).data<T>(),
                           Input(traits_.output).data<T>(), block, offsets_.runs(),
                           dx->mutable_data<T>(), &context_);
    return;
  }
  const int32_t* ids =
      traits_.kind == SegmentKind::kUnsortedIds ? Input(traits_.segments).data<int32_t>() : nullptr;
  const T* weights = traits_.weights < 0 ? nullptr : Input(traits_.weights).data<T>();
  SpreadSegments(dy.data<T>(), block, offsets_.runs(), ids, weights,
                 reducer == SegmentReducer::kMean, dx->mutable_data<T>(), &context_);
}

template <typename In, typename T>
absl::Status SegmentGradient::WeightGradient(Tensor* dweights) {
  const Tensor& data = Input(traits_.data);
  const T* dy = Input(traits_.gradient).data<T>();
  const auto fill = [&](const auto* rows) {
    const SegmentRows<In, T, std::decay_t<decltype(*rows)>> table{
        data.data<In>(), SizeFromDim(data.dims(), 1), rows, nullptr, false};
    SegmentWeightGradient(dy, table, offsets_.runs(), dweights->mutable_data<T>(), &context_);
  };
  if (traits_.indices < 0) {
    fill(static_cast<const int32_t*>(nullptr));
    return absl::OkStatus();
  }
  const Tensor& indices = Input(traits_.indices);
  return DispatchType(IndexTypes(), indices.dtype(), [&](auto tag) -> absl::Status {
    const auto rows = indices.span<typename decltype(tag)::type>();
    DOPPIO_RETURN_IF_ERROR(CheckIndices(rows, 0, data.dim(0)));
    fill(rows.data());
    return absl::OkStatus();
  });
}

std::vector<OperatorDef> SegmentGradientMaker::GetGradientDefs() {
  bool weight_gradient = false;
  if (traits_.weighted) {
    ArgumentReader reader(Def(), OpSchemaRegistry::Schema(Def().type()));
    weight_gradient = reader.GetSingleArgument<bool>("grad_on_weights");
    Fail(reader.status());
  }
  return traits_.kind == SegmentKind::kLengths ? OfLengths(weight_gradient)
                                               : OfIds(weight_gradient);
}

std::vector<OperatorDef> SegmentGradientMaker::OfLengths(bool weight_gradient) {
  const bool largest = traits_.reducer == SegmentReducer::kMax;
  // Named so for Caffe2's CUDA operators, which read the indices.
  const bool takes_indices = !largest && (!traits_.weighted || traits_.gathered);
  const bool takes_data = largest || weight_gradient;
  std::vector<std::string> inputs;
  if (traits_.weighted) inputs.push_back(I(1));
  if (largest) inputs.push_back(O(0));
  inputs.push_back(GO(0));
  inputs.push_back(I(traits_.segments()));
  if (takes_data) inputs.push_back(I(0));
  if (traits_.gathered) {
    inputs.push_back(I(traits_.indices()));
  } else if (takes_indices) {
    inputs.push_back(I(0));
  }
  const std::string type = absl::StrCat(
      traits_.gathered ? "SparseLengths" : "Lengths", takes_indices ? "IndicesInGradient" : "",
      ReducerName(traits_.reducer, traits_.weighted), takes_data ? "WithMainInput" : "",
      largest ? "AndForwardOutput" : "", "Gradient");
  std::vector<std::string> outputs = {traits_.gathered ? GI_V(0) : GI(0)};
  if (weight_gradient) outputs.push_back(GI(1));
  if (traits_.gathered) SetSparse(0, I(traits_.indices()), outputs[0]);
  return SingleGradientDef(type, "", inputs, outputs);
}

std::vector<OperatorDef> SegmentGradientMaker::OfIds(bool weight_gradient) {
  if (traits_.range) {
    return SingleGradientDef(Def().type() + "Gradient", "", {I(0), O(0), GO(0), I(1)}, {GI(0)});
  }
  if (weight_gradient) {
    Fail(absl::UnimplementedError(
        "grad_on_weights: only operators that take LENGTHS make a gradient of SCALARS"));
  }
  std::vector<std::string> inputs;
  if (traits_.weighted) inputs.push_back(I(1));
  inputs.push_back(GO(0));
  inputs.push_back(I(traits_.segments()));
  const std::string type =
      absl::StrCat(traits_.kind == SegmentKind::kSortedIds ? "SortedSegment" : "UnsortedSegment",
                   ReducerName(traits_.reducer, traits_.weighted), "Gradient");
  const std::string output = traits_.gathered ? GI_V(0) : GI(0);
  if (traits_.gathered) SetSparse(0, I(traits_.indices()), output);
  return SingleGradientDef(type, "", inputs, {output});
}

}  // namespace doppio
