// What it costs to expand a tensor for an operator that broadcasts: as a phantom (the net's
// argument `phantoms`), written out, and without Expand, where the operator broadcasts itself.
// `peak_MiB` is what a workspace with the net takes at the peak, inputs included.

#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "doppio/allocator.h"
#include "doppio/net_builder.h"
#include "doppio/parallel.h"
#include "doppio/workspace.h"

namespace doppio {
namespace {

struct Case {
  const char* name;
  std::vector<int64_t> x_dims;
  std::vector<int64_t> y_dims;
};

const Case kCases[] = {
    {"row", {1, 4096}, {4096, 4096}},
    {"column", {4096, 1}, {4096, 4096}},
    {"channels", {1, 64, 1, 1}, {32, 64, 56, 56}},
    {"lengths", {64, 1, 256}, {64, 100, 256}},
    {"rows of 3", {1 << 20, 1}, {1 << 20, 3}},
    {"rows of 17", {1 << 18, 1}, {1 << 18, 17}},
    {"rows of 100", {1 << 16, 1}, {1 << 16, 100}},
    {"repeated rows of 17", {1, 17}, {1 << 18, 17}},
    {"repeated blocks", {1, 1 << 18}, {16, 1 << 18}},
    {"interleaved", {64, 1, 64, 1}, {64, 64, 64, 16}},
    {"16 KiB", {1, 64}, {64, 64}},
    {"64 KiB", {1, 128}, {128, 128}},
    {"256 KiB", {1, 256}, {256, 256}},
    {"1 MiB", {1, 512}, {512, 512}},
    {"16 KiB, column", {64, 1}, {64, 64}},
    {"64 KiB, column", {128, 1}, {128, 128}},
    {"256 KiB, column", {256, 1}, {256, 256}},
    {"1 MiB, column", {512, 1}, {512, 512}},
};

enum class How { kPhantom, kWritten, kDirect };

NetDef MakeNet(const std::string& op, How how, bool backward) {
  NetBuilder net("net");
  const int least_bytes = how == How::kPhantom ? 16 << 10 : 0;
  *net.mutable_def()->add_arg() = MakeArgument<int>("phantoms", least_bytes);
  const std::string operand = how == How::kDirect ? "X" : "Y";
  if (how != How::kDirect) net.Op("Expand", {"X", "shape"}, {"Y"});
  net.Op(op, {operand, "Z"}, {"C"});
  if (backward) net.Op(absl::StrCat(op, "Gradient"), {"dC", operand, "Z"}, {"d" + operand, "dZ"});
  if (backward && how != How::kDirect) net.Op("ExpandGradient", {"dY", "X"}, {"dX"});
  return net.def();
}

absl::Status Feed(Workspace* workspace, const char* name, const std::vector<int64_t>& dims) {
  DOPPIO_ASSIGN_OR_RETURN(Tensor tensor, Tensor::Create(DataType::kFloat, dims));
  std::fill_n(tensor.mutable_data<float>(), tensor.numel(), 0.5f);
  return workspace->Feed(name, std::move(tensor));
}

void Run(benchmark::State& state, const Case& shapes, const NetDef& def, bool backward) {
  const int threads_before = NumThreads();
  SetNumThreads(1);
  Workspace workspace;
  ResetPeakMemory();
  const int64_t before = GetMemoryStats().live_bytes;
  absl::Status status = Feed(&workspace, "X", shapes.x_dims);
  if (status.ok()) status = Feed(&workspace, "Z", shapes.y_dims);
  if (status.ok() && backward) status = Feed(&workspace, "dC", shapes.y_dims);
  if (status.ok()) {
    status = workspace.Feed("shape",
                            Tensor::FromSpan<int64_t>({static_cast<int64_t>(shapes.y_dims.size())},
                                                      absl::MakeConstSpan(shapes.y_dims)));
  }
  if (status.ok()) status = workspace.CreateNet(def).status();
  if (status.ok()) status = workspace.RunNet(def.name());  // allocates
  for (auto _ : state) {
    if (status.ok()) status = workspace.RunNet(def.name());
    if (!status.ok()) {
      state.SkipWithError(status.ToString().c_str());
      break;
    }
  }
  const int64_t peak = GetMemoryStats().peak_bytes - before;
  state.counters["peak_MiB"] = static_cast<double>(peak) / (1 << 20);
  SetNumThreads(threads_before);
}

void Register() {
  const std::pair<const char*, How> hows[] = {
      {"phantom", How::kPhantom}, {"written", How::kWritten}, {"direct", How::kDirect}};
  for (const bool backward : {false, true}) {
    for (const char* op : {"Add", "Mul"}) {
      for (const Case& shapes : kCases) {
        for (const auto& [name, how] : hows) {
          const NetDef def = MakeNet(op, how, backward);
          benchmark::RegisterBenchmark(
              absl::StrCat(backward ? "both/" : "forward/", op, "/", shapes.name, "/", name)
                  .c_str(),
              [&shapes, def, backward](benchmark::State& state) {
                Run(state, shapes, def, backward);
              })
              ->UseRealTime();
        }
      }
    }
  }
}

}  // namespace
}  // namespace doppio

int main(int argc, char** argv) {
  doppio::Register();
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
