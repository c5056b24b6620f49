#include <algorithm>

#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "ops/shape/copying.h"

namespace doppio {
namespace {

// The sizes of `axes`, or all of them where there are no axes.
absl::StatusOr<Dims> SizesOf(DimsView x, const std::vector<int64_t>& axes) {
  if (axes.empty()) return Dims(x.begin(), x.end());
  Dims sizes;
  for (int64_t axis : axes) {
    if (axis < 0 || axis >= static_cast<int64_t>(x.size())) {
      return absl::InvalidArgumentError(
          absl::StrCat("axis ", axis, " is out of range for ", ShapeToString(x)));
    }
    sizes.push_back(x[axis]);
  }
  return sizes;
}

DOPPIO_OPERATOR_SCHEMA(Shape)
    .NumInputs(1)
    .NumOutputs(1)
    .Doc(R"DOC(
The shape of a tensor, as a tensor.

Example: X [3,4,5] gives [3,4,5]; with axes = [2,0] it gives [5,3].
)DOC")
    .OptionalArg<std::vector<int64_t>>("axes",
                                       "the dimensions to give, in this order; default: all")
    .Input(0, "X", "tensor of any type and shape")
    .Output(0, "shape", "vector of int64: the sizes")
    .Flops(NoFlops)
    .TensorInference([](InferenceContext* context) -> absl::Status {
      const std::vector<int64_t> axes = context->GetRepeatedArgument<int64_t>("axes");
      DOPPIO_ASSIGN_OR_RETURN(const Dims sizes, SizesOf(context->dims(0), axes));
      DOPPIO_ASSIGN_OR_RETURN(
          Tensor value, Tensor::FromSpan<int64_t>({static_cast<int64_t>(sizes.size())}, sizes));
      context->SetOutputValue(0, std::move(value));
      return absl::OkStatus();
    });

template <class Context>
class ShapeOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit ShapeOp(OperatorInit* init)
      : Operator<Context>(init), axes_(init->GetRepeatedArgument<int64_t>("axes")) {}

  absl::Status RunOnDevice() override {
    DOPPIO_ASSIGN_OR_RETURN(const Dims sizes, SizesOf(Input(0).dims(), axes_));
    DOPPIO_ASSIGN_OR_RETURN(Tensor * shape,
                            Output(0, DataType::kInt64, {static_cast<int64_t>(sizes.size())}));
    std::copy(sizes.begin(), sizes.end(), shape->mutable_data<int64_t>());
    return absl::OkStatus();
  }

 private:
  std::vector<int64_t> axes_;
};

DOPPIO_REGISTER_CPU_OPERATOR(Shape, ShapeOp<CPUContext>);
DOPPIO_SHOULD_NOT_DO_GRADIENT(Shape);

}  // namespace
}  // namespace doppio
