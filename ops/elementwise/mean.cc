#include <limits>

#include "ops/elementwise/unary.h"
#include "src/kernel/elementwise_binary.h"

namespace doppio {
namespace {

DOPPIO_OPERATOR_SCHEMA(Mean)
    .NumInputs(1, OpSchema::kMany)
    .NumOutputs(1)
    .AllowInplace({{0, 0}})
    .Doc("The mean of tensors of one shape, element by element: Y = (X0 + X1 + ...) / n.")
    .Input(0, "X0", "tensor of float or double; the others have its type and shape")
    .Output(0, "Y", "tensor of the same type and shape")
    .Flops([](const OperatorDef&, const std::vector<TensorInfo>& inputs, const auto&) {
      return CheckedProduct(static_cast<int64_t>(inputs.size()), SizeFromDim(*inputs[0].dims, 0))
          .value_or(std::numeric_limits<int64_t>::max());
    })
    .TensorInference([](InferenceContext* context) -> absl::Status {
      for (int i = 1; i < context->InputSize(); ++i) {
        if (context->dtype(i) == context->dtype(0) && context->dims(i) == context->dims(0)) {
          continue;
        }
        return absl::InvalidArgumentError(absl::StrCat(
            "input ", i, " is ", DataTypeName(context->dtype(i)), ShapeToString(context->dims(i)),
            ", but input 0 is ", DataTypeName(context->dtype(0)), ShapeToString(context->dims(0))));
      }
      context->SetOutput(0, context->dtype(0), context->dims(0));
      return absl::OkStatus();
    });

template <class Context>
class MeanOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit MeanOp(OperatorInit* init) : Operator<Context>(init) {}

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(0);
    for (int i = 1; i < InputSize(); ++i) {
      if (Input(i).dtype() == x.dtype() && Input(i).dims() == x.dims()) continue;
      return absl::InvalidArgumentError(absl::StrCat("input ", i, " ", DescribeInput(i),
                                                     " has not the type and shape of input 0 ",
                                                     DescribeInput(0)));
    }
    return DispatchType(FloatingPointTypes(), x.dtype(), [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      DOPPIO_ASSIGN_OR_RETURN(Tensor * y, Output(0, x.dtype(), x.dims()));
      absl::InlinedVector<const T*, 16> terms;
      for (int i = 0; i < InputSize(); ++i) terms.push_back(Input(i).template data<T>());
      T* sum = y->mutable_data<T>();
      SumOf<T>(terms, sum, y->numel(), &context_);
      const T factor = T(1) / static_cast<T>(InputSize());
      Mul(sum, y->dims(), &factor, {}, sum, y->dims(), &context_);
      return absl::OkStatus();
    });
  }
};

DOPPIO_OPERATOR_SCHEMA(MeanGradient)
    .NumInputs(1)
    .NumOutputs(1, OpSchema::kMany)
    .AllowInplace({{0, 0}})
    .Doc("The gradient of Mean: dY divided by the number of outputs, for each of them.")
    .Input(0, "dY", "gradient of Mean's output: float or double")
    .Output(0, "dX0", "gradient of X0, of dY's shape; the others are the same")
    .IdenticalTypeAndShape();

template <class Context>
class MeanGradientOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit MeanGradientOp(OperatorInit* init) : Operator<Context>(init) {}

  absl::Status RunOnDevice() override {
    const DataType type = Input(0).dtype();
    return DispatchType(FloatingPointTypes(), type, [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      const T factor = T(1) / static_cast<T>(OutputSize());
      for (int i = OutputSize() - 1; i >= 0; --i) {  // output 0, which may be dY, comes last
        DOPPIO_ASSIGN_OR_RETURN(Tensor * dx, Output(i, type, Input(0).dims()));
        Mul(Input(0).template data<T>(), dx->dims(), &factor, {}, dx->mutable_data<T>(), dx->dims(),
            &context_);
      }
      return absl::OkStatus();
    });
  }
};

class GetMeanGradient final : public GradientMakerBase {
  using GradientMakerBase::GradientMakerBase;
  std::vector<OperatorDef> GetGradientDefs() override {
    std::vector<std::string> outputs;
    for (int i = 0; i < InputSize(); ++i) outputs.push_back(GI(i));
    return SingleGradientDef("MeanGradient", "", {GO(0)}, outputs);
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(Mean, MeanOp<CPUContext>);
DOPPIO_REGISTER_CPU_OPERATOR(MeanGradient, MeanGradientOp<CPUContext>);
DOPPIO_REGISTER_GRADIENT(Mean, GetMeanGradient);

}  // namespace
}  // namespace doppio
