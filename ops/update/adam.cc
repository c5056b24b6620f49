#include <cmath>

#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "ops/update/update_operator.h"

namespace doppio {
namespace {

struct Betas {
  float beta1;
  float beta2;
  float epsilon;
};

Betas ReadBetas(OperatorInit* init) {
  return {init->GetSingleArgument<float>("beta1"), init->GetSingleArgument<float>("beta2"),
          init->GetSingleArgument<float>("epsilon")};
}

// The t-th step, counted from 1, before the moments are divided by anything.
AdamStep PlainStep(const Betas& betas, float lr) {
  AdamStep step = {};
  step.lr = lr;
  step.epsilon = betas.epsilon;
  step.decay1 = betas.beta1;
  step.gain1 = 1 - betas.beta1;
  step.decay2 = betas.beta2;
  step.gain2 = 1 - betas.beta2;
  step.factor = 1;
  step.adaptive = true;
  return step;
}

// The correction of moments that began with 0.
float Correction(const Betas& betas, double t) {
  return static_cast<float>(std::sqrt(1 - std::pow(betas.beta2, t)) /
                            (1 - std::pow(betas.beta1, t)));
}

// As RAdam corrects: not adaptive as long as the variance of the second moment is not bounded.
void Rectify(const Betas& betas, double t, AdamStep* step) {
  const double beta2 = betas.beta2;
  const double power = std::pow(beta2, t);
  const double limit = 2 / (1 - beta2) - 1;
  const double rho = limit - 2 * t * power / (1 - power);
  step->adaptive = rho >= 5;
  if (step->adaptive) {
    const double r = std::sqrt((rho - 4) * (rho - 2) * limit / ((limit - 4) * (limit - 2) * rho));
    step->factor = static_cast<float>(r * Correction(betas, t));
  } else {
    step->factor = static_cast<float>(1 / (1 - std::pow(betas.beta1, t)));
  }
}

void StateBetas(OpSchema& schema) {
  schema.Arg<float>("beta1", "what the first moment is multiplied by", 0.9f)
      .Arg<float>("beta2", "what the second moment is multiplied by", 0.999f)
      .Arg<float>("epsilon", "is added to the root of the second moment", 1e-5f);
}

void StateOutputs(OpSchema& schema) {
  schema.Output(0, "output_param", "param's shape: the new parameters")
      .Output(1, "output_moment_1", "moment_1's shape: the new first moment")
      .Output(2, "output_moment_2", "moment_2's shape: the new second moment");
}

// `first` is the first input after the moments and what belongs to them.
void StateSparseInputs(OpSchema& schema, int first) {
  schema.Input(0, "param", "float, at least a vector: the table that is trained")
      .Input(1, "moment_1", "float, as many elements as param; zeros at first")
      .Input(first, "indices", "tensor of int32 or int64: rows of param")
      .Input(first + 1, "grad", "float: indices' shape and then that of a row of param")
      .Input(first + 2, "lr", "one float")
      .Input(first + 3, "iter", "one int64, at least 0: the iteration, which Iter counts");
}

DOPPIO_OPERATOR_SCHEMA(Adam)
    .NumInputs(6)
    .NumOutputs(3, 4)
    .AllowInplace({{0, 0}, {1, 1}, {2, 2}})
    .Doc(R"DOC(
A step of Adam (Kingma, Ba 2014, https://arxiv.org/abs/1412.6980), the t-th, where t = iter + 1:

    output_moment_1 = beta1 moment_1 + (1 - beta1) grad
    output_moment_2 = beta2 moment_2 + (1 - beta2) grad^2
    correction = sqrt(1 - beta2^t) / (1 - beta1^t)
    output_grad = correction output_moment_1 / (sqrt(output_moment_2) + epsilon)
    output_param = param + lr output_grad

Note the sign: lr is negative where grad points uphill.

Example: param [10], moments [0] and [0], grad [4], lr [-0.1], iter [0] and epsilon=0 give
output_moment_1 [0.4], output_moment_2 [0.016], output_grad [1] and output_param [9.9].
)DOC")
    .FillUsing(StateBetas)
    .Input(0, "param", "tensor of float: what is trained")
    .Input(1, "moment_1", "float, as many elements: the mean of gradients; zeros at first")
    .Input(2, "moment_2", "float, as many elements: the mean of their squares; zeros at first")
    .Input(3, "grad", "float, as many elements")
    .Input(4, "lr", "one float")
    .Input(5, "iter", "one int64, at least 0: the iteration, which Iter counts")
    .FillUsing(StateOutputs)
    .Output(3, "output_grad", "grad's shape, the direction of the step; may be left out")
    .Flops(FlopsForEachOf(3, 13))
    .TensorInference(OutputsLikeInputs({0, 1, 2, 3}));

class AdamOp final : public UpdateOperator {
 public:
  explicit AdamOp(OperatorInit* init) : UpdateOperator(init), betas_(ReadBetas(init)) {}

  absl::Status RunOnDevice() override {
    const int64_t size = Input(0).numel();
    DOPPIO_RETURN_IF_ERROR(CheckSizes<float>({0, 1, 2, 3}, size));
    DOPPIO_ASSIGN_OR_RETURN(const float lr, Single<float>(4));
    DOPPIO_ASSIGN_OR_RETURN(const int64_t iteration, Iteration(5));
    AdamStep step = PlainStep(betas_, lr);
    step.factor = Correction(betas_, static_cast<double>(iteration) + 1);
    DOPPIO_RETURN_IF_ERROR(MakeOutputsLike({0, 1, 2, 3}));
    const Slot param = Updated(0, 0);
    const Slot moment_1 = Updated(1, 1);
    const Slot moment_2 = Updated(2, 2);
    const Slot direction = {nullptr, Out(3)};
    const float* grad = In(3);
    InPieces(size, [&](int64_t begin, int64_t count) {
      TakeStep(step, count, grad + begin, param + begin, moment_1 + begin, moment_2 + begin,
               (direction + begin).out);
    });
    return absl::OkStatus();
  }

 private:
  const Betas betas_;
};

DOPPIO_OPERATOR_SCHEMA(SparseAdam)
    .NumInputs(7)
    .NumOutputs(3, 4)
    .EnforceInplace({{0, 0}, {1, 1}, {2, 2}})
    .Doc(R"DOC(
Adam (Kingma, Ba 2014, https://arxiv.org/abs/1412.6980) of some rows: for every k in turn the row
r = indices[k] is updated with grad[k], with t = iter + 1. A row that stands there twice takes two
steps. Other rows stay as they are, their moments too.

    moment_1[r] = beta1 moment_1[r] + (1 - beta1) grad[k]
    moment_2[r] = beta2 moment_2[r] + (1 - beta2) grad[k]^2
    correction = sqrt(1 - beta2^t) / (1 - beta1^t)
    output_grad[k] = correction moment_1[r] / (sqrt(moment_2[r]) + epsilon)
    param[r] = param[r] + lr output_grad[k]

With enableRAdam the step is rectified (Liu et al. 2019, https://arxiv.org/abs/1908.03265): with
rho_max = 2 / (1 - beta2) - 1 and rho = rho_max - 2 t beta2^t / (1 - beta2^t), where rho is 5 or more

    output_grad[k] is multiplied by sqrt((rho - 4) (rho - 2) rho_max / ((rho_max - 4) (rho_max - 2) rho))

and otherwise is moment_1[r] / (1 - beta1^t).

Example: param [[10,20]], moments [[0,0]], indices [0], grad [[1,7]], lr [-1], iter [0] and epsilon=0
give output_param [[9,19]], and with enableRAdam=1 [[9,13]].
)DOC")
    .FillUsing(StateBetas)
    .Arg<bool>("enableRAdam", "rectify the step as RAdam does", false)
    .FillUsing([](OpSchema& schema) { StateSparseInputs(schema, 3); })
    .Input(2, "moment_2", "float, as many elements as param; zeros at first")
    .FillUsing(StateOutputs)
    .Output(3, "output_grad", "grad's shape, the directions of the steps; may be left out")
    .Flops(FlopsForEachOf(4, 13))
    .TensorInference(OutputsLikeInputs({0, 1, 2, 4}));

class SparseAdamOp final : public UpdateOperator {
 public:
  explicit SparseAdamOp(OperatorInit* init)
      : UpdateOperator(init),
        betas_(ReadBetas(init)),
        rectified_(init->GetSingleArgument<bool>("enableRAdam")) {}

  absl::Status RunOnDevice() override {
    DOPPIO_RETURN_IF_ERROR(CheckTable(0, 3));
    DOPPIO_RETURN_IF_ERROR(CheckSizes<float>({1, 2}, Input(0).numel()));
    DOPPIO_RETURN_IF_ERROR(CheckRowGradients(0, 3, 4));
    DOPPIO_ASSIGN_OR_RETURN(const float lr, Single<float>(5));
    DOPPIO_ASSIGN_OR_RETURN(const int64_t iteration, Iteration(6));
    const double t = static_cast<double>(iteration) + 1;
    AdamStep step = PlainStep(betas_, lr);
    step.factor = Correction(betas_, t);
    if (rectified_) Rectify(betas_, t, &step);
    DOPPIO_RETURN_IF_ERROR(MakeOutputsLike({0, 1, 2, 4}));
    const Slot param = Updated(0, 0);
    const Slot moment_1 = Updated(1, 1);
    const Slot moment_2 = Updated(2, 2);
    const Slot direction = {nullptr, Out(3)};
    const float* grad = In(4);
    const int64_t block = RowSize(0);
    return ForEachIndex(
        3, Input(0).dim(0), {{param.in, block}, {moment_1.in, block}, {moment_2.in, block}},
        [&](int64_t row, int64_t k) {
          TakeStep(step, block, grad + k * block, param + row * block, moment_1 + row * block,
                   moment_2 + row * block, (direction + k * block).out);
        });
  }

 private:
  const Betas betas_;
  const bool rectified_;
};

DOPPIO_OPERATOR_SCHEMA(RowWiseSparseAdam)
    .NumInputs(7)
    .NumOutputs(3, 4)
    .EnforceInplace({{0, 0}, {1, 1}, {2, 2}})
    .Doc(R"DOC(
Adam (Kingma, Ba 2014, https://arxiv.org/abs/1412.6980) of some rows, with one second moment for each
row, which needs less memory: for every k in turn the row r = indices[k] is updated with grad[k], with
t = iter + 1. A row that stands there twice takes two steps. Other rows stay as they are.

    moment_1[r] = beta1 moment_1[r] + (1 - beta1) grad[k]
    moment_2[r] = beta2 moment_2[r] + (1 - beta2) mean(grad[k]^2)
    correction = sqrt(1 - beta2^t) / (1 - beta1^t)
    output_grad[k] = correction moment_1[r] / (sqrt(moment_2[r]) + epsilon)
    param[r] = param[r] + lr output_grad[k]

Example: param [[10,20]], moment_1 [[0,0]], moment_2 [0], indices [0], grad [[1,7]], lr [-1], iter [0]
and epsilon=0 give output_param [[9.8,18.6]].
)DOC")
    .FillUsing(StateBetas)
    .FillUsing([](OpSchema& schema) { StateSparseInputs(schema, 3); })
    .Input(2, "moment_2", "float, an element for each row of param; zeros at first")
    .FillUsing(StateOutputs)
    .Output(3, "output_grad", "grad's shape, the directions of the steps; may be left out")
    .Flops(FlopsForEachOf(4, 8))
    .TensorInference(OutputsLikeInputs({0, 1, 2, 4}));

class RowWiseSparseAdamOp final : public UpdateOperator {
 public:
  explicit RowWiseSparseAdamOp(OperatorInit* init)
      : UpdateOperator(init), betas_(ReadBetas(init)) {}

  absl::Status RunOnDevice() override {
    DOPPIO_RETURN_IF_ERROR(CheckTable(0, 3));
    const int64_t rows = Input(0).dim(0);
    DOPPIO_RETURN_IF_ERROR(CheckSizes<float>({1}, Input(0).numel()));
    DOPPIO_RETURN_IF_ERROR(CheckSizes<float>({2}, rows));
    DOPPIO_RETURN_IF_ERROR(CheckRowGradients(0, 3, 4));
    DOPPIO_ASSIGN_OR_RETURN(const float lr, Single<float>(5));
    DOPPIO_ASSIGN_OR_RETURN(const int64_t iteration, Iteration(6));
    const float correction = Correction(betas_, static_cast<double>(iteration) + 1);
    DOPPIO_RETURN_IF_ERROR(MakeOutputsLike({0, 1, 2, 4}));
    const Slot param = Updated(0, 0);
    const Slot moment_1 = Updated(1, 1);
    float* moment_2 = Out(2);
    const Slot direction = {nullptr, Out(3)};
    const float* grad = In(4);
    const int64_t block = RowSize(0);
    if (block == 0) return absl::OkStatus();  // rows without elements have no mean
    return ForEachIndex(
        3, rows, {{param.in, block}, {moment_1.in, block}}, [&](int64_t row, int64_t k) {
          const float* g = grad + k * block;
          AdamStep step = PlainStep(betas_, lr);
          const double mean = SumOfProducts(g, g, block) / static_cast<double>(block);
          moment_2[row] = static_cast<float>(step.decay2 * moment_2[row] + step.gain2 * mean);
          step.factor = correction / (std::sqrt(moment_2[row]) + step.epsilon);
          TakeStep(step, block, g, param + row * block, moment_1 + row * block, Slot(),
                   (direction + k * block).out);
        });
  }

 private:
  const Betas betas_;
};

DOPPIO_OPERATOR_SCHEMA(SmartDecaySparseAdam)
    .NumInputs(8)
    .NumOutputs(4)
    .EnforceInplace({{0, 0}, {1, 1}, {2, 2}, {3, 3}})
    .Doc(R"DOC(
Adam (Kingma, Ba 2014, https://arxiv.org/abs/1412.6980) of some rows, which makes up for the steps
that a row was not there: for every k in turn the row r = indices[k] is updated with grad[k]. With
t = iter + 1 and s = t - last_seen[r], the number of steps since,

    missed = moment_1[r] (beta1 + ... + beta1^(s-1))
    moment_1[r] = beta1^s moment_1[r] + (1 - beta1) grad[k]
    moment_2[r] = beta2^s moment_2[r] + (1 - beta2) grad[k]^2
    param[r] = param[r] + lr (moment_1[r] + missed) / (sqrt(moment_2[r]) + epsilon)
    last_seen[r] = t

Moments are not corrected for having begun with 0. A row that stands in indices twice takes two steps,
the second one with s = 0. Other rows stay as they are.

Example: param [[10]], moment_1 [[8]], moment_2 [[0]], last_seen [0], indices [0], grad [[4]],
lr [-1], iter [1], beta1=0.5, beta2=0 and epsilon=0 give output_moment_1 [[4]], output_moment_2
[[16]], output_last_seen [2] and output_param [[8]].
)DOC")
    .FillUsing(StateBetas)
    .FillUsing([](OpSchema& schema) { StateSparseInputs(schema, 4); })
    .Input(2, "moment_2", "float, as many elements as param; zeros at first")
    .Input(3, "last_seen", "int64, an element for each row of param: t when it was updated last")
    .FillUsing(StateOutputs)
    .Output(3, "output_last_seen", "last_seen's shape: the new one")
    .Flops(FlopsForEachOf(5, 13))
    .TensorInference(OutputsLikeInputs({0, 1, 2, 3}));

class SmartDecaySparseAdamOp final : public UpdateOperator {
 public:
  explicit SmartDecaySparseAdamOp(OperatorInit* init)
      : UpdateOperator(init), betas_(ReadBetas(init)) {}

  absl::Status RunOnDevice() override {
    DOPPIO_RETURN_IF_ERROR(CheckTable(0, 4));
    const int64_t rows = Input(0).dim(0);
    DOPPIO_RETURN_IF_ERROR(CheckSizes<float>({1, 2}, Input(0).numel()));
    DOPPIO_RETURN_IF_ERROR(CheckSizes<int64_t>({3}, rows));
    DOPPIO_RETURN_IF_ERROR(CheckRowGradients(0, 4, 5));
    DOPPIO_ASSIGN_OR_RETURN(const float lr, Single<float>(6));
    DOPPIO_ASSIGN_OR_RETURN(const int64_t iteration, Iteration(7));
    const int64_t t = iteration + 1;
    DOPPIO_RETURN_IF_ERROR(MakeOutputsLike({0, 1, 2, 3}));
    const Slot param = Updated(0, 0);
    const Slot moment_1 = Updated(1, 1);
    const Slot moment_2 = Updated(2, 2);
    int64_t* last_seen = OutputBlob(3)->GetMutable<Tensor>()->mutable_data<int64_t>();
    const float* grad = In(5);
    const int64_t block = RowSize(0);
    return ForEachIndex(
        4, rows, {{param.in, block}, {moment_1.in, block}, {moment_2.in, block}},
        [&](int64_t row, int64_t k) {
          const double steps = static_cast<double>(t) - static_cast<double>(last_seen[row]);
          last_seen[row] = t;
          const double beta1 = betas_.beta1;
          AdamStep step = PlainStep(betas_, lr);
          step.decay1 = static_cast<float>(std::pow(beta1, steps));
          step.decay2 = static_cast<float>(std::pow(static_cast<double>(betas_.beta2), steps));
          if (steps > 1) {
            step.catch_up =
                static_cast<float>(beta1 * (1 - std::pow(beta1, steps - 1)) / (1 - beta1));
          }
          TakeStep(step, block, grad + k * block, param + row * block, moment_1 + row * block,
                   moment_2 + row * block, nullptr);
        });
  }

 private:
  const Betas betas_;
};

DOPPIO_REGISTER_CPU_OPERATOR(Adam, AdamOp);
DOPPIO_REGISTER_CPU_OPERATOR(SparseAdam, SparseAdamOp);
DOPPIO_REGISTER_CPU_OPERATOR(RowWiseSparseAdam, RowWiseSparseAdamOp);
DOPPIO_REGISTER_CPU_OPERATOR(SmartDecaySparseAdam, SmartDecaySparseAdamOp);
DOPPIO_SHOULD_NOT_DO_GRADIENT(Adam);
DOPPIO_SHOULD_NOT_DO_GRADIENT(SparseAdam);
DOPPIO_SHOULD_NOT_DO_GRADIENT(RowWiseSparseAdam);
// Caffe2 says nothing of this one's gradient; it has none either.
DOPPIO_SHOULD_NOT_DO_GRADIENT(SmartDecaySparseAdam);

}  // namespace
}  // namespace doppio
