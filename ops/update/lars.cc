#include <algorithm>
#include <cmath>

#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "ops/update/update_operator.h"

namespace doppio {
namespace {

// The argument, which may not be negative.
float ReadNotNegative(OperatorInit* init, absl::string_view name) {
  const float value = init->GetSingleArgument<float>(name);
  if (!(value >= 0)) {
    init->Fail(
        absl::InvalidArgumentError(absl::StrCat(name, " is ", value, ", must be at least 0")));
  }
  return value;
}

DOPPIO_OPERATOR_SCHEMA(Lars)
    .NumInputs(5)
    .NumOutputs(1)
    .Doc(R"DOC(
The learning rate of one layer, by layer-wise adaptive rate scaling (You, Gitman, Ginsburg 2017,
https://arxiv.org/abs/1708.03888):

    lr = trust / (norm(dX) / norm(X) + wd + offset), or 1 where norm(X) is 0
    lr_rescaled = max(min(lr, lr_max), lr_min)

where norm is the root of the sum of squares. NaN in X or dX makes lr_rescaled NaN (in Caffe2: lr_max).

Example: X [3,4], dX [6,8], wd [0], trust [1], lr_max [10] and offset=0.5 give lr_rescaled [0.4].
)DOC")
    .Arg<float>("offset", "at least 0: keeps the rate finite where gradients vanish", 0.5f)
    .Arg<float>("lr_min", "at least 0: the least rate", 0.02f)
    .Input(0, "X", "tensor of float: the parameters")
    .Input(1, "dX", "float, as many elements: their gradient")
    .Input(2, "wd", "one float: the weight decay")
    .Input(3, "trust", "one float: how much the layer may change in one step")
    .Input(4, "lr_max", "one float: the greatest rate")
    .Output(0, "lr_rescaled", "float[1]")
    .Flops([](const OperatorDef&, const std::vector<TensorInfo>& inputs, const auto&) {
      return 4 * SizeFromDim(*inputs[0].dims, 0);
    })
    .TensorInference([](InferenceContext* context) {
      context->SetOutput(0, DataType::kFloat, {1});
      return absl::OkStatus();
    });

class LarsOp final : public UpdateOperator {
 public:
  explicit LarsOp(OperatorInit* init)
      : UpdateOperator(init),
        offset_(ReadNotNegative(init, "offset")),
        lr_min_(ReadNotNegative(init, "lr_min")) {}

  absl::Status RunOnDevice() override {
    const int64_t size = Input(0).numel();
    DOPPIO_RETURN_IF_ERROR(CheckSizes<float>({0, 1}, size));
    DOPPIO_ASSIGN_OR_RETURN(const float decay, Single<float>(2));
    DOPPIO_ASSIGN_OR_RETURN(const float trust, Single<float>(3));
    DOPPIO_ASSIGN_OR_RETURN(const float lr_max, Single<float>(4));
    const double norm = std::sqrt(SumOfSquaresOf(In(0), size));
    const double gradient_norm = std::sqrt(SumOfSquaresOf(In(1), size));
    double rate = 1;
    if (norm != 0) rate = trust / (gradient_norm / norm + decay + offset_);
    DOPPIO_ASSIGN_OR_RETURN(Tensor * output, Output(0, DataType::kFloat, {1}));
    // std::max and std::min give their first operand where one is NaN.
    *output->mutable_data<float>() = std::max(std::min(static_cast<float>(rate), lr_max), lr_min_);
    return absl::OkStatus();
  }

 private:
  const float offset_;
  const float lr_min_;
};

DOPPIO_REGISTER_CPU_OPERATOR(Lars, LarsOp);
DOPPIO_SHOULD_NOT_DO_GRADIENT(Lars);

}  // namespace
}  // namespace doppio
