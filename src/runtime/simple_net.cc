#include "src/runtime/simple_net.h"

#include "src/base/run_scope.h"

namespace doppio {

absl::Status SimpleNet::RunOperators() {
  const internal::RunScope& run = *internal::RunScope::current;  // Net::Run's
  const int count = static_cast<int>(operators().size());
  for (int i = 0; i < count; ++i) {
    if (__builtin_expect(run.IsNetInterrupted(), 0)) return CancelledStatus(i);
    DOPPIO_RETURN_IF_ERROR(RunOperator(i));
  }
  return absl::OkStatus();
}

namespace {

DOPPIO_REGISTER_NET(SimpleNet, "", "simple", "async_simple", "rnn", "simple_refcount");

}  // namespace
}  // namespace doppio
