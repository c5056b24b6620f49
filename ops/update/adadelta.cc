#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "ops/update/update_operator.h"

namespace doppio {
namespace {

void StateAdadelta(OpSchema& schema) {
  schema.Arg<float>("epsilon", "is added to both moments before their root; at least 0", 1e-5f)
      .Arg<float>("decay", "what the old moments are multiplied by; between 0 and 1", 0.95f)
      .Output(0, "output_param", "param's shape: the new parameters")
      .Output(1, "output_moment", "moment's shape: the new one")
      .Output(2, "output_moment_delta", "moment_delta's shape: the new one")
      .TensorInference(OutputsLikeInputs({0, 1, 2}));
}

AdadeltaStep ReadAdadelta(OperatorInit* init) {
  const AdadeltaStep step = {0, init->GetSingleArgument<float>("epsilon"),
                             init->GetSingleArgument<float>("decay")};
  if (!(step.epsilon >= 0)) {
    init->Fail(absl::InvalidArgumentError(
        absl::StrCat("epsilon is ", step.epsilon, ", must be at least 0")));
  }
  if (!(step.decay > 0 && step.decay < 1)) {
    init->Fail(absl::InvalidArgumentError(
        absl::StrCat("decay is ", step.decay, ", must be between 0 and 1")));
  }
  return step;
}

DOPPIO_OPERATOR_SCHEMA(Adadelta)
    .NumInputs(5)
    .NumOutputs(3)
    .AllowInplace({{0, 0}, {1, 1}, {2, 2}})
    .Doc(R"DOC(
A step of Adadelta (Zeiler 2012, https://arxiv.org/abs/1212.5701):

    output_moment = decay moment + (1 - decay) grad^2
    step = sqrt(moment_delta + epsilon) / sqrt(output_moment + epsilon) grad
    output_moment_delta = decay moment_delta + (1 - decay) step^2
    output_param = param + lr step

Note the sign: lr is negative where grad points uphill.

Example: param [10], moment [0], moment_delta [4], grad [2], lr [-1], decay=0.75 and epsilon=0 give
output_moment [1], output_moment_delta [7] and output_param [6].
)DOC")
    .FillUsing(StateAdadelta)
    .Input(0, "param", "tensor of float: what is trained")
    .Input(1, "moment", "float, as many elements: the mean of squares of gradients")
    .Input(2, "moment_delta", "float, as many elements: the mean of squares of steps")
    .Input(3, "grad", "float, as many elements")
    .Input(4, "lr", "one float")
    .Flops(FlopsForEachOf(3, 15));

class AdadeltaOp final : public UpdateOperator {
 public:
  explicit AdadeltaOp(OperatorInit* init) : UpdateOperator(init), step_(ReadAdadelta(init)) {}

  absl::Status RunOnDevice() override {
    const int64_t size = Input(0).numel();
    DOPPIO_RETURN_IF_ERROR(CheckSizes<float>({0, 1, 2, 3}, size));
    DOPPIO_ASSIGN_OR_RETURN(step_.lr, Single<float>(4));
    DOPPIO_RETURN_IF_ERROR(MakeOutputsLike({0, 1, 2}));
    const Slot param = Updated(0, 0);
    const Slot moment = Updated(1, 1);
    const Slot moment_delta = Updated(2, 2);
    const float* grad = In(3);
    InPieces(size, [&](int64_t begin, int64_t count) {
      TakeStep(step_, count, grad + begin, param + begin, moment + begin, moment_delta + begin);
    });
    return absl::OkStatus();
  }

 private:
  AdadeltaStep step_;
};

DOPPIO_OPERATOR_SCHEMA(SparseAdadelta)
    .NumInputs(6)
    .NumOutputs(3)
    .EnforceOneToOneInplace()
    .Doc(R"DOC(
Adadelta (Zeiler 2012, https://arxiv.org/abs/1212.5701) of some rows: for every k in turn the row
r = indices[k] of param and of both moments is updated with grad[k]. A row that stands there twice
takes two steps. Other rows stay as they are.

    moment[r] = decay moment[r] + (1 - decay) grad[k]^2
    step = sqrt(moment_delta[r] + epsilon) / sqrt(moment[r] + epsilon) grad[k]
    moment_delta[r] = decay moment_delta[r] + (1 - decay) step^2
    param[r] = param[r] + lr step

Example: param [[10],[20]], moment [[0],[0]], moment_delta [[4],[4]], indices [0], grad [[2]], lr
[-1], decay=0.75 and epsilon=0 give output_param [[6],[20]].
)DOC")
    .FillUsing(StateAdadelta)
    .Input(0, "param", "float, at least a vector: the table that is trained")
    .Input(1, "moment", "float, as many elements: the mean of squares of gradients")
    .Input(2, "moment_delta", "float, as many elements: the mean of squares of steps")
    .Input(3, "indices", "tensor of int32 or int64: rows of param")
    .Input(4, "grad", "float: indices' shape and then that of a row of param")
    .Input(5, "lr", "one float")
    .Flops(FlopsForEachOf(4, 15));

class SparseAdadeltaOp final : public UpdateOperator {
 public:
  explicit SparseAdadeltaOp(OperatorInit* init) : UpdateOperator(init), step_(ReadAdadelta(init)) {}

  absl::Status RunOnDevice() override {
    DOPPIO_RETURN_IF_ERROR(CheckTable(0, 3));
    DOPPIO_RETURN_IF_ERROR(CheckSizes<float>({1, 2}, Input(0).numel()));
    DOPPIO_RETURN_IF_ERROR(CheckRowGradients(0, 3, 4));
    DOPPIO_ASSIGN_OR_RETURN(step_.lr, Single<float>(5));
    DOPPIO_RETURN_IF_ERROR(MakeOutputsLike({0, 1, 2}));
    const Slot param = Updated(0, 0);
    const Slot moment = Updated(1, 1);
    const Slot moment_delta = Updated(2, 2);
    const float* grad = In(4);
    const int64_t block = RowSize(0);
    return ForEachIndex(3, Input(0).dim(0),
                        {{param.in, block}, {moment.in, block}, {moment_delta.in, block}},
                        [&](int64_t row, int64_t k) {
                          TakeStep(step_, block, grad + k * block, param + row * block,
                                   moment + row * block, moment_delta + row * block);
                        });
  }

 private:
  AdadeltaStep step_;
};

DOPPIO_REGISTER_CPU_OPERATOR(Adadelta, AdadeltaOp);
DOPPIO_REGISTER_CPU_OPERATOR(SparseAdadelta, SparseAdadeltaOp);
DOPPIO_SHOULD_NOT_DO_GRADIENT(Adadelta);
DOPPIO_SHOULD_NOT_DO_GRADIENT(SparseAdadelta);

}  // namespace
}  // namespace doppio
