#include "doppio/gradient_maker.h"
#include "doppio/parallel.h"
#include "doppio/registry.h"
#include "ops/onnx/quantization.h"

namespace doppio {
namespace {

constexpr int64_t kGrain = 32768;

DOPPIO_OPERATOR_SCHEMA(DequantizeLinear)
    .NumInputs(2, 3)
    .NumOutputs(1)
    .Doc(R"DOC(
The reverse of QuantizeLinear: Y = (X - zero point) * scale. Scale and zero point are single numbers, or have
one for each index of dimension `axis`.

Example: X [3] = [128,130,255] (uint8), scale 0.5 and zero point 128 give Y [3] = [0,1,63.5].
)DOC")
    .Arg<int>("axis", "the dimension that scales are for, from the back if negative", 1)
    .Input(0, "X", "tensor of uint8, int8 or int32")
    .Input(1, "scale", "float: a single number, or a vector")
    .Input(2, "zero_point", "of X's type and scale's shape; may be left out: 0")
    .Output(0, "Y", "float tensor of X's shape")
    .TensorInference([](InferenceContext* context) -> absl::Status {
      const bool has_zero = context->InputSize() > 2;
      const DimsView zero = has_zero ? context->dims(2) : DimsView();
      DOPPIO_RETURN_IF_ERROR(ReadQuantizedAxis(context->GetSingleArgument<int>("axis"),
                                               context->dims(0), context->dims(1),
                                               has_zero ? &zero : nullptr)
                                 .status());
      context->SetOutput(0, DataType::kFloat, context->dims(0));
      return absl::OkStatus();
    });

template <class Context>
class DequantizeLinearOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit DequantizeLinearOp(OperatorInit* init)
      : Operator<Context>(init), axis_(init->GetSingleArgument<int>("axis")) {}

  absl::Status RunOnDevice() override {
    const bool has_zero = InputSize() > 2;
    const DimsView zero = has_zero ? Input(2).dims() : DimsView();
    DOPPIO_ASSIGN_OR_RETURN(
        const QuantizedAxis sizes,
        ReadQuantizedAxis(axis_, Input(0).dims(), Input(1).dims(), has_zero ? &zero : nullptr));
    if (!Input(1).template Is<float>() || (has_zero && Input(2).dtype() != Input(0).dtype())) {
      return absl::InvalidArgumentError(absl::StrCat(
          "scale must be float and the zero point of X's type, but there are ", DescribeInput(0),
          ", ", DescribeInput(1), has_zero ? absl::StrCat(" and ", DescribeInput(2)) : ""));
    }
    return DispatchType(TypeList<uint8_t, int8_t, int32_t>(), Input(0).dtype(),
                        [&](auto tag) { return Run<typename decltype(tag)::type>(sizes); });
  }

 private:
  template <typename Q>
  absl::Status Run(const QuantizedAxis& sizes) {
    DOPPIO_ASSIGN_OR_RETURN(Tensor * y, Output(0, DataType::kFloat, Input(0).dims()));
    const Q* x = Input(0).template data<Q>();
    const float* scale = Input(1).template data<float>();
    const Q* zero = InputSize() > 2 ? Input(2).template data<Q>() : nullptr;
    auto* out = y->mutable_data<float>();
    const int64_t rows = sizes.outer * sizes.channels;
    for (int64_t row = 0; row < rows; ++row) {
      const int64_t channel = row % sizes.channels;
      const float s = scale[channel];
      const int64_t z = zero == nullptr ? 0 : zero[channel];
      const int64_t at = row * sizes.inner;
      ParallelFor(sizes.inner, kGrain, [&](int64_t begin, int64_t end) {
        for (int64_t i = at + begin; i < at + end; ++i) out[i] = static_cast<float>(x[i] - z) * s;
      });
    }
    return absl::OkStatus();
  }

  const int axis_;
};

DOPPIO_REGISTER_CPU_OPERATOR(DequantizeLinear, DequantizeLinearOp<CPUContext>);
DOPPIO_NO_GRADIENT(DequantizeLinear);

}  // namespace
}  // namespace doppio
