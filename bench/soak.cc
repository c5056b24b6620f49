// Predictors under load for as long as is asked, with requests that must fail among those that must
// not:
//
//   bench_soak [MINUTES [THREADS [SEED]]]     10 minutes, 8 threads
//
// Each thread takes nets of several sizes at random. One request in ten has a fault: an input that
// is missing or of a wrong shape, a deadline that has passed or passes soon, a cancellation, less
// memory than it needs, an allocation that fails. What has a fault must give the error that belongs
// to it (or, where it was in time or needed no memory, the answer), all others the bits of the
// first run. Prints memory and throughput as it goes, and the latencies of requests without a fault
// at the end. Exit code 1 when an answer was not as expected.

#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/time/clock.h"
#include "doppio/allocator.h"
#include "doppio/cancellation.h"
#include "doppio/memory_budget.h"
#include "doppio/net_builder.h"
#include "doppio/parallel.h"
#include "doppio/predictor.h"
#include "doppio/random_weights.h"

namespace doppio {
namespace {

enum class Fault {
  kNone,
  kMissingInput,
  kWrongShape,
  kLate,
  kShortDeadline,
  kCancelled,
  kLittleMemory,
  kFailingAllocation,
};
constexpr int kFaults = 8;
constexpr std::array<const char*, kFaults> kFaultNames = {
    "none",           "missing input", "wrong shape",   "late",
    "short deadline", "cancelled",     "little memory", "failing allocation",
};

// Fails the allocation that the thread has counted down to.
class FailingAllocator final : public Allocator {
 public:
  static inline thread_local int left = -1;  // before one fails; below 0: none does

  void* Allocate(size_t bytes) override {
    if (left >= 0 && left-- == 0) return nullptr;
    return usual_->Allocate(bytes);
  }
  void Free(void* pointer, size_t bytes) override { usual_->Free(pointer, bytes); }

 private:
  Allocator* const usual_ = GetAllocator();
};

// Counts times in steps of one percent.
class Histogram {
 public:
  void Add(double microseconds) {
    const double step = std::log(std::max(microseconds, 1.0)) / std::log(kRatio);
    ++counts_[std::min(static_cast<size_t>(step), counts_.size() - 1)];
    ++total_;
  }
  void Add(const Histogram& other) {
    for (size_t i = 0; i < counts_.size(); ++i) counts_[i] += other.counts_[i];
    total_ += other.total_;
  }
  int64_t total() const { return total_; }
  // The time in milliseconds that so large a part of all took at most.
  double Milliseconds(double part) const {
    int64_t seen = 0;
    for (size_t i = 0; i < counts_.size(); ++i) {
      seen += counts_[i];
      if (static_cast<double>(seen) >= part * static_cast<double>(total_)) {
        return std::pow(kRatio, static_cast<double>(i + 1)) / 1000;
      }
    }
    return 0;
  }

 private:
  static constexpr double kRatio = 1.01;
  std::array<int64_t, 2000> counts_{};  // up to 400 s
  int64_t total_ = 0;
};

struct Subject {
  std::string name;
  std::unique_ptr<Predictor> predictor;
  Tensor input;
  Tensor wrong_input;
  Tensor answer;
};

// A net and the shapes of its input and its weights.
struct Recipe {
  NetBuilder net;
  Dims input;
  std::vector<std::pair<std::string, Dims>> weights;
};

Recipe Layers(const std::string& name, int64_t rows, std::vector<int64_t> widths) {
  Recipe recipe{NetBuilder(name), {rows, widths[0]}, {}};
  std::string from = "data";
  for (size_t i = 1; i < widths.size(); ++i) {
    const std::string w = absl::StrCat("w", i), b = absl::StrCat("b", i), y = absl::StrCat("y", i);
    recipe.net.Op("FC", {from, w, b}, {y}).Op("Relu", {y}, {y});
    recipe.weights.push_back({w, {widths[i], widths[i - 1]}});
    recipe.weights.push_back({b, {widths[i]}});
    from = y;
  }
  recipe.net.Op("Softmax", {from}, {"answer"});
  return recipe;
}

Recipe Convolutions(const std::string& name, int64_t size) {
  Recipe recipe{NetBuilder(name), {1, 3, size, size}, {}};
  const auto with = [](int64_t kernel, int64_t stride, int64_t pad) {
    return std::vector<Argument>{MakeArgument<int64_t>("kernel", kernel),
                                 MakeArgument<int64_t>("stride", stride),
                                 MakeArgument<int64_t>("pad", pad)};
  };
  recipe.net.Op("Conv", {"data", "w1", "b1"}, {"a"}, with(3, 1, 1))
      .Op("Relu", {"a"}, {"a"})
      .Op("MaxPool", {"a"}, {"p"}, with(2, 2, 0))
      .Op("Conv", {"p", "w2", "b2"}, {"c"}, with(3, 1, 1))
      .Op("Relu", {"c"}, {"c"})
      .Op("AveragePool", {"c"}, {"m"}, with(size / 2, 1, 0))
      .Op("FC", {"m", "w3", "b3"}, {"y"})
      .Op("Softmax", {"y"}, {"answer"});
  recipe.weights = {{"w1", {16, 3, 3, 3}}, {"b1", {16}},     {"w2", {32, 16, 3, 3}},
                    {"b2", {32}},          {"w3", {10, 32}}, {"b3", {10}}};
  return recipe;
}

// Little arithmetic and much memory.
Recipe Rows(const std::string& name, int64_t rows, int64_t columns) {
  Recipe recipe{NetBuilder(name), {rows, columns}, {{"row", {1, columns}}}};
  recipe.net
      .Op("Tile", {"row"}, {"rows"},
          {MakeArgument<int64_t>("tiles", rows), MakeArgument<int64_t>("axis", 0)})
      .Op("Sigmoid", {"data"}, {"s"})
      .Op("Mul", {"s", "rows"}, {"product"})
      .Op("ReduceSum", {"product"}, {"answer"},
          {MakeArgument<std::vector<int64_t>>("axes", {0}), MakeArgument<int64_t>("keepdims", 0)});
  return recipe;
}

absl::StatusOr<Subject> MakeSubject(Recipe recipe) {
  Subject subject;
  subject.name = recipe.net.def().name();
  NetBuilder init("init");
  for (const auto& [blob, dims] : recipe.weights) {
    DOPPIO_ASSIGN_OR_RETURN(const Tensor weight, RandomData(blob, DataType::kFloat, dims, 1));
    const float* values = weight.data<float>();
    init.Op("GivenTensorFill", {}, {blob},
            {MakeArgument("shape", std::vector<int64_t>(dims.begin(), dims.end())),
             MakeArgument("values", std::vector<float>(values, values + weight.numel()))});
  }
  recipe.net.ExternalInput("data").ExternalOutput("answer");
  for (const auto& [blob, dims] : recipe.weights) recipe.net.ExternalInput(blob);
  DOPPIO_ASSIGN_OR_RETURN(subject.predictor, Predictor::Create(init.def(), recipe.net.def()));
  DOPPIO_ASSIGN_OR_RETURN(subject.input, RandomData("data", DataType::kFloat, recipe.input, 2));
  Dims wrong = recipe.input;
  wrong[1] += 1;
  DOPPIO_ASSIGN_OR_RETURN(subject.wrong_input, RandomData("data", DataType::kFloat, wrong, 2));
  DOPPIO_ASSIGN_OR_RETURN(const std::vector<Tensor> answers,
                          subject.predictor->Run({subject.input}));
  subject.answer = answers[0];
  return subject;
}

bool HasBits(const Tensor& a, const Tensor& b) {
  return a.dtype() == b.dtype() && a.dims() == b.dims() &&
         std::memcmp(a.raw_data(), b.raw_data(), a.bytes()) == 0;
}

absl::Status RunWith(const Subject& subject, Fault fault, std::mt19937* random) {
  std::optional<CancellationScope> ending;
  std::optional<MemoryScope> memory;
  std::vector<Tensor> inputs = {subject.input};
  // While somebody holds the last answer, the next one needs memory.
  absl::StatusOr<std::vector<Tensor>> held = std::vector<Tensor>();
  if (fault == Fault::kLittleMemory || fault == Fault::kFailingAllocation) {
    held = subject.predictor->Run(inputs);
  }
  switch (fault) {
    case Fault::kNone:
      break;
    case Fault::kMissingInput:
      inputs.clear();
      break;
    case Fault::kWrongShape:
      inputs[0] = subject.wrong_input;
      break;
    case Fault::kLate:
      ending.emplace(Cancellation::After(absl::ZeroDuration()));
      break;
    case Fault::kShortDeadline:
      ending.emplace(Cancellation::After(absl::Microseconds((*random)() % 20000)));
      break;
    case Fault::kCancelled: {
      const Cancellation cancellation;
      cancellation.Cancel();
      ending.emplace(cancellation);
      break;
    }
    case Fault::kLittleMemory:
      memory.emplace(MemoryBudget((*random)() % 100));
      break;
    case Fault::kFailingAllocation:
      FailingAllocator::left = static_cast<int>((*random)() % 2);
      break;
  }
  const absl::StatusOr<std::vector<Tensor>> answers = subject.predictor->Run(inputs);
  FailingAllocator::left = -1;
  if (!answers.ok()) return answers.status();
  return HasBits((*answers)[0], subject.answer) ? absl::OkStatus()
                                                : absl::DataLossError("other bits");
}

bool IsExpected(Fault fault, const absl::Status& status) {
  switch (fault) {
    case Fault::kNone:
      return status.ok();
    case Fault::kMissingInput:
    case Fault::kWrongShape:
      return absl::IsInvalidArgument(status);
    case Fault::kLate:
      return absl::IsDeadlineExceeded(status);
    case Fault::kShortDeadline:
      return status.ok() || absl::IsDeadlineExceeded(status);
    case Fault::kCancelled:
      return absl::IsCancelled(status);
    case Fault::kLittleMemory:
    case Fault::kFailingAllocation:
      return status.ok() || absl::IsResourceExhausted(status);
  }
  return false;
}

struct Counts {
  std::map<std::string, Histogram> latencies;  // by net
  std::array<int64_t, kFaults> requests{};
  std::array<int64_t, kFaults> errors{};
  int64_t unexpected = 0;

  void Add(const Counts& other) {
    for (const auto& [name, histogram] : other.latencies) latencies[name].Add(histogram);
    for (int i = 0; i < kFaults; ++i) {
      requests[i] += other.requests[i];
      errors[i] += other.errors[i];
    }
    unexpected += other.unexpected;
  }
};

std::atomic<int64_t> requests_so_far{0};

Counts Work(const std::vector<Subject>& subjects, absl::Time end, uint32_t seed) {
  std::mt19937 random(seed);
  Counts counts;
  while (absl::Now() < end) {
    const Subject& subject = subjects[random() % subjects.size()];
    const Fault fault =
        random() % 10 == 0 ? static_cast<Fault>(1 + random() % (kFaults - 1)) : Fault::kNone;
    const absl::Time start = absl::Now();
    const absl::Status status = RunWith(subject, fault, &random);
    if (fault == Fault::kNone) {
      counts.latencies[subject.name].Add(absl::ToDoubleMicroseconds(absl::Now() - start));
    }
    ++counts.requests[static_cast<int>(fault)];
    counts.errors[static_cast<int>(fault)] += !status.ok();
    if (!IsExpected(fault, status)) {
      ++counts.unexpected;
      std::fprintf(stderr, "unexpected: net %s, fault %s: %s\n", subject.name.c_str(),
                   kFaultNames[static_cast<int>(fault)], status.ToString().c_str());
    }
    requests_so_far.fetch_add(1, std::memory_order_relaxed);
  }
  return counts;
}

double ResidentMebibytes() {
  std::ifstream statm("/proc/self/statm");
  int64_t size = 0, resident = 0;
  statm >> size >> resident;
  return static_cast<double>(resident * sysconf(_SC_PAGESIZE)) / (1 << 20);
}

// A line for each tenth of the time.
void Watch(absl::Duration time, absl::Time start) {
  std::printf("| minutes | requests a second | resident, MiB | tensors, MiB |\n");
  std::printf("| --- | --- | --- | --- |\n");
  int64_t before = 0;
  for (int tenth = 1; tenth <= 10; ++tenth) {
    absl::SleepFor(start + time * tenth / 10 - absl::Now());
    const int64_t now = requests_so_far.load(std::memory_order_relaxed);
    std::printf("| %.1f | %.0f | %.1f | %.1f |\n", absl::ToDoubleMinutes(time * tenth / 10),
                static_cast<double>(now - before) / absl::ToDoubleSeconds(time / 10),
                ResidentMebibytes(), static_cast<double>(GetMemoryStats().live_bytes) / (1 << 20));
    std::fflush(stdout);
    before = now;
  }
}

void Print(const Counts& counts) {
  std::printf("\n| net | requests | p50, ms | p99, ms | p99.9, ms |\n");
  std::printf("| --- | --- | --- | --- | --- |\n");
  for (const auto& [name, histogram] : counts.latencies) {
    std::printf("| %s | %lld | %.2f | %.2f | %.2f |\n", name.c_str(),
                static_cast<long long>(histogram.total()), histogram.Milliseconds(0.5),
                histogram.Milliseconds(0.99), histogram.Milliseconds(0.999));
  }
  std::printf("\n| fault | requests | errors |\n| --- | --- | --- |\n");
  for (int i = 0; i < kFaults; ++i) {
    std::printf("| %s | %lld | %lld |\n", kFaultNames[i],
                static_cast<long long>(counts.requests[i]),
                static_cast<long long>(counts.errors[i]));
  }
  std::printf("\nnot as expected: %lld\n", static_cast<long long>(counts.unexpected));
}

absl::Status Soak(double minutes, int threads, uint32_t seed, bool* went_well) {
  std::printf("%g minutes, %d threads, seed %u\n\n", minutes, threads, seed);
  SetNumThreads(1);
  std::vector<Subject> subjects;
  for (Recipe& recipe : std::vector<Recipe>{
           Layers("layers of 8", 1, {16, 8, 8}), Layers("layers of 512", 16, {784, 512, 512, 10}),
           Convolutions("convolutions of 32 x 32", 32), Rows("rows", 512, 512)}) {
    DOPPIO_ASSIGN_OR_RETURN(Subject subject, MakeSubject(std::move(recipe)));
    subjects.push_back(std::move(subject));
  }
  FailingAllocator allocator;
  SetAllocator(&allocator);
  const absl::Duration time = absl::Minutes(minutes);
  const absl::Time start = absl::Now();
  std::mutex mutex;
  Counts counts;
  std::vector<std::thread> workers;
  for (int i = 0; i < threads; ++i) {
    workers.emplace_back([&, i] {
      const Counts own = Work(subjects, start + time, seed + static_cast<uint32_t>(i));
      const std::lock_guard<std::mutex> lock(mutex);
      counts.Add(own);
    });
  }
  Watch(time, start);
  for (std::thread& worker : workers) worker.join();
  subjects.clear();  // before the allocator goes
  SetAllocator(nullptr);
  Print(counts);
  *went_well = counts.unexpected == 0;
  return absl::OkStatus();
}

int Main(int argc, char** argv) {
  double minutes = 10;
  int threads = 8;
  uint32_t seed = 1;
  const bool is_understood = argc <= 4 &&
                             (argc < 2 || (absl::SimpleAtod(argv[1], &minutes) && minutes > 0)) &&
                             (argc < 3 || (absl::SimpleAtoi(argv[2], &threads) && threads > 0)) &&
                             (argc < 4 || absl::SimpleAtoi(argv[3], &seed));
  if (!is_understood) {
    std::fprintf(stderr, "usage: bench_soak [MINUTES [THREADS [SEED]]]\n");
    return 2;
  }
  bool went_well = false;
  const absl::Status status = Soak(minutes, threads, seed, &went_well);
  if (!status.ok()) std::fprintf(stderr, "bench_soak: %s\n", status.ToString().c_str());
  return went_well ? 0 : 1;
}

}  // namespace
}  // namespace doppio

int main(int argc, char** argv) { return doppio::Main(argc, argv); }
