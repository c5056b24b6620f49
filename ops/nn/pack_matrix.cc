#include "doppio/gradient_maker.h"
#include "doppio/operator.h"
#include "doppio/registry.h"
#include "src/dnn/packed_matrix.h"

namespace doppio {
namespace {

DOPPIO_OPERATOR_SCHEMA(PackMatrix)
    .NumInputs(1)
    .NumOutputs(1)
    .Doc(R"DOC(
Copies the weights of a fully connected layer into the layout that is fastest for products with them,
for PackedFC.
)DOC")
    .Arg<int>("axis_w", "the first dimension of W that counts as a column", 1)
    .Input(0, "W", "weights of an FC, tensor of float")
    .Output(0, "packed", "the weights, as a blob that several operators may share")
    .IdenticalTypeAndShape();

class PackMatrixOp final : public Operator<CPUContext> {
 public:
  explicit PackMatrixOp(OperatorInit* init)
      : Operator<CPUContext>(init), axis_(init->GetSingleArgument<int>("axis_w")) {}

  absl::Status RunOnDevice() override {
    const Tensor& w = Input(0);
    if (!w.Is<float>()) {
      return absl::InvalidArgumentError(absl::StrCat(DescribeInput(0), " must be of float"));
    }
    DOPPIO_ASSIGN_OR_RETURN(const int axis, CanonicalAxis(axis_, w.rank()));
    return OutputBlob(0)->GetMutable<PackedMatrix>()->Set(w, axis);
  }

 private:
  const int axis_;
};

DOPPIO_REGISTER_CPU_OPERATOR(PackMatrix, PackMatrixOp);
DOPPIO_NO_GRADIENT(PackMatrix);

}  // namespace
}  // namespace doppio
