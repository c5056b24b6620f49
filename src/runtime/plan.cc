#include "src/runtime/plan.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <future>
#include <map>
#include <mutex>
#include <set>
#include <system_error>
#include <thread>

#include "doppio/check.h"
#include "doppio/registry.h"
#include "src/base/run_scope.h"

namespace doppio {
namespace {

std::string StepPlace(const ExecutionStep& step) {
  return absl::StrCat("step \"", step.name(), "\"");
}

// Instances of one step at the same time; each has a thread.
constexpr int64_t kMostInstances = 1024;

// Calls what starts a thread.
template <typename F>
absl::Status StartThread(const ExecutionStep& step, const F& start) {
  try {
    start();
  } catch (const std::system_error&) {
    return absl::ResourceExhaustedError(
        absl::StrCat(StepPlace(step), ": the system gives no more threads"));
  }
  return absl::OkStatus();
}

// What all threads of one plan share: whether to go on, and the first error.
class PlanState {
 public:
  using Progress = std::function<void(const std::string&, int64_t, int64_t)>;

  PlanState(const PlanDef& plan, const Progress& progress) : progress_(progress) {
    for (const NetDef& net : plan.network()) nets_[net.name()] = &net;
  }

  // Whether a net of the plan will make this blob.
  bool Makes(const std::string& blob) const {
    return std::any_of(nets_.begin(), nets_.end(), [&](const auto& entry) {
      return std::any_of(entry.second->op().begin(), entry.second->op().end(), [&](const auto& op) {
        const std::vector<std::string> writes = BlobsOfOp(op).writes;
        return std::find(writes.begin(), writes.end(), blob) != writes.end();
      });
    });
  }

  const NetDef* FindNet(const std::string& name) const {
    const auto found = nets_.find(name);
    return found == nets_.end() ? nullptr : found->second;
  }
  std::vector<std::string> NetNames() const {
    std::vector<std::string> names;
    for (const auto& [name, net] : nets_) names.push_back(name);
    return names;
  }

  void Report(const std::string& step, int64_t iteration, int64_t iterations) {
    if (progress_ == nullptr) return;
    std::lock_guard<std::mutex> lock(mutex_);
    progress_(step, iteration, iterations);
  }

  const std::atomic<bool>* failure() const { return &has_failed_; }
  // Whether nothing more is run. What ends the plan from outside is a failure too.
  bool IsOver() {
    if (internal::IsInterrupted()) Fail(internal::InterruptedStatus());
    return has_failed_.load(std::memory_order_relaxed);
  }
  void Fail(const absl::Status& status) {
    if (status.ok()) return;
    std::lock_guard<std::mutex> lock(mutex_);
    if (status_.ok()) status_ = status;
    has_failed_.store(true, std::memory_order_relaxed);
  }
  absl::Status status() {
    std::lock_guard<std::mutex> lock(mutex_);
    return status_;
  }

 private:
  const Progress& progress_;
  std::map<std::string, const NetDef*> nets_;
  std::atomic<bool> has_failed_{false};
  std::mutex mutex_;
  absl::Status status_;
};

// The nets of a plan in one workspace.
class PlanNets {
 public:
  PlanNets(const PlanState* plan, Workspace* workspace) : plan_(plan), workspace_(workspace) {}

  // A net that was there before the plan is replaced once.
  absl::StatusOr<Net*> Get(const std::string& name) {
    std::lock_guard<std::mutex> lock(mutex_);
    if (created_.count(name) > 0) return workspace_->GetNet(name);
    DOPPIO_ASSIGN_OR_RETURN(Net * net,
                            workspace_->CreateNet(*plan_->FindNet(name), /*overwrite=*/true));
    created_.insert(name);
    return net;
  }

  Workspace* workspace() const { return workspace_; }

 private:
  const PlanState* plan_;
  Workspace* workspace_;
  std::mutex mutex_;
  std::set<std::string> created_;
};

absl::Status CheckStep(const ExecutionStep& step, const PlanState& plan, int depth) {
  if (depth > Limits().max_nesting) return absl::InvalidArgumentError("steps are nested too deep");
  if (step.substep_size() > 0 && step.network_size() > 0) {
    return absl::InvalidArgumentError(
        absl::StrCat(StepPlace(step), " has both substeps and nets; it may have one of them"));
  }
  if (step.has_should_stop_blob() && step.has_num_iter()) {
    return absl::InvalidArgumentError(
        absl::StrCat(StepPlace(step), " has both should_stop_blob and num_iter"));
  }
  if (step.only_once() && !step.has_should_stop_blob()) {
    return absl::InvalidArgumentError(
        absl::StrCat(StepPlace(step), " has only_once without should_stop_blob"));
  }
  if (step.num_iter() < 0) {
    return absl::InvalidArgumentError(
        absl::StrCat(StepPlace(step), ": num_iter is ", step.num_iter()));
  }
  if (step.run_every_ms() < 0 || step.num_concurrent_instances() < 0) {
    return absl::InvalidArgumentError(absl::StrCat(
        StepPlace(step), ": run_every_ms and num_concurrent_instances may not be negative"));
  }
  if (step.num_concurrent_instances() > kMostInstances) {
    return absl::InvalidArgumentError(
        absl::StrCat(StepPlace(step), ": num_concurrent_instances is ",
                     step.num_concurrent_instances(), ", and may be ", kMostInstances));
  }
  std::vector<std::string> names(step.network().begin(), step.network().end());
  if (step.has_report_net()) names.push_back(step.report_net());
  for (const std::string& name : names) {
    if (plan.FindNet(name) == nullptr) {
      return absl::NotFoundError(absl::StrCat(StepPlace(step), ": the plan has no net \"", name,
                                              "\"", DidYouMean(name, plan.NetNames())));
    }
  }
  for (const ExecutionStep& substep : step.substep())
    DOPPIO_RETURN_IF_ERROR(CheckStep(substep, plan, depth + 1));
  return absl::OkStatus();
}

// Runs something every so often on a thread of its own, at least once, and once more when it is
// stopped.
class Repeater {
 public:
  template <typename F>
  Repeater(std::chrono::milliseconds period, F run)
      : thread_([this, period, run] {
          std::unique_lock<std::mutex> lock(mutex_);
          bool is_last = false;
          while (true) {
            lock.unlock();
            const bool goes_on = run();
            lock.lock();
            if (!goes_on || is_last) return;
            is_last = stopped_.wait_for(lock, period, [this] { return is_stopped_; });
          }
        }) {}
  ~Repeater() {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      is_stopped_ = true;
    }
    stopped_.notify_all();
    thread_.join();
  }

 private:
  std::mutex mutex_;
  std::condition_variable stopped_;
  bool is_stopped_ = false;
  std::thread thread_;
};

// Where a blob NODE_ID (an int32) says which machine this is, child workspaces are numbered over
// all machines, as in Caffe2.
absl::Status NumberWorkspace(Workspace* child) {
  static std::atomic<int64_t> next{0};
  const std::shared_ptr<Blob> node = child->FindBlob("NODE_ID");
  const Tensor* id = node == nullptr ? nullptr : node->Get<Tensor>();
  if (id == nullptr || !id->Is<int32_t>() || id->numel() != 1) return absl::OkStatus();
  const int64_t number = (next++ & 0xffff) + (static_cast<int64_t>(id->data<int32_t>()[0]) << 16);
  DOPPIO_ASSIGN_OR_RETURN(*child->CreateLocalBlob("GLOBAL_WORKSPACE_ID")->GetMutable<Tensor>(),
                          Tensor::Scalar<int32_t>(static_cast<int32_t>(number)));
  return absl::OkStatus();
}

class StepRunner {
 public:
  StepRunner(const ExecutionStep& step, PlanState* plan, PlanNets* nets)
      : step_(step), plan_(plan), nets_(nets) {}

  absl::Status Run() {
    if (!step_.create_workspace()) return RunIn(nets_);
    // Anew at every execution, with what is visible now.
    Workspace child(nets_->workspace());
    DOPPIO_RETURN_IF_ERROR(NumberWorkspace(&child));
    PlanNets child_nets(plan_, &child);
    absl::Status status = RunIn(&child_nets);
    nets_ = nullptr;
    return status;
  }

 private:
  absl::Status RunIn(PlanNets* nets) {
    nets_ = nets;
    if (step_.has_should_stop_blob()) {
      stop_blob_ = nets->workspace()->FindBlob(step_.should_stop_blob());
      if (stop_blob_ == nullptr && !plan_->Makes(step_.should_stop_blob())) {
        return absl::NotFoundError(absl::StrCat(StepPlace(step_), ": the should_stop_blob \"",
                                                step_.should_stop_blob(), "\" does not exist"));
      }
    }
    const internal::RunScope* const run = internal::RunScope::current;
    std::unique_ptr<Repeater> reporter;
    if (step_.has_report_net()) {
      DOPPIO_ASSIGN_OR_RETURN(Net * net, nets->Get(step_.report_net()));
      const int64_t seconds = std::max<int64_t>(step_.report_interval(), 1);
      DOPPIO_RETURN_IF_ERROR(StartThread(step_, [&] {
        reporter = std::make_unique<Repeater>(std::chrono::seconds(seconds), [this, net, run] {
          const internal::HelpWithRun help(run);
          const absl::Status status = net->Run();
          if (!status.ok()) plan_->Fail(Annotate(status, StepPlace(step_)));
          return status.ok();
        });
      }));
    }
    const bool runs_until_stop = step_.has_should_stop_blob() && !step_.only_once();
    const int64_t times = step_.has_num_iter() ? step_.num_iter() : 1;
    for (int64_t i = 0; runs_until_stop || i < times; ++i) {
      if (plan_->IsOver()) return absl::OkStatus();
      DOPPIO_RETURN_IF_ERROR(RunIteration());
      plan_->Report(step_.name(), i + 1, runs_until_stop ? 0 : times);
      if (should_stop_) return absl::OkStatus();
      if (runs_until_stop && step_.network_size() == 0 && step_.substep_size() == 0) {
        return absl::InvalidArgumentError(absl::StrCat(StepPlace(step_), " waits for \"",
                                                       step_.should_stop_blob(),
                                                       "\", but has nothing to run"));
      }
    }
    return absl::OkStatus();
  }

  absl::Status RunIteration() {
    for (const std::string& name : step_.network()) {
      if (plan_->IsOver()) return absl::OkStatus();
      DOPPIO_ASSIGN_OR_RETURN(Net * net, nets_->Get(name));
      const absl::Status status = net->Run();
      if (!status.ok()) return Annotate(status, StepPlace(step_));
      DOPPIO_RETURN_IF_ERROR(LookAtStopBlob());
      if (should_stop_) return absl::OkStatus();
    }
    const int instances = std::max(1, step_.num_concurrent_instances());
    const bool is_concurrent =
        (step_.concurrent_substeps() && step_.substep_size() > 1) || instances > 1;
    const internal::RunScope* const run = internal::RunScope::current;
    // Substeps with run_every_ms run beside their siblings for as long as these take.
    std::vector<std::unique_ptr<Repeater>> repeaters;
    std::vector<const ExecutionStep*> substeps;
    for (const ExecutionStep& substep : step_.substep()) {
      if (substep.run_every_ms() > 0) {
        DOPPIO_RETURN_IF_ERROR(StartThread(step_, [&] {
          repeaters.push_back(std::make_unique<Repeater>(
              std::chrono::milliseconds(substep.run_every_ms()),
              [this, &substep, run] { return RunSubstep(substep, run); }));
        }));
      } else {
        substeps.push_back(&substep);
      }
    }
    return is_concurrent ? RunConcurrently(substeps, instances) : RunInOrder(substeps);
  }

  absl::Status RunInOrder(const std::vector<const ExecutionStep*>& substeps) {
    for (const ExecutionStep* substep : substeps) {
      if (plan_->IsOver()) return absl::OkStatus();
      DOPPIO_RETURN_IF_ERROR(StepRunner(*substep, plan_, nets_).Run());
      DOPPIO_RETURN_IF_ERROR(LookAtStopBlob());
      if (should_stop_) return absl::OkStatus();
    }
    return absl::OkStatus();
  }

  absl::Status RunConcurrently(const std::vector<const ExecutionStep*>& substeps, int instances) {
    const internal::RunScope* const run = internal::RunScope::current;
    std::vector<std::future<void>> threads;
    const absl::Status started = StartThread(step_, [&] {
      for (int i = 0; i < instances; ++i) {
        for (const ExecutionStep* substep : substeps) {
          threads.push_back(
              std::async(std::launch::async, [this, substep, run] { RunSubstep(*substep, run); }));
        }
      }
    });
    plan_->Fail(started);  // ends those that run
    for (const std::future<void>& thread : threads) {
      while (thread.wait_for(internal::kPollPeriod) != std::future_status::ready) {
        if (internal::HostInterrupts()) plan_->Fail(internal::InterruptedStatus());
      }
    }
    DOPPIO_RETURN_IF_ERROR(plan_->status());
    return LookAtStopBlob();
  }

  // On another thread: the error goes to the plan. False when the plan is over.
  bool RunSubstep(const ExecutionStep& substep, const internal::RunScope* run) {
    const internal::HelpWithRun help(run);
    const absl::Status status = StepRunner(substep, plan_, nets_).Run();
    if (!status.ok()) plan_->Fail(Annotate(status, StepPlace(step_)));
    return !plan_->IsOver();
  }

  absl::Status LookAtStopBlob() {
    if (!step_.has_should_stop_blob()) return absl::OkStatus();
    // A net of the plan may have been created since, and the blob with it.
    if (stop_blob_ == nullptr) stop_blob_ = nets_->workspace()->FindBlob(step_.should_stop_blob());
    if (stop_blob_ == nullptr) return absl::OkStatus();
    const Tensor* tensor = stop_blob_->Get<Tensor>();
    if (tensor == nullptr || tensor->dtype() == DataType::kUndefined) return absl::OkStatus();
    if (!tensor->Is<bool>() || tensor->numel() != 1) {
      return absl::InvalidArgumentError(
          absl::StrCat(StepPlace(step_), ": the should_stop_blob \"", step_.should_stop_blob(),
                       "\" must be a single bool, but is ", tensor->TypeAndShape()));
    }
    should_stop_ = tensor->data<bool>()[0];
    return absl::OkStatus();
  }

  const ExecutionStep& step_;
  PlanState* plan_;
  PlanNets* nets_;
  std::shared_ptr<Blob> stop_blob_;
  bool should_stop_ = false;
};

}  // namespace

absl::Status RunPlanInWorkspace(
    const PlanDef& plan, Workspace* workspace,
    const std::function<void(const std::string&, int64_t, int64_t)>& progress) {
  const std::string place = absl::StrCat("plan \"", plan.name(), "\"");
  std::set<std::string> names;
  for (const NetDef& net : plan.network()) {
    if (!names.insert(net.name()).second) {
      return absl::InvalidArgumentError(absl::StrCat(place, " has two nets \"", net.name(), "\""));
    }
  }
  PlanState state(plan, progress);
  for (const ExecutionStep& step : plan.execution_step()) {
    const absl::Status status = CheckStep(step, state, 0);
    if (!status.ok()) return Annotate(status, place);
  }
  PlanNets nets(&state, workspace);
  const internal::RunScope scope(state.failure());
  for (const ExecutionStep& step : plan.execution_step()) {
    // What was cancelled because another step failed first is not told.
    state.Fail(StepRunner(step, &state, &nets).Run());
    const absl::Status status = state.status();
    if (!status.ok()) return Annotate(status, place);
  }
  return absl::OkStatus();
}

absl::Status Workspace::RunPlan(const PlanDef& plan) { return RunPlanInWorkspace(plan, this); }

}  // namespace doppio
