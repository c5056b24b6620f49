#include <algorithm>

#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "ops/onnx/quantization.h"

namespace doppio {
namespace {

DOPPIO_OPERATOR_SCHEMA(DynamicQuantizeLinear)
    .NumInputs(1)
    .NumOutputs(3)
    .Doc(R"DOC(
Numbers of 8 bits with a scale and a zero point that are found so that they reach from the least element of X to
the largest, and have 0 among them: scale = (max(X, 0) - min(X, 0)) / 255, and the zero point is
-min(X, 0) / scale, rounded. Y is what QuantizeLinear makes of X by them. Where X is 0 throughout, all three are 0.

Example: X [2] = [-1,4.1] gives Y = [0,255], y_scale = 0.02 and y_zero_point = 50.
)DOC")
    .Input(0, "X", "float tensor")
    .Output(0, "Y", "uint8 tensor of X's shape")
    .Output(1, "y_scale", "float scalar")
    .Output(2, "y_zero_point", "uint8 scalar")
    .TensorInference([](InferenceContext* context) {
      context->SetOutput(0, DataType::kUInt8, context->dims(0));
      context->SetOutput(1, DataType::kFloat, {});
      context->SetOutput(2, DataType::kUInt8, {});
      return absl::OkStatus();
    });

template <class Context>
class DynamicQuantizeLinearOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit DynamicQuantizeLinearOp(OperatorInit* init) : Operator<Context>(init) {}

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(0);
    return DispatchType(TypeList<float>(), x.dtype(), [&](auto) -> absl::Status {
      DOPPIO_ASSIGN_OR_RETURN(Tensor * y, Output(0, DataType::kUInt8, x.dims()));
      DOPPIO_ASSIGN_OR_RETURN(Tensor * y_scale, Output(1, DataType::kFloat, {}));
      DOPPIO_ASSIGN_OR_RETURN(Tensor * y_zero, Output(2, DataType::kUInt8, {}));
      const absl::Span<const float> values = x.span<float>();
      float least = 0;
      float most = 0;
      for (float value : values) {
        least = std::min(least, value);
        most = std::max(most, value);
      }
      const float scale = (most - least) / 255;
      const uint8_t zero = Quantized<uint8_t>(-least, scale, 0);
      *y_scale->mutable_data<float>() = scale;
      *y_zero->mutable_data<uint8_t>() = zero;
      std::transform(values.begin(), values.end(), y->mutable_data<uint8_t>(),
                     [=](float value) { return Quantized<uint8_t>(value, scale, zero); });
      return absl::OkStatus();
    });
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(DynamicQuantizeLinear, DynamicQuantizeLinearOp<CPUContext>);
DOPPIO_NO_GRADIENT(DynamicQuantizeLinear);

}  // namespace
}  // namespace doppio
