#include <algorithm>

#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "ops/shape/copying.h"
#include "src/operator/shape_input.h"

namespace doppio {
namespace {

absl::Status CannotReshape(DimsView x, DimsView wanted, absl::string_view why) {
  return absl::InvalidArgumentError(
      absl::StrCat("cannot reshape ", ShapeToString(x), " to ", ShapeToString(wanted), ": ", why));
}

// The shape that is meant by `wanted`: 0 keeps the size that x has at that place, and one -1 is
// what is left. Where x has no elements, a 0 behind its dimensions is a size, and -1 is 0. A
// gradient operator goes back to the shape of a tensor, where 0 is a size.
absl::StatusOr<Dims> ReshapedShape(DimsView x, DimsView wanted, bool is_gradient_op) {
  if (wanted.size() > static_cast<size_t>(kMaxRank)) {
    return absl::InvalidArgumentError(absl::StrCat("cannot reshape ", ShapeToString(x), " to rank ",
                                                   wanted.size(), ", the limit is ", kMaxRank));
  }
  DOPPIO_ASSIGN_OR_RETURN(const int64_t numel, NumElements(x));
  Dims result(wanted.begin(), wanted.end());
  int rest = -1;  // the dimension that is what is left
  int64_t size = 1;
  for (size_t i = 0; i < result.size(); ++i) {
    if (result[i] == 0 && !is_gradient_op) {
      if (i < x.size()) {
        result[i] = x[i];
      } else if (numel > 0) {
        return CannotReshape(x, wanted, absl::StrCat("there is no dimension ", i, " to keep"));
      }
    }
    if (result[i] == -1) {
      if (rest >= 0) return CannotReshape(x, wanted, "only one dimension may be -1");
      rest = static_cast<int>(i);
    } else if (result[i] < 0) {
      return CannotReshape(x, wanted, absl::StrCat(result[i], " is no size"));
    } else {
      DOPPIO_ASSIGN_OR_RETURN(size, CheckedProduct(size, result[i]));
    }
  }
  if (rest >= 0 && numel == 0) {
    result[rest] = 0;
  } else if (rest >= 0) {
    if (size == 0) return CannotReshape(x, wanted, "-1 stands beside a size of 0");
    if (numel % size != 0) {
      return CannotReshape(x, wanted, absl::StrCat(numel, " elements are no multiple of ", size));
    }
    result[rest] = numel / size;
  } else if (size != numel) {
    return CannotReshape(x, wanted, absl::StrCat(numel, " elements are not ", size));
  }
  return result;
}

constexpr char kShapeGivenTwice[] = "the shape is given both as an input and as an argument";
constexpr char kShapeMissing[] = "the shape is missing: give the argument \"shape\" or an input";

// The argument `shape`; InvalidArgument unless it is there exactly when the input is not.
absl::StatusOr<Dims> ShapeArgument(ArgumentReader* reader, int input_size) {
  const bool given = reader->HasArgument("shape");
  if (given == (input_size == 2)) {
    return absl::InvalidArgumentError(given ? kShapeGivenTwice : kShapeMissing);
  }
  const std::vector<int64_t> shape = reader->GetRepeatedArgument<int64_t>("shape");
  DOPPIO_RETURN_IF_ERROR(reader->status());
  return Dims(shape.begin(), shape.end());
}

absl::Status InferReshape(InferenceContext* context) {
  const DimsView x = context->dims(0);
  DOPPIO_ASSIGN_OR_RETURN(Tensor old_shape,
                          Tensor::FromSpan<int64_t>({static_cast<int64_t>(x.size())}, x));
  context->SetOutputValue(1, std::move(old_shape));
  DOPPIO_ASSIGN_OR_RETURN(Dims wanted, ShapeArgument(context, context->InputSize()));
  if (context->InputSize() == 2) {
    if (context->value(1) == nullptr) return absl::OkStatus();
    DOPPIO_ASSIGN_OR_RETURN(wanted, ShapeFromTensor(*context->value(1), "shape"));
  }
  DOPPIO_ASSIGN_OR_RETURN(const Dims y, ReshapedShape(x, wanted, context->def().is_gradient_op()));
  context->SetOutput(0, context->dtype(0), y);
  return absl::OkStatus();
}

DOPPIO_OPERATOR_SCHEMA(Reshape)
    .NumInputs(1, 2)
    .NumOutputs(1, 2)
    .AllowInplace({{0, 0}})
    .Doc(R"DOC(
Gives a tensor another shape of as many elements, which stay in their order. The shape is an
argument or an input, not both. In it, 0 keeps the size that the input has at that place, and one size may be
-1: it becomes what is left (of a tensor without elements 0). In place nothing is copied.

Example: X [2,3,4] and shape = [0,-1] give Y [2,12] and old_shape = [2,3,4].
)DOC")
    .OptionalArg<std::vector<int64_t>>("shape", "the new shape, unless it is an input")
    .Input(0, "X", "tensor of any type and shape")
    .Input(1, "shape", "vector of int32 or int64: the new shape, unless it is an argument")
    .Output(0, "Y", "X's elements in the new shape")
    .Output(1, "old_shape",
            "vector of int64: X's shape; may be left out, but the gradient needs it")
    .Flops(NoFlops)
    .TakesPhantoms({0})
    .BytesOfUnknownOutputs(BytesOfInput0)
    .TensorInference(InferReshape);

template <class Context>
class ReshapeOp final : public CopyingOperator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit ReshapeOp(OperatorInit* init) : CopyingOperator<Context>(init) {
    const absl::StatusOr<Dims> shape = ShapeArgument(init, InputSize());
    if (shape.ok()) shape_ = *shape;
    init->Fail(shape.status());
  }

  absl::Status RunOnDevice() override {
    const DimsView x = this->InputOperand(0).dims;
    if (InputSize() == 2) {
      DOPPIO_ASSIGN_OR_RETURN(shape_, ShapeFromTensor(Input(1), "shape"));
    }
    DOPPIO_ASSIGN_OR_RETURN(const Dims y, ReshapedShape(x, shape_, this->def().is_gradient_op()));
    if (OutputSize() > 1) {
      DOPPIO_ASSIGN_OR_RETURN(Tensor * old_shape,
                              Output(1, DataType::kInt64, {static_cast<int64_t>(x.size())}));
      std::copy(x.begin(), x.end(), old_shape->mutable_data<int64_t>());
    }
    return this->CopyReshaped(y);
  }

 private:
  Dims shape_;
};

class GetReshapeGradient final : public GradientMakerBase {
  using GradientMakerBase::GradientMakerBase;
  // The shape to go back to is an input.
  bool CopyArguments() const override { return false; }
  std::vector<OperatorDef> GetGradientDefs() override {
    return SingleGradientDef("Reshape", "", {GO(0), O(1)}, {GI(0), "_" + GI(0) + "_dims"});
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(Reshape, ReshapeOp<CPUContext>);
DOPPIO_REGISTER_GRADIENT(Reshape, GetReshapeGradient);

}  // namespace
}  // namespace doppio
