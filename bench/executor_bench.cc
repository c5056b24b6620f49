// What the executor costs for each operator: nets of 1,000 operators on tensors of one element.
// "per_op" is the number to look at, in seconds ("20.1n" is 20.1 ns).

#include <benchmark/benchmark.h>

#include <algorithm>
#include <string>
#include <vector>

#include "doppio/net_builder.h"
#include "doppio/parallel.h"
#include "doppio/workspace.h"

namespace doppio {
namespace {

constexpr int kOperators = 1000;

NetDef ReluInPlace(const std::string& type) {
  NetBuilder net("relu");
  net.Type(type);
  for (int i = 0; i < kOperators; ++i) net.Op("Relu", {"X"}, {"X"});
  return net.def();
}

NetDef ReluChain(const std::string& type) {
  NetBuilder net("relu_chain");
  net.Type(type);
  for (int i = 0; i < kOperators; ++i) {
    net.Op("Relu", {i == 0 ? "X" : absl::StrCat("Y", i - 1)}, {absl::StrCat("Y", i)});
  }
  return net.def();
}

NetDef CopyChain(const std::string& type) {
  NetBuilder net("copy_chain");
  net.Type(type);
  for (int i = 0; i < kOperators; ++i) {
    net.Op("Copy", {i == 0 ? "X" : absl::StrCat("Y", i - 1)}, {absl::StrCat("Y", i)});
  }
  return net.def();
}

NetDef IndependentCopies(const std::string& type) {
  NetBuilder net("copies");
  net.Type(type);
  for (int i = 0; i < kOperators; ++i) net.Op("Copy", {"X"}, {absl::StrCat("Y", i)});
  return net.def();
}

// Of 125 operators each, which work in place.
NetDef EightBranches(const std::string& type) {
  NetBuilder net("branches");
  net.Type(type);
  for (int i = 0; i < kOperators; ++i) {
    const std::string branch = absl::StrCat("Y", i % 8);
    net.Op("Tanh", {i < 8 ? "X" : branch}, {branch});
  }
  return net.def();
}

absl::StatusOr<Tensor> Ones(int64_t size) {
  DOPPIO_ASSIGN_OR_RETURN(Tensor ones, Tensor::Create(DataType::kFloat, {size}));
  std::fill_n(ones.mutable_data<float>(), size, 1.0F);
  return ones;
}

void Run(benchmark::State& state, NetDef (*make)(const std::string&), const std::string& type,
         int64_t elements = 1) {
  SetNumThreads(1);
  Workspace workspace;
  absl::Status status = workspace.Feed("X", Ones(elements));
  NetDef def = make(type);
  def.set_num_workers(2);
  absl::StatusOr<Net*> net = workspace.CreateNet(def);
  if (status.ok()) status = net.status();
  if (status.ok()) status = (*net)->Run();
  for (auto _ : state) {
    if (status.ok()) status = (*net)->Run();
    if (!status.ok()) {
      state.SkipWithError(status.ToString().c_str());
      break;
    }
  }
  state.counters["per_op"] =
      benchmark::Counter(static_cast<double>(state.iterations()) * kOperators,
                         benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

BENCHMARK_CAPTURE(Run, relu_in_place_simple, ReluInPlace, "simple")->UseRealTime();
BENCHMARK_CAPTURE(Run, relu_chain_simple, ReluChain, "simple")->UseRealTime();
BENCHMARK_CAPTURE(Run, copy_chain_simple, CopyChain, "simple")->UseRealTime();
BENCHMARK_CAPTURE(Run, relu_chain_parallel, ReluChain, "parallel")->UseRealTime();
BENCHMARK_CAPTURE(Run, independent_copies_simple, IndependentCopies, "simple")->UseRealTime();
BENCHMARK_CAPTURE(Run, independent_copies_parallel, IndependentCopies, "parallel")->UseRealTime();
BENCHMARK_CAPTURE(Run, branches_simple, EightBranches, "simple", 1 << 13)->UseRealTime();
BENCHMARK_CAPTURE(Run, branches_parallel, EightBranches, "parallel", 1 << 13)->UseRealTime();

void Create(benchmark::State& state) {
  const NetDef def = ReluChain("simple");
  Workspace workspace;
  absl::Status status = workspace.Feed("X", Tensor::Of<float>({1}, {1}));
  for (auto _ : state) {
    if (status.ok()) status = workspace.CreateNet(def, /*overwrite=*/true).status();
    if (!status.ok()) {
      state.SkipWithError(status.ToString().c_str());
      break;
    }
  }
}
BENCHMARK(Create)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace doppio
