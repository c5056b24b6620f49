#include "doppio/net.h"
#include "src/runtime/poll.h"

namespace doppio {
namespace {

// Runs the operators in the order in which the net lists them.
class SimpleNet final : public Net {
 public:
  SimpleNet(std::shared_ptr<const NetDef> def, std::vector<std::unique_ptr<OperatorBase>> operators)
      : Net(std::move(def), std::move(operators)) {}

 private:
  absl::Status RunOperators() override {
    const internal::RunScope& run = *internal::RunScope::current;  // Net::Run's
    const int count = static_cast<int>(operators().size());
    for (int i = 0; i < count; ++i) {
      if (run.IsInterrupted()) return CancelledStatus();
      DOPPIO_RETURN_IF_ERROR(RunOperator(i));
    }
    return absl::OkStatus();
  }
};

DOPPIO_REGISTER_NET(SimpleNet, "", "simple", "async_simple", "rnn", "simple_refcount");

}  // namespace
}  // namespace doppio
