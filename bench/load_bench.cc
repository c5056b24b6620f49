// From a file to blobs: a binary init net of 100 MB (20 million floats in 25 GivenTensorFill).

#include <benchmark/benchmark.h>

#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

#include "doppio/net_builder.h"
#include "doppio/proto_io.h"
#include "doppio/workspace.h"

namespace doppio {
namespace {

constexpr int kBlobs = 25;
constexpr int64_t kFloats = 800'000;  // of each blob; 5 bytes each in the file

NetDef InitNet() {
  NetBuilder net("init");
  std::vector<float> values(kFloats);
  for (int64_t i = 0; i < kFloats; ++i) values[i] = static_cast<float>(i % 1000) * 0.001f;
  for (int i = 0; i < kBlobs; ++i) {
    net.Op("GivenTensorFill", {}, {absl::StrCat("W", i)},
           {MakeArgument<std::vector<int64_t>>("shape", {kFloats}),
            MakeArgument<std::vector<float>>("values", values)});
  }
  return net.def();
}

// The file, written when it is first asked for and removed at the end.
class InitNetFile {
 public:
  InitNetFile() : path_(std::filesystem::temp_directory_path() / "doppio_load_bench.pb") {
    status_ = SaveProto(InitNet(), path_.string());
  }
  ~InitNetFile() { std::remove(path_.c_str()); }
  const absl::Status& status() const { return status_; }
  std::string path() const { return path_.string(); }

 private:
  std::filesystem::path path_;
  absl::Status status_;
};

const InitNetFile& File() {
  static const InitNetFile file;
  return file;
}

void Load(benchmark::State& state) {
  absl::Status status = File().status();
  for (auto _ : state) {
    if (status.ok()) status = LoadNet(File().path()).status();
    if (!status.ok()) {
      state.SkipWithError(status.ToString().c_str());
      break;
    }
  }
}
BENCHMARK(Load)->Unit(benchmark::kMillisecond)->UseRealTime();

void LoadAndRun(benchmark::State& state) {
  absl::Status status = File().status();
  for (auto _ : state) {
    Workspace workspace;
    if (status.ok()) {
      absl::StatusOr<NetDef> net = LoadNet(File().path());
      status = net.ok() ? workspace.RunNetOnce(*net) : net.status();
    }
    if (!status.ok()) {
      state.SkipWithError(status.ToString().c_str());
      break;
    }
  }
}
BENCHMARK(LoadAndRun)->Unit(benchmark::kMillisecond)->UseRealTime();

}  // namespace
}  // namespace doppio
