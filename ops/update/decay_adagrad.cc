#include <cmath>

#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "ops/update/update_operator.h"

namespace doppio {
namespace {

DOPPIO_OPERATOR_SCHEMA(DecayAdagrad)
    .NumInputs(6)
    .NumOutputs(3)
    .AllowInplace({{0, 0}, {1, 1}, {2, 2}})
    .Doc(R"DOC(
A step between Adagrad (Duchi, Hazan, Singer 2011) and Adam (Kingma, Ba 2014), the t-th, where
t = iter + 1: gradients are averaged as in Adam, and their squares summed up as in Adagrad.

    output_moment_1 = beta1 moment_1 + (1 - beta1) grad
    output_moment_2 = moment_2 + grad^2
    c = 1 - beta1^t, or 1 without bias_correction_first
    output_param = param + lr (output_moment_1 / c / (sqrt(output_moment_2) + epsilon) +
                               weight_decay param)

Example: param [10], moment_1 [0], moment_2 [9], grad [4], lr [-1], iter [0] and epsilon=0 give
output_moment_1 [0.4], output_moment_2 [25] and output_param [9.2].
)DOC")
    .Arg<float>("beta1", "what the first moment is multiplied by", 0.9f)
    .Arg<float>("beta2", "without effect, as in Caffe2", 0.999f)
    .Arg<float>("epsilon", "is added to the root of the second moment", 1e-5f)
    .Arg<float>("weight_decay", "of the parameters, which are added to the step", 0.0f)
    .Arg<bool>("bias_correction_first", "divide by 1 - beta1^t", true)
    .Input(0, "param", "tensor of float: what is trained")
    .Input(1, "moment_1", "float, as many elements: the mean of gradients; zeros at first")
    .Input(2, "moment_2", "float, as many elements: the sum of their squares; zeros at first")
    .Input(3, "grad", "float, as many elements")
    .Input(4, "lr", "one float, negative where grad points uphill")
    .Input(5, "iter", "one int64, at least 0: the iteration, which Iter counts")
    .Output(0, "output_param", "param's shape: the new parameters")
    .Output(1, "output_moment_1", "moment_1's shape: the new first moment")
    .Output(2, "output_moment_2", "moment_2's shape: the new second moment")
    .Flops(FlopsForEachOf(3, 12))
    .TensorInference(OutputsLikeInputs({0, 1, 2}));

class DecayAdagradOp final : public UpdateOperator {
 public:
  explicit DecayAdagradOp(OperatorInit* init)
      : UpdateOperator(init),
        beta1_(init->GetSingleArgument<float>("beta1")),
        epsilon_(init->GetSingleArgument<float>("epsilon")),
        weight_decay_(init->GetSingleArgument<float>("weight_decay")),
        is_corrected_(init->GetSingleArgument<bool>("bias_correction_first")) {}

  absl::Status RunOnDevice() override {
    const int64_t size = Input(0).numel();
    DOPPIO_RETURN_IF_ERROR(CheckSizes<float>({0, 1, 2, 3}, size));
    AdamStep step = {};
    DOPPIO_ASSIGN_OR_RETURN(step.lr, Single<float>(4));
    DOPPIO_ASSIGN_OR_RETURN(const int64_t iteration, Iteration(5));
    const double t = static_cast<double>(iteration) + 1;
    step.epsilon = epsilon_;
    step.decay1 = beta1_;
    step.gain1 = 1 - beta1_;
    step.decay2 = 1;
    step.gain2 = 1;
    step.factor = is_corrected_ ? static_cast<float>(1 / (1 - std::pow(beta1_, t))) : 1;
    step.weight_decay = weight_decay_;
    DOPPIO_RETURN_IF_ERROR(MakeOutputsLike({0, 1, 2}));
    const Slot param = Updated(0, 0);
    const Slot moment_1 = Updated(1, 1);
    const Slot moment_2 = Updated(2, 2);
    const float* grad = In(3);
    InPieces(size, [&](int64_t begin, int64_t count) {
      TakeStep(step, count, grad + begin, param + begin, moment_1 + begin, moment_2 + begin,
               nullptr);
    });
    return absl::OkStatus();
  }

 private:
  const float beta1_;
  const float epsilon_;
  const float weight_decay_;
  const bool is_corrected_;
};

DOPPIO_REGISTER_CPU_OPERATOR(DecayAdagrad, DecayAdagradOp);
DOPPIO_SHOULD_NOT_DO_GRADIENT(DecayAdagrad);

}  // namespace
}  // namespace doppio
