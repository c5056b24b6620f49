#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "src/kernel/fill.h"
#include "src/kernel/reduce.h"

namespace doppio {
namespace {

DOPPIO_OPERATOR_SCHEMA(SumElements)
    .NumInputs(1)
    .NumOutputs(1)
    .Doc(
        "The sum of all elements of X; with average=1 their mean. The sum of nothing is 0, its "
        "mean NaN.")
    .Arg<bool>("average", "1: divide by the number of elements", false)
    .Input(0, "X", "tensor of any shape, of float, double, int32, int64, float16 or bfloat16")
    .Output(0, "sum", "scalar of X's type")
    .Flops([](const OperatorDef&, const std::vector<TensorInfo>& inputs, const auto&) {
      return SizeFromDim(*inputs[0].dims, 0);
    })
    .TensorInference([](InferenceContext* context) {
      context->SetOutput(0, context->dtype(0), {});
      return absl::OkStatus();
    });

DOPPIO_OPERATOR_SCHEMA(SumElementsInt)
    .NumInputs(1)
    .NumOutputs(1)
    .Doc("The sum of all elements of X, which are whole numbers; it wraps.")
    .Input(0, "X", "tensor of any shape, of int32 or int64")
    .Output(0, "sum", "scalar of X's type")
    .Flops([](const OperatorDef&, const std::vector<TensorInfo>& inputs, const auto&) {
      return SizeFromDim(*inputs[0].dims, 0);
    })
    .TensorInference([](InferenceContext* context) {
      context->SetOutput(0, context->dtype(0), {});
      return absl::OkStatus();
    });

template <class Context, class Types>
class SumElementsOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit SumElementsOp(OperatorInit* init)
      : Operator<Context>(init), average_(init->GetSingleArgument<bool>("average", false)) {}

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(0);
    return DispatchType(Types(), x.dtype(), [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      DOPPIO_ASSIGN_OR_RETURN(Tensor * sum, Output(0, x.dtype(), {}));
      return (average_ ? ReduceMeanTo<T> : ReduceSumTo<T>)(x.data<T>(), x.dims(),
                                                           sum->mutable_data<T>(), {}, &context_);
    });
  }

 private:
  const bool average_;
};

DOPPIO_OPERATOR_SCHEMA(SumElementsGradient)
    .NumInputs(2)
    .NumOutputs(1)
    .Doc(
        "The gradient of SumElements: every element of dX is dsum, with average=1 divided by the "
        "number of elements.")
    .Arg<bool>("average", "as given to SumElements", false)
    .Input(0, "X", "SumElements' input, of which only type and shape are used: float or double")
    .Input(1, "dsum", "gradient of the sum: one element of X's type")
    .Output(0, "dX", "gradient of X, of its type and shape")
    .ShapeOnly({0})
    .IdenticalTypeAndShape();

template <class Context>
class SumElementsGradientOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit SumElementsGradientOp(OperatorInit* init)
      : Operator<Context>(init), average_(init->GetSingleArgument<bool>("average")) {}

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(0);
    const Tensor& dsum = Input(1);
    if (dsum.numel() != 1 || dsum.dtype() != x.dtype()) {
      return absl::InvalidArgumentError(absl::StrCat(
          "dsum ", DescribeInput(1), " must be one element of the type of X ", DescribeInput(0)));
    }
    return DispatchType(TypeList<float, double>(), x.dtype(), [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      DOPPIO_ASSIGN_OR_RETURN(Tensor * dx, Output(0, x.dtype(), x.dims()));
      const T each = average_ ? *dsum.data<T>() / static_cast<T>(dx->numel()) : *dsum.data<T>();
      Fill(each, dx->mutable_data<T>(), dx->numel(), &context_);
      return absl::OkStatus();
    });
  }

 private:
  const bool average_;
};

class GetSumElementsGradient final : public GradientMakerBase {
  using GradientMakerBase::GradientMakerBase;
  std::vector<OperatorDef> GetGradientDefs() override {
    return SingleGradientDef("SumElementsGradient", "", {I(0), GO(0)}, {GI(0)});
  }
};

using SummedTypes = TypeList<float, double, int32_t, int64_t, float16, bfloat16>;
using WholeTypes = TypeList<int32_t, int64_t>;
DOPPIO_REGISTER_CPU_OPERATOR(SumElements, SumElementsOp<CPUContext, SummedTypes>);
DOPPIO_REGISTER_CPU_OPERATOR(SumElementsInt, SumElementsOp<CPUContext, WholeTypes>);
DOPPIO_REGISTER_CPU_OPERATOR(SumElementsGradient, SumElementsGradientOp<CPUContext>);
DOPPIO_REGISTER_GRADIENT(SumElements, GetSumElementsGradient);
DOPPIO_SHOULD_NOT_DO_GRADIENT(SumElementsInt);

}  // namespace
}  // namespace doppio
