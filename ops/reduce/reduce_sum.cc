#include "ops/reduce/reduce_axes.h"
#include "src/kernel/broadcast.h"
#include "src/kernel/reduce.h"

namespace doppio {
namespace {

DOPPIO_REDUCE_SCHEMA(ReduceSum, R"DOC(
The sum of X over the dimensions `axes`. The sum of nothing is 0; 16-bit types are summed in float.

Example: X [2,3] = [[1,2,3],[4,5,6]] and axes = [0] give Y [1,3] = [[5,7,9]].
)DOC")
    .TakesPhantoms({0});

struct SumFunction {
  template <typename T>
  absl::StatusOr<bool> Repeated(const T* elements, DimsView element_dims, DimsView x_dims, T* y,
                                DimsView kept, CPUContext* context) const {
    return ReduceSumRepeated(elements, element_dims, x_dims, y, kept, context);
  }
  template <typename T>
  absl::Status operator()(const T* x, DimsView x_dims, T* y, DimsView kept,
                          CPUContext* context) const {
    return ReduceSumTo(x, x_dims, y, kept, context);
  }
};

DOPPIO_REDUCE_GRADIENT_SCHEMA(ReduceSumGradient,
                              "The gradient of ReduceSum: every element of X gets the dY of the "
                              "sum that it is part of.")
    .ShapeOnly({1, 2})
    .TakesPhantoms({1});

template <class Context>
class ReduceSumGradientOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit ReduceSumGradientOp(OperatorInit* init) : Operator<Context>(init), axes_(init) {}

  absl::Status RunOnDevice() override {
    const Tensor& dy = Input(0);
    const DimsView x = InputOperand(1).dims;
    if (!IsNumeric(dy.dtype())) {
      return absl::InvalidArgumentError(absl::StrCat("dY ", DescribeInput(0), " is not numeric"));
    }
    DOPPIO_ASSIGN_OR_RETURN(const ReduceAxes::Shapes shapes, axes_.Of(x));
    DOPPIO_RETURN_IF_ERROR(CheckReducedShape(dy.dims(), shapes));
    if (MakesPhantom(dy.dtype(), dy.numel(), x)) {
      Tensor elements = dy;
      DOPPIO_RETURN_IF_ERROR(elements.Reshape(shapes.kept));
      return OutputBlob(0)->SetPhantom(elements, x);
    }
    DOPPIO_ASSIGN_OR_RETURN(Tensor * dx, Output(0, dy.dtype(), x));
    Broadcast(DataTypeSize(dy.dtype()), dy.raw_data(), shapes.kept, dx->raw_mutable_data(),
              dx->dims(), &context_);
    return absl::OkStatus();
  }

 private:
  const ReduceAxes axes_;
};

DOPPIO_REGISTER_CPU_OPERATOR(ReduceSum, ReduceOp<CPUContext, SumFunction>);
DOPPIO_REGISTER_CPU_OPERATOR(ReduceSumGradient, ReduceSumGradientOp<CPUContext>);
DOPPIO_REDUCE_GRADIENT(ReduceSum);

}  // namespace
}  // namespace doppio
