#include <limits>

#include "ops/elementwise/unary.h"
#include "src/kernel/elementwise_binary.h"

namespace doppio {
namespace {

using SumIntTypes = TypeList<int32_t, int64_t>;

void State(OpSchema* schema, const char* types) {
  schema->NumInputs(1, OpSchema::kMany)
      .NumOutputs(1)
      .AllowInplace({{0, 0}})
      .Input(0, "X0", absl::StrCat("tensor of ", types, "; the others have its type and shape"))
      .Output(0, "Y", "tensor of the same type and shape")
      .Flops([](const OperatorDef&, const std::vector<TensorInfo>& inputs, const auto&) {
        const int64_t additions = static_cast<int64_t>(inputs.size()) - 1;
        return CheckedProduct(additions, SizeFromDim(*inputs[0].dims, 0))
            .value_or(std::numeric_limits<int64_t>::max());
      })
      .TensorInference([](InferenceContext* context) -> absl::Status {
        for (int i = 1; i < context->InputSize(); ++i) {
          if (context->dtype(i) != context->dtype(0) || context->dims(i) != context->dims(0)) {
            return absl::InvalidArgumentError(
                absl::StrCat("input ", i, " is ", DataTypeName(context->dtype(i)),
                             ShapeToString(context->dims(i)), ", but input 0 is ",
                             DataTypeName(context->dtype(0)), ShapeToString(context->dims(0))));
          }
        }
        context->SetOutput(0, context->dtype(0), context->dims(0));
        return absl::OkStatus();
      });
}

DOPPIO_OPERATOR_SCHEMA(Sum)
    .FillUsing([](OpSchema& schema) { State(&schema, kArithmetic); })
    .Doc("The sum of tensors of one shape: Y = X0 + X1 + ..., added in this order.");

DOPPIO_OPERATOR_SCHEMA(SumInt)
    .FillUsing([](OpSchema& schema) { State(&schema, "int32 or int64"); })
    .Doc(
        "The sum of tensors of integers of one shape: Y = X0 + X1 + ...; sums wrap.\n\nExample: "
        "[1,2], [3,4] and [5,6] give [9,12].");

template <class Context, class Types>
class SumOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit SumOp(OperatorInit* init) : Operator<Context>(init) {}

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(0);
    for (int i = 1; i < InputSize(); ++i) {
      if (Input(i).dtype() != x.dtype() || Input(i).dims() != x.dims()) {
        return absl::InvalidArgumentError(absl::StrCat("input ", i, " ", DescribeInput(i),
                                                       " has not the type and shape of input 0 ",
                                                       DescribeInput(0)));
      }
    }
    return DispatchType(Types(), x.dtype(), [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      DOPPIO_ASSIGN_OR_RETURN(Tensor * y, Output(0, x.dtype(), x.dims()));
      absl::InlinedVector<const T*, 16> terms;
      for (int i = 0; i < InputSize(); ++i) terms.push_back(Input(i).template data<T>());
      SumOf<T>(terms, y->mutable_data<T>(), y->numel(), &context_);
      return absl::OkStatus();
    });
  }
};

// dY is the gradient of every term: no operator is needed.
class GetSumGradient final : public GradientMakerBase {
  using GradientMakerBase::GradientMakerBase;
  std::vector<OperatorDef> GetGradientDefs() override {
    for (int i = 0; i < InputSize(); ++i) SetDense(i, GO(0));
    return {};
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(Sum, SumOp<CPUContext, ArithmeticTypes>);
DOPPIO_REGISTER_CPU_OPERATOR(SumInt, SumOp<CPUContext, SumIntTypes>);
DOPPIO_REGISTER_GRADIENT(Sum, GetSumGradient);
DOPPIO_SHOULD_NOT_DO_GRADIENT(SumInt);

}  // namespace
}  // namespace doppio
