#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "ops/update/update_operator.h"

namespace doppio {
namespace {

DOPPIO_OPERATOR_SCHEMA(RmsProp)
    .NumInputs(4)
    .NumOutputs(3)
    .AllowInplace({{0, 0}, {1, 1}, {2, 2}})
    .Doc(R"DOC(
The step of RMSProp with momentum, without taking it (Tieleman, Hinton 2012,
http://www.cs.toronto.edu/~tijmen/csc321/slides/lecture_slides_lec6.pdf):

    output_mean_squares = mean_squares + (1 - decay) (grad^2 - mean_squares)
    output_momentum = momentum momentum_in + lr grad / sqrt(epsilon + output_mean_squares)
    output_grad = output_momentum

where momentum is the argument and momentum_in the input.

Example: grad [4], mean_squares [2], momentum_in [3], lr [0.5], decay=0.5, momentum=1 and epsilon=0
give output_mean_squares [9], output_momentum and output_grad [3.6666667].
)DOC")
    .Arg<float>("decay", "what the old mean of squares is multiplied by", 0.9f)
    .Arg<float>("momentum", "how much of the last step goes on", 0.0f)
    .Arg<float>("epsilon", "is added to the mean of squares before its root", 1e-5f)
    .Input(0, "grad", "tensor of float")
    .Input(1, "mean_squares", "float, as many elements: the mean of the squares of gradients")
    .Input(2, "momentum_in", "float, as many elements: the last step; zeros at first")
    .Input(3, "lr", "one float")
    .Output(0, "output_grad", "grad's shape: the step")
    .Output(1, "output_mean_squares", "mean_squares' shape: the new one")
    .Output(2, "output_momentum", "momentum_in's shape: the step")
    .Flops(FlopsForEachOf(0, 9))
    .TensorInference(OutputsLikeInputs({0, 1, 2}));

class RmsPropOp final : public UpdateOperator {
 public:
  explicit RmsPropOp(OperatorInit* init)
      : UpdateOperator(init),
        step_{0, init->GetSingleArgument<float>("epsilon"), init->GetSingleArgument<float>("decay"),
              init->GetSingleArgument<float>("momentum")} {}

  absl::Status RunOnDevice() override {
    const int64_t size = Input(0).numel();
    DOPPIO_RETURN_IF_ERROR(CheckSizes<float>({0, 1, 2}, size));
    DOPPIO_ASSIGN_OR_RETURN(step_.lr, Single<float>(3));
    DOPPIO_RETURN_IF_ERROR(MakeOutputsLike({0, 1, 2}));
    const Slot grad = Updated(0, 0);
    const Slot squares = Updated(1, 1);
    const Slot moment = Updated(2, 2);
    InPieces(size, [&](int64_t begin, int64_t count) {
      TakeStep(step_, count, grad + begin, squares + begin, moment + begin);
    });
    return absl::OkStatus();
  }

 private:
  RmsPropStep step_;
};

DOPPIO_REGISTER_CPU_OPERATOR(RmsProp, RmsPropOp);
DOPPIO_SHOULD_NOT_DO_GRADIENT(RmsProp);

}  // namespace
}  // namespace doppio
