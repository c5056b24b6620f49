#include "src/runtime/prefetcher.h"

#include <system_error>
#include <utility>

#include "doppio/parallel.h"
#include "src/runtime/poll.h"

namespace doppio {

Prefetcher::~Prefetcher() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard<std::mutex> held(mutex_);
    is_ended_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

// False where the machine gives no more threads.
bool Prefetcher::Start() {
  if (thread_.joinable()) return true;
  try {
    thread_ = std::thread([this] { Work(); });
  } catch (const std::system_error&) {
    return false;
  }
  return true;
}

void Prefetcher::Work() {
  const SerialScope serial;
  const internal::RunScope run(&is_ended_);
  std::unique_lock<std::mutex> lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return is_ended_ || state_ == State::kWanted; });
    if (is_ended_) return;
    lock.unlock();
    absl::Status made = make_();
    lock.lock();
    made_ = std::move(made);
    state_ = State::kMade;
    changed_.notify_all();
  }
}

absl::Status Prefetcher::Take(absl::FunctionRef<absl::Status()> take) {
  if (!is_ahead_ || !Start()) {
    DOPPIO_RETURN_IF_ERROR(make_());
    return take();
  }
  std::unique_lock<std::mutex> lock(mutex_);
  if (state_ == State::kIdle) {
    state_ = State::kWanted;
    changed_.notify_all();
  }
  while (
      !changed_.wait_for(lock, internal::kPollPeriod, [this] { return state_ == State::kMade; })) {
    // The host may have locks of its own.
    lock.unlock();
    const bool is_interrupted = internal::IsInterrupted();
    lock.lock();
    if (is_interrupted) return absl::CancelledError("the wait for the next batch was cancelled");
  }
  absl::Status status = std::move(made_);
  if (status.ok()) status = take();
  state_ = status.ok() ? State::kWanted : State::kIdle;
  changed_.notify_all();
  return status;
}

}  // namespace doppio
