#include "src/runtime/prefetcher.h"

#include <system_error>
#include <utility>

#include "doppio/parallel.h"
#include "src/base/run_scope.h"
#include "src/tensor/memory_account.h"

namespace doppio {

Prefetcher::~Prefetcher() {
  if (shared_ == nullptr || !shared_.get_deleter().IsHere()) return;
  {
    const std::lock_guard<std::mutex> held(shared_->mutex);
    shared_->is_ended = true;
  }
  shared_->changed.notify_all();
  shared_->thread.join();
}

// False where the machine gives no more threads.
bool Prefetcher::Start() {
  if (shared_ != nullptr) return true;
  shared_ = HomePtr<Shared>(new Shared);
  try {
    // Batches count for the budgets of the run that wants the first one.
    shared_->thread = std::thread(
        [this, accounts = internal::AccountsOfThread()] { WorkFor(absl::MakeSpan(accounts)); });
  } catch (const std::system_error&) {
    shared_.reset();
  }
  return shared_ != nullptr;
}

void Prefetcher::WorkFor(absl::Span<const std::shared_ptr<internal::MemoryAccount>> accounts) {
  if (accounts.empty()) return Work();
  const internal::RunScope run(&shared_->is_ended, internal::kNoDeadline, accounts.front().get());
  WorkFor(accounts.subspan(1));
}

void Prefetcher::Work() {
  const SerialScope serial;
  Shared& shared = *shared_;
  const internal::RunScope run(&shared.is_ended);
  std::unique_lock<std::mutex> lock(shared.mutex);
  while (true) {
    shared.changed.wait(lock, [&] { return shared.is_ended || shared.state == State::kWanted; });
    if (shared.is_ended) return;
    lock.unlock();
    absl::Status made = make_();
    lock.lock();
    shared.made = std::move(made);
    shared.state = State::kMade;
    shared.changed.notify_all();
  }
}

absl::Status Prefetcher::Take(absl::FunctionRef<absl::Status()> take) {
  if (!is_ahead_ || !Start()) {
    DOPPIO_RETURN_IF_ERROR(make_());
    return take();
  }
  if (!shared_.get_deleter().IsHere()) {
    return absl::FailedPreconditionError(
        "this process was forked from one that reads ahead; make the net anew here");
  }
  Shared& shared = *shared_;
  std::unique_lock<std::mutex> lock(shared.mutex);
  if (shared.state == State::kIdle) {
    shared.state = State::kWanted;
    shared.changed.notify_all();
  }
  while (!shared.changed.wait_for(lock, internal::kPollPeriod,
                                  [&] { return shared.state == State::kMade; })) {
    // The host may have locks of its own.
    lock.unlock();
    const bool is_interrupted = internal::IsInterrupted();
    lock.lock();
    if (is_interrupted)
      return Annotate(internal::InterruptedStatus(), "waiting for the next batch");
  }
  absl::Status status = std::move(shared.made);
  if (status.ok()) status = take();
  shared.state = status.ok() ? State::kWanted : State::kIdle;
  shared.changed.notify_all();
  return status;
}

}  // namespace doppio
