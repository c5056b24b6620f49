#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "src/kernel/elementwise_binary.h"

namespace doppio {
namespace {

DOPPIO_OPERATOR_SCHEMA(ScaleBlobs)
    .NumInputs(1, OpSchema::kMany)
    .NumOutputs(1, OpSchema::kMany)
    .AllowOneToOneInplace()
    .Doc(R"DOC(
Multiplies several tensors by a constant, each by itself: Y[k] = scale * X[k]. A tensor may be
overwritten by its own result; Caffe2 lets another one's overwrite it too, before it is read.

Example: scale=2, X0 [2] = [1,2] and X1 [1] = [5] give Y0 [2] = [2,4] and Y1 [1] = [10].
)DOC")
    .Arg<float>("scale", "the factor", 1.0f)
    .Input(0, "X", "tensors of float, of any shapes")
    .Output(0, "Y", "as many tensors, each of its input's shape")
    .OneToOneTypeAndShape();

template <class Context>
class ScaleBlobsOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit ScaleBlobsOp(OperatorInit* init)
      : Operator<Context>(init), scale_(init->GetSingleArgument<float>("scale")) {
    if (InputSize() != OutputSize()) {
      init->Fail(absl::InvalidArgumentError(
          absl::StrCat("there must be as many outputs as inputs, but there are ", InputSize(),
                       " inputs and ", OutputSize(), " outputs")));
    }
  }

  absl::Status RunOnDevice() override {
    for (int i = 0; i < InputSize(); ++i) {
      if (Input(i).template Is<float>()) continue;
      return absl::InvalidArgumentError(
          absl::StrCat("X must be of float, but one is ", DescribeInput(i)));
    }
    for (int i = 0; i < InputSize(); ++i) {
      const Tensor& x = Input(i);
      DOPPIO_ASSIGN_OR_RETURN(Tensor * y, Output(i, x.dtype(), x.dims()));
      Mul(x.data<float>(), x.dims(), &scale_, {}, y->mutable_data<float>(), y->dims(), &context_);
    }
    return absl::OkStatus();
  }

 private:
  const float scale_;
};

DOPPIO_REGISTER_CPU_OPERATOR(ScaleBlobs, ScaleBlobsOp<CPUContext>);
DOPPIO_GRADIENT_NOT_IMPLEMENTED_YET(ScaleBlobs);

}  // namespace
}  // namespace doppio
