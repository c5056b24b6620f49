#ifndef DOPPIO_RUNTIME_POLL_H_
#define DOPPIO_RUNTIME_POLL_H_

#include <atomic>
#include <chrono>

namespace doppio::internal {

// How long a thread that waits for others does not ask.
inline constexpr std::chrono::milliseconds kPollPeriod(50);

// What SetInterruptPoll was given.
extern std::atomic<bool (*)()> interrupt_poll;

// Whether the host wants this thread's run to end.
inline bool IsInterrupted() {
  bool (*const poll)() = interrupt_poll.load(std::memory_order_relaxed);
  return __builtin_expect(poll != nullptr, 0) && poll();
}

}  // namespace doppio::internal

#endif  // DOPPIO_RUNTIME_POLL_H_
