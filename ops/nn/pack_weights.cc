#include "doppio/gradient_maker.h"
#include "doppio/operator.h"
#include "doppio/registry.h"
#include "src/dnn/packed_weights.h"

namespace doppio {
namespace {

DOPPIO_OPERATOR_SCHEMA(PackWeights)
    .NumInputs(1)
    .NumOutputs(1)
    .Doc(R"DOC(
Takes over the weights of a convolution, which then keeps them in the layout that is fastest for it:
they are laid out anew once, when they are first used.
)DOC")
    .Input(0, "W", "weights of a Conv, tensor of float")
    .Output(0, "packed", "the weights, as a blob that several operators may share")
    .IdenticalTypeAndShape();

class PackWeightsOp final : public Operator<CPUContext> {
 public:
  explicit PackWeightsOp(OperatorInit* init) : Operator<CPUContext>(init) {}

  absl::Status RunOnDevice() override {
    if (!Input(0).Is<float>()) {
      return absl::InvalidArgumentError(absl::StrCat(DescribeInput(0), " must be of float"));
    }
    OutputBlob(0)->GetMutable<PackedWeights>()->Set(Input(0));
    return absl::OkStatus();
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(PackWeights, PackWeightsOp);
DOPPIO_NO_GRADIENT(PackWeights);

}  // namespace
}  // namespace doppio
