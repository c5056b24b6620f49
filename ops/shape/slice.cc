#include <algorithm>

#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "ops/shape/copying.h"
#include "src/kernel/strided_copy.h"
#include "src/operator/shape_input.h"

namespace doppio {
namespace {

struct Box {
  Dims starts;
  Dims sizes;
};

// The part of x that `starts` and `ends` mean. They are for the first dimensions of x; the others
// are kept whole.
absl::StatusOr<Box> BoxOf(DimsView x, DimsView starts, DimsView ends) {
  const auto cannot = [&](const auto&... why) {
    return absl::InvalidArgumentError(absl::StrCat("cannot slice ", ShapeToString(x), " from ",
                                                   ShapeToString(starts), " to ",
                                                   ShapeToString(ends), ": ", why...));
  };
  if (starts.size() != ends.size()) return cannot("there must be as many starts as ends");
  if (starts.size() > x.size()) return cannot("there are more starts than dimensions");
  Box box{Dims(x.size(), 0), Dims(x.begin(), x.end())};
  for (size_t i = 0; i < starts.size(); ++i) {
    // -1 is the end itself, and not the last element as it would be in Python.
    const auto resolve = [size = x[i]](int64_t at) {
      return at < 0 ? size + 1 + at : std::min(at, size);
    };
    if (x[i] == 0) continue;  // whatever they are
    const int64_t start = resolve(starts[i]);
    const int64_t end = resolve(ends[i]);
    if (start < 0 || end < start)
      return cannot("in dimension ", i, " that is ", start, " to ", end);
    box.starts[i] = start;
    box.sizes[i] = end - start;
  }
  return box;
}

// Starts and ends as arguments, which must be there when they are not inputs.
void ReadBounds(ArgumentReader* reader, Dims* starts, Dims* ends) {
  for (const auto& [name, bounds] :
       {std::make_pair("starts", starts), std::make_pair("ends", ends)}) {
    if (!reader->HasArgument(name)) {
      reader->Fail(absl::InvalidArgumentError(
          absl::StrCat("\"", name, "\" is missing: give it as an argument or as an input")));
    }
    const std::vector<int64_t> values = reader->GetRepeatedArgument<int64_t>(name);
    bounds->assign(values.begin(), values.end());
  }
}

// The same as inputs 1 and 2.
absl::Status ReadBounds(const Tensor& starts_input, const Tensor& ends_input, Dims* starts,
                        Dims* ends) {
  DOPPIO_ASSIGN_OR_RETURN(*starts, ShapeFromTensor(starts_input, "starts"));
  DOPPIO_ASSIGN_OR_RETURN(*ends, ShapeFromTensor(ends_input, "ends"));
  return absl::OkStatus();
}

absl::Status WrongInputs(absl::string_view wanted, int count) {
  return absl::InvalidArgumentError(absl::StrCat("inputs must be ", wanted, ", but are ", count));
}

constexpr char kSliceInputs[] = "data, or data, starts and ends";
constexpr char kGradientInputs[] = "data and dY, or data, starts, ends and dY";

absl::Status InferSlice(InferenceContext* context) {
  if (context->InputSize() == 2) return WrongInputs(kSliceInputs, 2);
  Dims starts;
  Dims ends;
  if (context->InputSize() == 1) {
    ReadBounds(context, &starts, &ends);
    DOPPIO_RETURN_IF_ERROR(context->status());
  } else {
    if (context->value(1) == nullptr || context->value(2) == nullptr) return absl::OkStatus();
    DOPPIO_RETURN_IF_ERROR(ReadBounds(*context->value(1), *context->value(2), &starts, &ends));
  }
  DOPPIO_ASSIGN_OR_RETURN(const Box box, BoxOf(context->dims(0), starts, ends));
  context->SetOutput(0, context->dtype(0), box.sizes);
  return absl::OkStatus();
}

DOPPIO_OPERATOR_SCHEMA(Slice)
    .NumInputs(1, 3)
    .NumOutputs(1)
    .Doc(R"DOC(
A box out of a tensor: from `starts` up to, and without, `ends`, which are arguments or inputs. They
are for the first dimensions; where there are fewer of them than dimensions, the others are kept
whole. Bounds above a dimension's size mean its end. Negative ones count from one past it: -1 is the
end, so that an end of -1 includes the last element.

Example: X = [[1,2,3,4],[5,6,7,8]], starts = [0,1] and ends = [-1,3] give [[2,3],[6,7]].
)DOC")
    .OptionalArg<std::vector<int64_t>>("starts", "first index of each dimension")
    .OptionalArg<std::vector<int64_t>>("ends", "index after the last one of each dimension")
    .Input(0, "data", "tensor of any type and shape")
    .Input(1, "starts", "vector of int32 or int64, instead of the argument")
    .Input(2, "ends", "vector of int32 or int64, instead of the argument")
    .Output(0, "output", "the box, of data's type and rank")
    .Flops(NoFlops)
    .TensorInference(InferSlice);

template <class Context>
class SliceOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit SliceOp(OperatorInit* init) : Operator<Context>(init) {
    if (InputSize() == 1) ReadBounds(init, &starts_, &ends_);
    if (InputSize() == 2) init->Fail(WrongInputs(kSliceInputs, 2));
  }

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(0);
    if (InputSize() == 3) {
      DOPPIO_RETURN_IF_ERROR(ReadBounds(Input(1), Input(2), &starts_, &ends_));
    }
    DOPPIO_ASSIGN_OR_RETURN(const Box box, BoxOf(x.dims(), starts_, ends_));
    DOPPIO_ASSIGN_OR_RETURN(Tensor * y, Output(0, x.dtype(), box.sizes));
    if (y->numel() == 0) return absl::OkStatus();
    if (x.Is<std::string>()) {
      CopyBox(x.data<std::string>(), x.dims(), box.starts, box.sizes,
              y->mutable_data<std::string>(), &context_);
    } else {
      CopyBox(DataTypeSize(x.dtype()), x.raw_data(), x.dims(), box.starts, box.sizes,
              y->raw_mutable_data(), &context_);
    }
    return absl::OkStatus();
  }

 private:
  Dims starts_;
  Dims ends_;
};

DOPPIO_OPERATOR_SCHEMA(SliceGradient)
    .NumInputs(2, 4)
    .NumOutputs(1)
    .Doc(
        "The gradient of Slice: dY at its place in a tensor of data's shape, and zero around it. "
        "Inputs are data, dY, or data, starts, ends, dY.")
    .OptionalArg<std::vector<int64_t>>("starts", "as Slice's")
    .OptionalArg<std::vector<int64_t>>("ends", "as Slice's")
    .Input(0, "data", "Slice's input, of which only the shape is used")
    .Input(1, "dY or starts", "the gradient of Slice's output, of any type of numbers; or starts")
    .Input(2, "ends", "vector of int32 or int64")
    .Input(3, "dY", "the gradient of Slice's output, where starts and ends are inputs")
    .Output(0, "dX", "the gradient of data, of its shape and dY's type")
    .ShapeOnly({0})
    .Flops(NoFlops)
    .TensorInference([](InferenceContext* context) {
      if (context->InputSize() == 3) return WrongInputs(kGradientInputs, 3);
      context->SetOutput(0, context->dtype(context->InputSize() - 1), context->dims(0));
      return absl::OkStatus();
    });

template <class Context>
class SliceGradientOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit SliceGradientOp(OperatorInit* init) : Operator<Context>(init) {
    if (InputSize() == 2) ReadBounds(init, &starts_, &ends_);
    if (InputSize() == 3) init->Fail(WrongInputs(kGradientInputs, 3));
  }

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(0);
    const Tensor& dy = Input(InputSize() - 1);
    if (InputSize() == 4) {
      DOPPIO_RETURN_IF_ERROR(ReadBounds(Input(1), Input(2), &starts_, &ends_));
    }
    DOPPIO_ASSIGN_OR_RETURN(const Box box, BoxOf(x.dims(), starts_, ends_));
    if (dy.dims() != DimsView(box.sizes) || !IsNumeric(dy.dtype())) {
      return absl::InvalidArgumentError(
          absl::StrCat("dY ", DescribeInput(InputSize() - 1), " must be numbers of shape ",
                       ShapeToString(box.sizes), ", which Slice makes of ", DescribeInput(0)));
    }
    DOPPIO_ASSIGN_OR_RETURN(Tensor * dx, Output(0, dy.dtype(), x.dims()));
    if (dx->numel() == 0) return absl::OkStatus();
    ScatterBox(DataTypeSize(dy.dtype()), dy.raw_data(), box.sizes, box.starts,
               dx->raw_mutable_data(), x.dims(), &context_);
    return absl::OkStatus();
  }

 private:
  Dims starts_;
  Dims ends_;
};

class GetSliceGradient final : public GradientMakerBase {
  using GradientMakerBase::GradientMakerBase;
  std::vector<OperatorDef> GetGradientDefs() override {
    if (InputSize() > 1) {
      return SingleGradientDef("SliceGradient", "", {I(0), I(1), I(2), GO(0)}, {GI(0)});
    }
    return SingleGradientDef("SliceGradient", "", {I(0), GO(0)}, {GI(0)});
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(Slice, SliceOp<CPUContext>);
DOPPIO_REGISTER_CPU_OPERATOR(SliceGradient, SliceGradientOp<CPUContext>);
DOPPIO_REGISTER_GRADIENT(Slice, GetSliceGradient);

}  // namespace
}  // namespace doppio
