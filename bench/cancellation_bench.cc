// How long runs go on after another thread has cancelled them or their deadline has passed, where
// no operator takes long. "late" is the longest of all, in seconds ("3.1m" is 3.1 ms); the time is
// their mean. And what it costs to ask: "per_op", in seconds.

#include <benchmark/benchmark.h>

#include <algorithm>
#include <string>
#include <thread>

#include "absl/time/clock.h"
#include "doppio/cancellation.h"
#include "doppio/net_builder.h"
#include "doppio/workspace.h"

namespace doppio {
namespace {

// Long enough for the run to be under way.
constexpr absl::Duration kTime = absl::Milliseconds(30);

NetDef EndlessLoop(const std::string& type) {
  NetBuilder body("body");
  body.Op("Add", {"i", "one"}, {"i"});
  NetBuilder net("loop");
  return net.Type(type).Op("While", {"yes"}, {"i"}, {MakeArgument("loop_net", body.def())}).def();
}

NetDef QueueReader(const std::string& type) {
  NetBuilder net("reader");
  net.Type(type).Op("CreateBlobsQueue", {}, {"queue"}).Op("DequeueBlobs", {"queue"}, {"record"});
  return net.def();
}

// Two steps side by side, one of which waits for a queue.
PlanDef EndlessPlan(const std::string& type) {
  PlanDef plan;
  ExecutionStep* both = plan.add_execution_step();
  both->set_concurrent_substeps(true);
  for (const NetDef& net : {EndlessLoop(type), QueueReader(type)}) {
    *plan.add_network() = net;
    both->add_substep()->add_network(net.name());
  }
  return plan;
}

absl::Status Loop(Workspace* workspace, const std::string& type) {
  return workspace->RunNetOnce(EndlessLoop(type));
}
absl::Status Queue(Workspace* workspace, const std::string& type) {
  return workspace->RunNetOnce(QueueReader(type));
}
absl::Status Plan(Workspace* workspace, const std::string& type) {
  return workspace->RunPlan(EndlessPlan(type));
}

void Measure(benchmark::State& state, absl::Status (*run)(Workspace*, const std::string&),
             const std::string& type) {
  const bool has_deadline = state.range(0) != 0;
  Workspace workspace;
  absl::Status fed = workspace.Feed("i", Tensor::Scalar<int64_t>(0));
  fed.Update(workspace.Feed("one", Tensor::Scalar<int64_t>(1)));
  fed.Update(workspace.Feed("yes", Tensor::Scalar<bool>(true)));
  double latest = 0;
  for (auto _ : state) {
    absl::Time end = absl::Now() + kTime;
    const Cancellation cancellation = has_deadline ? Cancellation::At(end) : Cancellation();
    std::thread other([&] {
      if (has_deadline) return;
      absl::SleepFor(kTime);
      end = absl::Now();
      cancellation.Cancel();
    });
    absl::Status status = fed;
    {
      const CancellationScope scope(cancellation);
      status.Update(run(&workspace, type));
    }
    const absl::Time ended = absl::Now();
    other.join();
    if (!absl::IsCancelled(status) && !absl::IsDeadlineExceeded(status)) {
      state.SkipWithError(status.ToString().c_str());
      break;
    }
    const double late = absl::ToDoubleSeconds(ended - end);
    state.SetIterationTime(std::max(late, 0.0));
    latest = std::max(latest, late);
  }
  state.counters["late"] = latest;
}

// What a deadline costs each operator of a net that is in time.
void Operators(benchmark::State& state) {
  constexpr int kOperators = 1000;
  const bool has_deadline = state.range(0) != 0;
  Workspace workspace;
  absl::Status status = workspace.Feed("X", Tensor::Of<float>({1}, {1}));
  NetBuilder net("relu");
  for (int i = 0; i < kOperators; ++i) net.Op("Relu", {"X"}, {"X"});
  status.Update(workspace.CreateNet(net.def()).status());
  const CancellationScope scope(has_deadline ? Cancellation::After(absl::Hours(1))
                                             : Cancellation());
  for (auto _ : state) {
    if (status.ok()) status = workspace.RunNet("relu");
    if (!status.ok()) {
      state.SkipWithError(status.ToString().c_str());
      break;
    }
  }
  state.counters["per_op"] =
      benchmark::Counter(static_cast<double>(state.iterations()) * kOperators,
                         benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}
BENCHMARK(Operators)->ArgName("deadline")->Arg(0)->Arg(1);

void BothWays(benchmark::internal::Benchmark* measured) {
  measured->ArgName("deadline")
      ->Arg(0)
      ->Arg(1)
      ->UseManualTime()
      ->Iterations(100)
      ->Unit(benchmark::kMillisecond);
}

BENCHMARK_CAPTURE(Measure, loop_simple, Loop, "simple")->Apply(BothWays);
BENCHMARK_CAPTURE(Measure, loop_parallel, Loop, "parallel")->Apply(BothWays);
BENCHMARK_CAPTURE(Measure, queue_simple, Queue, "simple")->Apply(BothWays);
BENCHMARK_CAPTURE(Measure, queue_parallel, Queue, "parallel")->Apply(BothWays);
BENCHMARK_CAPTURE(Measure, plan_simple, Plan, "simple")->Apply(BothWays);
BENCHMARK_CAPTURE(Measure, plan_parallel, Plan, "parallel")->Apply(BothWays);

}  // namespace
}  // namespace doppio
