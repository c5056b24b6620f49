#ifndef DOPPIO_NET_H_
#define DOPPIO_NET_H_

// A net that is ready to run: its operators, bound to the blobs of a workspace.
// Workspace::CreateNet makes and owns nets; RunNet(name) runs them.

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "doppio/memory_budget.h"
#include "doppio/observer.h"
#include "doppio/operator.h"

namespace doppio {

class Net {
 public:
  virtual ~Net();
  Net(const Net&) = delete;
  Net& operator=(const Net&) = delete;

  const NetDef& def() const { return *def_; }
  const std::string& name() const { return def_->name(); }
  const std::vector<std::unique_ptr<OperatorBase>>& operators() const { return operators_; }
  // `net "demo", op 0 Expand(X, shape) -> Y`.
  std::string OpPlace(int index) const;

  // Runs all operators. From the second run on nothing is allocated, as long as shapes stay or
  // shrink. The first error ends the run; it names the operator. A net is run by one thread at a
  // time: a run that begins while another is under way is refused (FailedPrecondition) and disturbs
  // nothing.
  absl::Status Run();

  bool is_running() const { return is_running_.load(std::memory_order_relaxed); }

  // Ends a run that is under way on another thread: no further operator is started, and that run
  // returns Cancelled. What ends more than one net, or at a deadline: cancellation.h.
  void Cancel();

  // What runs of this net allocate for tensors counts for it (memory_budget.h); nothing: for none.
  // Not while the net runs.
  void SetMemoryBudget(std::optional<MemoryBudget> budget) { budget_ = std::move(budget); }

  // Observers see every operator of this net start and stop; not while the net runs. The net does
  // not own them, and keeps them until they are removed.
  void AddObserver(NetObserver* observer) { observers_.push_back(observer); }
  void RemoveObserver(NetObserver* observer);

  // The index of the operator that failed in the last run, or -1.
  int last_failed_operator() const { return last_failed_operator_; }

 protected:
  Net(std::shared_ptr<const NetDef> def, std::vector<std::unique_ptr<OperatorBase>> operators);

  virtual absl::Status RunOperators() = 0;

  // For executors: one operator with its observers, and its place in the error.
  absl::Status RunOperator(int index) {
    if (__builtin_expect(!observers_.empty(), 0)) return RunObserved(index);
    absl::Status status = operators_[index]->Run();
    return __builtin_expect(status.ok(), 1) ? status : Failed(index, status);
  }
  // Asks all that may end a run (CancellationStatus in cancellation.h).
  bool is_cancelled() const;
  // Why operator `next` was not run, or, where the net has none, the net.
  absl::Status CancelledStatus(int next) const;

 private:
  absl::Status RunObserved(int index);
  absl::Status Failed(int index, const absl::Status& status);

  std::shared_ptr<const NetDef> def_;
  std::vector<std::unique_ptr<OperatorBase>> operators_;
  std::vector<NetObserver*> observers_;
  std::optional<MemoryBudget> budget_;
  std::atomic<bool> is_running_{false};
  std::atomic<bool> is_cancelled_{false};
  std::atomic<int> last_failed_operator_{-1};
};

// Makes a net over the blobs of `scope`, which must outlive it. All problems are reported at once
// (CheckNet). The net's device option holds for operators where they do not say otherwise.
//
// Operators that expand a tensor (Expand, Tile, ...) leave a phantom of it (blob.h) where it has at
// least kLeastPhantomBytes, which is written out for those who need it so and for whoever looks.
// The net's argument `phantoms` is another number of bytes; with 0 they never do. Nets that are
// arguments of operators have arguments of their own.
constexpr int64_t kLeastPhantomBytes = 256 << 10;
absl::StatusOr<std::unique_ptr<Net>> CreateNet(std::shared_ptr<const NetDef> def, BlobScope* scope);

// How nets are run, by NetDef.type. `simple` (the default) runs operators in order; `parallel` runs
// at the same time what does not depend on each other. Caffe2's names of both are known:
// async_simple, rnn, simple_refcount; dag, prof_dag, async_dag, async_polling, async_scheduling.
// Another executor is another file with one DOPPIO_REGISTER_NET.
using NetFactory = std::unique_ptr<Net> (*)(std::shared_ptr<const NetDef>,
                                            std::vector<std::unique_ptr<OperatorBase>>);

class NetRegistry {
 public:
  static bool Register(std::vector<std::string> types, NetFactory factory);
  static std::vector<std::string> Types();
};

#define DOPPIO_REGISTER_NET(Class, ...)                                                            \
  [[maybe_unused]] static const bool doppio_net_##Class = ::doppio::NetRegistry::Register(         \
      {__VA_ARGS__},                                                                               \
      [](std::shared_ptr<const ::doppio::NetDef> def,                                              \
         std::vector<std::unique_ptr<::doppio::OperatorBase>> operators) -> std::unique_ptr<Net> { \
        return std::make_unique<Class>(std::move(def), std::move(operators));                      \
      })

}  // namespace doppio

#endif  // DOPPIO_NET_H_
