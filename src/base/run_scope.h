#ifndef DOPPIO_BASE_RUN_SCOPE_H_
#define DOPPIO_BASE_RUN_SCOPE_H_

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <limits>

#include "doppio/status.h"

namespace doppio::internal {

class MemoryAccount;

// How long a thread that waits for others does not ask whether to go on.
inline constexpr std::chrono::milliseconds kPollPeriod(10);

// What SetInterruptPoll was given, and what it says.
extern std::atomic<bool (*)()> interrupt_poll;

inline bool HostInterrupts() {
  bool (*const poll)() = interrupt_poll.load(std::memory_order_relaxed);
  return __builtin_expect(poll != nullptr, 0) && poll();
}

// Deadlines are nanoseconds of the monotonic clock.
inline constexpr int64_t kNoDeadline = std::numeric_limits<int64_t>::max();
bool HasPassed(int64_t deadline);

// A run of a net or a plan that this thread works for, or a CancellationScope, for as long as the
// object lives; runs inside of it come later. `is_ended` says that it was cancelled or has failed;
// what it allocates for tensors counts for `account` too (doppio/memory_budget.h).
class RunScope {
 public:
  explicit RunScope(const std::atomic<bool>* is_ended, int64_t deadline = kNoDeadline,
                    MemoryAccount* account = nullptr)
      : is_ended_(is_ended),
        outer_(current),
        deadline_(outer_ == nullptr ? deadline : std::min(deadline, outer_->deadline_)),
        account_(account),
        has_accounts_(account != nullptr || (outer_ != nullptr && outer_->has_accounts_)) {
    current = this;
  }
  ~RunScope() { current = outer_; }
  RunScope(const RunScope&) = delete;
  RunScope& operator=(const RunScope&) = delete;

  // The innermost one; threads that help with a run take it over from the thread that began it
  // (HelpWithRun).
  static inline thread_local const RunScope* current = nullptr;

  const RunScope* outer() const { return outer_; }
  MemoryAccount* account() const { return account_; }
  // Of this scope or one around it.
  bool has_accounts() const { return has_accounts_; }

  bool IsLate() const {
    return __builtin_expect(deadline_ != kNoDeadline, 0) && HasPassed(deadline_);
  }
  // Nobody takes that back while the scope exists.
  bool IsEnded() const { return IsCancelled() || IsLate(); }
  // Or the host wants so (doppio/interrupt.h). Nets ask this before every operator of their own
  // scopes, which have no deadline that those around them do not have.
  bool IsNetInterrupted() const {
    return is_ended_->load(std::memory_order_relaxed) || (outer_ != nullptr && outer_->IsEnded()) ||
           HostInterrupts();
  }

 private:
  bool IsCancelled() const {
    return is_ended_->load(std::memory_order_relaxed) ||
           (outer_ != nullptr && outer_->IsCancelled());
  }

  const std::atomic<bool>* const is_ended_;
  const RunScope* const outer_;
  const int64_t deadline_;  // the first one of this scope and those around it
  MemoryAccount* const account_;
  const bool has_accounts_;
};

// Makes this thread work for a run that another one waits for, for as long as the object lives.
class HelpWithRun {
 public:
  explicit HelpWithRun(const RunScope* run) : own_(RunScope::current) { RunScope::current = run; }
  ~HelpWithRun() { RunScope::current = own_; }
  HelpWithRun(const HelpWithRun&) = delete;
  HelpWithRun& operator=(const HelpWithRun&) = delete;

 private:
  const RunScope* const own_;
};

// Whether this thread's run is to end: it was cancelled, its time is over, it failed on another
// thread, or the host wants so.
inline bool IsInterrupted() {
  const RunScope* const run = RunScope::current;
  return (run != nullptr && run->IsEnded()) || HostInterrupts();
}

// The error of what ends because IsInterrupted() said so.
absl::Status InterruptedStatus();

// Of an operator that is long at work, on several threads perhaps: its threads ask between pieces
// whether to go on with the run of the thread that made this.
class PieceWatch {
 public:
  PieceWatch() : run_(RunScope::current) {}
  PieceWatch(const PieceWatch&) = delete;
  PieceWatch& operator=(const PieceWatch&) = delete;

  // Who is told no leaves its work undone, and status() is an error from then on.
  bool GoesOn() {
    if (is_ended_.load(std::memory_order_relaxed)) return false;
    if ((run_ == nullptr || !run_->IsEnded()) && !HostInterrupts()) return true;
    is_ended_.store(true, std::memory_order_relaxed);
    return false;
  }
  // The same after turn i of a loop with short turns, of which every 64th asks.
  bool GoesOnAfter(int64_t i) { return (i & 63) != 63 || GoesOn(); }
  // For the thread that made it, once the others are done.
  absl::Status status() const {
    return is_ended_.load(std::memory_order_relaxed) ? InterruptedStatus() : absl::OkStatus();
  }

 private:
  const RunScope* const run_;
  std::atomic<bool> is_ended_{false};
};

}  // namespace doppio::internal

#endif  // DOPPIO_BASE_RUN_SCOPE_H_
