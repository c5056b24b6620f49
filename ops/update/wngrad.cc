#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "ops/update/update_operator.h"

namespace doppio {
namespace {

DOPPIO_OPERATOR_SCHEMA(Wngrad)
    .NumInputs(4)
    .NumOutputs(2, 4)
    .AllowInplace({{0, 0}, {1, 1}})
    .Doc(R"DOC(
A step of WNGrad (Wu, Ward, Bottou 2018, https://arxiv.org/abs/1803.02865), which has one rate for all
parameters. As in Caffe2 the step is that of the old seq_b:

    output_effective_lr = lr / (seq_b + epsilon)
    output_update = output_effective_lr grad
    output_param = param + output_update
    output_seq_b = seq_b + sum(grad^2) / (seq_b + epsilon)

Note the sign: lr is negative where grad points uphill.

Example: param [10,20], seq_b [5], grad [3,4], lr [-1] and epsilon=0 give output_param [9.4,19.2] and
output_seq_b [10].
)DOC")
    .Arg<float>("epsilon", "is added to seq_b where something is divided by it", 1e-5f)
    .Input(0, "param", "tensor of float: what is trained")
    .Input(1, "seq_b", "one float, above 0 at first: what grows with the gradients")
    .Input(2, "grad", "float, as many elements as param")
    .Input(3, "lr", "one float")
    .Output(0, "output_param", "param's shape: the new parameters")
    .Output(1, "output_seq_b", "seq_b's shape: the new one")
    .Output(2, "output_effective_lr", "seq_b's shape; may be left out")
    .Output(3, "output_update", "grad's shape, what was added to the parameters; may be left out")
    .Flops(FlopsForEachOf(2, 4))
    .TensorInference(OutputsLikeInputs({0, 1, 1, 2}));

class WngradOp final : public UpdateOperator {
 public:
  explicit WngradOp(OperatorInit* init)
      : UpdateOperator(init), epsilon_(init->GetSingleArgument<float>("epsilon")) {}

  absl::Status RunOnDevice() override {
    const int64_t size = Input(0).numel();
    DOPPIO_RETURN_IF_ERROR(CheckSizes<float>({0, 2}, size));
    DOPPIO_ASSIGN_OR_RETURN(const float seq_b, Single<float>(1));
    DOPPIO_ASSIGN_OR_RETURN(const float lr, Single<float>(3));
    DOPPIO_RETURN_IF_ERROR(MakeOutputsLike({0, 1, 1, 2}));
    const ScaledStep step = {lr / (seq_b + epsilon_)};
    const Slot param = Updated(0, 0);
    const Slot update = {nullptr, Out(3)};
    const float* grad = In(2);
    *Out(1) = static_cast<float>(seq_b + SumOfSquaresOf(grad, size) / (seq_b + epsilon_));
    if (OutputSize() > 2) *Out(2) = step.rate;
    InPieces(size, [&](int64_t begin, int64_t count) {
      TakeStep(step, count, grad + begin, param + begin, (update + begin).out);
    });
    return absl::OkStatus();
  }

 private:
  const float epsilon_;
};

DOPPIO_OPERATOR_SCHEMA(SparseWngrad)
    .NumInputs(5)
    .NumOutputs(2)
    .EnforceOneToOneInplace()
    .Doc(R"DOC(
WNGrad (Wu, Ward, Bottou 2018, https://arxiv.org/abs/1803.02865) of some rows: the rate is that of the
old seq_b, and for every k in turn the row r = indices[k] is updated with grad[k]. A row that stands
there twice takes two steps. Other rows stay as they are. Without an index seq_b stays as it is too.

    param[r] = param[r] + lr / (seq_b + epsilon) grad[k]
    output_seq_b = seq_b + sum(grad^2) / seq_b

That nothing is added to the last divisor is Caffe2's way; Wngrad adds epsilon to it.

Example: param [[10,20],[30,40]], seq_b [5], indices [0], grad [[3,4]], lr [-1] and epsilon=0 give
output_param [[9.4,19.2],[30,40]] and output_seq_b [10].
)DOC")
    .Arg<float>("epsilon", "is added to seq_b where the rate is divided by it", 1e-5f)
    .Input(0, "param", "float, at least a vector: the table that is trained")
    .Input(1, "seq_b", "one float, above 0 at first: what grows with the gradients")
    .Input(2, "indices", "tensor of int32 or int64: rows of param")
    .Input(3, "grad", "float: indices' shape and then that of a row of param")
    .Input(4, "lr", "one float")
    .Output(0, "output_param", "param's shape: the new parameters")
    .Output(1, "output_seq_b", "seq_b's shape: the new one")
    .Flops(FlopsForEachOf(3, 4))
    .TensorInference(OutputsLikeInputs({0, 1}));

class SparseWngradOp final : public UpdateOperator {
 public:
  explicit SparseWngradOp(OperatorInit* init)
      : UpdateOperator(init), epsilon_(init->GetSingleArgument<float>("epsilon")) {}

  absl::Status RunOnDevice() override {
    DOPPIO_RETURN_IF_ERROR(CheckTable(0, 2));
    DOPPIO_RETURN_IF_ERROR(CheckRowGradients(0, 2, 3));
    DOPPIO_ASSIGN_OR_RETURN(const float seq_b, Single<float>(1));
    DOPPIO_ASSIGN_OR_RETURN(const float lr, Single<float>(4));
    DOPPIO_RETURN_IF_ERROR(MakeOutputsLike({0, 1}));
    if (Input(2).numel() == 0) return absl::OkStatus();
    const ScaledStep step = {lr / (seq_b + epsilon_)};
    const Slot param = Updated(0, 0);
    const float* grad = In(3);
    *Out(1) = static_cast<float>(seq_b + SumOfSquaresOf(grad, Input(3).numel()) / seq_b);
    const int64_t block = RowSize(0);
    return ForEachIndex(2, Input(0).dim(0), {{param.in, block}}, [&](int64_t row, int64_t k) {
      TakeStep(step, block, grad + k * block, param + row * block, nullptr);
    });
  }

 private:
  const float epsilon_;
};

DOPPIO_REGISTER_CPU_OPERATOR(Wngrad, WngradOp);
DOPPIO_REGISTER_CPU_OPERATOR(SparseWngrad, SparseWngradOp);
DOPPIO_SHOULD_NOT_DO_GRADIENT(Wngrad);
DOPPIO_SHOULD_NOT_DO_GRADIENT(SparseWngrad);

}  // namespace
}  // namespace doppio
