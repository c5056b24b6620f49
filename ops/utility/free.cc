#include "doppio/gradient_maker.h"
#include "doppio/registry.h"

namespace doppio {
namespace {

DOPPIO_OPERATOR_SCHEMA(Free)
    .NumInputs(1, OpSchema::kMany)
    .NumOutputs(1, OpSchema::kMany)
    .EnforceOneToOneInplace()
    .AllowAnyInput(OpSchema::kMany)
    .TakesPhantomsWhere([](const OperatorDef&, int) { return true; })
    .Doc(R"DOC(
Drops what the blobs hold and their memory; the blobs stay, and have no value. Each blob is an input and
the output of the same number.

Example: after Free(X) -> X an operator that reads X fails: it has no value yet.
)DOC")
    .Input(0, "X", "blobs of any type")
    .Output(0, "X", "the same blobs")
    .HasSideEffects();

template <class Context>
class FreeOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit FreeOp(OperatorInit* init) : Operator<Context>(init) {
    if (InputSize() == OutputSize()) return;
    init->Fail(absl::InvalidArgumentError(
        absl::StrCat("there must be as many outputs as inputs, but there are ", InputSize(),
                     " inputs and ", OutputSize(), " outputs")));
  }

  absl::Status RunOnDevice() override {
    for (int i = 0; i < OutputSize(); ++i) OutputBlob(i)->Reset();
    return absl::OkStatus();
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(Free, FreeOp<CPUContext>);
DOPPIO_SHOULD_NOT_DO_GRADIENT(Free);

}  // namespace
}  // namespace doppio
