#ifndef DOPPIO_RUNTIME_POLL_H_
#define DOPPIO_RUNTIME_POLL_H_

#include <atomic>
#include <chrono>

namespace doppio::internal {

// How long a thread that waits for others does not ask.
inline constexpr std::chrono::milliseconds kPollPeriod(50);

// What SetInterruptPoll was given, and what it says.
extern std::atomic<bool (*)()> interrupt_poll;

inline bool HostInterrupts() {
  bool (*const poll)() = interrupt_poll.load(std::memory_order_relaxed);
  return __builtin_expect(poll != nullptr, 0) && poll();
}

// A run of a net or a plan that this thread works for, for as long as the object lives; runs inside
// of it come later. `is_ended` says that it was cancelled or has failed.
class RunScope {
 public:
  explicit RunScope(const std::atomic<bool>* is_ended) : is_ended_(is_ended), outer_(current) {
    current = this;
  }
  ~RunScope() { current = outer_; }
  RunScope(const RunScope&) = delete;
  RunScope& operator=(const RunScope&) = delete;

  // The innermost one; threads that help with a run take it over from the thread that began it.
  static inline thread_local const RunScope* current = nullptr;

  bool IsEnded() const {
    return is_ended_->load(std::memory_order_relaxed) || (outer_ != nullptr && outer_->IsEnded());
  }
  // Or the host wants so (doppio/interrupt.h).
  bool IsInterrupted() const { return IsEnded() || HostInterrupts(); }

 private:
  const std::atomic<bool>* is_ended_;
  const RunScope* outer_;
};

// Whether this thread's run is to end: it was cancelled, failed on another thread, or the host
// wants so.
inline bool IsInterrupted() {
  const RunScope* const run = RunScope::current;
  return (run != nullptr && run->IsEnded()) || HostInterrupts();
}

}  // namespace doppio::internal

#endif  // DOPPIO_RUNTIME_POLL_H_
