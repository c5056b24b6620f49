#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "ops/nn/same_types.h"
#include "src/kernel/channels.h"

namespace doppio {
namespace {

void StateAxis(OpSchema& schema) {
  schema.Arg<int>("axis", "the dimension of X at which the columns begin", 1);
}

// X as a matrix, of which the columns are channels.
absl::StatusOr<ChannelShape> ColumnsOf(int axis, DimsView x) {
  DOPPIO_ASSIGN_OR_RETURN(const int split, CanonicalAxis(axis, static_cast<int>(x.size())));
  return ChannelShape{SizeToDim(x, split), SizeFromDim(x, split), 1};
}

absl::Status CheckVector(absl::string_view name, DimsView dims, int64_t columns) {
  if (dims.size() == 1 && dims[0] == columns) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(name, " ", ShapeToString(dims),
                                                 " must be a vector of ", columns,
                                                 ", an element for each column of X"));
}

DOPPIO_OPERATOR_SCHEMA(ElementwiseLinear)
    .NumInputs(3)
    .NumOutputs(1)
    .Doc(R"DOC(
A factor and a summand for each column: Y[i, j] = X[i, j] * w[j] + b[j], where X is read as a matrix
whose columns begin at `axis`.

Example: X [2,2] = [[1,2],[3,4]], w [2] = [10,1] and b [2] = [0,5] give Y [2,2] = [[10,7],[30,9]].
)DOC")
    .FillUsing(StateAxis)
    .Input(0, "X", "tensor of float or double")
    .Input(1, "w", "vector of X's type: the factors of the columns")
    .Input(2, "b", "vector of X's type: their summands")
    .Output(0, "Y", "tensor of X's type and shape")
    .Flops([](const OperatorDef&, const std::vector<TensorInfo>& inputs, const auto&) {
      return 2 * SizeFromDim(*inputs[0].dims, 0);
    })
    .TensorInference([](InferenceContext* context) -> absl::Status {
      const int axis = context->GetSingleArgument<int>("axis");
      DOPPIO_RETURN_IF_ERROR(CheckSameTypes(*context));
      DOPPIO_ASSIGN_OR_RETURN(const ChannelShape shape, ColumnsOf(axis, context->dims(0)));
      DOPPIO_RETURN_IF_ERROR(CheckVector("w", context->dims(1), shape.channels));
      DOPPIO_RETURN_IF_ERROR(CheckVector("b", context->dims(2), shape.channels));
      context->SetOutput(0, context->dtype(0), context->dims(0));
      return absl::OkStatus();
    });

template <class Context>
class ElementwiseLinearOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit ElementwiseLinearOp(OperatorInit* init)
      : Operator<Context>(init), axis_(init->GetSingleArgument<int>("axis")) {}

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(0);
    DOPPIO_RETURN_IF_ERROR(CheckSameTypes(*this));
    DOPPIO_ASSIGN_OR_RETURN(const ChannelShape shape, ColumnsOf(axis_, x.dims()));
    DOPPIO_RETURN_IF_ERROR(CheckVector("w", Input(1).dims(), shape.channels));
    DOPPIO_RETURN_IF_ERROR(CheckVector("b", Input(2).dims(), shape.channels));
    return DispatchType(TypeList<float, double>(), x.dtype(), [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      DOPPIO_ASSIGN_OR_RETURN(Tensor * y, Output(0, x.dtype(), x.dims()));
      ChannelAffine(x.data<T>(), Input(1).template data<T>(), Input(2).template data<T>(), shape,
                    y->mutable_data<T>(), &context_);
      return absl::OkStatus();
    });
  }

 private:
  const int axis_;
};

DOPPIO_OPERATOR_SCHEMA(ElementwiseLinearGradient)
    .NumInputs(3)
    .NumOutputs(3)
    .Doc(
        "The gradient of ElementwiseLinear: dX = dY * w, dw = the sums of dY * X over the rows and "
        "db = those of dY.")
    .FillUsing(StateAxis)
    .Input(0, "dY", "gradient of ElementwiseLinear's output")
    .Input(1, "X", "its first input: float or double")
    .Input(2, "w", "its second input")
    .Output(0, "dX", "gradient of X")
    .Output(1, "dw", "gradient of w")
    .Output(2, "db", "gradient of b")
    .TensorInference([](InferenceContext* context) {
      context->SetOutput(0, context->dtype(0), context->dims(1));
      context->SetOutput(1, context->dtype(0), context->dims(2));
      context->SetOutput(2, context->dtype(0), context->dims(2));
      return absl::OkStatus();
    });

template <class Context>
class ElementwiseLinearGradientOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit ElementwiseLinearGradientOp(OperatorInit* init)
      : Operator<Context>(init), axis_(init->GetSingleArgument<int>("axis")) {}

  absl::Status RunOnDevice() override {
    const Tensor& dy = Input(0);
    const Tensor& x = Input(1);
    const Tensor& w = Input(2);
    DOPPIO_RETURN_IF_ERROR(CheckSameTypes(*this));
    DOPPIO_ASSIGN_OR_RETURN(const ChannelShape shape, ColumnsOf(axis_, x.dims()));
    DOPPIO_RETURN_IF_ERROR(CheckVector("w", w.dims(), shape.channels));
    if (dy.dims() != x.dims()) {
      return absl::InvalidArgumentError(
          absl::StrCat("dY ", DescribeInput(0), " must have the shape of X ", DescribeInput(1)));
    }
    return DispatchType(TypeList<float, double>(), x.dtype(), [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      DOPPIO_ASSIGN_OR_RETURN(Tensor * dx, Output(0, x.dtype(), x.dims()));
      DOPPIO_ASSIGN_OR_RETURN(Tensor * dw, Output(1, x.dtype(), w.dims()));
      DOPPIO_ASSIGN_OR_RETURN(Tensor * db, Output(2, x.dtype(), w.dims()));
      const T* gradient = dy.data<T>();
      const T* none = nullptr;
      ChannelSums(gradient, x.data<T>(), shape, dw->mutable_data<T>(), &context_);
      ChannelSums(gradient, none, shape, db->mutable_data<T>(), &context_);
      ChannelAffine(gradient, w.data<T>(), none, shape, dx->mutable_data<T>(), &context_);
      return absl::OkStatus();
    });
  }

 private:
  const int axis_;
};

class GetElementwiseLinearGradient final : public GradientMakerBase {
  using GradientMakerBase::GradientMakerBase;
  std::vector<OperatorDef> GetGradientDefs() override {
    return SingleGradientDef("ElementwiseLinearGradient", "", {GO(0), I(0), I(1)},
                             {GI(0), GI(1), GI(2)});
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(ElementwiseLinear, ElementwiseLinearOp<CPUContext>);
DOPPIO_REGISTER_CPU_OPERATOR(ElementwiseLinearGradient, ElementwiseLinearGradientOp<CPUContext>);
DOPPIO_REGISTER_GRADIENT(ElementwiseLinear, GetElementwiseLinearGradient);

}  // namespace
}  // namespace doppio
