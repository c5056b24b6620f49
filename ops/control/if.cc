#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "ops/control/subnet.h"

namespace doppio {
namespace {

DOPPIO_OPERATOR_SCHEMA(If)
    .NumInputs(1, OpSchema::kMany)
    .NumOutputs(0, OpSchema::kMany)
    .AllowAnyInplace()
    .AllowAnyInput(OpSchema::kMany)
    .HasSideEffects()
    .Doc(R"DOC(
Runs one net or another. Both nets see the blobs of the net that If stands in and write to them; the
blobs that they read and write may be listed as further inputs and outputs.
)DOC")
    .RequiredArg<NetDef>("then_net", "net to run when the condition is true")
    .OptionalArg<NetDef>("else_net",
                         "net to run when it is false; without one, nothing is run then")
    .Input(0, "condition", "a single bool")
    .Output(0, "outputs", "blobs that the nets write, as far as one wants to list them");

template <class Context>
class IfOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit IfOp(OperatorInit* init)
      : Operator<Context>(init),
        then_net_(CreateSubnet(init, "then_net")),
        else_net_(CreateSubnet(init, "else_net")) {}

  absl::Status RunOnDevice() override {
    DOPPIO_ASSIGN_OR_RETURN(const bool condition,
                            ReadCondition(InputBlob(0), this->def().input(0)));
    Net* net = condition ? then_net_.get() : else_net_.get();
    return net == nullptr ? absl::OkStatus() : net->Run();
  }

  void Cancel() override {
    then_net_->Cancel();
    if (else_net_ != nullptr) else_net_->Cancel();
  }

 private:
  std::unique_ptr<Net> then_net_;
  std::unique_ptr<Net> else_net_;
};

DOPPIO_REGISTER_CPU_OPERATOR(If, IfOp<CPUContext>);
DOPPIO_GRADIENT_NOT_IMPLEMENTED_YET(If);

}  // namespace
}  // namespace doppio
