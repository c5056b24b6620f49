#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "ops/update/learning_rate_policy.h"

namespace doppio {
namespace {

DOPPIO_OPERATOR_SCHEMA(LearningRate)
    .NumInputs(1)
    .NumOutputs(1)
    .Doc(absl::StrCat(R"DOC(
The learning rate at an iteration t: base_lr times a factor that `policy` says. Training nets add
gradients with WeightedSum, so base_lr is usually negative. The policies:
)DOC",
                      kLearningRatePolicies))
    .RequiredArg<float>("base_lr", "the learning rate where the factor is 1")
    .RequiredArg<std::string>("policy", "one of the names above")
    .OptionalArg<float>("gamma", "of step, exp, inv and hill; default 0")
    .OptionalArg<float>("power", "of inv, poly and hill; default 0")
    .OptionalArg<int64_t>("stepsize", "of step and cyclical, above 0")
    .OptionalArg<int64_t>("max_iter", "of poly, above 0")
    .OptionalArg<int64_t>("num_iter", "of the warm-ups, gate and hill; default 0")
    .OptionalArg<float>("start_multiplier", "of linearWarmup and hill; default 0")
    .OptionalArg<float>("end_multiplier", "of hill; default 0")
    .OptionalArg<float>("multiplier", "of constantWarmup; default 0.5")
    .OptionalArg<float>("multiplier_1", "of gate, default 1, and slope, default 0")
    .OptionalArg<float>("multiplier_2", "of gate, default 1, and slope, default 0")
    .OptionalArg<int64_t>("num_iter_1", "of slope, above 0")
    .OptionalArg<int64_t>("num_iter_2", "of slope, above num_iter_1")
    .OptionalArg<bool>("active_first", "of alter; default true")
    .OptionalArg<int64_t>("active_period", "of alter")
    .OptionalArg<int64_t>("inactive_period", "of alter")
    .OptionalArg<float>("max_lr", "of cyclical, default 0.005, and cosine, default 0.5")
    .OptionalArg<float>("decay", "of cyclical: factor of the triangle's height; default 1")
    .OptionalArg<float>("min_lr", "of cosine; default 0.1")
    .OptionalArg<int64_t>("period", "of cosine; default 50")
    .OptionalArg<float>("t_mult", "of cosine; default 1")
    .OptionalArg<float>("lr_shrink", "of cosine; default 0.99")
    .OptionalArg<float>("m1", "of pieceWarmup; default 0.5")
    .OptionalArg<int64_t>("n1", "of pieceWarmup; default 0")
    .OptionalArg<float>("m2", "of pieceWarmup; default 0.5")
    .OptionalArg<int64_t>("n2", "of pieceWarmup; default 0")
    .OptionalArg<float>("m3", "of pieceWarmup; default 0.5")
    .OptionalArg<float>("start_warmup_multiplier",
                        "of constantThenLinearWarmup and those that begin with it; default 0.1")
    .OptionalArg<int64_t>("constant_warmup_num_iter", "the same; default 10000000")
    .OptionalArg<int64_t>("linear_warmup_num_iter", "the same; default 10000000")
    .OptionalArg<float>("cyclical_max_lr", "of compositeCyclical; default 0.05")
    .OptionalArg<int64_t>("cyclical_step_size", "of compositeCyclical; default 1000000")
    .OptionalArg<float>("cyclical_decay", "of compositeCyclical; default 1")
    .OptionalArg<float>("cosine_max_lr", "of compositeCosine; default 0.5")
    .OptionalArg<float>("cosine_min_lr", "of compositeCosine; default 0.1")
    .OptionalArg<int64_t>("cosine_period", "of compositeCosine; default 50")
    .OptionalArg<float>("cosine_t_mult", "of compositeCosine; default 1")
    .OptionalArg<float>("cosine_lr_shrink", "of compositeCosine; default 0.99")
    .OptionalArg<std::vector<int64_t>>("sub_policy_num_iters", "of composite")
    .Input(0, "iter", "one int64, at least 0: the iteration, which Iter counts")
    .Output(0, "lr", "float scalar")
    .ScalarType(DataType::kFloat);

template <class Context>
class LearningRateOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit LearningRateOp(OperatorInit* init)
      : Operator<Context>(init),
        base_lr_(init->GetSingleArgument<float>("base_lr")),
        policy_(MakeLearningRatePolicy(init->GetSingleArgument<std::string>("policy"), "", base_lr_,
                                       init)) {}

  absl::Status RunOnDevice() override {
    const Tensor& iter = Input(0);
    if (!iter.Is<int64_t>() || iter.numel() != 1) {
      return absl::InvalidArgumentError(
          absl::StrCat("the iteration must be one int64, but is ", DescribeInput(0)));
    }
    const int64_t iteration = *iter.data<int64_t>();
    if (iteration < 0) {
      return absl::OutOfRangeError(
          absl::StrCat("the iteration is ", iteration, ", must be at least 0"));
    }
    DOPPIO_ASSIGN_OR_RETURN(Tensor * rate, Output(0, DataType::kFloat, {}));
    *rate->mutable_data<float>() = base_lr_ * policy_(iteration);
    return absl::OkStatus();
  }

 private:
  const float base_lr_;
  const LearningRatePolicy policy_;
};

DOPPIO_REGISTER_CPU_OPERATOR(LearningRate, LearningRateOp<CPUContext>);
DOPPIO_NO_GRADIENT(LearningRate);

}  // namespace
}  // namespace doppio
