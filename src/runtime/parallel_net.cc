#include <algorithm>
#include <condition_variable>
#include <map>
#include <mutex>
#include <set>
#include <system_error>
#include <thread>
#include <utility>

#include "doppio/check.h"
#include "doppio/net.h"
#include "doppio/parallel.h"
#include "src/base/home_process.h"
#include "src/runtime/poll.h"

namespace doppio {
namespace {

// Runs at the same time what does not depend on each other. An operator waits for the operators
// before it that write what it reads, read what it writes, or write what it writes; so every blob
// sees its reads and writes in the order of the list, and results are those of SimpleNet to the
// bit. Inside the operators there is no further parallelism while there is more than one worker. In
// a process that was forked since the net was made, the thread that calls Run() works alone.
class ParallelNet final : public Net {
 public:
  ParallelNet(std::shared_ptr<const NetDef> def,
              std::vector<std::unique_ptr<OperatorBase>> operators)
      : Net(std::move(def), std::move(operators)) {
    FindDependencies();
    const int count = static_cast<int>(this->operators().size());
    waiting_for_.resize(count);
    ready_.reserve(count);
    StartWorkers();
  }

  ~ParallelNet() override {
    if (!team_.get_deleter().IsHere()) return;
    {
      std::lock_guard<std::mutex> lock(team_->mutex);
      team_->is_ending = true;
    }
    team_->work.notify_all();
    for (std::thread& worker : team_->workers) worker.join();
  }

 private:
  // The threads that run the net, besides the one that calls Run(), and what they wait for.
  struct Team {
    std::mutex mutex;
    std::condition_variable work;
    std::vector<std::thread> workers;
    bool is_ending = false;
  };

  void FindDependencies() {
    const int count = static_cast<int>(operators().size());
    followers_.resize(count);
    dependencies_.assign(count, 0);
    std::map<std::string, int> last_writer;
    std::map<std::string, std::set<int>> readers;  // since the last write
    for (int k = 0; k < count; ++k) {
      std::set<int> before;
      OpBlobs blobs = BlobsOfOp(operators()[k]->def());
      AddStates(*operators()[k], &blobs);
      for (const std::string& name : blobs.reads) {
        const auto writer = last_writer.find(name);
        if (writer != last_writer.end()) before.insert(writer->second);
      }
      for (const std::string& name : blobs.writes) {
        const auto writer = last_writer.find(name);
        if (writer != last_writer.end()) before.insert(writer->second);
        before.insert(readers[name].begin(), readers[name].end());
      }
      for (const std::string& name : blobs.reads) readers[name].insert(k);
      for (const std::string& name : blobs.writes) {
        last_writer[name] = k;
        readers[name].clear();
      }
      before.erase(k);
      dependencies_[k] = static_cast<int>(before.size());
      for (int other : before) followers_[other].push_back(k);
    }
  }

  // Inputs that are no tensors but a state (a counter, an index) are changed by whoever has them.
  static void AddStates(const OperatorBase& op, OpBlobs* blobs) {
    if (!op.schema().has_side_effects()) return;
    for (int i = 0; i < op.InputSize(); ++i) {
      if (op.schema().AllowsAnyInput(i)) blobs->writes.push_back(op.def().input(i));
    }
  }

  void StartWorkers() {
    const int wanted = def().num_workers() > 0 ? def().num_workers() : NumThreads();
    const int most = std::min<int>(wanted, static_cast<int>(operators().size()));
    // The thread that calls Run() works too.
    for (int i = 1; i < most; ++i) {
      try {
        team_->workers.emplace_back([this] {
          SerialScope serial;
          Work(/*is_caller=*/false);
        });
      } catch (const std::system_error&) {
        return;  // the machine gives no more threads
      }
    }
  }

  absl::Status RunOperators() override {
    if (!team_.get_deleter().IsHere()) team_ = HomePtr<Team>(new Team);
    std::unique_lock<std::mutex> lock(team_->mutex);
    waiting_for_ = dependencies_;
    run_ = internal::RunScope::current;
    ready_.clear();
    unfinished_ = static_cast<int>(waiting_for_.size());
    failed_operator_ = -1;
    status_ = absl::OkStatus();
    // Taken from the back, so that operators early in the list come first.
    for (int k = unfinished_ - 1; k >= 0; --k) {
      if (waiting_for_[k] == 0) ready_.push_back(k);
    }
    lock.unlock();
    if (team_->workers.empty()) {
      Work(/*is_caller=*/true);
    } else {
      team_->work.notify_all();
      SerialScope serial;
      Work(/*is_caller=*/true);
    }
    // Not kept: a status may carry what a host attached to it.
    return std::exchange(status_, absl::OkStatus());
  }

  // Runs what is ready until the run is over (the caller) or the net is destroyed (workers).
  void Work(bool is_caller) {
    std::unique_lock<std::mutex> lock(team_->mutex);
    while (true) {
      const auto is_over = [this] { return unfinished_ == 0 || (!status_.ok() && running_ == 0); };
      Wait(&lock, is_caller,
           [&] { return !ready_.empty() || (is_caller ? is_over() : team_->is_ending); });
      if (ready_.empty()) return;
      const int k = ready_.back();
      ready_.pop_back();
      ++running_;
      if (!is_caller) internal::RunScope::current = run_;
      lock.unlock();
      absl::Status status = is_cancelled() ? CancelledStatus() : RunOperator(k);
      // What runs beside it may wait for what will never come.
      if (!status.ok()) Cancel();
      lock.lock();
      --running_;
      Finish(k, std::move(status));
    }
  }

  // Until `is_done`. The caller asks its host from time to time whether to go on; if not, operators
  // that run end as soon as they can.
  template <typename Condition>
  void Wait(std::unique_lock<std::mutex>* lock, bool is_caller, Condition is_done) {
    if (!is_caller) return team_->work.wait(*lock, is_done);
    while (!team_->work.wait_for(*lock, internal::kPollPeriod, is_done)) {
      lock->unlock();
      if (internal::IsInterrupted()) Cancel();
      lock->lock();
    }
  }

  void Finish(int k, absl::Status status) {
    if (!status.ok()) {
      // Of several failures the first one of the list is told, as SimpleNet would; what was
      // cancelled because another one failed is none.
      const bool was_cancelled = absl::IsCancelled(status);
      const bool is_first = failed_operator_ < 0 || absl::IsCancelled(status_) == was_cancelled
                                ? failed_operator_ < 0 || k < failed_operator_
                                : !was_cancelled;
      if (is_first) {
        failed_operator_ = k;
        status_ = std::move(status);
      }
      ready_.clear();
    }
    if (!status_.ok()) {
      if (running_ == 0) team_->work.notify_all();
      return;
    }
    const size_t had = ready_.size();
    for (int follower : followers_[k]) {
      if (--waiting_for_[follower] == 0) ready_.push_back(follower);
    }
    --unfinished_;
    if (unfinished_ == 0 || ready_.size() > had + 1) {
      team_->work.notify_all();
    } else if (had > 0) {
      team_->work.notify_one();
    }
  }

  std::vector<std::vector<int>> followers_;
  std::vector<int> dependencies_;

  HomePtr<Team> team_{new Team};
  // Of the run, with team_->mutex held.
  const internal::RunScope* run_ = nullptr;  // the caller's
  std::vector<int> waiting_for_;
  std::vector<int> ready_;
  int unfinished_ = 0;
  int running_ = 0;
  int failed_operator_ = -1;
  absl::Status status_;
};

DOPPIO_REGISTER_NET(ParallelNet, "parallel", "dag", "prof_dag", "async_dag", "async_polling",
                    "async_scheduling");

}  // namespace
}  // namespace doppio
