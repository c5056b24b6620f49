#include <atomic>

#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "ops/control/subnet.h"

namespace doppio {
namespace {

DOPPIO_OPERATOR_SCHEMA(While)
    .NumInputs(1, OpSchema::kMany)
    .NumOutputs(0, OpSchema::kMany)
    .AllowAnyInplace()
    .AllowAnyInput(OpSchema::kMany)
    .HasSideEffects()
    .Doc(R"DOC(
Runs a net again and again for as long as the condition is true. The condition is looked at before each
turn; `cond_net`, if there is one, runs before each look. Both nets see the blobs of the net that While
stands in and write to them. A loop whose condition stays true ends when the net is cancelled.
)DOC")
    .RequiredArg<NetDef>("loop_net", "net to run in each turn")
    .OptionalArg<NetDef>("cond_net", "net that computes the condition")
    .Input(0, "condition", "a single bool")
    .Output(0, "outputs", "blobs that the nets write, as far as one wants to list them");

template <class Context>
class WhileOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit WhileOp(OperatorInit* init)
      : Operator<Context>(init),
        loop_net_(CreateSubnet(init, "loop_net")),
        cond_net_(CreateSubnet(init, "cond_net")) {}

  absl::Status RunOnDevice() override {
    is_cancelled_.store(false, std::memory_order_relaxed);
    while (true) {
      if (is_cancelled_.load(std::memory_order_relaxed))
        return absl::CancelledError("the loop was cancelled");
      if (cond_net_ != nullptr) DOPPIO_RETURN_IF_ERROR(cond_net_->Run());
      DOPPIO_ASSIGN_OR_RETURN(const bool condition,
                              ReadCondition(InputBlob(0), this->def().input(0)));
      if (!condition) return absl::OkStatus();
      DOPPIO_RETURN_IF_ERROR(loop_net_->Run());
    }
  }

  void Cancel() override {
    is_cancelled_.store(true, std::memory_order_relaxed);
    loop_net_->Cancel();
    if (cond_net_ != nullptr) cond_net_->Cancel();
  }

 private:
  std::unique_ptr<Net> loop_net_;
  std::unique_ptr<Net> cond_net_;
  std::atomic<bool> is_cancelled_{false};
};

DOPPIO_REGISTER_CPU_OPERATOR(While, WhileOp<CPUContext>);
DOPPIO_GRADIENT_NOT_IMPLEMENTED_YET(While);

}  // namespace
}  // namespace doppio
