#include <limits>

#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "ops/update/update_operator.h"

namespace doppio {
namespace {

constexpr int64_t kNever = std::numeric_limits<int64_t>::max();

DOPPIO_OPERATOR_SCHEMA(WeightScale)
    .NumInputs(2)
    .NumOutputs(1)
    .AllowInplace({{0, 0}})
    .Doc(R"DOC(
Multiplies the weights every now and then: nw = scale w where t = iter + 1 is a multiple of stepsize
and less than upper_bound_iter, and nw = w otherwise.

Example: w [1,2] and iter [3] with stepsize=2 and scale=0.5 give nw [0.5,1], and with stepsize=3 nw
[1,2].
)DOC")
    .Arg<int64_t>("stepsize", "above 0: iterations from one time to the next", kNever)
    .Arg<int64_t>("upper_bound_iter", "from this iteration on weights stay as they are", kNever)
    .Arg<float>("scale", "the factor", 1.0f)
    .Input(0, "w", "tensor of float: the weights")
    .Input(1, "iter", "one int64, at least 0: the iteration, which Iter counts")
    .Output(0, "nw", "w's shape: the new weights")
    .TensorInference(OutputsLikeInputs({0}));

class WeightScaleOp final : public UpdateOperator {
 public:
  explicit WeightScaleOp(OperatorInit* init)
      : UpdateOperator(init),
        stepsize_(init->GetSingleArgument<int64_t>("stepsize")),
        upper_bound_(init->GetSingleArgument<int64_t>("upper_bound_iter")),
        scale_(init->GetSingleArgument<float>("scale")) {
    if (stepsize_ < 1) {
      init->Fail(absl::InvalidArgumentError(
          absl::StrCat("stepsize is ", stepsize_, ", must be at least 1")));
    }
  }

  absl::Status RunOnDevice() override {
    DOPPIO_RETURN_IF_ERROR(CheckSizes<float>({0}, Input(0).numel()));
    DOPPIO_ASSIGN_OR_RETURN(const int64_t iteration, Iteration(1));
    const int64_t t = iteration + 1;
    DOPPIO_RETURN_IF_ERROR(MakeOutputsLike({0}));
    const bool is_time = t % stepsize_ == 0 && t < upper_bound_;
    ScaleFirst(is_time ? scale_ : 1);
    return absl::OkStatus();
  }

 private:
  const int64_t stepsize_;
  const int64_t upper_bound_;
  const float scale_;
};

DOPPIO_REGISTER_CPU_OPERATOR(WeightScale, WeightScaleOp);
DOPPIO_SHOULD_NOT_DO_GRADIENT(WeightScale);

}  // namespace
}  // namespace doppio
