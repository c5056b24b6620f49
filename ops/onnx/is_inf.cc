#include <limits>

#include "doppio/gradient_maker.h"
#include "doppio/parallel.h"
#include "doppio/registry.h"

namespace doppio {
namespace {

DOPPIO_OPERATOR_SCHEMA(IsInf)
    .NumInputs(1)
    .NumOutputs(1)
    .Doc(
        "ONNX's IsInf: whether an element is infinite.\n\nExample: X = [1,inf,-inf] gives "
        "[false,true,true], with detect_negative = 0 [false,true,false].")
    .Arg<bool>("detect_negative", "0: not where it is minus infinity", true)
    .Arg<bool>("detect_positive", "0: not where it is plus infinity", true)
    .Input(0, "X", "tensor of float or double, of any shape")
    .Output(0, "Y", "tensor of bool, of the same shape")
    .TensorInference([](InferenceContext* context) {
      context->SetOutput(0, DataType::kBool, context->dims(0));
      return absl::OkStatus();
    });

template <class Context>
class IsInfOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit IsInfOp(OperatorInit* init)
      : Operator<Context>(init),
        negative_(init->GetSingleArgument<bool>("detect_negative")),
        positive_(init->GetSingleArgument<bool>("detect_positive")) {}

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(0);
    return DispatchType(TypeList<float, double>(), x.dtype(), [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      DOPPIO_ASSIGN_OR_RETURN(Tensor * y, Output(0, DataType::kBool, x.dims()));
      const T* from = x.data<T>();
      bool* to = y->template mutable_data<bool>();
      constexpr T kInfinity = std::numeric_limits<T>::infinity();
      constexpr int64_t kGrain = 1 << 15;
      ParallelFor(y->numel(), kGrain, [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) {
          to[i] = (positive_ && from[i] == kInfinity) || (negative_ && from[i] == -kInfinity);
        }
      });
      return absl::OkStatus();
    });
  }

 private:
  const bool negative_;
  const bool positive_;
};

DOPPIO_REGISTER_CPU_OPERATOR(IsInf, IsInfOp<CPUContext>);
DOPPIO_SHOULD_NOT_DO_GRADIENT(IsInf);

}  // namespace
}  // namespace doppio
