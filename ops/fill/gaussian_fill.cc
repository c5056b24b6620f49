#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "ops/fill/random_filler.h"

namespace doppio {
namespace {

DOPPIO_OPERATOR_SCHEMA(GaussianFill)
    .FillUsing(StateRandomFiller)
    .Doc("A tensor of floats drawn from the normal distribution of that mean and deviation.")
    .Arg("mean", "mean", 0.0f)
    .Arg("std", "standard deviation, not negative", 1.0f);

template <class Context>
class GaussianFillOp final : public FillerOp<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit GaussianFillOp(OperatorInit* init)
      : FillerOp<Context>(init),
        mean_(init->GetSingleArgument<float>("mean")),
        std_(init->GetSingleArgument<float>("std")) {
    if (!(std_ >= 0)) {
      init->Fail(absl::InvalidArgumentError(
          absl::StrCat("argument \"std\" is ", std_, ", but must not be negative")));
    }
  }

  absl::Status RunOnDevice() override {
    DOPPIO_ASSIGN_OR_RETURN(const Dims dims, this->OutputShape());
    DOPPIO_ASSIGN_OR_RETURN(Tensor * y, Output(0, DataType::kFloat, dims));
    FillNormal(mean_, std_, y, &context_);
    return absl::OkStatus();
  }

 private:
  float mean_;
  float std_;
};

DOPPIO_REGISTER_CPU_OPERATOR(GaussianFill, GaussianFillOp<CPUContext>);
DOPPIO_NO_GRADIENT(GaussianFill);

}  // namespace
}  // namespace doppio
