// An operator that only a plug-in has. It uses what an author uses: schema, arguments, blobs.
#include <doppio/operator.h>
#include <doppio/operator_library.h>
#include <doppio/registry.h>
#include <doppio/schema.h>

DOPPIO_OPERATOR_LIBRARY();

namespace {

DOPPIO_OPERATOR_SCHEMA(OnlyInThePlugin)
    .NumInputs(1)
    .NumOutputs(1)
    .Doc("Y = factor * X.")
    .Arg<float>("factor", "what X is multiplied by", 2.0f)
    .IdenticalTypeAndShape();

class OnlyInThePluginOp final : public doppio::Operator<doppio::CPUContext> {
 public:
  explicit OnlyInThePluginOp(doppio::OperatorInit* init)
      : Operator(init), factor_(init->GetSingleArgument<float>("factor")) {}

  absl::Status RunOnDevice() override {
    const doppio::Tensor& x = Input(0);
    if (!x.Is<float>()) return absl::InvalidArgumentError("X must be float");
    DOPPIO_ASSIGN_OR_RETURN(doppio::Tensor * y, Output(0, x.dtype(), x.dims()));
    for (int64_t i = 0; i < x.numel(); ++i) {
      y->mutable_data<float>()[i] = factor_ * x.data<float>()[i];
    }
    return absl::OkStatus();
  }

 private:
  const float factor_;
};

DOPPIO_REGISTER_CPU_OPERATOR(OnlyInThePlugin, OnlyInThePluginOp);

}  // namespace
