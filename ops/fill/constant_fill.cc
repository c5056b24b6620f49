#include <algorithm>
#include <string>

#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "ops/fill/fill_value.h"
#include "ops/fill/filler.h"
#include "src/kernel/fill.h"

namespace doppio {
namespace {

// All elements of y become the only one of `scalar`, which has y's type.
template <class Context>
absl::Status FillWith(const Tensor& scalar, Tensor* y, Context* context) {
  return DispatchType(AllTypes(), scalar.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    if constexpr (std::is_same_v<T, std::string>) {
      std::fill_n(y->mutable_data<T>(), y->numel(), *scalar.data<T>());
    } else {
      Fill(*scalar.data<T>(), y->mutable_data<T>(), y->numel(), context);
    }
    return absl::OkStatus();
  });
}

absl::Status CheckValueInput(DataType wanted, DataType dtype, DimsView dims) {
  DOPPIO_ASSIGN_OR_RETURN(const int64_t numel, NumElements(dims));
  if (dtype == wanted && numel == 1) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("the value must be a single ",
                                                 DataTypeName(wanted), ", but input 1 is ",
                                                 DataTypeName(dtype), ShapeToString(dims)));
}

absl::Status InferConstantFill(InferenceContext* context) {
  std::optional<DataType> input;
  if (context->InputSize() > 0) input = context->dtype(0);
  DOPPIO_ASSIGN_OR_RETURN(Tensor scalar, ReadFillScalar(context, input));
  if (context->InputSize() == 2) {
    DOPPIO_RETURN_IF_ERROR(CheckValueInput(scalar.dtype(), context->dtype(1), context->dims(1)));
  }
  DOPPIO_ASSIGN_OR_RETURN(const std::optional<Dims> dims, InferFillerShape(context));
  if (!dims.has_value()) return absl::OkStatus();
  context->SetOutput(0, scalar.dtype(), *dims);
  DOPPIO_ASSIGN_OR_RETURN(const int64_t numel, NumElements(*dims));
  if (context->InputSize() == 2 || numel > kMaxInferredElements) return absl::OkStatus();
  DOPPIO_ASSIGN_OR_RETURN(Tensor value, Tensor::Create(scalar.dtype(), *dims));
  CPUContext cpu;
  DOPPIO_RETURN_IF_ERROR(FillWith(scalar, &value, &cpu));
  context->SetOutputValue(0, std::move(value));
  return absl::OkStatus();
}

DOPPIO_OPERATOR_SCHEMA(ConstantFill)
    .FillUsing(StateFiller)
    .NumInputs(0, 2)
    .ShapeOnlyWhere([](const OperatorDef& def, int input) {
      ArgumentReader reader(def, nullptr);
      return input == 0 && !reader.GetSingleArgument<bool>("input_as_shape", false);
    })
    .Doc(R"DOC(
A tensor whose elements are all the same: `value`, or the only element of the second input.

Example: shape = [2,3] and value = 1.5 give [[1.5,1.5,1.5],[1.5,1.5,1.5]].
)DOC")
    .FillUsing(StateFillValue)
    .Arg("dtype_of_input", "the type is that of the first input, whatever `dtype` and `value` say",
         false)
    .Input(1, "value", "a single element of the output's type, instead of the argument")
    .Output(0, "Y", "the filled tensor")
    .TensorInference(InferConstantFill);

template <class Context>
class ConstantFillOp final : public FillerOp<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit ConstantFillOp(OperatorInit* init)
      : FillerOp<Context>(init), dtype_of_input_(init->GetSingleArgument<bool>("dtype_of_input")) {
    if (dtype_of_input_ && InputSize() == 0) {
      init->Fail(absl::InvalidArgumentError("\"dtype_of_input\" is set, but there is no input"));
    }
    absl::StatusOr<Tensor> value = ReadFillScalar(init, std::nullopt);
    init->Fail(value.status());
    if (value.ok()) value_ = *std::move(value);
  }

  absl::Status RunOnDevice() override {
    if (dtype_of_input_ && Input(0).dtype() != value_.dtype()) {
      ArgumentReader reader(this->def(), &this->schema());
      DOPPIO_ASSIGN_OR_RETURN(value_, ReadFillScalar(&reader, Input(0).dtype()));
    }
    if (InputSize() == 2) {
      DOPPIO_RETURN_IF_ERROR(CheckValueInput(value_.dtype(), Input(1).dtype(), Input(1).dims()));
    }
    DOPPIO_ASSIGN_OR_RETURN(const Dims dims, this->OutputShape());
    DOPPIO_ASSIGN_OR_RETURN(Tensor * y, Output(0, value_.dtype(), dims));
    return FillWith(InputSize() == 2 ? Input(1) : value_, y, &context_);
  }

 private:
  const bool dtype_of_input_;
  Tensor value_;  // a scalar
};

DOPPIO_REGISTER_CPU_OPERATOR(ConstantFill, ConstantFillOp<CPUContext>);
DOPPIO_NO_GRADIENT(ConstantFill);

}  // namespace
}  // namespace doppio
