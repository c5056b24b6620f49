#include <algorithm>

#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "src/kernel/fill.h"
#include "src/kernel/reduce.h"

namespace doppio {
namespace {

DOPPIO_OPERATOR_SCHEMA(AveragedLoss)
    .NumInputs(1)
    .NumOutputs(1)
    .Doc("The mean of all elements, a scalar. The mean of an empty tensor (a batch of 0) is 0.")
    .Input(0, "X", "tensor of float or double")
    .Output(0, "loss", "scalar of X's type")
    .Flops([](const OperatorDef&, const std::vector<TensorInfo>& inputs, const auto&) {
      return SizeFromDim(*inputs[0].dims, 0);
    })
    .TensorInference([](InferenceContext* context) {
      context->SetOutput(0, context->dtype(0), {});
      return absl::OkStatus();
    });

template <class Context>
class AveragedLossOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit AveragedLossOp(OperatorInit* init) : Operator<Context>(init) {}

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(0);
    return DispatchType(TypeList<float, double>(), x.dtype(), [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      DOPPIO_ASSIGN_OR_RETURN(Tensor * loss, Output(0, x.dtype(), {}));
      T* out = loss->mutable_data<T>();
      if (x.numel() == 0) {
        *out = 0;
      } else {
        DOPPIO_RETURN_IF_ERROR(ReduceMeanTo(x.data<T>(), x.dims(), out, {}, &context_));
      }
      return absl::OkStatus();
    });
  }
};

DOPPIO_OPERATOR_SCHEMA(AveragedLossGradient)
    .NumInputs(2)
    .NumOutputs(1)
    .Doc("The gradient of AveragedLoss: every element is dloss divided by their number.")
    .Input(0, "X", "the input of AveragedLoss, of which only the shape is used")
    .Input(1, "dloss", "gradient of the loss: one element of X's type")
    .Output(0, "dX", "gradient of X")
    .IdenticalTypeAndShape();

template <class Context>
class AveragedLossGradientOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit AveragedLossGradientOp(OperatorInit* init) : Operator<Context>(init) {}

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(0);
    const Tensor& dloss = Input(1);
    if (dloss.numel() != 1 || dloss.dtype() != x.dtype()) {
      return absl::InvalidArgumentError(
          absl::StrCat("dloss must be one element of X's type, but X is ", DescribeInput(0),
                       " and dloss ", DescribeInput(1)));
    }
    return DispatchType(TypeList<float, double>(), x.dtype(), [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      const T count = static_cast<T>(std::max<int64_t>(x.numel(), 1));
      DOPPIO_ASSIGN_OR_RETURN(Tensor * dx, Output(0, x.dtype(), x.dims()));
      Fill(*dloss.data<T>() / count, dx->mutable_data<T>(), dx->numel(), &context_);
      return absl::OkStatus();
    });
  }
};

class GetAveragedLossGradient final : public GradientMakerBase {
  using GradientMakerBase::GradientMakerBase;
  std::vector<OperatorDef> GetGradientDefs() override {
    return SingleGradientDef("AveragedLossGradient", "", {I(0), GO(0)}, {GI(0)});
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(AveragedLoss, AveragedLossOp<CPUContext>);
DOPPIO_REGISTER_CPU_OPERATOR(AveragedLossGradient, AveragedLossGradientOp<CPUContext>);
DOPPIO_REGISTER_GRADIENT(AveragedLoss, GetAveragedLossGradient);

}  // namespace
}  // namespace doppio
