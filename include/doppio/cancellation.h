#ifndef DOPPIO_CANCELLATION_H_
#define DOPPIO_CANCELLATION_H_

// Ends what takes too long: when a time is over, or when another thread says so.
//
//   const CancellationScope scope(Cancellation::After(absl::Seconds(10)));
//   absl::Status status = workspace.RunNet("predict");  // DeadlineExceeded after 10 s
//
// or
//
//   Cancellation cancellation;                     // copies are the same cancellation
//   std::thread worker([&workspace, &plan, cancellation] {
//     const CancellationScope scope(cancellation);
//     absl::Status status = workspace.RunPlan(plan);  // Cancelled, by
//   });
//   cancellation.Cancel();
//
// A scope holds for whatever its thread does with doppio while it exists, and for the threads that
// work for it: nets and the nets inside them, plans, predictors, trainings, waits for queues,
// loading. What is under way ends with an error that names the net and the operator before the next
// operator, the next turn of a loop, the next record of a file; waits end within 10 ms. The
// workspace is as usable afterwards as after any other error. Where nothing is left to do, it is
// done, late or not.
//
// Operators that take long ask in between, and do what they can not do in pieces all the same:
//
//   for (const Piece& piece : pieces) {
//     DOPPIO_RETURN_IF_ERROR(CancellationStatus());
//     ...
//   }
//
// Threads: a Cancellation may be used by many at once; a scope belongs to the thread that made it,
// and scopes end in the reverse of the order in which they began.

#include <atomic>
#include <cstdint>
#include <memory>

#include "absl/time/time.h"
#include "doppio/status.h"

namespace doppio {

namespace internal {
class RunScope;
}  // namespace internal

class Cancellation {
 public:
  // Ends nothing until Cancel() is called.
  Cancellation();
  // Ends when the time is over, counted from now by a clock that nobody sets, or by Cancel(). Never
  // early; up to a tick of the kernel late (mostly 4 ms), since every operator reads its coarse
  // clock.
  static Cancellation After(absl::Duration timeout);
  static Cancellation At(absl::Time deadline);

  // For good.
  void Cancel() const { state_->is_cancelled.store(true, std::memory_order_relaxed); }

  // OK, DeadlineExceeded or Cancelled.
  absl::Status status() const;

 private:
  friend class CancellationScope;

  struct State {
    std::atomic<bool> is_cancelled{false};
    int64_t deadline;  // in nanoseconds of the monotonic clock
  };

  std::shared_ptr<State> state_;
};

// Scopes inside of others add to them: what ends first counts.
class CancellationScope {
 public:
  explicit CancellationScope(Cancellation cancellation);
  ~CancellationScope();
  CancellationScope(const CancellationScope&) = delete;
  CancellationScope& operator=(const CancellationScope&) = delete;

 private:
  const Cancellation cancellation_;
  const std::unique_ptr<internal::RunScope> scope_;
};

// Why what this thread does is to end: DeadlineExceeded or Cancelled; also where its net was
// cancelled (Net::Cancel), failed on another thread, or the host wants so (interrupt.h). OK where
// it goes on.
absl::Status CancellationStatus();

}  // namespace doppio

#endif  // DOPPIO_CANCELLATION_H_
