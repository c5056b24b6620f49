#include "doppio/gradient_maker.h"
#include "doppio/registry.h"

namespace doppio {
namespace {

DOPPIO_OPERATOR_SCHEMA(Accumulate)
    .NumInputs(1)
    .NumOutputs(1)
    .Doc(R"DOC(
Adds to what the output holds from runs before: Y = X + gamma * Y. An output of another type or shape
than X counts as zeros.

Example: X = [1,2] and gamma = 0.5 give [1,2] in the first run and [1.5,3] in the second.
)DOC")
    .Arg<float>("gamma", "factor of what is there", 1.0f)
    .Input(0, "X", "tensor of float, of any shape")
    .Output(0, "Y", "tensor of float with X's shape")
    .HasSideEffects()
    .IdenticalTypeAndShape();

template <class Context>
class AccumulateOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit AccumulateOp(OperatorInit* init)
      : Operator<Context>(init), gamma_(init->GetSingleArgument<float>("gamma")) {}

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(0);
    if (!x.Is<float>()) {
      return absl::InvalidArgumentError(
          absl::StrCat("X must be of float, but is ", DescribeInput(0)));
    }
    Tensor* y = OutputBlob(0)->template GetMutable<Tensor>();
    if (!y->Is<float>() || y->dims() != x.dims()) return y->CopyFrom(x);
    DOPPIO_RETURN_IF_ERROR(y->MakeUnique());
    float* out = y->mutable_data<float>();
    for (float value : x.span<float>()) {
      *out = value + gamma_ * *out;
      ++out;
    }
    return absl::OkStatus();
  }

 private:
  const float gamma_;
};

DOPPIO_REGISTER_CPU_OPERATOR(Accumulate, AccumulateOp<CPUContext>);
DOPPIO_SHOULD_NOT_DO_GRADIENT(Accumulate);

}  // namespace
}  // namespace doppio
