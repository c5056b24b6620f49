#include <limits>

#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "src/kernel/activation.h"
#include "src/kernel/indices.h"
#include "src/operator/lengths_input.h"

namespace doppio {
namespace {

absl::Status CheckInputCount(int count) {
  if (count != 2) return absl::OkStatus();
  return absl::InvalidArgumentError("indices take the gradient of their rows as a third input");
}

DOPPIO_OPERATOR_SCHEMA(EnsureClipped)
    .NumInputs(1, 3)
    .NumOutputs(1)
    .AllowInplace({{0, 0}})
    .Doc(R"DOC(
Keeps parameters within bounds after an update, as Clip does: all of them, or with `indices` those
rows alone, which must be in place. NaN stays NaN.

Example: param [2,2] = [[9,1],[9,-9]], indices [1] = [1] and grad [1,2], with min=-2 and max=2, give
param [2,2] = [[9,1],[2,-2]].
)DOC")
    .Arg<float>("min", "the least value; default: the lowest float",
                std::numeric_limits<float>::lowest())
    .Arg<float>("max", "the greatest value; default: the largest float",
                std::numeric_limits<float>::max())
    .Input(0, "param", "tensor of float")
    .Input(1, "indices", "tensor of int32 or int64: rows of param that were updated")
    .Input(2, "grad", "their gradient, of which only the number of elements counts")
    .ShapeOnly({2})
    .Output(0, "output_param", "tensor of param's shape")
    .TensorInference([](InferenceContext* context) -> absl::Status {
      DOPPIO_RETURN_IF_ERROR(CheckInputCount(context->InputSize()));
      context->SetOutput(0, context->dtype(0), context->dims(0));
      return absl::OkStatus();
    });

template <class Context>
class EnsureClippedOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit EnsureClippedOp(OperatorInit* init)
      : Operator<Context>(init),
        min_(init->GetSingleArgument<float>("min")),
        max_(init->GetSingleArgument<float>("max")) {
    init->Fail(CheckInputCount(InputSize()));
    if (InputSize() > 1 && !IsInplace(0, 0)) {
      init->Fail(absl::InvalidArgumentError(
          "with indices the output must be param itself: only some of its rows are looked at"));
    }
    if (!(min_ <= max_)) {
      init->Fail(absl::InvalidArgumentError(
          absl::StrCat("there is nothing between min=", min_, " and max=", max_)));
    }
  }

  absl::Status RunOnDevice() override {
    const Tensor& param = Input(0);
    if (!param.Is<float>()) return UnsupportedTypeError(param.dtype(), {DataType::kFloat});
    if (InputSize() > 1) return ClipRows();
    DOPPIO_ASSIGN_OR_RETURN(Tensor * output, Output(0, param.dtype(), param.dims()));
    Clip(param.data<float>(), output->mutable_data<float>(), param.numel(), min_, max_, &context_);
    return absl::OkStatus();
  }

 private:
  absl::Status ClipRows() {
    const Tensor& param = Input(0);
    const Tensor& indices = Input(1);
    DOPPIO_RETURN_IF_ERROR(CheckNotScalar(param.dims(), "param"));
    const int64_t block = SizeFromDim(param.dims(), 1);
    DOPPIO_ASSIGN_OR_RETURN(const int64_t wanted, CheckedProduct(indices.numel(), block));
    if (Input(2).numel() != wanted) {
      return absl::InvalidArgumentError(absl::StrCat("grad ", DescribeInput(2),
                                                     " must have a row of param ", DescribeInput(0),
                                                     " for each of indices ", DescribeInput(1)));
    }
    return DispatchType(IndexTypes(), indices.dtype(), [&](auto tag) -> absl::Status {
      const auto rows = indices.span<typename decltype(tag)::type>();
      DOPPIO_RETURN_IF_ERROR(CheckIndices(rows, 0, param.dim(0)));
      DOPPIO_ASSIGN_OR_RETURN(Tensor * output, Output(0, param.dtype(), param.dims()));
      float* out = output->mutable_data<float>();
      for (const int64_t row : rows) {
        Clip(out + row * block, out + row * block, block, min_, max_, &context_);
      }
      return absl::OkStatus();
    });
  }

  const float min_;
  const float max_;
};

DOPPIO_REGISTER_CPU_OPERATOR(EnsureClipped, EnsureClippedOp<CPUContext>);
DOPPIO_SHOULD_NOT_DO_GRADIENT(EnsureClipped);

}  // namespace
}  // namespace doppio
