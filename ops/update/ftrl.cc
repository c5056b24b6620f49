#include <cmath>

#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "ops/update/update_operator.h"

namespace doppio {
namespace {

void StateFtrl(OpSchema& schema) {
  schema.Arg<float>("alpha", "the learning rate, not to be given with the input alpha", 0.005f)
      .Arg<float>("beta", "the larger, the smaller are the first steps", 1.0f)
      .Arg<float>("lambda1", "how strongly parameters are drawn to 0, and kept there", 0.001f)
      .Arg<float>("lambda2", "how strongly large parameters are drawn to 0", 0.001f)
      .Output(0, "output_var", "var's shape: the new parameters")
      .Output(1, "output_n_z", "n_z's shape: the new pairs")
      .TensorInference(OutputsLikeInputs({0, 1}));
}

// `alpha` is the input that may give the learning rate.
FtrlStep ReadFtrl(OperatorInit* init, int alpha) {
  if (init->HasArgument("alpha") && init->def().input_size() > alpha) {
    init->Fail(absl::InvalidArgumentError("alpha is given as an argument and as an input"));
  }
  return {1 / init->GetSingleArgument<float>("alpha"), init->GetSingleArgument<float>("beta"),
          init->GetSingleArgument<float>("lambda1"), init->GetSingleArgument<float>("lambda2")};
}

class FtrlOperator : public UpdateOperator {
 protected:
  FtrlOperator(OperatorInit* init, int alpha)
      : UpdateOperator(init), alpha_(alpha), step_(ReadFtrl(init, alpha)) {}

  // The step, with the learning rate of the input where there is one.
  absl::StatusOr<FtrlStep> Step() const {
    FtrlStep step = step_;
    if (InputSize() > alpha_) {
      DOPPIO_ASSIGN_OR_RETURN(const float alpha, Single<float>(alpha_));
      step.alpha_inverse = 1 / alpha;
    }
    return step;
  }

  absl::Status CheckPairs() const {
    DOPPIO_ASSIGN_OR_RETURN(const int64_t wanted, CheckedProduct(Input(0).numel(), 2));
    return CheckSizes<float>({1}, wanted);
  }

 private:
  const int alpha_;
  const FtrlStep step_;
};

DOPPIO_OPERATOR_SCHEMA(Ftrl)
    .NumInputs(3, 4)
    .NumOutputs(2)
    .AllowInplace({{0, 0}, {1, 1}})
    .Doc(R"DOC(
A step of FTRL-Proximal (McMahan et al. 2013, Ad click prediction: a view from the trenches), which
makes sparse models. Every parameter w of var has a pair (n, z) in n_z: the sum of squares of its
gradients, and a sum of gradients which are corrected for the steps that were taken.

    n' = n + grad^2
    z' = z + grad - (sqrt(n') - sqrt(n)) / alpha w
    w' = 0 where |z'| <= lambda1, otherwise
    w' = (sign(z') lambda1 - z') / ((beta + sqrt(n')) / alpha + lambda2)

Example: var [0,0], n_z [[0,0],[0,0]], grad [3,1] with alpha=1, beta=1, lambda1=1 and lambda2=0 give
output_n_z [[9,3],[1,1]] and output_var [-0.5,0].
)DOC")
    .FillUsing(StateFtrl)
    .Input(0, "var", "tensor of float: what is trained")
    .Input(1, "n_z", "float, twice as many elements: a pair for each of var; zeros at first")
    .Input(2, "grad", "float, as many elements as var")
    .Input(3, "alpha", "one float, the learning rate; may be left out")
    .Flops(FlopsForEachOf(2, 16));

class FtrlOp final : public FtrlOperator {
 public:
  explicit FtrlOp(OperatorInit* init) : FtrlOperator(init, 3) {}

  absl::Status RunOnDevice() override {
    const int64_t size = Input(0).numel();
    DOPPIO_RETURN_IF_ERROR(CheckSizes<float>({0, 2}, size));
    DOPPIO_RETURN_IF_ERROR(CheckPairs());
    DOPPIO_ASSIGN_OR_RETURN(const FtrlStep step, Step());
    DOPPIO_RETURN_IF_ERROR(MakeOutputsLike({0, 1}));
    const Slot var = Updated(0, 0);
    const Slot n_z = Updated(1, 1);
    const float* grad = In(2);
    InPieces(size, [&](int64_t begin, int64_t count) {
      TakeStep(step, count, grad + begin, var + begin, n_z + 2 * begin);
    });
    return absl::OkStatus();
  }
};

DOPPIO_OPERATOR_SCHEMA(SparseFtrl)
    .NumInputs(4, 5)
    .NumOutputs(2)
    .EnforceInplace({{0, 0}, {1, 1}})
    .Doc(R"DOC(
FTRL-Proximal (McMahan et al. 2013, Ad click prediction: a view from the trenches) of some rows: for
every k in turn the row r = indices[k] of var and n_z is updated with grad[k], as Ftrl does. A row that
stands there twice takes two steps. Other rows stay as they are.

    n' = n + grad[k]^2
    z' = z + grad[k] - (sqrt(n') - sqrt(n)) / alpha w
    w' = 0 where |z'| <= lambda1, otherwise
    w' = (sign(z') lambda1 - z') / ((beta + sqrt(n')) / alpha + lambda2)

Example: var [[0],[5]], n_z [[0,0],[0,0]], indices [0], grad [[3]] with alpha=1, beta=1, lambda1=1 and
lambda2=0 give output_n_z [[9,3],[0,0]] and output_var [[-0.5],[5]].
)DOC")
    .FillUsing(StateFtrl)
    .Input(0, "var", "float, at least a vector: the table that is trained")
    .Input(1, "n_z", "float, twice as many elements: a pair for each of var; zeros at first")
    .Input(2, "indices", "tensor of int32 or int64: rows of var")
    .Input(3, "grad", "float: indices' shape and then that of a row of var")
    .Input(4, "alpha", "one float, the learning rate; may be left out")
    .Flops(FlopsForEachOf(3, 16));

class SparseFtrlOp final : public FtrlOperator {
 public:
  explicit SparseFtrlOp(OperatorInit* init) : FtrlOperator(init, 4) {}

  absl::Status RunOnDevice() override {
    DOPPIO_RETURN_IF_ERROR(CheckTable(0, 2));
    DOPPIO_RETURN_IF_ERROR(CheckPairs());
    DOPPIO_RETURN_IF_ERROR(CheckRowGradients(0, 2, 3));
    DOPPIO_ASSIGN_OR_RETURN(const FtrlStep step, Step());
    DOPPIO_RETURN_IF_ERROR(MakeOutputsLike({0, 1}));
    const Slot var = Updated(0, 0);
    const Slot n_z = Updated(1, 1);
    const float* grad = In(3);
    const int64_t block = RowSize(0);
    return ForEachIndex(
        2, Input(0).dim(0), {{var.in, block}, {n_z.in, 2 * block}}, [&](int64_t row, int64_t k) {
          TakeStep(step, block, grad + k * block, var + row * block, n_z + 2 * row * block);
        });
  }
};

DOPPIO_OPERATOR_SCHEMA(GFtrl)
    .NumInputs(3, 4)
    .NumOutputs(2)
    .AllowInplace({{0, 0}, {1, 1}})
    .Doc(R"DOC(
A step of FTRL-Proximal (McMahan et al. 2013, Ad click prediction: a view from the trenches) with groups
(Ni et al. 2019, Feature selection for Facebook feed ranking system via a group-sparsity-regularized
training algorithm): the weights of one feature, a column of var where that is seen as a matrix of
outputs and features, become 0 all together. With D outputs, which are the first dimension of grad,

    n' = n + grad^2
    z' = z + grad - (sqrt(n') - sqrt(n)) / alpha w
    norm = sqrt(sum of z'^2 over the column)
    w' = 0 where norm <= lambda1 sqrt(D), otherwise
    w' = z' (lambda1 sqrt(D) / norm - 1) / ((beta + sqrt(n')) / alpha + lambda2)

Example: var [[0],[0],[0],[0]], n_z of 8 zeros, grad [[3],[3],[3],[3]] with alpha=1, beta=1, lambda1=1.5
and lambda2=0 give a norm of 6, and output_var [[-0.375],[-0.375],[-0.375],[-0.375]].
)DOC")
    .FillUsing(StateFtrl)
    .Input(0, "var", "tensor of float: what is trained")
    .Input(1, "n_z", "float, twice as many elements: a pair for each of var; zeros at first")
    .Input(2, "grad", "float, at least a vector, as many elements as var")
    .Input(3, "alpha", "one float, the learning rate; may be left out")
    .Flops(FlopsForEachOf(2, 26));

class GFtrlOp final : public FtrlOperator {
 public:
  explicit GFtrlOp(OperatorInit* init) : FtrlOperator(init, 3) {}

  absl::Status RunOnDevice() override {
    const Tensor& gradients = Input(2);
    if (gradients.rank() == 0) {
      return absl::InvalidArgumentError(
          absl::StrCat("grad must be at least a vector, but is ", DescribeInput(2)));
    }
    DOPPIO_RETURN_IF_ERROR(CheckSizes<float>({0, 2}, Input(0).numel()));
    DOPPIO_RETURN_IF_ERROR(CheckPairs());
    DOPPIO_ASSIGN_OR_RETURN(FtrlStep step, Step());
    const int64_t outputs = gradients.dim(0);
    const int64_t features = SizeFromDim(gradients.dims(), 1);
    step.lambda1 *= std::sqrt(static_cast<float>(outputs));
    DOPPIO_RETURN_IF_ERROR(MakeOutputsLike({0, 1}));
    const Slot var = Updated(0, 0);
    const Slot n_z = Updated(1, 1);
    const float* grad = In(2);
    ParallelFor(features, kGrain / std::max<int64_t>(outputs, 1) + 1,
                [&](int64_t begin, int64_t end) {
                  for (int64_t at = begin; at < end; at += kColumns) {
                    const int64_t count = std::min(kColumns, end - at);
                    UpdateColumns(step, outputs, features, at, count, grad, var, n_z);
                  }
                });
    return absl::OkStatus();
  }

 private:
  static constexpr int64_t kColumns = 256;

  static void UpdateColumns(const FtrlStep& step, int64_t outputs, int64_t features, int64_t at,
                            int64_t count, const float* grad, Slot var, Slot n_z) {
    double squares[kColumns] = {};
    float numbers[kColumns];
    for (int64_t i = 0; i < outputs; ++i) {
      const int64_t offset = i * features + at;
      NextZ(step, count, grad + offset, var.in + offset, n_z.in + 2 * offset, numbers);
      for (int64_t j = 0; j < count; ++j) {
        squares[j] += static_cast<double>(numbers[j]) * numbers[j];
      }
    }
    for (int64_t j = 0; j < count; ++j) numbers[j] = static_cast<float>(std::sqrt(squares[j]));
    for (int64_t i = 0; i < outputs; ++i) {
      const int64_t offset = i * features + at;
      TakeGroupStep(step, count, grad + offset, var + offset, n_z + 2 * offset, numbers);
    }
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(Ftrl, FtrlOp);
DOPPIO_REGISTER_CPU_OPERATOR(SparseFtrl, SparseFtrlOp);
DOPPIO_REGISTER_CPU_OPERATOR(GFtrl, GFtrlOp);
DOPPIO_SHOULD_NOT_DO_GRADIENT(Ftrl);
DOPPIO_SHOULD_NOT_DO_GRADIENT(SparseFtrl);
DOPPIO_SHOULD_NOT_DO_GRADIENT(GFtrl);

}  // namespace
}  // namespace doppio
