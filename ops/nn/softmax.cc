#include "src/kernel/softmax.h"

#include "doppio/gradient_maker.h"
#include "doppio/registry.h"

namespace doppio {
namespace {

struct MatrixSizes {
  int64_t rows;
  int64_t columns;
};

absl::StatusOr<MatrixSizes> AsMatrix(int axis_argument, DimsView dims) {
  DOPPIO_ASSIGN_OR_RETURN(int axis, CanonicalAxis(axis_argument, static_cast<int>(dims.size())));
  return MatrixSizes{SizeToDim(dims, axis), SizeFromDim(dims, axis)};
}

DOPPIO_OPERATOR_SCHEMA(Softmax)
    .NumInputs(1)
    .NumOutputs(1)
    .Doc(R"DOC(
Y = exp(X) / sum(exp(X)), the sum being over all dimensions from `axis` on: X is read as a matrix,
and every row of Y adds up to 1. (Unlike the Softmax of other libraries, `axis` is not the only
dimension that is summed over.)
)DOC")
    .Arg<int>("axis", "the first dimension that is summed over", 1)
    .Input(0, "X", "tensor of float or double")
    .Output(0, "Y", "tensor of X's shape and type")
    .Flops([](const OperatorDef&, const std::vector<TensorInfo>& inputs, const auto&) {
      return 4 * SizeFromDim(*inputs[0].dims, 0);
    })
    .TensorInference([](InferenceContext* context) -> absl::Status {
      const int axis = context->GetSingleArgument<int>("axis");
      DOPPIO_RETURN_IF_ERROR(AsMatrix(axis, context->dims(0)).status());
      context->SetOutput(0, context->dtype(0), context->dims(0));
      return absl::OkStatus();
    });

template <class Context>
class SoftmaxOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit SoftmaxOp(OperatorInit* init)
      : Operator<Context>(init), axis_(init->GetSingleArgument<int>("axis")) {}

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(0);
    DOPPIO_ASSIGN_OR_RETURN(MatrixSizes sizes, AsMatrix(axis_, x.dims()));
    return DispatchType(TypeList<float, double>(), x.dtype(), [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      DOPPIO_ASSIGN_OR_RETURN(Tensor * y, Output(0, x.dtype(), x.dims()));
      Softmax<T>(x.data<T>(), sizes.rows, sizes.columns, y->mutable_data<T>(), nullptr, nullptr,
                 &context_);
      return absl::OkStatus();
    });
  }

 private:
  const int axis_;
};

DOPPIO_OPERATOR_SCHEMA(SoftmaxGradient)
    .NumInputs(2)
    .NumOutputs(1)
    .Doc("The gradient of Softmax: dX = Y (dY - sum(Y dY)), the sum being over a row.")
    .Arg<int>("axis", "the first dimension that is summed over", 1)
    .Input(0, "Y", "output of Softmax")
    .Input(1, "dY", "its gradient, of Y's type and shape")
    .Output(0, "dX", "gradient of X, of Y's shape and type")
    .Flops([](const OperatorDef&, const std::vector<TensorInfo>& inputs, const auto&) {
      return 4 * SizeFromDim(*inputs[0].dims, 0);
    })
    .TensorInference([](InferenceContext* context) -> absl::Status {
      const int axis = context->GetSingleArgument<int>("axis");
      DOPPIO_RETURN_IF_ERROR(AsMatrix(axis, context->dims(0)).status());
      context->SetOutput(0, context->dtype(0), context->dims(0));
      return absl::OkStatus();
    });

template <class Context>
class SoftmaxGradientOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit SoftmaxGradientOp(OperatorInit* init)
      : Operator<Context>(init), axis_(init->GetSingleArgument<int>("axis")) {}

  absl::Status RunOnDevice() override {
    const Tensor& y = Input(0);
    const Tensor& dy = Input(1);
    if (y.dtype() != dy.dtype() || y.dims() != dy.dims()) {
      return absl::InvalidArgumentError(absl::StrCat("Y ", DescribeInput(0), " and dY ",
                                                     DescribeInput(1),
                                                     " must have the same type and shape"));
    }
    DOPPIO_ASSIGN_OR_RETURN(MatrixSizes sizes, AsMatrix(axis_, y.dims()));
    return DispatchType(TypeList<float, double>(), y.dtype(), [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      DOPPIO_ASSIGN_OR_RETURN(Tensor * dx, Output(0, y.dtype(), y.dims()));
      SoftmaxGradient(y.data<T>(), dy.data<T>(), sizes.rows, sizes.columns, dx->mutable_data<T>(),
                      &context_);
      return absl::OkStatus();
    });
  }

 private:
  const int axis_;
};

class GetSoftmaxGradient final : public GradientMakerBase {
  using GradientMakerBase::GradientMakerBase;
  std::vector<OperatorDef> GetGradientDefs() override {
    return SingleGradientDef("SoftmaxGradient", "", {O(0), GO(0)}, {GI(0)});
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(Softmax, SoftmaxOp<CPUContext>);
DOPPIO_REGISTER_CPU_OPERATOR(SoftmaxGradient, SoftmaxGradientOp<CPUContext>);
DOPPIO_REGISTER_GRADIENT(Softmax, GetSoftmaxGradient);

}  // namespace
}  // namespace doppio
