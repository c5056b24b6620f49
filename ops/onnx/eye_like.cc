#include <algorithm>

#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "ops/onnx/moved_elements.h"

namespace doppio {
namespace {

absl::Status CheckIsMatrix(DimsView x) {
  if (x.size() == 2) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("the input ", ShapeToString(x), " is no matrix"));
}

// The type of the output.
DataType EyeType(ArgumentReader* args, DataType input) {
  return args->HasArgument("dtype") ? args->GetDataTypeArgument("dtype", input) : input;
}

DOPPIO_OPERATOR_SCHEMA(EyeLike)
    .NumInputs(1)
    .NumOutputs(1)
    .ShapeOnly({0})
    .Doc(R"DOC(
ONNX's EyeLike: a matrix of another one's shape, with 1 on a diagonal and 0 elsewhere.

Example: an input [2,3] and k = 1 give [[0,1,0],[0,0,1]].
)DOC")
    .Arg<int64_t>("k", "the diagonal, so far above the main one, or below it if negative", 0)
    .AnyArg("dtype",
            "the type, a number of TensorProto.DataType or a name; default: that of the input")
    .Input(0, "input",
           "matrix, of which the shape is used, and the type where `dtype` is not given")
    .Output(0, "output", "matrix of numbers, of the same shape")
    .Flops(NoOperations)
    .TensorInference([](InferenceContext* context) -> absl::Status {
      DOPPIO_RETURN_IF_ERROR(CheckIsMatrix(context->dims(0)));
      context->SetOutput(0, EyeType(context, context->dtype(0)), context->dims(0));
      return absl::OkStatus();
    });

template <class Context>
class EyeLikeOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit EyeLikeOp(OperatorInit* init)
      : Operator<Context>(init),
        k_(init->GetSingleArgument<int64_t>("k")),
        dtype_(EyeType(init, DataType::kUndefined)) {}

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(0);
    DOPPIO_RETURN_IF_ERROR(CheckIsMatrix(x.dims()));
    const DataType type = dtype_ == DataType::kUndefined ? x.dtype() : dtype_;
    return DispatchType(AllNumericTypes(), type, [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      const int64_t rows = x.dim(0);
      const int64_t columns = x.dim(1);
      DOPPIO_ASSIGN_OR_RETURN(Tensor * y, Output(0, type, {rows, columns}));
      T* to = y->template mutable_data<T>();
      std::fill_n(to, y->numel(), static_cast<T>(0.0f));
      const int64_t k = std::clamp(k_, -rows, columns);
      for (int64_t row = std::max<int64_t>(0, -k); row < rows && row + k < columns; ++row) {
        to[row * columns + row + k] = static_cast<T>(1.0f);
      }
      return absl::OkStatus();
    });
  }

 private:
  const int64_t k_;
  const DataType dtype_;  // kUndefined: the input's
};

DOPPIO_REGISTER_CPU_OPERATOR(EyeLike, EyeLikeOp<CPUContext>);
DOPPIO_SHOULD_NOT_DO_GRADIENT(EyeLike);

}  // namespace
}  // namespace doppio
