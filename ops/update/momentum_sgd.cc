#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "ops/update/update_operator.h"

namespace doppio {
namespace {

void StateMomentum(OpSchema& schema) {
  schema.Arg<float>("momentum", "how much of the last step goes on", 0.0f)
      .Arg<bool>("nesterov", "look ahead along the momentum (Nesterov's accelerated gradient)",
                 false)
      .Input(0, "grad", "tensor of float")
      .Input(1, "moment", "float, as many elements: the last step; zeros at first")
      .Input(2, "lr", "one float, positive: the step is subtracted")
      .Output(0, "output_grad", "grad's shape: the step")
      .Output(1, "output_moment", "moment's shape: the new moment");
}

MomentumStep ReadMomentum(OperatorInit* init) {
  return {0, init->GetSingleArgument<float>("momentum"), init->GetSingleArgument<bool>("nesterov")};
}

DOPPIO_OPERATOR_SCHEMA(MomentumSGD)
    .NumInputs(3)
    .NumOutputs(2)
    .AllowInplace({{0, 0}, {1, 1}})
    .Doc(R"DOC(
The step of gradient descent with momentum (Polyak 1964; Sutskever et al. 2013, On the importance of
initialization and momentum in deep learning), without taking it:

    output_moment = momentum moment + lr grad
    output_grad = output_moment
    output_grad = (1 + momentum) output_moment - momentum moment      with nesterov

MomentumSGDUpdate subtracts it from the parameters too.

Example: grad [1], moment [2], lr [0.5] and momentum=0.5 give output_grad [1.5] and output_moment
[1.5]; with nesterov=1 output_grad is [1.25].
)DOC")
    .FillUsing(StateMomentum)
    .Flops(FlopsForEachOf(0, 3))
    .TensorInference(OutputsLikeInputs({0, 1}));

DOPPIO_OPERATOR_SCHEMA(MomentumSGDUpdate)
    .NumInputs(4)
    .NumOutputs(3)
    .AllowInplace({{0, 0}, {1, 1}, {3, 2}})
    .Doc(R"DOC(
A step of gradient descent with momentum: what MomentumSGD computes, which is subtracted from the
parameters.

    output_moment = momentum moment + lr grad
    output_grad = output_moment
    output_grad = (1 + momentum) output_moment - momentum moment      with nesterov
    output_param = param - output_grad

Example: grad [1], moment [2], lr [0.5], param [10] and momentum=0.5 give output_grad [1.5],
output_moment [1.5] and output_param [8.5].
)DOC")
    .FillUsing(StateMomentum)
    .Input(3, "param", "float, as many elements: what is trained")
    .Output(2, "output_param", "param's shape: the new parameters")
    .Flops(FlopsForEachOf(0, 4))
    .TensorInference(OutputsLikeInputs({0, 1, 3}));

class MomentumSGDOp final : public UpdateOperator {
 public:
  explicit MomentumSGDOp(OperatorInit* init) : UpdateOperator(init), step_(ReadMomentum(init)) {}

  absl::Status RunOnDevice() override {
    const bool has_param = InputSize() == 4;
    const int64_t size = Input(0).numel();
    DOPPIO_RETURN_IF_ERROR(CheckSizes<float>({0, 1}, size));
    if (has_param) DOPPIO_RETURN_IF_ERROR(CheckSizes<float>({3}, size));
    DOPPIO_ASSIGN_OR_RETURN(step_.lr, Single<float>(2));
    DOPPIO_RETURN_IF_ERROR(MakeOutputsLike({0, 1, 3}));
    const Slot grad = Updated(0, 0);
    const Slot moment = Updated(1, 1);
    const Slot param = has_param ? Updated(3, 2) : Slot();
    InPieces(size, [&](int64_t begin, int64_t count) {
      TakeStep(step_, count, grad + begin, moment + begin, param + begin);
    });
    return absl::OkStatus();
  }

 private:
  MomentumStep step_;
};

DOPPIO_OPERATOR_SCHEMA(SparseMomentumSGDUpdate)
    .NumInputs(5)
    .NumOutputs(3)
    .AllowInplace({{0, 0}})
    .EnforceInplace({{1, 1}, {3, 2}})
    .Doc(R"DOC(
MomentumSGDUpdate of some rows: for every k in turn it updates the rows moment[indices[k]] and
param[indices[k]] with grad[k]. A row that stands there twice takes two steps. Rows without an index
stay as they are, their moment too.

Example: grad [[1]], moment [[2],[3]], lr [0.5], param [[10],[20]], indices [0] and momentum=0.5
give output_grad [[1.5]], output_moment [[1.5],[3]] and output_param [[8.5],[20]].
)DOC")
    .FillUsing(StateMomentum)
    .Input(0, "grad", "float: indices' shape and then that of a row of param")
    .Input(1, "moment", "float, as many elements as param; zeros at first")
    .Input(3, "param", "float, at least a vector: the table that is trained")
    .Input(4, "indices", "tensor of int32 or int64: rows of param")
    .Output(2, "output_param", "param's shape: the new parameters")
    .Flops(FlopsForEachOf(0, 4))
    .TensorInference(OutputsLikeInputs({0, 1, 3}));

class SparseMomentumSGDUpdateOp final : public UpdateOperator {
 public:
  explicit SparseMomentumSGDUpdateOp(OperatorInit* init)
      : UpdateOperator(init), step_(ReadMomentum(init)) {}

  absl::Status RunOnDevice() override {
    DOPPIO_RETURN_IF_ERROR(CheckTable(3, 4));
    DOPPIO_RETURN_IF_ERROR(CheckSizes<float>({1}, Input(3).numel()));
    DOPPIO_RETURN_IF_ERROR(CheckRowGradients(3, 4, 0));
    DOPPIO_ASSIGN_OR_RETURN(step_.lr, Single<float>(2));
    DOPPIO_RETURN_IF_ERROR(MakeOutputsLike({0, 1, 3}));
    const Slot grad = Updated(0, 0);
    const Slot moment = Updated(1, 1);
    const Slot param = Updated(3, 2);
    const int64_t block = RowSize(3);
    return ForEachIndex(
        4, Input(3).dim(0), {{param.in, block}, {moment.in, block}}, [&](int64_t row, int64_t k) {
          TakeStep(step_, block, grad + k * block, moment + row * block, param + row * block);
        });
  }

 private:
  MomentumStep step_;
};

DOPPIO_REGISTER_CPU_OPERATOR(MomentumSGD, MomentumSGDOp);
DOPPIO_REGISTER_CPU_OPERATOR(MomentumSGDUpdate, MomentumSGDOp);
DOPPIO_REGISTER_CPU_OPERATOR(SparseMomentumSGDUpdate, SparseMomentumSGDUpdateOp);
DOPPIO_SHOULD_NOT_DO_GRADIENT(MomentumSGD);
DOPPIO_SHOULD_NOT_DO_GRADIENT(MomentumSGDUpdate);
DOPPIO_SHOULD_NOT_DO_GRADIENT(SparseMomentumSGDUpdate);

}  // namespace
}  // namespace doppio
