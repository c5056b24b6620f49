#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "ops/update/adagrad_rules.h"
#include "ops/update/update_operator.h"

namespace doppio {
namespace {

DOPPIO_OPERATOR_SCHEMA(Adagrad)
    .NumInputs(4)
    .NumOutputs(2, 4)
    .AllowInplace({{0, 0}, {1, 1}})
    .Doc(R"DOC(
A step of Adagrad (Duchi, Hazan, Singer 2011, Adaptive subgradient methods for online learning and
stochastic optimization):

    g = grad + weight_decay param
    output_moment = decay moment + g^2
    output_effective_lr = lr / (sqrt(output_moment) + epsilon)
    output_update = output_effective_lr g
    output_param = param + output_update

Note the sign: lr is negative where grad points uphill. With decay below 1 old gradients are forgotten.

Example: param [10], moment [9], grad [4], lr [-1] and epsilon=0 give output_moment [25] and
output_param [9.2].
)DOC")
    .FillUsing(ElementAdagrad::State)
    .Arg<float>("decay", "what the old moment is multiplied by", 1.0f)
    .Input(0, "param", "tensor of float: what is trained")
    .Input(1, "moment", "float, as many elements: the sum of the squares of all gradients so far")
    .Input(2, "grad", "float, as many elements")
    .Input(3, "lr", "one float")
    .Output(0, "output_param", "param's shape: the new parameters")
    .Output(1, "output_moment", "moment's shape: the new moment")
    .Output(2, "output_effective_lr", "grad's shape; may be left out")
    .Output(3, "output_update", "grad's shape, what was added to the parameters; may be left out")
    .Flops(FlopsForEachOf(2, 10))
    .TensorInference(OutputsLikeInputs({0, 1, 2, 2}));

class AdagradOp final : public UpdateOperator {
 public:
  explicit AdagradOp(OperatorInit* init)
      : UpdateOperator(init),
        step_{0, init->GetSingleArgument<float>("epsilon"), init->GetSingleArgument<float>("decay"),
              init->GetSingleArgument<float>("weight_decay")} {}

  absl::Status RunOnDevice() override {
    const int64_t size = Input(0).numel();
    DOPPIO_RETURN_IF_ERROR(CheckSizes<float>({0, 1, 2}, size));
    DOPPIO_ASSIGN_OR_RETURN(step_.lr, Single<float>(3));
    DOPPIO_RETURN_IF_ERROR(MakeOutputsLike({0, 1, 2, 2}));
    const Slot param = Updated(0, 0);
    const Slot moment = Updated(1, 1);
    const Slot rate = {nullptr, Out(2)};
    const Slot update = {nullptr, Out(3)};
    const float* grad = In(2);
    InPieces(size, [&](int64_t begin, int64_t count) {
      TakeStep(step_, count, grad + begin, param + begin, moment + begin, (rate + begin).out,
               (update + begin).out);
    });
    return absl::OkStatus();
  }

 private:
  AdagradStep step_;
};

void StateSparseInputs(OpSchema& schema) {
  schema.Input(0, "param", "float, at least a vector: the table that is trained")
      .Input(2, "indices", "tensor of int32 or int64: rows of param")
      .Input(3, "grad", "float: indices' shape and then that of a row of param")
      .Input(4, "lr", "one float")
      .Output(0, "output_param", "param's shape: the new parameters")
      .Output(1, "output_moment_1", "moment's shape: the new moment");
}

DOPPIO_OPERATOR_SCHEMA(SparseAdagrad)
    .NumInputs(5)
    .NumOutputs(2)
    .EnforceOneToOneInplace()
    .Doc(R"DOC(
Adagrad (Duchi, Hazan, Singer 2011) of some rows: for every k in turn the row r = indices[k] of param
and moment is updated with grad[k]. A row that stands there twice takes two steps. Other rows stay as
they are.

    g = grad[k] + weight_decay param[r]
    moment[r] = moment[r] + g^2
    param[r] = param[r] + lr g / (sqrt(moment[r]) + epsilon)

Example: param [[10],[20]], moment [[9],[1]], indices [0], grad [[4]], lr [-1] and epsilon=0 give
output_param [[9.2],[20]] and output_moment_1 [[25],[1]].
)DOC")
    .FillUsing(ElementAdagrad::State)
    .Arg<float>("decay", "must be 1: rows without an index could not decay", 1.0f)
    .FillUsing(StateSparseInputs)
    .Input(1, "moment", "float, as many elements as param: sums of squares of gradients")
    .Flops(FlopsForEachOf(3, 7))
    .TensorInference(OutputsLikeInputs({0, 1}));

class SparseAdagradOp final : public UpdateOperator {
 public:
  explicit SparseAdagradOp(OperatorInit* init) : UpdateOperator(init), adagrad_(init) {
    init->Fail(CheckNoDecay(init));
  }

  absl::Status RunOnDevice() override {
    DOPPIO_RETURN_IF_ERROR(CheckTable(0, 2));
    DOPPIO_RETURN_IF_ERROR(CheckSizes<float>({1}, Input(0).numel()));
    DOPPIO_RETURN_IF_ERROR(CheckRowGradients(0, 2, 3));
    DOPPIO_ASSIGN_OR_RETURN(const float lr, Single<float>(4));
    adagrad_.SetRate(lr);
    DOPPIO_RETURN_IF_ERROR(MakeOutputsLike({0, 1}));
    float* param = Out(0);
    float* moment = Out(1);
    const float* grad = In(3);
    const int64_t block = RowSize(0);
    return ForEachIndex(2, Input(0).dim(0), {{param, block}, {moment, block}},
                        [&](int64_t row, int64_t k) {
                          adagrad_.Update(row, block, 1, grad + k * block, param, moment);
                        });
  }

 private:
  ElementAdagrad adagrad_;
};

DOPPIO_OPERATOR_SCHEMA(RowWiseSparseAdagrad)
    .NumInputs(5, 6)
    .NumOutputs(2)
    .EnforceOneToOneInplace()
    .Doc(R"DOC(
Adagrad (Duchi, Hazan, Singer 2011) of some rows, with one moment for each row, which needs less
memory: for every k in turn the row r = indices[k] is updated with grad[k]. A row that stands there
twice takes two steps. Other rows stay as they are.

    g = grad[k] + weight_decay param[r]
    moment[r] = moment[r] + mean(g^2)
    param[r] = param[r] + lr g / (sqrt(moment[r]) + epsilon)

Example: param [[10,20]], moment [0], indices [0], grad [[1,7]], lr [-1] and epsilon=0 give
output_moment_1 [25] and output_param [[9.8,18.6]].
)DOC")
    .FillUsing(RowWiseAdagrad::State)
    .FillUsing(StateSparseInputs)
    .Input(1, "moment", "float, an element for each row of param: sums of mean squares")
    .Input(5, "counter",
           "double, an element for each row of param, as RowWiseCounter counts; needed only where "
           "counter_halflife is above 0 and weight_decay is not 0")
    .Flops(FlopsForEachOf(3, 8))
    .TensorInference(OutputsLikeInputs({0, 1}));

class RowWiseSparseAdagradOp final : public UpdateOperator {
 public:
  explicit RowWiseSparseAdagradOp(OperatorInit* init) : UpdateOperator(init), adagrad_(init) {
    if (adagrad_.NeedsCounter()) init->Fail(CheckHasInput(5));
  }

  absl::Status RunOnDevice() override {
    DOPPIO_RETURN_IF_ERROR(CheckTable(0, 2));
    const int64_t rows = Input(0).dim(0);
    DOPPIO_RETURN_IF_ERROR(CheckSizes<float>({1}, rows));
    DOPPIO_RETURN_IF_ERROR(CheckRowGradients(0, 2, 3));
    DOPPIO_ASSIGN_OR_RETURN(const float lr, Single<float>(4));
    adagrad_.SetRate(lr);
    if (adagrad_.NeedsCounter()) {
      DOPPIO_RETURN_IF_ERROR(CheckSizes<double>({5}, rows));
      adagrad_.SetCounter(Input(5).data<double>());
    }
    DOPPIO_RETURN_IF_ERROR(MakeOutputsLike({0, 1}));
    float* param = Out(0);
    float* moment = Out(1);
    const float* grad = In(3);
    const int64_t block = RowSize(0);
    if (block == 0) return absl::OkStatus();  // rows without elements have no mean
    return ForEachIndex(2, rows, {{param, block}}, [&](int64_t row, int64_t k) {
      adagrad_.Update(row, block, 1, grad + k * block, param, moment);
    });
  }

 private:
  RowWiseAdagrad adagrad_;
};

DOPPIO_REGISTER_CPU_OPERATOR(Adagrad, AdagradOp);
DOPPIO_REGISTER_CPU_OPERATOR(SparseAdagrad, SparseAdagradOp);
DOPPIO_REGISTER_CPU_OPERATOR(RowWiseSparseAdagrad, RowWiseSparseAdagradOp);
DOPPIO_SHOULD_NOT_DO_GRADIENT(Adagrad);
DOPPIO_SHOULD_NOT_DO_GRADIENT(SparseAdagrad);
DOPPIO_SHOULD_NOT_DO_GRADIENT(RowWiseSparseAdagrad);

}  // namespace
}  // namespace doppio
