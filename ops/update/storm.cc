#include <cmath>

#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "ops/update/update_operator.h"

namespace doppio {
namespace {

void StateStorm(OpSchema& schema) {
  schema.Arg<float>("momentum", "c of the paper: how fast the moment follows the gradient", 10.0f)
      .Arg<float>("beta", "w of the paper: is added to the sum of squares", 0.1f)
      .Input(2, "grad_sq_sum", "one float: the sum of the squares of all gradients so far")
      .Output(0, "output_param", "param's shape: the new parameters")
      .Output(1, "output_moment", "moment's shape: the new moment")
      .Output(2, "output_grad_sq_sum", "grad_sq_sum's shape: the new sum")
      .Flops(FlopsForEachOf(3, 8))
      .TensorInference(OutputsLikeInputs({0, 1, 2}));
}

class StormOperator : public UpdateOperator {
 protected:
  explicit StormOperator(OperatorInit* init)
      : UpdateOperator(init),
        momentum_(init->GetSingleArgument<float>("momentum")),
        beta_(init->GetSingleArgument<float>("beta")) {}

  // Makes the outputs, of which the sum of squares is the new one, and says the step.
  absl::StatusOr<StormStep> BeginStep(float lr) {
    DOPPIO_ASSIGN_OR_RETURN(const float old_sum, Single<float>(2));
    DOPPIO_RETURN_IF_ERROR(MakeOutputsLike({0, 1, 2}));
    const auto sum = static_cast<float>(old_sum + SumOfSquaresOf(In(3), Input(3).numel()));
    *Out(2) = sum;
    const auto rate = static_cast<float>(lr / std::cbrt(static_cast<double>(beta_) + sum));
    return StormStep{rate, momentum_ * rate * rate};
  }

 private:
  const float momentum_;
  const float beta_;
};

DOPPIO_OPERATOR_SCHEMA(Storm)
    .NumInputs(5)
    .NumOutputs(3)
    .AllowInplace({{0, 0}, {1, 1}, {2, 2}})
    .Doc(R"DOC(
A step of STORM (Cutkosky, Orabona 2019, https://arxiv.org/abs/1905.10018), where the gradient of the
last parameters on this batch, which no net has, is taken to be this one:

    output_grad_sq_sum = grad_sq_sum + sum(grad^2)
    rate = lr / cbrt(beta + output_grad_sq_sum)
    alpha = momentum rate^2
    output_moment = grad + (1 - alpha) (moment - grad)
    output_param = param + rate output_moment

Note the sign: lr is negative where grad points uphill.

Example: param [10], moment [4], grad_sq_sum [3], grad [2], lr [-1], momentum=1 and beta=1 give
output_grad_sq_sum [7], output_moment [3.5] and output_param [8.25].
)DOC")
    .Input(0, "param", "tensor of float: what is trained")
    .Input(1, "moment", "float, as many elements; zeros at first")
    .Input(3, "grad", "float, as many elements")
    .Input(4, "lr", "one float, k of the paper")
    .FillUsing(StateStorm);

class StormOp final : public StormOperator {
 public:
  explicit StormOp(OperatorInit* init) : StormOperator(init) {}

  absl::Status RunOnDevice() override {
    const int64_t size = Input(0).numel();
    DOPPIO_RETURN_IF_ERROR(CheckSizes<float>({0, 1, 3}, size));
    DOPPIO_ASSIGN_OR_RETURN(const float lr, Single<float>(4));
    DOPPIO_ASSIGN_OR_RETURN(const StormStep step, BeginStep(lr));
    const Slot param = Updated(0, 0);
    const Slot moment = Updated(1, 1);
    const float* grad = In(3);
    InPieces(size, [&](int64_t begin, int64_t count) {
      TakeStep(step, count, grad + begin, param + begin, moment + begin);
    });
    return absl::OkStatus();
  }
};

DOPPIO_OPERATOR_SCHEMA(SparseStorm)
    .NumInputs(6)
    .NumOutputs(3)
    .EnforceOneToOneInplace()
    .Doc(R"DOC(
STORM (Cutkosky, Orabona 2019, https://arxiv.org/abs/1905.10018) of some rows: the rate is that of
Storm for all of grad, and for every k in turn the row r = indices[k] is updated with grad[k]. A row
that stands there twice takes two steps. Other rows stay as they are.

    output_grad_sq_sum = grad_sq_sum + sum(grad^2)
    rate = lr / cbrt(beta + output_grad_sq_sum)
    alpha = momentum rate^2
    moment[r] = grad[k] + (1 - alpha) (moment[r] - grad[k])
    param[r] = param[r] + rate moment[r]

Example: param [[10],[20]], moment [[4],[4]], grad_sq_sum [3], grad [[2]], indices [1], lr [-1],
momentum=1 and beta=1 give output_grad_sq_sum [7], output_moment [[4],[3.5]] and output_param
[[10],[18.25]].
)DOC")
    .Input(0, "param", "float, at least a vector: the table that is trained")
    .Input(1, "moment", "float, as many elements; zeros at first")
    .Input(3, "grad", "float: indices' shape and then that of a row of param")
    .Input(4, "indices", "tensor of int32 or int64: rows of param")
    .Input(5, "lr", "one float, k of the paper")
    .FillUsing(StateStorm);

class SparseStormOp final : public StormOperator {
 public:
  explicit SparseStormOp(OperatorInit* init) : StormOperator(init) {}

  absl::Status RunOnDevice() override {
    DOPPIO_RETURN_IF_ERROR(CheckTable(0, 4));
    DOPPIO_RETURN_IF_ERROR(CheckSizes<float>({1}, Input(0).numel()));
    DOPPIO_RETURN_IF_ERROR(CheckRowGradients(0, 4, 3));
    DOPPIO_ASSIGN_OR_RETURN(const float lr, Single<float>(5));
    DOPPIO_ASSIGN_OR_RETURN(const StormStep step, BeginStep(lr));
    const Slot param = Updated(0, 0);
    const Slot moment = Updated(1, 1);
    const float* grad = In(3);
    const int64_t block = RowSize(0);
    return ForEachIndex(
        4, Input(0).dim(0), {{param.in, block}, {moment.in, block}}, [&](int64_t row, int64_t k) {
          TakeStep(step, block, grad + k * block, param + row * block, moment + row * block);
        });
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(Storm, StormOp);
DOPPIO_REGISTER_CPU_OPERATOR(SparseStorm, SparseStormOp);
DOPPIO_SHOULD_NOT_DO_GRADIENT(Storm);
DOPPIO_SHOULD_NOT_DO_GRADIENT(SparseStorm);

}  // namespace
}  // namespace doppio
