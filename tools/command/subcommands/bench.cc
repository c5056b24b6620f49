#include <algorithm>
#include <chrono>
#include <cmath>
#include <map>

#include "absl/strings/str_format.h"
#include "doppio/check.h"
#include "doppio/parallel.h"
#include "doppio/profiler.h"
#include "tools/command/json.h"
#include "tools/command/known_shapes.h"
#include "tools/command/net_input.h"
#include "tools/command/net_runner.h"
#include "tools/command/progress.h"
#include "tools/command/run_counts.h"
#include "tools/command/table.h"

namespace doppio::tools {
namespace {

constexpr int kMostProfiledRuns = 100;
constexpr size_t kShownOperators = 15;

// Of times in seconds.
struct Distribution {
  double min = 0, mean = 0, p50 = 0, p90 = 0, p99 = 0, max = 0;
};

Distribution Describe(std::vector<double> seconds) {
  std::sort(seconds.begin(), seconds.end());
  // The smallest time that at least this part of all runs did not exceed.
  const auto percentile = [&](double part) {
    const double rank = std::ceil(part * static_cast<double>(seconds.size()));
    return seconds[static_cast<size_t>(std::max(rank, 1.0)) - 1];
  };
  double sum = 0;
  for (const double s : seconds) sum += s;
  return {seconds.front(),  sum / static_cast<double>(seconds.size()),
          percentile(0.5),  percentile(0.9),
          percentile(0.99), seconds.back()};
}

struct OpTime {
  int op = 0;
  std::string type;
  std::string description;
  double seconds = 0;  // of one run
  double part = 0;     // of all operators
  double gflops = 0;   // a second; 0: not known
};

class BenchCommand final : public Command {
 public:
  void AddOptions(Options* options) override {
    input_.AddNet(options);
    input_.AddInits(options);
    input_.AddFeeds(options);
    random_.AddOptions(options);
    input_.AddHow(options);
    options->AddNumber("--warmup", &warmup_, 0, 1'000'000'000, "runs before measuring");
    counts_.AddOptions(options, "runs that are measured");
    options->AddFlag("--no-optimize", &no_optimize_, "measure the net as it is only");
    options->AddFlag("--no-winograd", &no_winograd_,
                     "compute every convolution directly, where the net is optimized");
    options->AddFlag("--json", &json_, "print as JSON, all operators");
  }

  absl::Status Run() override {
    counts_.ApplyThreads();
    DOPPIO_RETURN_IF_ERROR(input_.Prepare());
    Workspace workspace;
    DOPPIO_ASSIGN_OR_RETURN(const Model model, LoadNamedModel(input_, &workspace));
    const NetDef& def = model.predict;
    NetRunner::Options how;
    how.optimize = false;
    how.winograd = !no_winograd_;
    DOPPIO_RETURN_IF_ERROR(input_.Fill(&workspace, &how.fed));
    DOPPIO_RETURN_IF_ERROR(random_.Fill(def, &workspace));
    how.fed.insert(how.fed.end(), random_.inputs().begin(), random_.inputs().end());
    how.outputs = model.outputs.empty() ? OutputsOfNet(def) : model.outputs;
    DOPPIO_RETURN_IF_ERROR(CheckBeforeRun(def, workspace));

    const std::string why_not = WhyNoPredictor(def, workspace);
    const bool both = !no_optimize_ && why_not.empty();
    std::vector<Measured> measured;
    DOPPIO_RETURN_IF_ERROR(Measure(def, how, !both, &workspace, &measured));
    if (both) {
      DOPPIO_RETURN_IF_ERROR(workspace.DeleteNet(def.name()));
      how.optimize = true;
      DOPPIO_RETURN_IF_ERROR(Measure(def, how, true, &workspace, &measured));
    }
    if (json_) {
      Print(Json(def, measured));
    } else {
      Print(random_.report());
      Print(Text(def, measured));
      if (!no_optimize_ && !both)
        Print(absl::StrCat("  not optimized: ", Printable(why_not), "\n"));
    }
    return absl::OkStatus();
  }

 private:
  // What was measured of a net as it is, or as it was rewritten.
  struct Measured {
    const char* how;
    int operators;
    int64_t peak_bytes;       // of all tensors, weights included
    int64_t unwritten_bytes;  // of expanded tensors
    Distribution whole;
    std::vector<OpTime> ops;  // slowest first; only of the net that is shown
  };

  absl::Status Measure(const NetDef& def, const NetRunner::Options& how, bool profile,
                       Workspace* workspace, std::vector<Measured>* measured) const {
    DOPPIO_ASSIGN_OR_RETURN(NetRunner runner, NetRunner::Create(def, how, workspace));
    std::vector<double> seconds;
    Profiler profiler;
    const int profiled = profile ? std::min(counts_.iterations, kMostProfiledRuns) : 0;
    Progress progress(def.name(), int64_t{warmup_} + counts_.iterations + profiled);
    for (int i = 0; i < warmup_; ++i) {
      DOPPIO_RETURN_IF_ERROR(runner.Run());
      progress.Advance();
    }
    ResetPeakMemory();
    for (int i = 0; i < counts_.iterations; ++i) {
      const auto start = std::chrono::steady_clock::now();
      DOPPIO_RETURN_IF_ERROR(runner.Run());
      seconds.push_back(
          std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
      progress.Advance();
    }
    Measured result = {runner.is_optimized() ? "optimized" : "as given",
                       runner.net()->op_size(),
                       GetMemoryStats().peak_bytes,
                       runner.UnwrittenBytes(),
                       Describe(std::move(seconds)),
                       {}};
    // Operators are timed in runs of their own, so that timing them does not slow the whole.
    runner.AddObserver(&profiler);
    for (int i = 0; i < profiled; ++i) {
      DOPPIO_RETURN_IF_ERROR(runner.Run());
      progress.Advance();
    }
    if (profile) result.ops = OpTimes(*runner.net(), runner.Inputs(), profiler, profiled);
    measured->push_back(std::move(result));
    return absl::OkStatus();
  }

  // Slowest first.
  static std::vector<OpTime> OpTimes(const NetDef& def, const BlobInfos& infos,
                                     const Profiler& profiler, int runs) {
    std::map<int, OpTime> times;
    double total = 0;
    for (const Profiler::Event& event : profiler.Events()) {
      if (event.op < 0) continue;
      OpTime& time = times[event.op];
      time.op = event.op;
      time.type = event.type;
      time.description = event.description;
      time.seconds += event.duration_us * 1e-6 / runs;
      total += event.duration_us * 1e-6 / runs;
    }
    const absl::StatusOr<NetInference> inference = InferNet(def, infos);
    std::vector<OpTime> sorted;
    for (auto& [op, time] : times) {
      time.part = total > 0 ? time.seconds / total : 0;
      if (inference.ok() && time.seconds > 0) {
        const OpCost& cost = inference->ops[static_cast<size_t>(op)].cost;
        time.gflops = static_cast<double>(cost.flops) * 1e-9 / time.seconds;
      }
      sorted.push_back(time);
    }
    std::stable_sort(sorted.begin(), sorted.end(),
                     [](const OpTime& a, const OpTime& b) { return a.seconds > b.seconds; });
    return sorted;
  }

  std::string Text(const NetDef& def, const std::vector<Measured>& measured) const {
    const std::vector<OpTime>& ops = measured.back().ops;
    std::string text =
        absl::StrCat("net \"", Printable(def.name()), "\": ", Counted(def.op_size(), "operator"),
                     ", ", Counted(NumThreads(), "thread"), ", ",
                     Counted(counts_.iterations, "run"), " after ", warmup_, "\n");
    Table times({"", ">operators", ">bytes at the peak", ">min", ">median", ">mean", ">90%", ">99%",
                 ">max"});
    for (const Measured& m : measured) {
      times.Add({m.how, absl::StrCat(m.operators), HumanBytes(m.peak_bytes),
                 HumanSeconds(m.whole.min), HumanSeconds(m.whole.p50), HumanSeconds(m.whole.mean),
                 HumanSeconds(m.whole.p90), HumanSeconds(m.whole.p99), HumanSeconds(m.whole.max)});
    }
    absl::StrAppend(&text, times.ToString("  "));
    for (const Measured& m : measured) {
      if (m.unwritten_bytes == 0) continue;
      absl::StrAppend(&text, "  ", m.how, ": ", HumanBytes(m.unwritten_bytes),
                      " of expanded tensors are not written out\n");
    }
    absl::StrAppend(&text, "\n");

    std::map<std::string, OpTime> by_type;
    std::map<std::string, int> counts;
    for (const OpTime& op : ops) {
      OpTime& sum = by_type[op.type];
      sum.type = op.type;
      sum.seconds += op.seconds;
      sum.part += op.part;
      ++counts[op.type];
    }
    std::vector<OpTime> types;
    for (const auto& [name, time] : by_type) types.push_back(time);
    std::stable_sort(types.begin(), types.end(),
                     [](const OpTime& a, const OpTime& b) { return a.seconds > b.seconds; });
    Table type_table({"type", ">operators", ">time a run", ">part"});
    for (const OpTime& type : types) {
      type_table.Add({type.type, absl::StrCat(counts[type.type]), HumanSeconds(type.seconds),
                      absl::StrFormat("%.1f%%", 100 * type.part)});
    }
    absl::StrAppend(&text, type_table.ToString("  "), "\n");

    Table op_table({">op", ">time a run", ">part", ">GFLOP/s", "operator"});
    for (size_t i = 0; i < ops.size() && i < kShownOperators; ++i) {
      op_table.Add({absl::StrCat(ops[i].op), HumanSeconds(ops[i].seconds),
                    absl::StrFormat("%.1f%%", 100 * ops[i].part),
                    ops[i].gflops > 0 ? absl::StrFormat("%.2f", ops[i].gflops) : "",
                    Shortened(ops[i].description, 70)});
    }
    absl::StrAppend(&text, op_table.ToString("  "));
    if (ops.size() > kShownOperators) {
      absl::StrAppend(&text, "  and ", Counted(ops.size() - kShownOperators, "faster operator"),
                      "\n");
    }
    return text;
  }

  std::string Json(const NetDef& def, const std::vector<Measured>& measured) const {
    JsonWriter json;
    json.BeginObject().Field("net", def.name()).Field("threads", NumThreads());
    if (!random_.report().empty()) json.Field("made_up", random_.report());
    json.Field("warmup", warmup_).Field("iterations", counts_.iterations);
    const auto add = [&json](const Measured& m) {
      json.Field("how", m.how).Field("operator_count", m.operators);
      json.Field("peak_bytes", m.peak_bytes).Field("unwritten_bytes", m.unwritten_bytes);
      json.Key("seconds").BeginObject();
      json.Field("min", m.whole.min).Field("median", m.whole.p50).Field("mean", m.whole.mean);
      json.Field("p90", m.whole.p90).Field("p99", m.whole.p99).Field("max", m.whole.max);
      json.EndObject();
    };
    if (measured.size() > 1) {
      json.Key("before").BeginObject();
      add(measured.front());
      json.EndObject();
    }
    add(measured.back());
    json.Key("operators").BeginArray();
    const std::vector<OpTime>& ops = measured.back().ops;
    for (const OpTime& op : ops) {
      json.BeginObject().Field("op", op.op).Field("type", op.type);
      json.Field("operator", op.description).Field("seconds", op.seconds).Field("part", op.part);
      if (op.gflops > 0) json.Field("gflops_per_second", op.gflops);
      json.EndObject();
    }
    return json.EndArray().EndObject().Finish();
  }

  NetInput input_;
  RandomWeights random_;
  bool no_optimize_ = false;
  bool no_winograd_ = false;
  int warmup_ = 10;
  RunCounts counts_{100};
  bool json_ = false;
};

DOPPIO_COMMAND(BenchCommand, "bench", "Measure how long a net and its operators take",
               "  doppio bench predict_net.pb --init init_net.pb --feed data=cat.npy\n"
               "  doppio bench net.pbtxt --feed X=x.npy --iterations 1000 --threads 1 --json\n");

}  // namespace
}  // namespace doppio::tools
