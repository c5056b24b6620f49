#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "ops/shape/copying.h"

namespace doppio {
namespace {

absl::StatusOr<Dims> FlattenedShape(DimsView x, int64_t axis) {
  if (axis < 0 || axis > static_cast<int64_t>(x.size())) {
    return absl::InvalidArgumentError(absl::StrCat("axis is ", axis, ", but must be in [0, ",
                                                   x.size(), "] for X ", ShapeToString(x)));
  }
  // A size of 0 hides the product of all others, but not that of those on one side.
  DOPPIO_ASSIGN_OR_RETURN(const int64_t outer, NumElements(x.subspan(0, axis)));
  DOPPIO_ASSIGN_OR_RETURN(const int64_t inner, NumElements(x.subspan(axis)));
  return Dims{outer, inner};
}

DOPPIO_OPERATOR_SCHEMA(Flatten)
    .NumInputs(1)
    .NumOutputs(1)
    .Doc(R"DOC(
X as a matrix: the dimensions before `axis` become the rows, and those from `axis` on the columns.

Example: X [2,3,4] becomes [2,12], with axis=2 [6,4], and with axis=0 [1,24].
)DOC")
    .Arg<int64_t>("axis", "the first dimension of the columns, from 0 to X's rank", 1)
    .Input(0, "X", "tensor of any type, of rank `axis` or higher")
    .Output(0, "Y", "matrix of X's type")
    .TakesPhantoms({0})
    .Flops(NoFlops)
    .TensorInference([](InferenceContext* context) -> absl::Status {
      const int64_t axis = context->GetSingleArgument<int64_t>("axis");
      DOPPIO_RETURN_IF_ERROR(context->status());
      DOPPIO_ASSIGN_OR_RETURN(const Dims dims, FlattenedShape(context->dims(0), axis));
      context->SetOutput(0, context->dtype(0), dims);
      return absl::OkStatus();
    });

DOPPIO_OPERATOR_SCHEMA(FlattenToVec)
    .NumInputs(1)
    .NumOutputs(1)
    .Doc("X as a vector.\n\nExample: X [2,3,4] becomes [24].")
    .Input(0, "X", "tensor of any type, at least a vector")
    .Output(0, "Y", "vector of X's type")
    .TakesPhantoms({0})
    .Flops(NoFlops)
    .TensorInference([](InferenceContext* context) -> absl::Status {
      if (context->dims(0).empty()) return absl::InvalidArgumentError("X is a scalar");
      DOPPIO_ASSIGN_OR_RETURN(const int64_t size, NumElements(context->dims(0)));
      context->SetOutput(0, context->dtype(0), {size});
      return absl::OkStatus();
    });

DOPPIO_OPERATOR_SCHEMA(ResizeLike)
    .NumInputs(2)
    .NumOutputs(1)
    .ShapeOnly({1})
    .Doc(
        "X in the shape of another tensor of as many elements. It is the gradient of "
        "Flatten.\n\nExample: X = [1,2,3,4] and a tensor of the shape [2,2] give [[1,2],[3,4]].")
    .Input(0, "X", "tensor of any type and shape")
    .Input(1, "like", "tensor of any type, of as many elements: the shape")
    .Output(0, "Y", "tensor of X's type and the other tensor's shape")
    .Flops(NoFlops)
    .TensorInference([](InferenceContext* context) -> absl::Status {
      if (SizeFromDim(context->dims(0), 0) != SizeFromDim(context->dims(1), 0)) {
        return absl::InvalidArgumentError(absl::StrCat("X ", ShapeToString(context->dims(0)),
                                                       " and ", ShapeToString(context->dims(1)),
                                                       " must have as many elements"));
      }
      context->SetOutput(0, context->dtype(0), context->dims(1));
      return absl::OkStatus();
    });

template <class Context>
class FlattenOp final : public CopyingOperator<Context> {
 public:
  explicit FlattenOp(OperatorInit* init)
      : CopyingOperator<Context>(init), axis_(init->GetSingleArgument<int64_t>("axis")) {}

  absl::Status RunOnDevice() override {
    DOPPIO_ASSIGN_OR_RETURN(const Dims dims, FlattenedShape(this->InputOperand(0).dims, axis_));
    return this->CopyReshaped(dims);
  }

 private:
  const int64_t axis_;
};

template <class Context>
class FlattenToVecOp final : public CopyingOperator<Context> {
 public:
  explicit FlattenToVecOp(OperatorInit* init) : CopyingOperator<Context>(init) {}

  absl::Status RunOnDevice() override {
    const DimsView x = this->InputOperand(0).dims;
    if (x.empty()) {
      return absl::InvalidArgumentError(absl::StrCat("X ", this->DescribeInput(0), " is a scalar"));
    }
    return this->CopyReshaped({SizeFromDim(x, 0)});
  }
};

template <class Context>
class ResizeLikeOp final : public CopyingOperator<Context> {
 public:
  explicit ResizeLikeOp(OperatorInit* init) : CopyingOperator<Context>(init) {}

  absl::Status RunOnDevice() override {
    const Tensor& like = this->Input(1);
    if (this->Input(0).numel() != like.numel()) {
      return absl::InvalidArgumentError(absl::StrCat(
          this->DescribeInput(0), " and ", this->DescribeInput(1), " must have as many elements"));
    }
    return this->CopyReshaped(like.dims());
  }
};

class GetFlattenGradient final : public GradientMakerBase {
  using GradientMakerBase::GradientMakerBase;
  std::vector<OperatorDef> GetGradientDefs() override {
    return SingleGradientDef("ResizeLike", "", {GO(0), I(0)}, {GI(0)});
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(Flatten, FlattenOp<CPUContext>);
DOPPIO_REGISTER_CPU_OPERATOR(FlattenToVec, FlattenToVecOp<CPUContext>);
DOPPIO_REGISTER_CPU_OPERATOR(ResizeLike, ResizeLikeOp<CPUContext>);
DOPPIO_REGISTER_GRADIENT(Flatten, GetFlattenGradient);
DOPPIO_REGISTER_GRADIENT(FlattenToVec, GetFlattenGradient);
DOPPIO_SHOULD_NOT_DO_GRADIENT(ResizeLike);

}  // namespace
}  // namespace doppio
