#ifndef DOPPIO_OPS_ELEMENTWISE_MINMAX_H_
#define DOPPIO_OPS_ELEMENTWISE_MINMAX_H_

// What Max and Min of many tensors have in common.

#include <algorithm>

#include "ops/elementwise/binary.h"
#include "ops/elementwise/unary.h"

namespace doppio {

inline absl::Status CheckOneShape(const OperatorBase& op) {
  const Tensor& first = *op.InputBlob(0).Get<Tensor>();
  for (int i = 1; i < op.InputSize(); ++i) {
    const Tensor& input = *op.InputBlob(i).Get<Tensor>();
    if (input.dtype() == first.dtype() && input.dims() == first.dims()) continue;
    return absl::InvalidArgumentError(
        absl::StrCat("the inputs must have the same type and shape, but are ", op.DescribeInput(0),
                     " and ", op.DescribeInput(i)));
  }
  return absl::OkStatus();
}

inline absl::Status InferOneShape(InferenceContext* context, int outputs) {
  for (int i = 1; i < context->InputSize(); ++i) {
    if (context->dtype(i) == context->dtype(0) && context->dims(i) == context->dims(0)) continue;
    return absl::InvalidArgumentError(absl::StrCat(
        "the inputs must have the same type and shape, but input 0 is ",
        DataTypeName(context->dtype(0)), ShapeToString(context->dims(0)), " and input ", i, " ",
        DataTypeName(context->dtype(i)), ShapeToString(context->dims(i))));
  }
  for (int i = 0; i < outputs; ++i) context->SetOutput(i, context->dtype(0), context->dims(0));
  return absl::OkStatus();
}

// Y = f(X0, X1, ...), from the left. Function: a DOPPIO_BINARY_KERNEL.
template <class Context, class Function>
class FoldOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit FoldOp(OperatorInit* init) : Operator<Context>(init) {}

  absl::Status RunOnDevice() override {
    const DataType type = Input(0).dtype();
    DOPPIO_RETURN_IF_ERROR(CheckOneShape(*this));
    return DispatchType(ArithmeticTypes(), type, [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      DOPPIO_ASSIGN_OR_RETURN(Tensor * y, Output(0, type, Input(0).dims()));
      const T* first = Input(0).template data<T>();
      T* to = y->mutable_data<T>();
      if (InputSize() == 1 && first != to) std::copy_n(first, y->numel(), to);
      const DimsView dims = y->dims();
      for (int i = 1; i < InputSize(); ++i) {
        Function()(i == 1 ? first : to, dims, Input(i).template data<T>(), dims, to, dims,
                   &context_);
      }
      return absl::OkStatus();
    });
  }
};

// dXi = dY where Xi is the first that is Y, else 0. (Of equal ones Caffe2 gives each of them the
// whole dY, so that the gradient of Max(X, X) is twice what it should be.) Inputs: Y, dY, X0, ...
template <class Context>
class SelectGradientOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit SelectGradientOp(OperatorInit* init) : Operator<Context>(init) {
    if (InputSize() != OutputSize() + 2) {
      init->Fail(absl::InvalidArgumentError(
          absl::StrCat("the inputs must be Y, dY and as many as the ", OutputSize(),
                       " outputs, but there are ", InputSize())));
    }
  }

  absl::Status RunOnDevice() override {
    const DataType type = Input(0).dtype();
    DOPPIO_RETURN_IF_ERROR(CheckOneShape(*this));
    return DispatchType(ArithmeticTypes(), type, [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      for (int i = 0; i < OutputSize(); ++i) {
        DOPPIO_ASSIGN_OR_RETURN(Tensor * dx, Output(i, type, Input(0).dims()));
        const T* y = Input(0).template data<T>();
        const T* dy = Input(1).template data<T>();
        const T* x = Input(i + 2).template data<T>();
        T* to = dx->mutable_data<T>();
        ParallelFor(dx->numel(), kCheapGrain, [=](int64_t begin, int64_t end) {
          for (int64_t j = begin; j < end; ++j) to[j] = x[j] == y[j] ? dy[j] : T(0);
        });
        for (int earlier = 2; earlier < i + 2; ++earlier) {
          const T* first = Input(earlier).template data<T>();
          ParallelFor(dx->numel(), kCheapGrain, [=](int64_t begin, int64_t end) {
            for (int64_t j = begin; j < end; ++j) to[j] = first[j] == y[j] ? T(0) : to[j];
          });
        }
      }
      return absl::OkStatus();
    });
  }
};

// The maker of <Type>Gradient(Y, dY, X0, X1, ...) -> dX0, dX1, ...
class GetSelectGradient final : public GradientMakerBase {
  using GradientMakerBase::GradientMakerBase;
  std::vector<OperatorDef> GetGradientDefs() override {
    std::vector<std::string> inputs = {O(0), GO(0)};
    std::vector<std::string> outputs;
    for (int i = 0; i < InputSize(); ++i) {
      inputs.push_back(I(i));
      outputs.push_back(GI(i));
    }
    return SingleGradientDef(Def().type() + "Gradient", "", inputs, outputs);
  }
};

// Max or Min, `extreme` being "largest" or "smallest", and its gradient.
#define DOPPIO_FOLD_OPERATOR(Type, extreme, Function)                                        \
  DOPPIO_OPERATOR_SCHEMA(Type)                                                               \
      .NumInputs(1, OpSchema::kMany)                                                         \
      .NumOutputs(1)                                                                         \
      .AllowInplace({{0, 0}})                                                                \
      .Doc("Y is the " extreme                                                               \
           " of the elements that stand at one place of many tensors of one shape.")         \
      .Input(0, "X0", "float, double, int32 or int64; the others have its type and shape")   \
      .Output(0, "Y", "tensor of the same type and shape")                                   \
      .TensorInference([](InferenceContext* context) { return InferOneShape(context, 1); }); \
  DOPPIO_OPERATOR_SCHEMA(Type##Gradient)                                                     \
      .NumInputs(3, OpSchema::kMany)                                                         \
      .NumOutputs(1, OpSchema::kMany)                                                        \
      .Doc("The gradient of " #Type ": dXi = dY where Xi is the (first) " extreme            \
           ", and 0 elsewhere.")                                                             \
      .Input(0, "Y", "output of " #Type)                                                     \
      .Input(1, "dY", "its gradient")                                                        \
      .Input(2, "X0", "input 0 of " #Type "; the others follow")                             \
      .Output(0, "dX0", "gradient of X0; the others follow")                                 \
      .TensorInference([](InferenceContext* context) {                                       \
        return InferOneShape(context, context->OutputSize());                                \
      });                                                                                    \
  DOPPIO_REGISTER_CPU_OPERATOR(Type, FoldOp<CPUContext, Function>);                          \
  DOPPIO_REGISTER_CPU_OPERATOR(Type##Gradient, SelectGradientOp<CPUContext>);                \
  DOPPIO_REGISTER_GRADIENT(Type, GetSelectGradient)

}  // namespace doppio

#endif  // DOPPIO_OPS_ELEMENTWISE_MINMAX_H_
