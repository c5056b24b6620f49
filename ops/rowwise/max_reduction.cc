// RowwiseMax and ColwiseMax.

#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "src/kernel/reduce_extreme.h"

namespace doppio {
namespace {

using Types = TypeList<float, double>;

struct MaxShapes {
  Dims kept;  // X's shape with 1 for the dimension that is reduced
  Dims y;
};

absl::StatusOr<MaxShapes> ShapesOf(DimsView x, bool rowwise) {
  if (x.size() != 3) {
    return absl::InvalidArgumentError(
        absl::StrCat("X ", ShapeToString(x), " must have three dimensions: a batch of matrices"));
  }
  MaxShapes shapes = {{x[0], x[1], x[2]}, {x[0], rowwise ? x[1] : x[2]}};
  const int64_t reduced = x[rowwise ? 2 : 1];
  shapes.kept[rowwise ? 2 : 1] = 1;
  if (reduced > 0 || SizeFromDim(shapes.y, 0) == 0) return shapes;
  return absl::InvalidArgumentError(
      absl::StrCat("X ", ShapeToString(x), " has no elements to choose from"));
}

void StateMax(OpSchema& schema, bool rowwise) {
  schema.NumInputs(1)
      .NumOutputs(1)
      .Input(0, "X", "[B,M,N] of float or double: a batch of matrices")
      .Output(0, "Y", rowwise ? "[B,M] of X's type" : "[B,N] of X's type")
      .Flops([](const OperatorDef&, const std::vector<TensorInfo>& inputs, const auto&) {
        return SizeFromDim(*inputs[0].dims, 0);
      })
      .TensorInference([rowwise](InferenceContext* context) -> absl::Status {
        DOPPIO_ASSIGN_OR_RETURN(const MaxShapes shapes, ShapesOf(context->dims(0), rowwise));
        context->SetOutput(0, context->dtype(0), shapes.y);
        return absl::OkStatus();
      });
}

DOPPIO_OPERATOR_SCHEMA(RowwiseMax)
    .FillUsing([](OpSchema& schema) { StateMax(schema, true); })
    .Doc(R"DOC(
The largest element of each row of each matrix; NaN wins. There must be one.

Example: X [1,2,2] = [[[1,2],[4,3]]] gives Y [1,2] = [[2,4]].
)DOC");

DOPPIO_OPERATOR_SCHEMA(ColwiseMax)
    .FillUsing([](OpSchema& schema) { StateMax(schema, false); })
    .Doc(R"DOC(
The largest element of each column of each matrix; NaN wins. There must be one.

Example: X [1,2,2] = [[[1,2],[4,1]]] gives Y [1,2] = [[4,2]].
)DOC");

template <class Context, bool kRowwise>
class MaxReductionOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit MaxReductionOp(OperatorInit* init) : Operator<Context>(init) {}

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(0);
    DOPPIO_ASSIGN_OR_RETURN(const MaxShapes shapes, ShapesOf(x.dims(), kRowwise));
    return DispatchType(Types(), x.dtype(), [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      DOPPIO_ASSIGN_OR_RETURN(Tensor * y, Output(0, x.dtype(), shapes.y));
      return ReduceExtremeTo<true>(x.data<T>(), x.dims(), y->mutable_data<T>(), shapes.kept);
    });
  }
};

void StateMaxGradient(OpSchema& schema) {
  schema.NumInputs(3)
      .NumOutputs(1)
      .Doc(
          "The gradient of the operator: an element that is as large as the Y of its row or column "
          "gets the dY of it, all others 0.")
      .Input(0, "X", "the forward operator's input: float or double")
      .Input(1, "Y", "its output")
      .Input(2, "dY", "gradient of its output")
      .Output(0, "dX", "gradient of X")
      .IdenticalTypeAndShape();
}

DOPPIO_OPERATOR_SCHEMA(RowwiseMaxGradient).FillUsing(StateMaxGradient);
DOPPIO_OPERATOR_SCHEMA(ColwiseMaxGradient).FillUsing(StateMaxGradient);

template <class Context, bool kRowwise>
class MaxReductionGradientOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit MaxReductionGradientOp(OperatorInit* init) : Operator<Context>(init) {}

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(0);
    DOPPIO_ASSIGN_OR_RETURN(const MaxShapes shapes, ShapesOf(x.dims(), kRowwise));
    for (const int i : {1, 2}) {
      if (Input(i).dims() == DimsView(shapes.y) && Input(i).dtype() == x.dtype()) continue;
      return absl::InvalidArgumentError(absl::StrCat(
          DescribeInput(i), " must be ", ShapeToString(shapes.y), " for X ", DescribeInput(0)));
    }
    return DispatchType(Types(), x.dtype(), [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      DOPPIO_ASSIGN_OR_RETURN(Tensor * dx, Output(0, x.dtype(), x.dims()));
      const T* value = x.data<T>();
      const T* most = Input(1).template data<T>();
      const T* gradient = Input(2).template data<T>();
      T* to = dx->mutable_data<T>();
      ForEachReduced(x.dims(), shapes.kept, [=](int64_t i, int64_t j, bool) {
        to[i] = value[i] == most[j] ? gradient[j] : T(0);
      });
      return absl::OkStatus();
    });
  }
};

class GetMaxReductionGradient final : public GradientMakerBase {
  using GradientMakerBase::GradientMakerBase;
  std::vector<OperatorDef> GetGradientDefs() override {
    return SingleGradientDef(Def().type() + "Gradient", "", {I(0), O(0), GO(0)}, {GI(0)});
  }
};

using RowwiseMaxOp = MaxReductionOp<CPUContext, true>;
using ColwiseMaxOp = MaxReductionOp<CPUContext, false>;
using RowwiseMaxGradientOp = MaxReductionGradientOp<CPUContext, true>;
using ColwiseMaxGradientOp = MaxReductionGradientOp<CPUContext, false>;
DOPPIO_REGISTER_CPU_OPERATOR(RowwiseMax, RowwiseMaxOp);
DOPPIO_REGISTER_CPU_OPERATOR(ColwiseMax, ColwiseMaxOp);
DOPPIO_REGISTER_CPU_OPERATOR(RowwiseMaxGradient, RowwiseMaxGradientOp);
DOPPIO_REGISTER_CPU_OPERATOR(ColwiseMaxGradient, ColwiseMaxGradientOp);
DOPPIO_REGISTER_GRADIENT(RowwiseMax, GetMaxReductionGradient);
DOPPIO_REGISTER_GRADIENT(ColwiseMax, GetMaxReductionGradient);

}  // namespace
}  // namespace doppio
