// GatherRanges and GatherRangesToDense.

#include <algorithm>
#include <limits>
#include <numeric>

#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "src/kernel/indices.h"
#include "src/operator/element_copy.h"
#include "src/operator/lengths_input.h"

namespace doppio {
namespace {

absl::Status CheckRangeDims(DimsView data, DimsView ranges) {
  DOPPIO_RETURN_IF_ERROR(CheckIsVector(data, "DATA"));
  if (ranges.size() == 3 && ranges[1] > 0 && ranges[2] == 2) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("RANGES must have the shape [examples, ranges, 2] with a range at least, but ",
                   "has ", ShapeToString(ranges)));
}

// Every range lies in DATA, or is empty, wherever it starts.
template <typename Index>
absl::Status CheckRanges(absl::Span<const Index> ranges, int64_t size) {
  for (size_t i = 0; i < ranges.size(); i += 2) {
    const int64_t start = ranges[i];
    const int64_t length = ranges[i + 1];
    if (length == 0 || (start >= 0 && length > 0 && start <= size && length <= size - start)) {
      continue;
    }
    return absl::InvalidArgumentError(absl::StrCat("range ", i / 2, " starts at ", start,
                                                   " and has the length ", length,
                                                   ", but DATA has ", size, " elements"));
  }
  return absl::OkStatus();
}

// How many elements each example has, and all of them, of ranges that CheckRanges has seen.
template <typename Index>
absl::Status AddLengths(absl::Span<const Index> ranges, int64_t examples,
                        std::vector<int64_t>* lengths, int64_t* total) {
  constexpr int64_t kMost = std::numeric_limits<int32_t>::max();
  lengths->clear();
  *total = 0;
  const size_t per_example = examples == 0 ? 0 : ranges.size() / static_cast<size_t>(examples);
  for (int64_t i = 0; i < examples; ++i) {
    int64_t length = 0;
    for (size_t k = 1; k < per_example; k += 2) {
      const int64_t more = ranges[static_cast<size_t>(i) * per_example + k];
      if (more > kMost - length) {
        return absl::InvalidArgumentError(absl::StrCat(
            "the ranges of example ", i, " have more elements than LENGTHS, of int32, can say"));
      }
      length += more;
    }
    if (*total > std::numeric_limits<int64_t>::max() - length) {
      return absl::InvalidArgumentError("the ranges have more elements than a tensor can have");
    }
    lengths->push_back(length);
    *total += length;
  }
  return absl::OkStatus();
}

DOPPIO_OPERATOR_SCHEMA(GatherRanges)
    .NumInputs(2)
    .NumOutputs(2)
    .Doc(R"DOC(
The elements of ranges of DATA, one range's behind the other's. A range is a pair: where it starts, and
how many elements it has. Each example has as many ranges as the second dimension of RANGES says; where
an empty one starts does not matter.

Example: DATA [1,2,3,4,5,6] and RANGES [[[0,1],[2,2]],[[4,1],[5,1]]] give OUTPUT [1,3,4,5,6] and LENGTHS
[3,2].
)DOC")
    .Input(0, "DATA", "vector of any type")
    .Input(1, "RANGES", "int32 or int64 [examples, ranges, 2]: starts and lengths")
    .Output(0, "OUTPUT", "vector of DATA's type")
    .Output(1, "LENGTHS", "vector of int32: how many elements of OUTPUT each example has")
    .Flops([](const OperatorDef&, const auto&, const auto&) { return int64_t{0}; })
    .TensorInference([](InferenceContext* context) -> absl::Status {
      DOPPIO_RETURN_IF_ERROR(CheckRangeDims(context->dims(0), context->dims(1)));
      const int64_t examples = context->dims(1)[0];
      context->SetOutput(1, DataType::kInt32, {examples});
      if (context->value(1) == nullptr) return absl::OkStatus();
      const Tensor& ranges = *context->value(1);
      return DispatchType(IndexTypes(), ranges.dtype(), [&](auto tag) -> absl::Status {
        const auto range = ranges.span<typename decltype(tag)::type>();
        DOPPIO_RETURN_IF_ERROR(CheckRanges(range, context->dims(0)[0]));
        std::vector<int64_t> lengths;
        int64_t total = 0;
        DOPPIO_RETURN_IF_ERROR(AddLengths(range, examples, &lengths, &total));
        context->SetOutput(0, context->dtype(0), {total});
        return absl::OkStatus();
      });
    });

template <class Context>
class GatherRangesOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit GatherRangesOp(OperatorInit* init) : Operator<Context>(init) {}

  absl::Status RunOnDevice() override {
    const Tensor& data = Input(0);
    const Tensor& ranges = Input(1);
    DOPPIO_RETURN_IF_ERROR(CheckRangeDims(data.dims(), ranges.dims()));
    return DispatchType(IndexTypes(), ranges.dtype(), [&](auto tag) -> absl::Status {
      const auto range = ranges.span<typename decltype(tag)::type>();
      DOPPIO_RETURN_IF_ERROR(CheckRanges(range, data.numel()));
      int64_t total = 0;
      DOPPIO_RETURN_IF_ERROR(AddLengths(range, ranges.dim(0), &lengths_, &total));
      DOPPIO_ASSIGN_OR_RETURN(Tensor * output, Output(0, data.dtype(), {total}));
      DOPPIO_ASSIGN_OR_RETURN(Tensor * lengths, Output(1, DataType::kInt32, {ranges.dim(0)}));
      std::copy(lengths_.begin(), lengths_.end(), lengths->template mutable_data<int32_t>());
      const ElementCopy copy(data, output);
      int64_t to = 0;
      for (size_t i = 0; i < range.size(); i += 2) {
        copy(range[i], to, range[i + 1]);
        to += range[i + 1];
      }
      return absl::OkStatus();
    });
  }

 private:
  std::vector<int64_t> lengths_;
};

// The arguments that say when ranges of another length, or none, are too many.
struct Tolerance {
  explicit Tolerance(OperatorInit* init)
      : min_observation(init->GetSingleArgument<int64_t>("min_observation")),
        mismatched(Ratio(init, "max_mismatched_ratio")),
        empty(Ratio(init, "max_empty_ratio")) {
    if (min_observation < 1) {
      init->Fail(absl::InvalidArgumentError(
          absl::StrCat("min_observation is ", min_observation, ", but must be at least 1")));
    }
  }

  static float Ratio(OperatorInit* init, absl::string_view name) {
    const float ratio = init->GetSingleArgument<float>(name);
    if (!(ratio >= 0)) {
      init->Fail(absl::InvalidArgumentError(
          absl::StrCat(name, " is ", ratio, ", but must not be negative")));
    }
    return ratio;
  }

  absl::Status Check(absl::string_view what, int64_t count, float ratio, size_t output,
                     int64_t examples) const {
    const double most = static_cast<double>(std::max(examples, min_observation)) * double{ratio};
    if (ratio >= 1 || static_cast<double>(count) <= most) return absl::OkStatus();
    return absl::InvalidArgumentError(absl::StrCat(count, " of the ", examples,
                                                   " ranges so far of output ", output, " are ",
                                                   what, ", which is more than a part of ", ratio));
  }

  int64_t min_observation;
  float mismatched;
  float empty;
};

absl::StatusOr<std::vector<int64_t>> ReadLengths(ArgumentReader* args, int outputs) {
  std::vector<int64_t> lengths = args->GetRepeatedArgument<int64_t>("lengths");
  if (static_cast<int64_t>(lengths.size()) != outputs) {
    return absl::InvalidArgumentError(absl::StrCat("there must be a length for each of the ",
                                                   outputs, " outputs, but there are ",
                                                   lengths.size()));
  }
  for (int64_t length : lengths) {
    if (length < 1) {
      return absl::InvalidArgumentError(
          absl::StrCat("lengths must be at least 1, but one is ", length));
    }
  }
  return lengths;
}

DOPPIO_OPERATOR_SCHEMA(GatherRangesToDense)
    .NumInputs(2, 3)
    .NumOutputs(1, OpSchema::kMany)
    .Doc(R"DOC(
Ranges of DATA as rows of matrices: output j has for each example its j-th range, which must have
lengths[j] elements. With KEY the elements of a range are put into the ascending order of their keys;
those with equal keys stay in their order. A range that is empty, or of another length, becomes a row of
zeros; where over all runs of the operator too many of an output are so, that is an error.

Example: DATA [1,2,3,4,5,6,7,8], RANGES [[[2,4],[0,2]],[[0,0],[6,2]]] and lengths = [4,2] give
[[3,4,5,6],[0,0,0,0]] and [[1,2],[7,8]].
)DOC")
    .RequiredArg<std::vector<int64_t>>("lengths", "the length of the ranges of each output")
    .Arg<int64_t>("min_observation",
                  "with fewer examples so far the ratios are those of so many examples", 10000)
    .Arg<float>("max_mismatched_ratio",
                "the part of ranges of another length that is still right; 1: any", 0.01f)
    .Arg<float>("max_empty_ratio", "the part of empty ranges that is still right; 1: any", 1.0f)
    .Input(0, "DATA", "vector of any type")
    .Input(1, "RANGES", "int32 or int64 [examples, outputs, 2]: starts and lengths")
    .Input(2, "KEY", "vector of int64, as long as DATA; optional")
    .Output(0, "OUTPUT", "matrix of DATA's type [examples, lengths[0]]; further ones follow")
    .Flops([](const OperatorDef&, const auto&, const auto&) { return int64_t{0}; })
    .TensorInference([](InferenceContext* context) -> absl::Status {
      DOPPIO_RETURN_IF_ERROR(CheckRangeDims(context->dims(0), context->dims(1)));
      DOPPIO_ASSIGN_OR_RETURN(std::vector<int64_t> lengths,
                              ReadLengths(context, context->OutputSize()));
      for (int j = 0; j < context->OutputSize(); ++j) {
        const Dims dims = {context->dims(1)[0], lengths[static_cast<size_t>(j)]};
        DOPPIO_RETURN_IF_ERROR(NumElements(dims).status());
        context->SetOutput(j, context->dtype(0), dims);
      }
      return absl::OkStatus();
    });

template <class Context>
class GatherRangesToDenseOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit GatherRangesToDenseOp(OperatorInit* init) : Operator<Context>(init), tolerance_(init) {
    absl::StatusOr<std::vector<int64_t>> lengths = ReadLengths(init, OutputSize());
    init->Fail(lengths.status());
    if (lengths.ok()) lengths_ = *std::move(lengths);
    empty_.resize(lengths_.size());
    mismatched_.resize(lengths_.size());
  }

  absl::Status RunOnDevice() override {
    const Tensor& data = Input(0);
    const Tensor& ranges = Input(1);
    DOPPIO_RETURN_IF_ERROR(CheckRangeDims(data.dims(), ranges.dims()));
    if (ranges.dim(1) != OutputSize()) {
      return absl::InvalidArgumentError(absl::StrCat("RANGES ", DescribeInput(1),
                                                     " must have a range for each of the ",
                                                     OutputSize(), " outputs"));
    }
    if (InputSize() > 2) {
      DOPPIO_RETURN_IF_ERROR(CheckVector<int64_t>(Input(2), "KEY"));
      if (Input(2).numel() != data.numel()) {
        return absl::InvalidArgumentError(
            absl::StrCat("KEY ", DescribeInput(2), " must be as long as DATA ", DescribeInput(0)));
      }
    }
    return DispatchType(IndexTypes(), ranges.dtype(), [&](auto tag) -> absl::Status {
      const auto range = ranges.span<typename decltype(tag)::type>();
      DOPPIO_RETURN_IF_ERROR(CheckRanges(range, data.numel()));
      DOPPIO_RETURN_IF_ERROR(Count(range, ranges.dim(0)));
      for (int j = 0; j < OutputSize(); ++j) {
        const int64_t length = lengths_[static_cast<size_t>(j)];
        DOPPIO_ASSIGN_OR_RETURN(Tensor * output, Output(j, data.dtype(), {ranges.dim(0), length}));
        Fill(range, j, length, output);
      }
      return absl::OkStatus();
    });
  }

 private:
  template <typename Index>
  absl::Status Count(absl::Span<const Index> ranges, int64_t examples) {
    examples_ += examples;
    for (size_t i = 0; i < ranges.size() / 2; ++i) {
      const size_t j = i % lengths_.size();
      const int64_t length = ranges[2 * i + 1];
      empty_[j] += length == 0 ? 1 : 0;
      mismatched_[j] += length != 0 && length != lengths_[j] ? 1 : 0;
    }
    for (size_t j = 0; j < lengths_.size(); ++j) {
      DOPPIO_RETURN_IF_ERROR(tolerance_.Check("of another length", mismatched_[j],
                                              tolerance_.mismatched, j, examples_));
      DOPPIO_RETURN_IF_ERROR(tolerance_.Check("empty", empty_[j], tolerance_.empty, j, examples_));
    }
    return absl::OkStatus();
  }

  template <typename Index>
  void Fill(absl::Span<const Index> ranges, int j, int64_t length, Tensor* output) {
    SetToZero(output);
    const ElementCopy copy(Input(0), output);
    for (int64_t i = 0; i < output->dim(0); ++i) {
      const Index* range = ranges.data() + 2 * (i * OutputSize() + j);
      if (range[1] != length) continue;
      const int64_t start = range[0];
      if (InputSize() == 2) {
        copy(start, i * length, length);
        continue;
      }
      const int64_t* keys = Input(2).template data<int64_t>();
      order_.resize(static_cast<size_t>(length));
      std::iota(order_.begin(), order_.end(), start);
      std::sort(order_.begin(), order_.end(), [&](int64_t a, int64_t b) {
        return keys[a] < keys[b] || (keys[a] == keys[b] && a < b);
      });
      for (int64_t k = 0; k < length; ++k) copy(order_[static_cast<size_t>(k)], i * length + k, 1);
    }
  }

  const Tolerance tolerance_;
  std::vector<int64_t> lengths_;
  // Of all runs, for each output.
  int64_t examples_ = 0;
  std::vector<int64_t> empty_;
  std::vector<int64_t> mismatched_;
  std::vector<int64_t> order_;
};

DOPPIO_REGISTER_CPU_OPERATOR(GatherRanges, GatherRangesOp<CPUContext>);
DOPPIO_REGISTER_CPU_OPERATOR(GatherRangesToDense, GatherRangesToDenseOp<CPUContext>);
DOPPIO_SHOULD_NOT_DO_GRADIENT(GatherRanges);
DOPPIO_NO_GRADIENT(GatherRangesToDense);

}  // namespace
}  // namespace doppio
