#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "ops/shape/copying.h"
#include "src/operator/lengths_input.h"

namespace doppio {
namespace {

absl::Status CheckDimSize(int64_t dim_size) {
  if (dim_size > 0) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("dim_size is ", dim_size, ", but must be larger than 0"));
}

absl::StatusOr<Dims> SplitFirst(int64_t dim_size, DimsView x) {
  DOPPIO_RETURN_IF_ERROR(CheckNotScalar(x, "X"));
  if (x[0] % dim_size != 0) {
    return absl::InvalidArgumentError(absl::StrCat("the first dimension of X ", ShapeToString(x),
                                                   " must be a multiple of dim_size=", dim_size));
  }
  Dims y(x.begin(), x.end());
  y[0] /= dim_size;
  y.insert(y.begin(), dim_size);
  DOPPIO_RETURN_IF_ERROR(NumElements(y).status());  // of a rank above the limit
  return y;
}

absl::StatusOr<Dims> MergeFirst(DimsView x) {
  if (x.size() < 2) {
    return absl::InvalidArgumentError(
        absl::StrCat("X ", ShapeToString(x), " must have two dimensions or more"));
  }
  Dims y(x.begin() + 1, x.end());
  DOPPIO_ASSIGN_OR_RETURN(y[0], CheckedProduct(x[0], x[1]));
  return y;
}

DOPPIO_OPERATOR_SCHEMA(PrependDim)
    .NumInputs(1)
    .NumOutputs(1)
    .AllowInplace({{0, 0}})
    .Doc(R"DOC(
Splits the first dimension in two, of which the first has the size `dim_size`; the elements stay as
they are. In place nothing is copied.

Example: X [6,4] and dim_size=2 give Y [2,3,4].
)DOC")
    .RequiredArg<int64_t>("dim_size", "size of the new dimension, larger than 0")
    .Input(0, "X", "tensor of any type, whose first dimension is a multiple of dim_size")
    .Output(0, "Y", "X's elements, of X's rank plus one")
    .Flops(NoFlops)
    .TensorInference([](InferenceContext* context) -> absl::Status {
      const int64_t dim_size = context->GetSingleArgument<int64_t>("dim_size");
      DOPPIO_RETURN_IF_ERROR(context->status());
      DOPPIO_RETURN_IF_ERROR(CheckDimSize(dim_size));
      DOPPIO_ASSIGN_OR_RETURN(const Dims y, SplitFirst(dim_size, context->dims(0)));
      context->SetOutput(0, context->dtype(0), y);
      return absl::OkStatus();
    });

DOPPIO_OPERATOR_SCHEMA(MergeDim)
    .NumInputs(1)
    .NumOutputs(1)
    .AllowInplace({{0, 0}})
    .Doc(R"DOC(
Makes one dimension of the first two; the elements stay as they are. In place nothing is copied. It is
the gradient of PrependDim.

Example: X [2,3,4] gives Y [6,4].
)DOC")
    .Input(0, "X", "tensor of any type, at least a matrix")
    .Output(0, "Y", "X's elements, of X's rank less one")
    .Flops(NoFlops)
    .TensorInference([](InferenceContext* context) -> absl::Status {
      DOPPIO_ASSIGN_OR_RETURN(const Dims y, MergeFirst(context->dims(0)));
      context->SetOutput(0, context->dtype(0), y);
      return absl::OkStatus();
    });

template <class Context>
class PrependDimOp final : public CopyingOperator<Context> {
 public:
  explicit PrependDimOp(OperatorInit* init)
      : CopyingOperator<Context>(init), dim_size_(init->GetSingleArgument<int64_t>("dim_size")) {
    init->Fail(CheckDimSize(dim_size_));
  }

  absl::Status RunOnDevice() override {
    DOPPIO_ASSIGN_OR_RETURN(const Dims y, SplitFirst(dim_size_, this->Input(0).dims()));
    return this->CopyReshaped(y);
  }

 private:
  const int64_t dim_size_;
};

template <class Context>
class MergeDimOp final : public CopyingOperator<Context> {
 public:
  explicit MergeDimOp(OperatorInit* init) : CopyingOperator<Context>(init) {}

  absl::Status RunOnDevice() override {
    DOPPIO_ASSIGN_OR_RETURN(const Dims y, MergeFirst(this->Input(0).dims()));
    return this->CopyReshaped(y);
  }
};

class GetPrependDimGradient final : public GradientMakerBase {
  using GradientMakerBase::GradientMakerBase;
  bool CopyArguments() const override { return false; }
  std::vector<OperatorDef> GetGradientDefs() override {
    return SingleGradientDef("MergeDim", "", {GO(0)}, {GI(0)});
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(PrependDim, PrependDimOp<CPUContext>);
DOPPIO_REGISTER_CPU_OPERATOR(MergeDim, MergeDimOp<CPUContext>);
DOPPIO_REGISTER_GRADIENT(PrependDim, GetPrependDimGradient);
DOPPIO_GRADIENT_NOT_IMPLEMENTED_YET(MergeDim);

}  // namespace
}  // namespace doppio
