#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "ops/fill/random_filler.h"

namespace doppio {
namespace {

// The only element of an input.
template <typename T>
absl::StatusOr<T> ReadBound(const Tensor& tensor, absl::string_view name) {
  if (tensor.Is<T>() && tensor.numel() == 1) return *tensor.data<T>();
  return absl::InvalidArgumentError(absl::StrCat(name, " must be a single ",
                                                 DataTypeName(DataTypeOf<T>::value), ", but is ",
                                                 tensor.TypeAndShape()));
}

absl::Status WrongInputs(int count) {
  return absl::InvalidArgumentError(
      absl::StrCat("inputs must be none, a shape, or a shape, min and max, but are ", count));
}

absl::Status EmptiedScalar() {
  return absl::InvalidArgumentError("max is below min, but a scalar can not be empty");
}

template <typename T>
absl::Status InferUniform(InferenceContext* context) {
  if (context->InputSize() == 2) return WrongInputs(2);
  DOPPIO_ASSIGN_OR_RETURN(std::optional<Dims> dims, InferFillerShape(context));
  if (!dims.has_value()) return absl::OkStatus();
  if (context->InputSize() == 3) {
    if (context->value(1) == nullptr || context->value(2) == nullptr) return absl::OkStatus();
    DOPPIO_ASSIGN_OR_RETURN(const T min, ReadBound<T>(*context->value(1), "min"));
    DOPPIO_ASSIGN_OR_RETURN(const T max, ReadBound<T>(*context->value(2), "max"));
    if (min > max) {
      if (dims->empty()) return EmptiedScalar();
      dims->front() = 0;
    }
  }
  context->SetOutput(0, DataTypeOf<T>::value, *dims);
  return absl::OkStatus();
}

template <typename T>
void StateUniform(OpSchema& schema) {
  schema.FillUsing(StateRandomFiller)
      .NumInputs(0, 3)
      .template Arg<T>("min", "lower bound", T{0})
      .template Arg<T>("max", "upper bound", T{1})
      .Input(1, "min", "a single number of Y's type, instead of the argument")
      .Input(2, "max", "likewise; if it is below min, the first dimension of Y becomes 0")
      .TensorInference(InferUniform<T>);
}

DOPPIO_OPERATOR_SCHEMA(UniformFill)
    .FillUsing(StateUniform<float>)
    .Doc("A tensor of floats drawn from the uniform distribution between min and max.");

DOPPIO_OPERATOR_SCHEMA(UniformIntFill)
    .FillUsing(StateUniform<int32_t>)
    .Doc("A tensor of int32 drawn from the numbers from min to max, both included.");

template <typename T, class Context>
class UniformFillOp final : public FillerOp<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit UniformFillOp(OperatorInit* init)
      : FillerOp<Context>(init),
        min_(init->GetSingleArgument<T>("min")),
        max_(init->GetSingleArgument<T>("max")) {
    if (InputSize() == 2) init->Fail(WrongInputs(2));
    if (InputSize() < 3) {
      init->Fail(CheckBounds(min_, max_, false));
    } else if (init->HasArgument("min") || init->HasArgument("max")) {
      init->Fail(absl::InvalidArgumentError("min and max are given as inputs and as arguments"));
    }
  }

  absl::Status RunOnDevice() override {
    DOPPIO_ASSIGN_OR_RETURN(Dims dims, this->OutputShape());
    if (InputSize() == 3) {
      DOPPIO_ASSIGN_OR_RETURN(min_, ReadBound<T>(Input(1), "min"));
      DOPPIO_ASSIGN_OR_RETURN(max_, ReadBound<T>(Input(2), "max"));
      if (min_ > max_) {
        if (dims.empty()) return EmptiedScalar();
        dims[0] = 0;
        return Output(0, DataTypeOf<T>::value, dims).status();
      }
      DOPPIO_RETURN_IF_ERROR(CheckBounds(min_, max_, true));
    }
    DOPPIO_ASSIGN_OR_RETURN(Tensor * y, Output(0, DataTypeOf<T>::value, dims));
    FillUniform(min_, max_, y, &context_);
    return absl::OkStatus();
  }

 private:
  T min_;
  T max_;
};

using UniformFloatFillOp = UniformFillOp<float, CPUContext>;
using UniformIntFillOp = UniformFillOp<int32_t, CPUContext>;
DOPPIO_REGISTER_CPU_OPERATOR(UniformFill, UniformFloatFillOp);
DOPPIO_REGISTER_CPU_OPERATOR(UniformIntFill, UniformIntFillOp);
DOPPIO_NO_GRADIENT(UniformFill);
DOPPIO_NO_GRADIENT(UniformIntFill);

}  // namespace
}  // namespace doppio
