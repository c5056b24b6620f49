// StumpFunc and StumpFuncIndex: decisions of a tree with one threshold.

#include "doppio/gradient_maker.h"
#include "doppio/registry.h"

namespace doppio {
namespace {

constexpr char kThreshold[] = "threshold";

DOPPIO_OPERATOR_SCHEMA(StumpFunc)
    .NumInputs(1)
    .NumOutputs(1)
    .Doc(R"DOC(
One of two values: Y is low_value where X <= threshold, and high_value elsewhere, also where X is NaN.

Example: X [3] = [-1, 0, 2] with threshold=0, low_value=1 and high_value=5 gives [1, 1, 5].
)DOC")
    .Arg<float>(kThreshold, "the last value of X that is low", 0.0f)
    .Arg<float>("low_value", "Y up to the threshold", 0.0f)
    .Arg<float>("high_value", "Y above it", 0.0f)
    .Input(0, "X", "float, of any shape")
    .Output(0, "Y", "float, of the same shape")
    .IdenticalTypeAndShape();

template <class Context>
class StumpFuncOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit StumpFuncOp(OperatorInit* init)
      : Operator<Context>(init),
        threshold_(init->GetSingleArgument<float>(kThreshold)),
        low_(init->GetSingleArgument<float>("low_value")),
        high_(init->GetSingleArgument<float>("high_value")) {}

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(0);
    return DispatchType(TypeList<float>(), x.dtype(), [&](auto /*float*/) -> absl::Status {
      DOPPIO_ASSIGN_OR_RETURN(Tensor * output, Output(0, x.dtype(), x.dims()));
      auto* y = output->mutable_data<float>();
      for (float value : x.span<float>()) *y++ = value <= threshold_ ? low_ : high_;
      return absl::OkStatus();
    });
  }

 private:
  const float threshold_;
  const float low_;
  const float high_;
};

DOPPIO_OPERATOR_SCHEMA(StumpFuncIndex)
    .NumInputs(1)
    .NumOutputs(2)
    .Doc(R"DOC(
Where elements are that are at most the threshold, and where the others are, NaN among them. Elements are
counted from 0, in the order in which they are stored.

Example: X [4] = [3, -1, 0, 2] with threshold=0 gives [1, 2] and [0, 3].
)DOC")
    .Arg<float>(kThreshold, "the last value of X that is low", 0.0f)
    .Input(0, "X", "float, of any shape")
    .Output(0, "Index_Low", "vector of int64: where X <= threshold")
    .Output(1, "Index_High", "vector of int64: the other places");

template <class Context>
class StumpFuncIndexOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit StumpFuncIndexOp(OperatorInit* init)
      : Operator<Context>(init), threshold_(init->GetSingleArgument<float>(kThreshold)) {}

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(0);
    return DispatchType(TypeList<float>(), x.dtype(), [&](auto /*float*/) -> absl::Status {
      int64_t count = 0;
      for (float value : x.span<float>()) count += value <= threshold_ ? 1 : 0;
      DOPPIO_ASSIGN_OR_RETURN(Tensor * lows, Output(0, DataType::kInt64, {count}));
      DOPPIO_ASSIGN_OR_RETURN(Tensor * highs, Output(1, DataType::kInt64, {x.numel() - count}));
      auto* low = lows->mutable_data<int64_t>();
      auto* high = highs->mutable_data<int64_t>();
      int64_t at = 0;
      for (float value : x.span<float>()) *(value <= threshold_ ? low++ : high++) = at++;
      return absl::OkStatus();
    });
  }

 private:
  const float threshold_;
};

DOPPIO_REGISTER_CPU_OPERATOR(StumpFunc, StumpFuncOp<CPUContext>);
DOPPIO_REGISTER_CPU_OPERATOR(StumpFuncIndex, StumpFuncIndexOp<CPUContext>);
DOPPIO_NO_GRADIENT(StumpFunc);
DOPPIO_NO_GRADIENT(StumpFuncIndex);

}  // namespace
}  // namespace doppio
