#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "doppio/parallel.h"
#include "src/base/home_process.h"
#include "src/base/run_scope.h"
#include "src/runtime/operator_order.h"
#include "src/runtime/simple_net.h"

namespace doppio {
namespace {

using Clock = std::chrono::steady_clock;

// A run that takes less is not worth a second thread.
constexpr std::chrono::microseconds kShortRun(50);
// How long a thread looks for work before it sleeps: what it takes to wake one up.
constexpr std::chrono::microseconds kMostSpinning(100);

constexpr int kNone = -1;

// Runs at the same time what does not depend on each other (OperatorOrder), so that results are
// those of SimpleNet to the bit. Inside the operators there is no further parallelism while there
// is more than one worker. In a process that was forked since the net was made, the thread that
// calls Run() works alone.
//
// Each worker has a list of operators that are ready. It goes on with one that waited for what it
// has just run, else with the last one of its list, else with what it takes from another worker:
// half of the list, from the other end. So chains of operators stay on one thread, and threads
// meet rarely.
class ParallelNet final : public SimpleNet {
 public:
  ParallelNet(std::shared_ptr<const NetDef> def,
              std::vector<std::unique_ptr<OperatorBase>> operators)
      : SimpleNet(std::move(def), std::move(operators)),
        order_(this->operators()),
        waiting_for_(this->operators().size()),
        next_(this->operators().size()) {
    for (const auto& op : this->operators()) may_wait_ |= op->schema().has_side_effects();
    if (!order_.IsChain()) StartWorkers();
  }

  ~ParallelNet() override {
    if (!team_.get_deleter().IsHere()) return;
    team_->is_ending = true;
    WakeUp(static_cast<int>(team_->threads.size()));
    for (std::thread& thread : team_->threads) thread.join();
  }

 private:
  struct alignas(64) Worker {
    std::mutex mutex;
    int top = kNone;           // its list, which goes on in next_
    std::atomic<int> size{0};  // of it

    bool is_asleep = false;
    std::condition_variable woken;
    std::chrono::nanoseconds spinning = kMostSpinning;  // before it sleeps
  };

  struct Team {
    std::vector<std::unique_ptr<Worker>> workers;  // the first one is who calls Run()
    std::vector<std::thread> threads;              // of the others
    std::atomic<int> asleep{0};
    std::atomic<bool> is_ending{false};
  };

  void StartWorkers() {
    const int wanted = def().num_workers() > 0 ? def().num_workers() : NumThreads();
    const int most = std::min<int>(wanted, static_cast<int>(operators().size()));
    for (int i = 0; i < most; ++i) team_->workers.push_back(std::make_unique<Worker>());
    may_spin_ = most <= static_cast<int>(std::thread::hardware_concurrency());
    for (int i = 1; i < most; ++i) {
      try {
        team_->threads.emplace_back([this, worker = team_->workers[i].get()] {
          SerialScope serial;
          const std::atomic<bool>& is_ending = team_->is_ending;
          while (!is_ending) {
            Work(worker);
            Wait(worker, [&] { return is_ending || HasWork(); });
          }
        });
      } catch (const std::system_error&) {
        return;  // the machine gives no more threads
      }
    }
  }

  absl::Status RunOperators() override {
    if (!team_.get_deleter().IsHere()) team_ = HomePtr<Team>(new Team);
    if (team_->threads.empty()) return SimpleNet::RunOperators();
    const SerialScope serial;
    const Clock::time_point begin = Clock::now();
    // Operators that wait for each other need their threads, however short they were last time.
    const bool is_alone = is_short_ && !may_wait_;
    absl::Status status = is_alone ? SimpleNet::RunOperators() : RunSideBySide();
    const Clock::duration took = is_alone ? Clock::now() - begin : Clock::duration(busy_.load());
    is_short_ = status.ok() && took < kShortRun;
    return status;
  }

  absl::Status RunSideBySide() {
    Worker* const me = team_->workers[0].get();
    const int count = static_cast<int>(operators().size());
    for (int k = 0; k < count; ++k) {
      waiting_for_[k].store(order_.waits_for[k], std::memory_order_relaxed);
    }
    unfinished_.store(count, std::memory_order_relaxed);
    busy_.store(0, std::memory_order_relaxed);
    has_failed_.store(false, std::memory_order_relaxed);
    run_ = internal::RunScope::current;
    {
      const std::lock_guard<std::mutex> lock(me->mutex);
      int* end = &me->top;
      for (const int k : order_.first) {
        *end = k;
        end = &next_[k];
      }
      *end = kNone;
      SetSize(me, static_cast<int>(order_.first.size()));
    }
    WakeUp(static_cast<int>(order_.first.size()) - 1);
    const auto is_over = [this] { return unfinished_.load(std::memory_order_acquire) == 0; };
    while (true) {
      Work(me);
      if (is_over()) break;
      Wait(me, [&] { return is_over() || HasWork(); });
      if (internal::IsInterrupted()) Cancel();
    }
    failed_operator_ = kNone;
    // Not kept: a status may carry what a host attached to it.
    return std::exchange(status_, absl::OkStatus());
  }

  // Runs what is ready, here or in another worker's list, until there is nothing.
  void Work(Worker* me) {
    int k = Take(me);
    if (k == kNone) return;
    const Clock::time_point begin = Clock::now();
    const internal::RunScope* const own = std::exchange(internal::RunScope::current, run_);
    int finished = 0;
    for (; k != kNone; k = Take(me)) {
      for (; k != kNone; k = Release(me, k)) {
        Execute(k);
        ++finished;
      }
    }
    internal::RunScope::current = own;
    busy_.fetch_add((Clock::now() - begin).count(), std::memory_order_relaxed);
    // The last one of them ends the run: from here on all this belongs to the caller.
    if (unfinished_.fetch_sub(finished, std::memory_order_acq_rel) == finished) WakeUpCaller();
  }

  // After a failure nothing is computed any more, but all are counted to the end.
  void Execute(int k) {
    if (has_failed_.load(std::memory_order_relaxed)) return;
    absl::Status status = is_cancelled() ? CancelledStatus(k) : RunOperator(k);
    if (__builtin_expect(!status.ok(), 0)) Fail(k, std::move(status));
  }

  void Fail(int k, absl::Status status) {
    has_failed_.store(true, std::memory_order_relaxed);
    Cancel();  // what runs beside it may wait for what will never come
    // Of several failures the first one of the list is told, as SimpleNet would; what was cancelled
    // because another one failed is none.
    const std::lock_guard<std::mutex> lock(failure_mutex_);
    const bool was_cancelled = absl::IsCancelled(status);
    const bool is_first = failed_operator_ == kNone || absl::IsCancelled(status_) == was_cancelled
                              ? failed_operator_ == kNone || k < failed_operator_
                              : !was_cancelled;
    if (!is_first) return;
    failed_operator_ = k;
    status_ = std::move(status);
  }

  // The first one of those that waited for k and are ready now; the others go to the list.
  int Release(Worker* me, int k) {
    int first = kNone;
    int others = 0;
    const std::vector<int>& followers = order_.followers[k];
    for (auto follower = followers.rbegin(); follower != followers.rend(); ++follower) {
      if (order_.waits_for[*follower] > 1 &&
          waiting_for_[*follower].fetch_sub(1, std::memory_order_acq_rel) > 1) {
        continue;
      }
      if (first != kNone) {
        Push(me, first);
        ++others;
      }
      first = *follower;
    }
    WakeUp(others);
    return first;
  }

  void Push(Worker* me, int k) {
    const std::lock_guard<std::mutex> lock(me->mutex);
    next_[k] = me->top;
    me->top = k;
    SetSize(me, SizeOf(*me) + 1);
  }

  int Take(Worker* me) {
    const int k = Pop(me);
    if (k != kNone) return k;
    for (const auto& other : team_->workers) {
      if (SizeOf(*other) > 0 && TakeHalf(other.get(), me)) return Pop(me);
    }
    return kNone;
  }

  int Pop(Worker* me) {
    if (SizeOf(*me) == 0) return kNone;
    const std::lock_guard<std::mutex> lock(me->mutex);
    const int k = me->top;
    if (k == kNone) return kNone;
    me->top = next_[k];
    SetSize(me, SizeOf(*me) - 1);
    return k;
  }

  // The lower half of the list, the operators that are later in the net, goes to an empty one.
  bool TakeHalf(Worker* from, Worker* to) {
    int below = kNone;
    int taken = 0;
    {
      const std::lock_guard<std::mutex> lock(from->mutex);
      const int size = SizeOf(*from);
      const int kept = size / 2;
      taken = size - kept;
      int* end = &from->top;
      for (int i = 0; i < kept; ++i) end = &next_[*end];
      below = std::exchange(*end, kNone);
      SetSize(from, kept);
    }
    if (taken == 0) return false;
    const std::lock_guard<std::mutex> lock(to->mutex);
    to->top = below;
    SetSize(to, taken);
    return true;
  }

  // Changed with the worker's mutex held; others may look before they take it.
  static int SizeOf(const Worker& worker) { return worker.size.load(std::memory_order_relaxed); }
  static void SetSize(Worker* worker, int size) {
    worker->size.store(size, std::memory_order_relaxed);
  }

  bool HasWork() const {
    return std::any_of(team_->workers.begin(), team_->workers.end(),
                       [](const auto& worker) { return SizeOf(*worker) > 0; });
  }

  // Until `is_done`, or until the caller has to ask its host whether to go on. A thread that had to
  // wait for long looks for a shorter time the next time before it sleeps.
  template <typename Condition>
  void Wait(Worker* me, Condition is_done) {
    const Clock::time_point begin = Clock::now();
    while (may_spin_ && Clock::now() - begin < me->spinning) {
      if (is_done()) return;
      std::this_thread::yield();  // to other programs
    }
    Sleep(me, is_done);
    const bool was_soon = Clock::now() - begin < kMostSpinning;
    me->spinning = was_soon ? kMostSpinning : me->spinning / 2;
  }

  template <typename Condition>
  void Sleep(Worker* me, Condition is_done) {
    std::unique_lock<std::mutex> lock(me->mutex);
    me->is_asleep = true;
    // Who makes work looks afterwards whether somebody sleeps: one of the two sees the other.
    team_->asleep.fetch_add(1, std::memory_order_acq_rel);
    if (!is_done()) {
      const auto is_woken = [me] { return !me->is_asleep; };
      if (me == team_->workers[0].get()) {
        me->woken.wait_for(lock, internal::kPollPeriod, is_woken);
      } else {
        me->woken.wait(lock, is_woken);
      }
    }
    if (me->is_asleep) {
      me->is_asleep = false;
      team_->asleep.fetch_sub(1, std::memory_order_relaxed);
    }
  }

  void WakeUp(int count) {
    if (count <= 0 || team_->asleep.fetch_add(0, std::memory_order_acq_rel) == 0) return;
    for (const auto& worker : team_->workers) {
      if (WakeUp(worker.get()) && --count == 0) return;
    }
  }

  void WakeUpCaller() {
    if (team_->asleep.fetch_add(0, std::memory_order_acq_rel) > 0) {
      WakeUp(team_->workers[0].get());
    }
  }

  bool WakeUp(Worker* worker) {
    const std::lock_guard<std::mutex> lock(worker->mutex);
    if (!worker->is_asleep) return false;
    worker->is_asleep = false;
    team_->asleep.fetch_sub(1, std::memory_order_relaxed);
    worker->woken.notify_one();
    return true;
  }

  const OperatorOrder order_;
  bool may_wait_ = false;
  bool may_spin_ = false;
  bool is_short_ = false;  // the last run was
  HomePtr<Team> team_{new Team};

  // Of the run.
  const internal::RunScope* run_ = nullptr;  // the caller's
  std::vector<std::atomic<int>> waiting_for_;
  std::vector<int> next_;  // in the list that an operator is in, with that worker's mutex held
  std::atomic<int> unfinished_{0};
  std::atomic<Clock::rep> busy_{0};  // of all workers together
  std::atomic<bool> has_failed_{false};
  std::mutex failure_mutex_;
  int failed_operator_ = kNone;
  absl::Status status_;
};

DOPPIO_REGISTER_NET(ParallelNet, "parallel", "dag", "prof_dag", "async_dag", "async_polling",
                    "async_scheduling");

}  // namespace
}  // namespace doppio
