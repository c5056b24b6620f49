#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "ops/update/update_operator.h"

namespace doppio {
namespace {

DOPPIO_OPERATOR_SCHEMA(ClipTensorByScaling)
    .NumInputs(2, 3)
    .NumOutputs(1)
    .AllowInplace({{0, 0}})
    .Doc(R"DOC(
Makes a tensor smaller whose norm, or whatever val is, is too large (Pascanu, Mikolov, Bengio 2013, On
the difficulty of training recurrent neural networks): with limit = threshold additional_threshold

    clipped = limit / val input_tensor      where val > limit
    clipped = input_tensor                  otherwise

additional_threshold, 1 where it is left out, counts for the run that it is given to. In Caffe2 it
changes the limit of later runs too.

Example: input_tensor [3,4], val [5] and threshold=1 give clipped [0.6,0.8].
)DOC")
    .RequiredArg<float>("threshold", "above 0: what val should not exceed")
    .Input(0, "input_tensor", "tensor of float")
    .Input(1, "val", "one float, usually the norm of input_tensor")
    .Input(2, "additional_threshold", "one float: factor of threshold; may be left out")
    .Output(0, "clipped", "input_tensor's shape")
    .TensorInference(OutputsLikeInputs({0}));

class ClipTensorByScalingOp final : public UpdateOperator {
 public:
  explicit ClipTensorByScalingOp(OperatorInit* init)
      : UpdateOperator(init), threshold_(init->GetSingleArgument<float>("threshold")) {
    if (!(threshold_ > 0)) {
      init->Fail(absl::InvalidArgumentError(
          absl::StrCat("threshold is ", threshold_, ", must be above 0")));
    }
  }

  absl::Status RunOnDevice() override {
    DOPPIO_RETURN_IF_ERROR(CheckSizes<float>({0}, Input(0).numel()));
    DOPPIO_ASSIGN_OR_RETURN(const float value, Single<float>(1));
    float limit = threshold_;
    if (InputSize() > 2) {
      DOPPIO_ASSIGN_OR_RETURN(const float factor, Single<float>(2));
      limit *= factor;
    }
    DOPPIO_RETURN_IF_ERROR(MakeOutputsLike({0}));
    ScaleFirst(value > limit ? limit / value : 1);
    return absl::OkStatus();
  }

 private:
  const float threshold_;
};

DOPPIO_REGISTER_CPU_OPERATOR(ClipTensorByScaling, ClipTensorByScalingOp);
DOPPIO_SHOULD_NOT_DO_GRADIENT(ClipTensorByScaling);

}  // namespace
}  // namespace doppio
