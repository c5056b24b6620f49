#include <cmath>

#include "doppio/gradient_maker.h"
#include "doppio/parallel.h"
#include "doppio/registry.h"

namespace doppio {
namespace {

DOPPIO_OPERATOR_SCHEMA(IsNaN)
    .NumInputs(1)
    .NumOutputs(1)
    .Doc("1 where an element is NaN, and 0 where it is not.\n\nExample: [1,NaN,inf] gives [0,1,0].")
    .Input(0, "tensor", "tensor of float or double, of any shape")
    .Output(0, "output", "tensor of uint8, of the same shape")
    .TensorInference([](InferenceContext* context) {
      context->SetOutput(0, DataType::kUInt8, context->dims(0));
      return absl::OkStatus();
    });

template <class Context>
class IsNanOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit IsNanOp(OperatorInit* init) : Operator<Context>(init) {}

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(0);
    return DispatchType(TypeList<float, double>(), x.dtype(), [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      DOPPIO_ASSIGN_OR_RETURN(Tensor * y, Output(0, DataType::kUInt8, x.dims()));
      const T* from = x.data<T>();
      uint8_t* to = y->mutable_data<uint8_t>();
      constexpr int64_t kGrain = 1 << 15;
      ParallelFor(y->numel(), kGrain, [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) to[i] = std::isnan(from[i]) ? 1 : 0;
      });
      return absl::OkStatus();
    });
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(IsNaN, IsNanOp<CPUContext>);
DOPPIO_SHOULD_NOT_DO_GRADIENT(IsNaN);

}  // namespace
}  // namespace doppio
