#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "src/kernel/elementwise_binary.h"

namespace doppio {
namespace {

absl::Status CheckShapes(DimsView mat, DimsView w) {
  if (!mat.empty() && SizeFromDim(w, 0) == mat[0]) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("w ", ShapeToString(w), " must have an element for each row of mat ",
                   ShapeToString(mat), ", which must be at least a vector"));
}

DOPPIO_OPERATOR_SCHEMA(RowMul)
    .NumInputs(2)
    .NumOutputs(1)
    .Doc(R"DOC(
Multiplies each row by its number: Y[i] = mat[i] * w[i], where a row is all that belongs to one index of
the first dimension. (Caffe2's operator on the CPU reads mat as if its columns stood one after the other,
and so multiplies by the wrong numbers where there are more rows than one.)

Example: mat [2,2] = [[1,2],[3,4]] and w [2] = [10,1] give Y [2,2] = [[10,20],[3,4]].
)DOC")
    .Input(0, "mat", "tensor of float or double of at least one dimension")
    .Input(1, "w", "as many numbers of the same type as mat has rows")
    .Output(0, "Y", "tensor of mat's type and shape")
    .TensorInference([](InferenceContext* context) -> absl::Status {
      DOPPIO_RETURN_IF_ERROR(CheckShapes(context->dims(0), context->dims(1)));
      context->SetOutput(0, context->dtype(0), context->dims(0));
      return absl::OkStatus();
    });

template <class Context>
class RowMulOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit RowMulOp(OperatorInit* init) : Operator<Context>(init) {}

  absl::Status RunOnDevice() override {
    const Tensor& mat = Input(0);
    const Tensor& w = Input(1);
    DOPPIO_RETURN_IF_ERROR(CheckShapes(mat.dims(), w.dims()));
    if (mat.dtype() != w.dtype()) {
      return absl::InvalidArgumentError(
          absl::StrCat(DescribeInput(0), " and ", DescribeInput(1), " must have the same type"));
    }
    return DispatchType(TypeList<float, double>(), mat.dtype(), [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      DOPPIO_ASSIGN_OR_RETURN(Tensor * y, Output(0, mat.dtype(), mat.dims()));
      const Dims matrix = {mat.dim(0), SizeFromDim(mat.dims(), 1)};
      Mul(mat.data<T>(), matrix, w.data<T>(), {mat.dim(0), 1}, y->mutable_data<T>(), matrix,
          &context_);
      return absl::OkStatus();
    });
  }
};

class GetRowMulGradient final : public GradientMakerBase {
  using GradientMakerBase::GradientMakerBase;
  std::vector<OperatorDef> GetGradientDefs() override {
    const std::string products = GI(1) + "before_aggregate";
    return {CreateOperatorDef("RowMul", "", {GO(0), I(1)}, {GI(0)}),
            CreateOperatorDef("Mul", "", {GO(0), I(0)}, {products}),
            CreateOperatorDef("ReduceTailSum", "", {products}, {GI(1)})};
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(RowMul, RowMulOp<CPUContext>);
DOPPIO_REGISTER_GRADIENT(RowMul, GetRowMulGradient);

}  // namespace
}  // namespace doppio
