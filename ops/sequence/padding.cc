// Rows around each segment: adding them, taking them away, and summing them up.

#include <cstdlib>
#include <limits>

#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "ops/sequence/row_segments.h"
#include "ops/sequence/row_sum.h"
#include "src/operator/element_copy.h"

namespace doppio {
namespace {

// Rows in front of each segment and behind it.
struct Widths {
  int64_t start;
  int64_t end;

  int64_t both() const { return start + end; }
};

Widths ReadWidths(ArgumentReader* args) {
  const int64_t start = args->GetSingleArgument<int>("padding_width");
  const int64_t end = args->GetSingleArgument<int>("end_padding_width");
  if (start < 0) {
    args->Fail(absl::InvalidArgumentError(
        absl::StrCat("padding_width is ", start, ", but a width is not negative")));
  }
  return {start, end < 0 ? start : end};
}

void StateWidths(OpSchema& schema) {
  schema.Arg<int>("padding_width", "rows of padding in front of each segment", 1)
      .Arg<int>("end_padding_width",
                "rows of padding behind each segment; negative: as many as in front of it", -1);
}

// The shape of `data` with `change` rows more (or less) for each of `segments` segments.
absl::StatusOr<Dims> ChangedDims(DimsView data, int64_t segments, int64_t change) {
  DOPPIO_ASSIGN_OR_RETURN(const int64_t rows, CheckedProduct(segments, std::abs(change)));
  Dims dims(data.begin(), data.end());
  if (change < 0 && rows > dims[0]) {
    return absl::InvalidArgumentError(
        absl::StrCat("data_in ", ShapeToString(data), " has no room for ", -change,
                     " rows of padding around each of ", segments, " segments"));
  }
  if (change > 0 && rows > std::numeric_limits<int64_t>::max() - dims[0]) {
    return absl::OutOfRangeError(
        absl::StrCat(dims[0], " rows and ", rows, " rows of padding are more than int64 counts"));
  }
  dims[0] += change < 0 ? -rows : rows;
  DOPPIO_RETURN_IF_ERROR(NumElements(dims).status());
  return dims;
}

// The outputs of AddPadding (with `sign` 1) and RemovePadding (-1).
absl::Status InferChanged(InferenceContext* context, int sign) {
  const Widths widths = ReadWidths(context);
  DOPPIO_RETURN_IF_ERROR(context->status());
  DOPPIO_RETURN_IF_ERROR(CheckNotScalar(context->dims(0), "data_in"));
  int64_t segments = 1;
  if (context->InputSize() > 1) {
    DOPPIO_RETURN_IF_ERROR(CheckVector<int32_t>(context->dtype(1), context->dims(1), "lengths"));
    segments = context->dims(1)[0];
  }
  DOPPIO_ASSIGN_OR_RETURN(Dims dims, ChangedDims(context->dims(0), segments, sign * widths.both()));
  context->SetOutput(0, context->dtype(0), dims);
  context->SetOutput(1, DataType::kInt32, {segments});
  return absl::OkStatus();
}

// What the three operators have in common.
template <class Context>
class PaddingOperator : public Operator<Context> {
 protected:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit PaddingOperator(OperatorInit* init)
      : Operator<Context>(init), widths_(ReadWidths(init)) {}

  // The segments of data_in: those of lengths, or one of all rows.
  absl::Status ReadSegments() {
    const Tensor& data = Input(0);
    DOPPIO_RETURN_IF_ERROR(CheckNotScalar(data.dims(), "data_in"));
    if (InputSize() == 1) {
      segments_.SetOne(data.dim(0));
      return absl::OkStatus();
    }
    DOPPIO_RETURN_IF_ERROR(segments_.SetInt32(Input(1), "lengths"));
    return segments_.CheckRows("lengths", data.dim(0), "data_in");
  }

  // Every segment has all of its padding.
  absl::Status CheckPadded() const {
    for (int64_t i = 0; i < segments_.count(); ++i) {
      if (segments_.length(i) < widths_.both()) {
        return absl::InvalidArgumentError(absl::StrCat("segment ", i, " has ", segments_.length(i),
                                                       " rows, but ", widths_.both(),
                                                       " rows of padding"));
      }
    }
    return absl::OkStatus();
  }

  // The output lengths_out, if it is there: `change` more than the lengths.
  absl::Status WriteLengths(int64_t change) {
    if (OutputSize() == 1) return absl::OkStatus();
    const int64_t longest = segments_.longest() + change;
    if (segments_.count() > 0 && longest > std::numeric_limits<int32_t>::max()) {
      return absl::InvalidArgumentError(
          absl::StrCat("a segment of ", longest, " rows is longer than int32 counts"));
    }
    DOPPIO_ASSIGN_OR_RETURN(Tensor * lengths, Output(1, DataType::kInt32, {segments_.count()}));
    for (int64_t i = 0; i < segments_.count(); ++i) {
      lengths->mutable_data<int32_t>()[i] = static_cast<int32_t>(segments_.length(i) + change);
    }
    return absl::OkStatus();
  }

  const Widths widths_;
  RowSegments segments_;
};

DOPPIO_OPERATOR_SCHEMA(AddPadding)
    .NumInputs(1, 4)
    .NumOutputs(1, 2)
    .Doc(R"DOC(
Puts rows of padding in front of each segment of rows and behind it. Without lengths, all rows are one
segment. Rows of padding are zeros (empty strings), or start_padding, or in front start_padding and
behind end_padding.

Example: data_in [3] = [1,2,3], lengths [2] = [2,1] and padding_width = 1 give data_out [7] =
[0,1,2,0,0,3,0] and lengths_out [4,3].

The gradient of data_in is made by RemovePadding, those of the paddings by GatherPadding.
)DOC")
    .FillUsing(StateWidths)
    .Input(0, "data_in", "tensor of any type, at least a vector")
    .Input(1, "lengths", "vector of int32, none negative, which sum to the rows of data_in")
    .Input(2, "start_padding", "a row: tensor of data_in's type and shape, without the first size")
    .Input(3, "end_padding", "another row, for the ends")
    .Output(0, "data_out", "tensor of data_in's type: the padded segments")
    .Output(1, "lengths_out", "vector of int32: their lengths")
    .Flops([](const OperatorDef&, const auto&, const auto&) { return int64_t{0}; })
    .TensorInference([](InferenceContext* context) { return InferChanged(context, 1); });

template <class Context>
class AddPaddingOp final : public PaddingOperator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit AddPaddingOp(OperatorInit* init) : PaddingOperator<Context>(init) {}

  absl::Status RunOnDevice() override {
    const Tensor& data = Input(0);
    DOPPIO_RETURN_IF_ERROR(this->ReadSegments());
    for (int i = 2; i < InputSize(); ++i) {
      if (Input(i).dtype() != data.dtype() || Input(i).dims() != data.dims().subspan(1)) {
        return absl::InvalidArgumentError(
            absl::StrCat("padding ", DescribeInput(i), " must be a row of ", DescribeInput(0)));
      }
    }
    DOPPIO_ASSIGN_OR_RETURN(Dims dims, ChangedDims(data.dims(), segments_.count(), widths_.both()));
    DOPPIO_RETURN_IF_ERROR(this->WriteLengths(widths_.both()));
    DOPPIO_ASSIGN_OR_RETURN(Tensor * output, Output(0, data.dtype(), dims));
    const ElementCopy copy(data, output);
    const int64_t block = SizeFromDim(data.dims(), 1);
    int64_t to = 0;  // row of the output
    for (int64_t i = 0; i < segments_.count(); ++i) {
      Pad(2, to, widths_.start, output);
      to += widths_.start;
      copy(segments_.begin(i) * block, to * block, segments_.length(i) * block);
      to += segments_.length(i);
      Pad(InputSize() == 4 ? 3 : 2, to, widths_.end, output);
      to += widths_.end;
    }
    return absl::OkStatus();
  }

 private:
  using PaddingOperator<Context>::segments_;
  using PaddingOperator<Context>::widths_;

  // `count` rows become the input `padding`, or zeros where there is none.
  void Pad(int padding, int64_t begin, int64_t count, Tensor* output) {
    const int64_t block = SizeFromDim(output->dims(), 1);
    if (padding >= InputSize()) {
      ElementZero{output}(begin * block, count * block);
      return;
    }
    const ElementCopy copy(Input(padding), output);
    for (int64_t row = begin; row < begin + count; ++row) copy(0, row * block, block);
  }
};

DOPPIO_OPERATOR_SCHEMA(RemovePadding)
    .NumInputs(1, 2)
    .NumOutputs(1, 2)
    .Doc(R"DOC(
Takes away what AddPadding put around each segment of rows. Without lengths, all rows are one segment.

Example: data_in [7] = [0,1,2,0,0,3,0], lengths [2] = [4,3] and padding_width = 1 give data_out [3] =
[1,2,3] and lengths_out [2,1].

The gradient is padded with zeros (AddPadding).
)DOC")
    .FillUsing(StateWidths)
    .Input(0, "data_in", "tensor of any type, at least a vector")
    .Input(1, "lengths",
           "vector of int32, which sum to the rows of data_in, none below the rows of padding")
    .Output(0, "data_out", "tensor of data_in's type: what stands between the paddings")
    .Output(1, "lengths_out", "vector of int32: its lengths")
    .Flops([](const OperatorDef&, const auto&, const auto&) { return int64_t{0}; })
    .TensorInference([](InferenceContext* context) { return InferChanged(context, -1); });

template <class Context>
class RemovePaddingOp final : public PaddingOperator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit RemovePaddingOp(OperatorInit* init) : PaddingOperator<Context>(init) {}

  absl::Status RunOnDevice() override {
    const Tensor& data = Input(0);
    DOPPIO_RETURN_IF_ERROR(this->ReadSegments());
    DOPPIO_RETURN_IF_ERROR(this->CheckPadded());
    DOPPIO_ASSIGN_OR_RETURN(Dims dims,
                            ChangedDims(data.dims(), segments_.count(), -widths_.both()));
    DOPPIO_RETURN_IF_ERROR(this->WriteLengths(-widths_.both()));
    DOPPIO_ASSIGN_OR_RETURN(Tensor * output, Output(0, data.dtype(), dims));
    const ElementCopy copy(data, output);
    const int64_t block = SizeFromDim(data.dims(), 1);
    int64_t to = 0;
    for (int64_t i = 0; i < segments_.count(); ++i) {
      const int64_t count = (segments_.length(i) - widths_.both()) * block;
      copy((segments_.begin(i) + widths_.start) * block, to, count);
      to += count;
    }
    return absl::OkStatus();
  }

 private:
  using PaddingOperator<Context>::segments_;
  using PaddingOperator<Context>::widths_;
};

DOPPIO_OPERATOR_SCHEMA(GatherPadding)
    .NumInputs(2)
    .NumOutputs(1, 2)
    .Doc(R"DOC(
Sums up the rows of padding that stand around segments: those in front and those behind, each by
themselves; with one output, all of them. It makes the gradients of AddPadding's paddings.

Example: data_in [7] = [1,2,3,4,5,6,7], lengths [2] = [4,3] and padding_width = 1 give padding_sum
1 + 5 = 6 and end_padding_sum 4 + 7 = 11.

Where no rows are padding, the sums are zeros of data_in's type. (Caffe2 gives a scalar of int64.)
)DOC")
    .FillUsing(StateWidths)
    .Input(0, "data_in", "tensor of float, double, int32 or int64, at least a vector")
    .Input(1, "lengths",
           "vector of int32, which sum to the rows of data_in, none below the rows of padding")
    .Output(0, "padding_sum", "a row of data_in's type: the sum of the start paddings, or of all")
    .Output(1, "end_padding_sum", "the sum of the end paddings")
    .TensorInference([](InferenceContext* context) -> absl::Status {
      DOPPIO_RETURN_IF_ERROR(CheckNotScalar(context->dims(0), "data_in"));
      context->SetOutput(0, context->dtype(0), context->dims(0).subspan(1));
      context->SetOutput(1, context->dtype(0), context->dims(0).subspan(1));
      return absl::OkStatus();
    });

template <class Context>
class GatherPaddingOp final : public PaddingOperator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit GatherPaddingOp(OperatorInit* init) : PaddingOperator<Context>(init) {}

  absl::Status RunOnDevice() override {
    DOPPIO_RETURN_IF_ERROR(this->ReadSegments());
    DOPPIO_RETURN_IF_ERROR(this->CheckPadded());
    return DispatchType(TypeList<float, double, int32_t, int64_t>(), Input(0).dtype(),
                        [&](auto tag) -> absl::Status {
                          using T = typename decltype(tag)::type;
                          const bool is_one = OutputSize() == 1;
                          DOPPIO_RETURN_IF_ERROR(Sum<T>(0, true, is_one));
                          return is_one ? absl::OkStatus() : Sum<T>(1, false, true);
                        });
  }

 private:
  using PaddingOperator<Context>::segments_;
  using PaddingOperator<Context>::widths_;

  // The output becomes the sum of start paddings, of end paddings, or of both.
  template <typename T>
  absl::Status Sum(int output, bool starts, bool ends) {
    const Tensor& data = Input(0);
    DOPPIO_ASSIGN_OR_RETURN(Tensor * sum, Output(output, data.dtype(), data.dims().subspan(1)));
    const auto for_each_row = [&](const auto& f) {
      for (int64_t i = 0; i < segments_.count(); ++i) {
        for (int64_t k = 0; starts && k < widths_.start; ++k) f(segments_.begin(i) + k);
        for (int64_t k = 0; ends && k < widths_.end; ++k) f(segments_.begin(i + 1) - 1 - k);
      }
    };
    SumRows(data.data<T>(), SizeFromDim(data.dims(), 1), for_each_row, sum->mutable_data<T>());
    return absl::OkStatus();
  }
};

// The inputs of the gradient operators of AddPadding and RemovePadding: the gradient of the data,
// and the lengths that it has.
class PaddingGradient : public GradientMakerBase {
 protected:
  using GradientMakerBase::GradientMakerBase;

  std::vector<std::string> GradientInputs() {
    if (InputSize() == 1) return {GO(0)};
    if (OutputSize() < 2) {
      Fail(absl::InvalidArgumentError(
          absl::StrCat("the gradient of ", Def().type(), " needs its output lengths_out")));
      return {GO(0)};
    }
    return {GO(0), O(1)};
  }
};

class GetAddPaddingGradient final : public PaddingGradient {
  using PaddingGradient::PaddingGradient;
  std::vector<OperatorDef> GetGradientDefs() override {
    const std::vector<std::string> inputs = GradientInputs();
    std::vector<OperatorDef> ops = SingleGradientDef("RemovePadding", "", inputs, {GI(0)});
    if (InputSize() > 2) {
      std::vector<std::string> paddings = {GI(2)};
      if (InputSize() > 3) paddings.push_back(GI(3));
      ops.push_back(CreateOperatorDef("GatherPadding", "", inputs, paddings));
    }
    return ops;
  }
};
class GetRemovePaddingGradient final : public PaddingGradient {
  using PaddingGradient::PaddingGradient;
  std::vector<OperatorDef> GetGradientDefs() override {
    return SingleGradientDef("AddPadding", "", GradientInputs(), {GI(0)});
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(AddPadding, AddPaddingOp<CPUContext>);
DOPPIO_REGISTER_CPU_OPERATOR(RemovePadding, RemovePaddingOp<CPUContext>);
DOPPIO_REGISTER_CPU_OPERATOR(GatherPadding, GatherPaddingOp<CPUContext>);
DOPPIO_REGISTER_GRADIENT(AddPadding, GetAddPaddingGradient);
DOPPIO_REGISTER_GRADIENT(RemovePadding, GetRemovePaddingGradient);

}  // namespace
}  // namespace doppio
