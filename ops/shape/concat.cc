#include <limits>

#include "absl/functional/function_ref.h"
#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "ops/shape/axis_argument.h"
#include "ops/shape/copying.h"
#include "src/kernel/strided_copy.h"

namespace doppio {
namespace {

struct Concatenation {
  int axis;   // not negative
  Dims dims;  // of the result
};

// What becomes of `count` inputs of these shapes.
absl::StatusOr<Concatenation> Concatenate(const AxisArgument& argument, int count,
                                          absl::FunctionRef<DimsView(int)> input) {
  const DimsView first = input(0);
  const int rank = static_cast<int>(first.size());
  Concatenation result;
  DOPPIO_ASSIGN_OR_RETURN(result.axis,
                          CanonicalAxis(argument.axis, rank + (argument.add_axis ? 1 : 0)));
  int64_t total = 0;
  for (int i = 0; i < count; ++i) {
    const DimsView dims = input(i);
    bool fits = dims.size() == first.size();
    for (int d = 0; fits && d < rank; ++d) {
      fits = dims[d] == first[d] || (d == result.axis && !argument.add_axis);
    }
    if (!fits) {
      return absl::InvalidArgumentError(absl::StrCat(
          "cannot concatenate ", ShapeToString(first), " and ", ShapeToString(dims), " (input ", i,
          ")",
          argument.add_axis ? " along a new axis: they must have the same shape"
                            : absl::StrCat(": only dimension ", result.axis, " may differ")));
    }
    const int64_t size = argument.add_axis ? 1 : dims[result.axis];
    if (size > std::numeric_limits<int32_t>::max()) {
      return absl::InvalidArgumentError(absl::StrCat(
          "input ", i, " has size ", size, " along the axis, which does not fit into split_info"));
    }
    total += size;
  }
  result.dims.assign(first.begin(), first.end());
  if (argument.add_axis) {
    result.dims.insert(result.dims.begin() + result.axis, total);
  } else {
    result.dims[result.axis] = total;
  }
  DOPPIO_RETURN_IF_ERROR(NumElements(result.dims).status());
  return result;
}

// What an input adds to the size along the axis; Concatenate has seen that it fits.
int32_t SizeAlong(const AxisArgument& argument, int axis, DimsView dims) {
  return argument.add_axis ? 1 : static_cast<int32_t>(dims[axis]);
}

absl::Status CheckSameType(DataType first, DataType other, int i) {
  if (first == other) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("cannot concatenate ", DataTypeName(first),
                                                 " and ", DataTypeName(other), " (input ", i, ")"));
}

absl::Status InferConcat(InferenceContext* context) {
  const AxisArgument argument = ReadAxisArgument(context);
  DOPPIO_RETURN_IF_ERROR(context->status());
  const int count = context->InputSize();
  for (int i = 1; i < count; ++i) {
    DOPPIO_RETURN_IF_ERROR(CheckSameType(context->dtype(0), context->dtype(i), i));
  }
  DOPPIO_ASSIGN_OR_RETURN(const Concatenation result,
                          Concatenate(argument, count, [&](int i) { return context->dims(i); }));
  context->SetOutput(0, context->dtype(0), result.dims);
  DOPPIO_ASSIGN_OR_RETURN(Tensor split_info, Tensor::Create(DataType::kInt32, {count}));
  for (int i = 0; i < count; ++i) {
    split_info.mutable_data<int32_t>()[i] = SizeAlong(argument, result.axis, context->dims(i));
  }
  context->SetOutputValue(1, std::move(split_info));
  return absl::OkStatus();
}

void StateConcat(OpSchema& schema) {
  schema.NumInputs(1, OpSchema::kMany)
      .NumOutputs(2)
      .FillUsing(StateAxisArgument)
      .Arg("add_axis", "the inputs do not have the axis yet: they are stacked along a new one",
           false)
      .Input(0, "X0, X1, ...", "tensors of one type, whose shapes differ at most along the axis")
      .Output(0, "Y", "the inputs side by side")
      .Output(1, "split_info", "vector of int32: the size of each input along the axis")
      .Flops(NoFlops)
      .TensorInference(InferConcat);
}

DOPPIO_OPERATOR_SCHEMA(Concat)
    .Doc(R"DOC(
Joins tensors along a dimension. Split, given split_info, takes them apart again.

Example: [[1,2],[3,4]] and [[5,6]] along axis 0 give Y = [[1,2],[3,4],[5,6]], split_info = [2,1].
)DOC")
    .FillUsing(StateConcat);

DOPPIO_OPERATOR_SCHEMA(DepthConcat).Doc("An old name of Concat.").FillUsing(StateConcat);

template <class Context>
class ConcatOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit ConcatOp(OperatorInit* init)
      : Operator<Context>(init), argument_(ReadAxisArgument(init)) {}

  absl::Status RunOnDevice() override {
    const DataType dtype = Input(0).dtype();
    for (int i = 1; i < InputSize(); ++i) {
      DOPPIO_RETURN_IF_ERROR(CheckSameType(dtype, Input(i).dtype(), i));
    }
    DOPPIO_ASSIGN_OR_RETURN(
        const Concatenation result,
        Concatenate(argument_, InputSize(), [&](int i) { return Input(i).dims(); }));
    DOPPIO_ASSIGN_OR_RETURN(Tensor * y, Output(0, dtype, result.dims));
    DOPPIO_ASSIGN_OR_RETURN(Tensor * split_info, Output(1, DataType::kInt32, {InputSize()}));
    const int64_t rows = SizeToDim(result.dims, result.axis);
    const int64_t inner = SizeFromDim(result.dims, result.axis + 1);
    const int64_t stride = result.dims[result.axis] * inner;
    int64_t offset = 0;  // of the next input, along the axis
    for (int i = 0; i < InputSize(); ++i) {
      const int32_t size = SizeAlong(argument_, result.axis, Input(i).dims());
      split_info->mutable_data<int32_t>()[i] = size;
      if (Input(i).numel() > 0) CopyInput(Input(i), size * inner, offset * inner, stride, rows, y);
      offset += size;
    }
    return absl::OkStatus();
  }

 private:
  // x is `rows` blocks, which go to `offset`, `offset + stride`, ... of y.
  void CopyInput(const Tensor& x, int64_t block, int64_t offset, int64_t stride, int64_t rows,
                 Tensor* y) {
    if (x.Is<std::string>()) {
      CopyBlocks(x.data<std::string>(), block, y->mutable_data<std::string>() + offset, stride,
                 block, rows, &context_);
    } else {
      const int64_t bytes = static_cast<int64_t>(DataTypeSize(x.dtype()));
      CopyBlocks(x.raw_data(), block * bytes,
                 static_cast<char*>(y->raw_mutable_data()) + offset * bytes, stride * bytes,
                 block * bytes, rows, &context_);
    }
  }

  AxisArgument argument_;
};

class GetConcatGradient final : public GradientMakerBase {
  using GradientMakerBase::GradientMakerBase;
  std::vector<OperatorDef> GetGradientDefs() override {
    if (GradOut(0).IsEmpty()) return {};
    std::vector<std::string> gradients;
    for (int i = 0; i < InputSize(); ++i) gradients.push_back(GI(i));
    return SingleGradientDef("Split", "", {GO(0), O(1)}, gradients);
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(Concat, ConcatOp<CPUContext>);
DOPPIO_REGISTER_CPU_OPERATOR(DepthConcat, ConcatOp<CPUContext>);
DOPPIO_REGISTER_GRADIENT(Concat, GetConcatGradient);
DOPPIO_REGISTER_GRADIENT(DepthConcat, GetConcatGradient);

}  // namespace
}  // namespace doppio
