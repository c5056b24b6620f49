#include "doppio/interrupt.h"

#include "src/base/run_scope.h"

namespace doppio {

namespace internal {

std::atomic<bool (*)()> interrupt_poll{nullptr};

}  // namespace internal

void SetInterruptPoll(bool (*poll)()) {
  internal::interrupt_poll.store(poll, std::memory_order_relaxed);
}

}  // namespace doppio
