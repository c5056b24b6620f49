#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "ops/sequence/marked_rows.h"
#include "ops/sequence/row_sum.h"
#include "src/operator/element_copy.h"
#include "src/operator/lengths_input.h"

namespace doppio {
namespace {

DOPPIO_OPERATOR_SCHEMA(CopyRowsToTensor)
    .NumInputs(3)
    .NumOutputs(1)
    .EnforceInplace({{0, 0}})
    .Doc(R"DOC(
Overwrites rows of a matrix, all with the same row, in place. Indices may stand in any order, and more than
once.

Example: input_tensor [3,2] = [[1,2],[3,4],[5,6]], indices [1] and row [9,0] give [[1,2],[9,0],[5,6]].

The gradient of input_tensor is 0 in the rows that are overwritten, and that of row is the sum of what
comes back to them. (Caffe2 hands the whole gradient to input_tensor, and none to row.)
)DOC")
    .Input(0, "input_tensor", "matrix of any type")
    .Input(1, "indices", "vector of int64: rows of input_tensor")
    .Input(2, "row", "vector of input_tensor's type, as long as its rows")
    .Output(0, "output_tensor", "the first input")
    .Flops([](const OperatorDef&, const auto&, const auto&) { return int64_t{0}; })
    .IdenticalTypeAndShape();

template <class Context>
class CopyRowsToTensorOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit CopyRowsToTensorOp(OperatorInit* init) : Operator<Context>(init) {}

  absl::Status RunOnDevice() override {
    const Tensor& row = Input(2);
    const DataType dtype = Input(0).dtype();
    const Dims dims(Input(0).dims().begin(), Input(0).dims().end());
    if (dims.size() != 2 || row.dims() != DimsView(dims).subspan(1) || row.dtype() != dtype) {
      return absl::InvalidArgumentError(
          absl::StrCat("row ", DescribeInput(2), " must be a vector of the type of input_tensor ",
                       DescribeInput(0), ", which must be a matrix, and as long as its rows"));
    }
    DOPPIO_RETURN_IF_ERROR(CheckVector<int64_t>(Input(1), "indices"));
    const auto indices = Input(1).template span<int64_t>();
    DOPPIO_RETURN_IF_ERROR(CheckIndices(indices, 0, dims[0]));
    DOPPIO_ASSIGN_OR_RETURN(Tensor * output, Output(0, dtype, dims));
    const ElementCopy copy(row, output);
    for (const int64_t index : indices) copy(0, index * dims[1], dims[1]);
    return absl::OkStatus();
  }
};

absl::Status CheckGradient(int inputs, int outputs, DimsView dy) {
  if (outputs > inputs) return absl::InvalidArgumentError("drow needs indices");
  if (inputs == 1 || dy.size() == 2) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("dY must be a matrix, but has the shape ", ShapeToString(dy)));
}

DOPPIO_OPERATOR_SCHEMA(CopyRowsToTensorGradient)
    .NumInputs(1, 2)
    .NumOutputs(1, 2)
    .AllowInplace({{0, 0}})
    .Doc(R"DOC(
The gradients of CopyRowsToTensor's matrix and row. Without indices, as Caffe2's gradient nets have it, dX
is a copy of dY.
)DOC")
    .Input(0, "dY", "gradient of output_tensor: a matrix of float, double, float16, int32 or int64")
    .Input(1, "indices", "CopyRowsToTensor's")
    .Output(0, "dX", "gradient of input_tensor")
    .Output(1, "drow", "gradient of row")
    .TensorInference([](InferenceContext* context) -> absl::Status {
      DOPPIO_RETURN_IF_ERROR(
          CheckGradient(context->InputSize(), context->OutputSize(), context->dims(0)));
      context->SetOutput(0, context->dtype(0), context->dims(0));
      if (context->OutputSize() == 1) return absl::OkStatus();
      context->SetOutput(1, context->dtype(0), context->dims(0).subspan(1));
      return absl::OkStatus();
    });

template <class Context>
class CopyRowsToTensorGradientOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit CopyRowsToTensorGradientOp(OperatorInit* init) : Operator<Context>(init) {}

  absl::Status RunOnDevice() override {
    const DataType dtype = Input(0).dtype();
    const Dims dims(Input(0).dims().begin(), Input(0).dims().end());
    DOPPIO_RETURN_IF_ERROR(CheckGradient(InputSize(), OutputSize(), dims));
    if (InputSize() > 1) {
      DOPPIO_RETURN_IF_ERROR(CheckVector<int64_t>(Input(1), "indices"));
      DOPPIO_RETURN_IF_ERROR(overwritten_.Set(Input(1).template span<int64_t>(), dims[0]));
    }
    // Before dX, which may be dY.
    if (OutputSize() > 1) DOPPIO_RETURN_IF_ERROR(SumOverwritten(Input(0)));
    DOPPIO_ASSIGN_OR_RETURN(Tensor * dx, Output(0, dtype, dims));
    if (!IsInplace(0, 0)) ElementCopy{Input(0), dx}(0, 0, dx->numel());
    if (InputSize() == 1) return absl::OkStatus();
    const ElementZero zero(dx);
    for (int64_t row = 0; row < dims[0]; ++row) {
      if (overwritten_.contains(row)) zero(row * dims[1], dims[1]);
    }
    return absl::OkStatus();
  }

 private:
  absl::Status SumOverwritten(const Tensor& dy) {
    using Types = TypeList<float, double, float16, int32_t, int64_t>;
    DOPPIO_ASSIGN_OR_RETURN(Tensor * drow, Output(1, dy.dtype(), dy.dims().subspan(1)));
    return DispatchType(Types(), dy.dtype(), [&](auto tag) {
      using T = typename decltype(tag)::type;
      const auto for_each_row = [&](const auto& f) {
        for (int64_t row = 0; row < dy.dim(0); ++row) {
          if (overwritten_.contains(row)) f(row);
        }
      };
      SumRows(dy.data<T>(), dy.dim(1), for_each_row, drow->mutable_data<T>());
      return absl::OkStatus();
    });
  }

  MarkedRows overwritten_;
};

class GetCopyRowsToTensorGradient final : public GradientMakerBase {
  using GradientMakerBase::GradientMakerBase;
  std::vector<OperatorDef> GetGradientDefs() override {
    return SingleGradientDef("CopyRowsToTensorGradient", "", {GO(0), I(1)}, {GI(0), GI(2)});
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(CopyRowsToTensor, CopyRowsToTensorOp<CPUContext>);
DOPPIO_REGISTER_CPU_OPERATOR(CopyRowsToTensorGradient, CopyRowsToTensorGradientOp<CPUContext>);
DOPPIO_REGISTER_GRADIENT(CopyRowsToTensor, GetCopyRowsToTensorGradient);

}  // namespace
}  // namespace doppio
