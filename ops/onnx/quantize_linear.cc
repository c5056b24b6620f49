#include "doppio/gradient_maker.h"
#include "doppio/parallel.h"
#include "doppio/registry.h"
#include "ops/onnx/quantization.h"

namespace doppio {
namespace {

constexpr int64_t kGrain = 32768;

DOPPIO_OPERATOR_SCHEMA(QuantizeLinear)
    .NumInputs(2, 3)
    .NumOutputs(1)
    .Doc(R"DOC(
Numbers of 8 bits: Y is X / scale, rounded to the nearest whole number (ties to even), plus the zero point, and
within what the type has. NaN gives the least number. Scale and zero point are single numbers, or have one for
each index of dimension `axis`.

Example: X [3] = [0,1.25,1000], scale 0.5 and zero point 128 (uint8) give Y [3] = [128,130,255].
)DOC")
    .Arg<int>("axis", "the dimension that scales are for, from the back if negative", 1)
    .Input(0, "X", "tensor of float, double or int32")
    .Input(1, "scale", "float: a single number, or a vector")
    .Input(2, "zero_point", "uint8 or int8, of scale's shape; may be left out: 0, and Y is uint8")
    .Output(0, "Y", "tensor of X's shape and zero_point's type")
    .TensorInference([](InferenceContext* context) -> absl::Status {
      const bool has_zero = context->InputSize() > 2;
      const DimsView zero = has_zero ? context->dims(2) : DimsView();
      DOPPIO_RETURN_IF_ERROR(ReadQuantizedAxis(context->GetSingleArgument<int>("axis"),
                                               context->dims(0), context->dims(1),
                                               has_zero ? &zero : nullptr)
                                 .status());
      context->SetOutput(0, has_zero ? context->dtype(2) : DataType::kUInt8, context->dims(0));
      return absl::OkStatus();
    });

template <class Context>
class QuantizeLinearOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit QuantizeLinearOp(OperatorInit* init)
      : Operator<Context>(init), axis_(init->GetSingleArgument<int>("axis")) {}

  absl::Status RunOnDevice() override {
    const bool has_zero = InputSize() > 2;
    const DimsView zero = has_zero ? Input(2).dims() : DimsView();
    DOPPIO_ASSIGN_OR_RETURN(
        const QuantizedAxis sizes,
        ReadQuantizedAxis(axis_, Input(0).dims(), Input(1).dims(), has_zero ? &zero : nullptr));
    if (!Input(1).template Is<float>()) {
      return absl::InvalidArgumentError(
          absl::StrCat("scale must be float, but there is ", DescribeInput(1)));
    }
    const DataType out = has_zero ? Input(2).dtype() : DataType::kUInt8;
    return DispatchType(TypeList<float, double, int32_t>(), Input(0).dtype(), [&](auto tag) {
      using T = typename decltype(tag)::type;
      return DispatchType(TypeList<uint8_t, int8_t>(), out, [&](auto out_tag) {
        return Run<T, typename decltype(out_tag)::type>(sizes);
      });
    });
  }

 private:
  template <typename T, typename Q>
  absl::Status Run(const QuantizedAxis& sizes) {
    using Real = std::conditional_t<std::is_same_v<T, float>, float, double>;
    DOPPIO_ASSIGN_OR_RETURN(Tensor * y, Output(0, DataTypeOf<Q>::value, Input(0).dims()));
    const T* x = Input(0).template data<T>();
    const float* scale = Input(1).template data<float>();
    const Q* zero = InputSize() > 2 ? Input(2).template data<Q>() : nullptr;
    Q* out = y->mutable_data<Q>();
    const int64_t rows = sizes.outer * sizes.channels;
    for (int64_t row = 0; row < rows; ++row) {
      const int64_t channel = row % sizes.channels;
      const Real s = scale[channel];
      const int32_t z = zero == nullptr ? 0 : zero[channel];
      const int64_t at = row * sizes.inner;
      ParallelFor(sizes.inner, kGrain, [&](int64_t begin, int64_t end) {
        for (int64_t i = at + begin; i < at + end; ++i) {
          out[i] = Quantized<Q>(static_cast<Real>(x[i]), s, z);
        }
      });
    }
    return absl::OkStatus();
  }

  const int axis_;
};

DOPPIO_REGISTER_CPU_OPERATOR(QuantizeLinear, QuantizeLinearOp<CPUContext>);
DOPPIO_NO_GRADIENT(QuantizeLinear);

}  // namespace
}  // namespace doppio
