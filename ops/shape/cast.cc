#include "src/kernel/cast.h"

#include <string>

#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "ops/shape/copying.h"

namespace doppio {
namespace {

// Caffe2 has this default too, though its documentation asks for the argument.
DataType TargetType(ArgumentReader* reader) {
  return reader->GetDataTypeArgument("to", DataType::kFloat);
}

absl::Status CheckSource(DataType from) {
  if (IsNumeric(from)) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("cannot cast from ", DataTypeName(from)));
}

DOPPIO_OPERATOR_SCHEMA(Cast)
    .NumInputs(1)
    .NumOutputs(1)
    .Doc(R"DOC(
Converts each element to another type: from any type of numbers to any other, and to strings.

To bool, zero becomes false and anything else true. Between integers the value is taken modulo
2^bits. Floating point numbers lose their fraction when they become integers; those out of range become the
nearest integer that the type has, and NaN becomes 0. To floating point, values are rounded to
nearest, ties to even. Strings are what std::to_string makes of a number.
)DOC")
    .AnyArg("to",
            "the type to convert to: a number of TensorProto.DataType, or a name like \"float16\"; "
            "default: float")
    .AnyArg("from_type", "X's type, likewise; only the gradient needs it")
    .Input(0, "X", "tensor of any shape and type of numbers")
    .Output(0, "Y", "tensor of X's shape and the type `to`")
    .TensorInference([](InferenceContext* context) -> absl::Status {
      DOPPIO_RETURN_IF_ERROR(CheckSource(context->dtype(0)));
      context->SetOutput(0, TargetType(context), context->dims(0));
      return absl::OkStatus();
    });

template <class Context>
class CastOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit CastOp(OperatorInit* init) : Operator<Context>(init), to_(TargetType(init)) {}

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(0);
    DOPPIO_RETURN_IF_ERROR(CheckSource(x.dtype()));
    DOPPIO_ASSIGN_OR_RETURN(Tensor * y, Output(0, to_, x.dims()));
    if (to_ == DataType::kString) return ToStrings(x, y->mutable_data<std::string>());
    Cast(x.dtype(), x.raw_data(), to_, y->raw_mutable_data(), x.numel(), &context_);
    return absl::OkStatus();
  }

 private:
  static absl::Status ToStrings(const Tensor& x, std::string* y) {
    return DispatchType(AllNumericTypes(), x.dtype(), [&](auto tag) {
      using T = typename decltype(tag)::type;
      for (const T& value : x.span<T>()) {
        if constexpr (std::is_arithmetic_v<T>) {
          *y++ = std::to_string(value);
        } else {
          *y++ = std::to_string(static_cast<float>(value));
        }
      }
      return absl::OkStatus();
    });
  }

  DataType to_;
};

class GetCastGradient final : public GradientMakerBase {
  using GradientMakerBase::GradientMakerBase;
  bool CopyArguments() const override { return false; }
  std::vector<OperatorDef> GetGradientDefs() override {
    ArgumentReader reader(Def(), nullptr);
    if (!reader.HasArgument("from_type")) {
      Fail(absl::InvalidArgumentError("the gradient of Cast needs the argument \"from_type\""));
    }
    const int64_t to = static_cast<int64_t>(TargetType(&reader));
    const int64_t from =
        static_cast<int64_t>(reader.GetDataTypeArgument("from_type", DataType::kFloat));
    Fail(reader.status());
    return SingleGradientDef("Cast", "", {GO(0)}, {GI(0)},
                             {MakeArgument("to", from), MakeArgument("from_type", to)});
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(Cast, CastOp<CPUContext>);
DOPPIO_REGISTER_GRADIENT(Cast, GetCastGradient);

}  // namespace
}  // namespace doppio
