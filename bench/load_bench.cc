// From a file to blobs: a binary init net of 100 MB (20 million floats in 25 GivenTensorFill),
// beside reading the file and copying it once, into memory of huge pages as tensors have it and
// into plain memory. And text, read and written, by what there is much of.

#include <benchmark/benchmark.h>
#include <malloc.h>

#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>
#include <random>
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

// Memory that is freed goes back to the system, so that every iteration finds what a process finds
// that has just begun: pages that nobody has touched.
const bool kFreesAtOnce = mallopt(M_MMAP_THRESHOLD, 128 << 10) == 1;

bool ReadWholeFile(const std::string& path, char* bytes, size_t size) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rb"),
                                                             std::fclose);
  return file != nullptr && std::fread(bytes, 1, size, file.get()) == size;
}

void ReadAndCopyInHugePages(benchmark::State& state) {
  const auto size = static_cast<int64_t>(std::filesystem::file_size(File().path()));
  for (auto _ : state) {
    Tensor bytes = *Tensor::Create(DataType::kUInt8, {size});
    if (!ReadWholeFile(File().path(), reinterpret_cast<char*>(bytes.mutable_data<uint8_t>()),
                       static_cast<size_t>(size))) {
      state.SkipWithError("can not read the file");
      break;
    }
    Tensor copy = *Tensor::Create(DataType::kUInt8, {size});
    std::memcpy(copy.mutable_data<uint8_t>(), bytes.data<uint8_t>(), static_cast<size_t>(size));
  }
}
BENCHMARK(ReadAndCopyInHugePages)->Unit(benchmark::kMillisecond)->UseRealTime();

void ReadAndCopy(benchmark::State& state) {
  const size_t size = std::filesystem::file_size(File().path());
  for (auto _ : state) {
    const std::unique_ptr<char[]> bytes(new char[size]);
    if (!ReadWholeFile(File().path(), bytes.get(), size)) {
      state.SkipWithError("can not read the file");
      break;
    }
    const std::unique_ptr<char[]> copy(new char[size]);
    std::memcpy(copy.get(), bytes.get(), size);
    benchmark::DoNotOptimize(copy.get());
    benchmark::ClobberMemory();
  }
}
BENCHMARK(ReadAndCopy)->Unit(benchmark::kMillisecond)->UseRealTime();

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

using FillArgument = void (*)(std::mt19937*, Argument*);

void Floats(std::mt19937* random, Argument* arg) {
  std::normal_distribution<float> weights(0, 0.05f);
  for (int i = 0; i < 1'000'000; ++i) arg->add_floats(weights(*random));
}

void Doubles(std::mt19937* random, Argument* arg) {
  std::normal_distribution<double> weights(0, 0.05);
  for (int i = 0; i < 1'000'000; ++i) arg->mutable_t()->add_double_data(weights(*random));
}

void Integers(std::mt19937* random, Argument* arg) {
  for (int i = 0; i < 1'000'000; ++i) arg->add_ints(static_cast<int64_t>((*random)() % 100'000));
}

void Names(std::mt19937* random, Argument* arg) {
  for (int i = 0; i < 1'000'000; ++i) arg->add_strings(absl::StrCat("name_", (*random)()));
}

void Bytes(std::mt19937* random, Argument* arg) {
  for (int i = 0; i < 10'000'000; ++i) arg->mutable_s()->push_back(static_cast<char>((*random)()));
}

NetDef NetWith(FillArgument fill) {
  std::mt19937 random(1);
  NetDef net;
  fill(&random, net.add_op()->add_arg());
  return net;
}

void WriteText(benchmark::State& state, FillArgument fill) {
  const NetDef net = NetWith(fill);
  size_t bytes = 0;
  for (auto _ : state) bytes += FormatProto(net, Encoding::kText)->size();
  state.SetBytesProcessed(static_cast<int64_t>(bytes));
}

void ReadText(benchmark::State& state, FillArgument fill) {
  const std::string text = *FormatProto(NetWith(fill), Encoding::kText);
  for (auto _ : state) {
    NetDef net;
    const absl::Status status = ParseProto(text, &net);
    if (!status.ok()) state.SkipWithError(status.ToString().c_str());
  }
  state.SetBytesProcessed(static_cast<int64_t>(text.size()) * state.iterations());
}

#define DOPPIO_TEXT_BENCHMARK(name)                                                      \
  BENCHMARK_CAPTURE(ReadText, name, name)->Unit(benchmark::kMillisecond)->UseRealTime(); \
  BENCHMARK_CAPTURE(WriteText, name, name)->Unit(benchmark::kMillisecond)->UseRealTime()

DOPPIO_TEXT_BENCHMARK(Floats);
DOPPIO_TEXT_BENCHMARK(Doubles);
DOPPIO_TEXT_BENCHMARK(Integers);
DOPPIO_TEXT_BENCHMARK(Names);
DOPPIO_TEXT_BENCHMARK(Bytes);

}  // namespace
}  // namespace doppio
