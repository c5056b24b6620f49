#include <algorithm>
#include <numeric>

#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "ops/shape/axis_argument.h"
#include "ops/shape/copying.h"
#include "src/kernel/strided_copy.h"
#include "src/operator/lengths_input.h"

namespace doppio {
namespace {

using Lengths = std::vector<int64_t>;

// The elements of a vector of int32 or int64, which is called `what`.
absl::Status ReadLengths(const Tensor& tensor, absl::string_view what, Lengths* lengths) {
  DOPPIO_RETURN_IF_ERROR(CheckIsVector(tensor.dims(), what));
  return DispatchType(TypeList<int32_t, int64_t>(), tensor.dtype(), [&](auto tag) {
    const auto values = tensor.span<typename decltype(tag)::type>();
    lengths->assign(values.begin(), values.end());
    return absl::OkStatus();
  });
}

// Checks that x can be split at `axis` into `count` parts of these lengths. Without any lengths the
// parts are of equal size, which is then written to `lengths`; with `add_axis` all of them are 1.
absl::Status CheckLengths(DimsView x, int axis, bool add_axis, int count, Lengths* lengths) {
  const int64_t size = x[axis];
  const auto cannot = [&](const auto&... why) {
    return absl::InvalidArgumentError(absl::StrCat("cannot split ", ShapeToString(x), " at axis ",
                                                   axis, " into ", count, " outputs: ", why...));
  };
  if (lengths->empty() && !add_axis) {
    if (size % count != 0) return cannot(size, " is no multiple of ", count);
    lengths->assign(count, size / count);
  }
  if (!lengths->empty() && lengths->size() != static_cast<size_t>(count)) {
    return cannot("there are ", lengths->size(), " lengths");
  }
  if (add_axis) lengths->assign(count, 1);
  int64_t rest = size;
  for (int64_t length : *lengths) {
    if (length < 0) return cannot("length ", length, " is negative");
    if (length > rest) return cannot("the lengths sum to more than ", size);
    rest -= length;
  }
  if (rest != 0) return cannot("the lengths sum to ", size - rest, ", must be ", size);
  return absl::OkStatus();
}

Dims PartShape(DimsView x, int axis, bool add_axis, int64_t length) {
  Dims part(x.begin(), x.end());
  if (add_axis) {
    part.erase(part.begin() + axis);
  } else {
    part[axis] = length;
  }
  return part;
}

constexpr char kGivenTwice[] = "the lengths are given both as an input and as an argument";

absl::Status InferSplit(InferenceContext* context) {
  const AxisArgument argument = ReadAxisArgument(context);
  Lengths lengths = context->GetRepeatedArgument<int64_t>("split");
  DOPPIO_RETURN_IF_ERROR(context->status());
  if (context->InputSize() == 2) {
    if (!lengths.empty()) return absl::InvalidArgumentError(kGivenTwice);
    if (context->value(1) == nullptr) return absl::OkStatus();
    DOPPIO_RETURN_IF_ERROR(ReadLengths(*context->value(1), "split", &lengths));
  }
  const DimsView x = context->dims(0);
  DOPPIO_ASSIGN_OR_RETURN(const int axis, CanonicalAxis(argument.axis, static_cast<int>(x.size())));
  DOPPIO_RETURN_IF_ERROR(CheckLengths(x, axis, argument.add_axis, context->OutputSize(), &lengths));
  for (int i = 0; i < context->OutputSize(); ++i) {
    context->SetOutput(i, context->dtype(0), PartShape(x, axis, argument.add_axis, lengths[i]));
  }
  return absl::OkStatus();
}

// How many elements along the axis an output of SplitByLengths gets: the sums of as many runs of
// lengths as there are outputs. `size` is what there is along the axis; with `is_scaled` it is
// shared out in proportion.
absl::Status SumLengths(int64_t size, int count, bool is_scaled, Lengths* lengths) {
  const auto given = static_cast<int64_t>(lengths->size());
  if (given % count != 0) {
    return absl::InvalidArgumentError(
        absl::StrCat(given, " lengths can not be shared out to ", count, " outputs"));
  }
  DOPPIO_ASSIGN_OR_RETURN(const int64_t sum,
                          SumOfLengths(absl::Span<const int64_t>(*lengths), "lengths"));
  if (is_scaled ? size % std::max<int64_t>(sum, 1) != 0 || (sum == 0 && size != 0) : sum != size) {
    return absl::InvalidArgumentError(absl::StrCat("lengths sum to ", sum, ", but there are ", size,
                                                   " elements along the axis",
                                                   is_scaled ? ", which is no multiple" : ""));
  }
  const int64_t scale = sum == 0 ? 1 : size / sum;
  const int64_t run = given / count;
  lengths->resize(static_cast<size_t>(std::max<int64_t>(given, count)));  // a run may be empty
  for (int i = 0; i < count; ++i) {
    const auto begin = lengths->begin() + i * run;
    (*lengths)[static_cast<size_t>(i)] = scale * std::accumulate(begin, begin + run, int64_t{0});
  }
  lengths->resize(static_cast<size_t>(count));
  return absl::OkStatus();
}

absl::Status InferSplitByLengths(InferenceContext* context) {
  const AxisArgument argument = ReadAxisArgument(context);
  const bool is_scaled = context->GetSingleArgument<bool>("use_scaling_lengths");
  DOPPIO_RETURN_IF_ERROR(context->status());
  const DimsView x = context->dims(0);
  DOPPIO_ASSIGN_OR_RETURN(const int axis, CanonicalAxis(argument.axis, static_cast<int>(x.size())));
  Lengths lengths;
  DOPPIO_RETURN_IF_ERROR(ReadLengths(*context->value(1), "lengths", &lengths));
  DOPPIO_RETURN_IF_ERROR(SumLengths(x[axis], context->OutputSize(), is_scaled, &lengths));
  for (int i = 0; i < context->OutputSize(); ++i) {
    context->SetOutput(i, context->dtype(0), PartShape(x, axis, false, lengths[i]));
  }
  return absl::OkStatus();
}

void StateSplit(OpSchema& schema) {
  schema.NumInputs(1, 2)
      .NumOutputs(1, OpSchema::kMany)
      .FillUsing(StateAxisArgument)
      .Arg("add_axis", "the parts are of size 1 along the axis, and lose it", false)
      .OptionalArg<std::vector<int64_t>>("split", "the size of each output along the axis")
      .Input(0, "X", "tensor of any type")
      .Input(1, "split", "vector of int32 or int64: the size of each output along the axis")
      .Output(0, "Y0, Y1, ...", "the parts of X, in order")
      .Flops(NoFlops)
      .BytesOfUnknownOutputs(BytesOfInput0)
      .TensorInference(InferSplit);
}

DOPPIO_OPERATOR_SCHEMA(Split)
    .Doc(R"DOC(
Cuts a tensor into parts along a dimension: of the lengths that an argument or an input gives, or
else of equal lengths.

Example: X = [2,2,6,6,6,0,5,7,4], axis = 0 and split = [3,2,4] give [2,2,6], [6,6] and [0,5,7,4].
)DOC")
    .FillUsing(StateSplit);

DOPPIO_OPERATOR_SCHEMA(DepthSplit).Doc("An old name of Split.").FillUsing(StateSplit);

DOPPIO_OPERATOR_SCHEMA(SplitByLengths)
    .NumInputs(2)
    .NumOutputs(1, OpSchema::kMany)
    .Doc(R"DOC(
Cuts a tensor into parts along a dimension. The lengths are shared out to the outputs, as many in a row to
each of them, and a part is as long as its lengths together.

Example: X = [1,2,3,4,5,6], axis = 0 and lengths = [1,0,2,3] give two outputs [1] and [2,3,4,5,6].
)DOC")
    .FillUsing(StateAxisArgument)
    .Arg("use_scaling_lengths",
         "the lengths may sum to less than X has along the axis: all are multiplied by the number "
         "that makes up for it",
         false)
    .Input(0, "X", "tensor of any type")
    .Input(1, "lengths",
           "vector of int32 or int64, none negative; as many of them for each output, and together "
           "as much as X has along the axis")
    .Output(0, "Y0, Y1, ...", "the parts of X, in order")
    .Flops(NoFlops)
    .BytesOfUnknownOutputs(BytesOfInput0)
    .NeedsValue(1)
    .TensorInference(InferSplitByLengths);

// Writes the parts, when it is known how long they are.
template <class Context>
class PartsOperator : public Operator<Context> {
 protected:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  using Operator<Context>::Operator;

  absl::Status WriteParts(int axis, bool add_axis, const Lengths& lengths) {
    const Tensor& x = Input(0);
    const int64_t rows = SizeToDim(x.dims(), axis);
    const int64_t inner = SizeFromDim(x.dims(), axis + 1);
    int64_t offset = 0;  // of the next output, along the axis
    for (int i = 0; i < OutputSize(); ++i) {
      const Dims part = PartShape(x.dims(), axis, add_axis, lengths[i]);
      DOPPIO_ASSIGN_OR_RETURN(Tensor * y, Output(i, x.dtype(), part));
      if (y->numel() > 0) {
        CopyOutput(x, offset * inner, x.dim(axis) * inner, lengths[i] * inner, rows, y);
      }
      offset += lengths[i];
    }
    return absl::OkStatus();
  }

 private:
  // y is `rows` blocks, which come from `offset`, `offset + stride`, ... of x.
  void CopyOutput(const Tensor& x, int64_t offset, int64_t stride, int64_t block, int64_t rows,
                  Tensor* y) {
    if (x.Is<std::string>()) {
      CopyBlocks(x.data<std::string>() + offset, stride, y->mutable_data<std::string>(), block,
                 block, rows, &context_);
    } else {
      const int64_t bytes = static_cast<int64_t>(DataTypeSize(x.dtype()));
      CopyBlocks(static_cast<const char*>(x.raw_data()) + offset * bytes, stride * bytes,
                 y->raw_mutable_data(), block * bytes, block * bytes, rows, &context_);
    }
  }
};

template <class Context>
class SplitOp final : public PartsOperator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit SplitOp(OperatorInit* init)
      : PartsOperator<Context>(init),
        argument_(ReadAxisArgument(init)),
        split_(init->GetRepeatedArgument<int64_t>("split")) {
    if (InputSize() == 2 && !split_.empty()) {
      init->Fail(absl::InvalidArgumentError(kGivenTwice));
    }
  }

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(0);
    DOPPIO_ASSIGN_OR_RETURN(const int axis, CanonicalAxis(argument_.axis, x.rank()));
    lengths_ = split_;
    if (InputSize() == 2) DOPPIO_RETURN_IF_ERROR(ReadLengths(Input(1), "split", &lengths_));
    DOPPIO_RETURN_IF_ERROR(
        CheckLengths(x.dims(), axis, argument_.add_axis, OutputSize(), &lengths_));
    return this->WriteParts(axis, argument_.add_axis, lengths_);
  }

 private:
  AxisArgument argument_;
  Lengths split_;
  Lengths lengths_;  // of this run
};

template <class Context>
class SplitByLengthsOp final : public PartsOperator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit SplitByLengthsOp(OperatorInit* init)
      : PartsOperator<Context>(init),
        argument_(ReadAxisArgument(init)),
        is_scaled_(init->GetSingleArgument<bool>("use_scaling_lengths")) {}

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(0);
    DOPPIO_ASSIGN_OR_RETURN(const int axis, CanonicalAxis(argument_.axis, x.rank()));
    DOPPIO_RETURN_IF_ERROR(ReadLengths(Input(1), "lengths", &lengths_));
    DOPPIO_RETURN_IF_ERROR(SumLengths(x.dim(axis), OutputSize(), is_scaled_, &lengths_));
    return this->WriteParts(axis, false, lengths_);
  }

 private:
  const AxisArgument argument_;
  const bool is_scaled_;
  Lengths lengths_;  // of this run
};

class GetSplitGradient final : public GradientMakerBase {
  using GradientMakerBase::GradientMakerBase;
  // Caffe2 leaves out outputs that nobody used, and gets a result that is too small.
  std::vector<OperatorDef> GetGradientDefs() override {
    std::vector<std::string> gradients;
    bool any = false;
    for (int i = 0; i < OutputSize(); ++i) any = any || !GradOut(i).IsEmpty();
    for (int i = 0; any && i < OutputSize(); ++i) gradients.push_back(GO(i));
    if (!any) return {};
    return SingleGradientDef("Concat", "", gradients, {GI(0), "_" + GI(0) + "_dims"});
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(Split, SplitOp<CPUContext>);
DOPPIO_REGISTER_CPU_OPERATOR(DepthSplit, SplitOp<CPUContext>);
DOPPIO_REGISTER_CPU_OPERATOR(SplitByLengths, SplitByLengthsOp<CPUContext>);
DOPPIO_REGISTER_GRADIENT(Split, GetSplitGradient);
DOPPIO_REGISTER_GRADIENT(DepthSplit, GetSplitGradient);
DOPPIO_REGISTER_GRADIENT(SplitByLengths, GetSplitGradient);

}  // namespace
}  // namespace doppio
