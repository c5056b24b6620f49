#include "doppio/cancellation.h"

#include <time.h>

#include <chrono>
#include <utility>

#include "absl/time/clock.h"
#include "src/base/run_scope.h"

namespace doppio {

namespace {

absl::Status Late() { return absl::DeadlineExceededError("the deadline has passed"); }
absl::Status WasCancelled() { return absl::CancelledError("the run was cancelled"); }

// On the monotonic clock. absl's arithmetic saturates; so does this. What is over is so at once,
// not when the coarse clock has come as far.
int64_t DeadlineAfter(absl::Duration timeout) {
  const int64_t left = absl::ToInt64Nanoseconds(timeout);
  if (left <= 0) return 0;
  const int64_t now = std::chrono::duration_cast<std::chrono::nanoseconds>(
                          std::chrono::steady_clock::now().time_since_epoch())
                          .count();
  return left > internal::kNoDeadline - now ? internal::kNoDeadline : now + left;
}

}  // namespace

namespace internal {

// The coarse clock is read without the processor's counter, in a quarter of the time. It lags
// behind the other, never the other way round.
bool HasPassed(int64_t deadline) {
  constexpr int64_t kSecond = 1'000'000'000;
  timespec now;
  clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  return now.tv_sec * kSecond + now.tv_nsec >= deadline;
}

absl::Status InterruptedStatus() {
  const RunScope* const run = RunScope::current;
  return run != nullptr && run->IsLate() ? Late() : WasCancelled();
}

}  // namespace internal

Cancellation::Cancellation() : state_(std::make_shared<State>()) {
  state_->deadline = internal::kNoDeadline;
}

Cancellation Cancellation::After(absl::Duration timeout) {
  Cancellation cancellation;
  cancellation.state_->deadline = DeadlineAfter(timeout);
  return cancellation;
}

Cancellation Cancellation::At(absl::Time deadline) { return After(deadline - absl::Now()); }

absl::Status Cancellation::status() const {
  if (state_->is_cancelled.load(std::memory_order_relaxed)) return WasCancelled();
  return internal::HasPassed(state_->deadline) ? Late() : absl::OkStatus();
}

CancellationScope::CancellationScope(Cancellation cancellation)
    : cancellation_(std::move(cancellation)),
      scope_(std::make_unique<internal::RunScope>(&cancellation_.state_->is_cancelled,
                                                  cancellation_.state_->deadline)) {}

CancellationScope::~CancellationScope() = default;

absl::Status CancellationStatus() {
  return internal::IsInterrupted() ? internal::InterruptedStatus() : absl::OkStatus();
}

}  // namespace doppio
