#ifndef DOPPIO_RUNTIME_PREFETCHER_H_
#define DOPPIO_RUNTIME_PREFETCHER_H_

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>

#include "absl/functional/function_ref.h"
#include "absl/types/span.h"
#include "doppio/memory_budget.h"
#include "doppio/status.h"
#include "src/base/home_process.h"

namespace doppio {

// Makes on a thread of its own what an operator gives in its next run, while the net works with
// what it gave in the last one.
//
//   class InputOp ... {
//     absl::Status RunOnDevice() override {
//       return prefetcher_.Take([this] { return CopyToOutputs(); });
//     }
//     Batch batch_;
//     Prefetcher prefetcher_{[this] { return Read(&batch_); }};  // the last member
//   };
//
// Prefetching ends with the object, which does not wait for a `make` that waits for a queue.
class Prefetcher {
 public:
  // `make` and what Take is given never run at the same time. Without `is_ahead` there is no
  // thread, and `make` runs in Take. The thread is one of those beside others: ParallelFor is
  // serial on it.
  explicit Prefetcher(std::function<absl::Status()> make, bool is_ahead = true)
      : make_(std::move(make)), is_ahead_(is_ahead) {}
  ~Prefetcher();
  Prefetcher(const Prefetcher&) = delete;
  Prefetcher& operator=(const Prefetcher&) = delete;

  // Waits until `make` is done, and calls `take` when that went well; then `make` begins again.
  // After an error it does so only in the next Take. Cancelled where the run that waits is to end
  // (run_scope.h); what is being made stays for the next Take. FailedPrecondition in a process that
  // was forked since the first Take, which has no such thread.
  absl::Status Take(absl::FunctionRef<absl::Status()> take);

 private:
  enum class State { kIdle, kWanted, kMade };

  // What both threads share.
  struct Shared {
    std::mutex mutex;
    std::condition_variable changed;
    State state = State::kIdle;
    absl::Status made;
    std::atomic<bool> is_ended{false};
    std::thread thread;
  };

  bool Start();
  void WorkFor(absl::Span<const std::shared_ptr<internal::MemoryAccount>> accounts);
  void Work();

  const std::function<absl::Status()> make_;
  const bool is_ahead_;
  HomePtr<Shared> shared_;  // null: there is no thread yet
};

}  // namespace doppio

#endif  // DOPPIO_RUNTIME_PREFETCHER_H_
