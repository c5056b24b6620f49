#include "src/training/plan_writer.h"

#include <algorithm>
#include <numeric>

#include "absl/strings/str_replace.h"
#include "doppio/net_builder.h"
#include "src/training/early_stop_nets.h"

namespace doppio::training {
namespace {

constexpr char kPrefix[] = "training_plan/";
// Protobuf's messages end there; the nets need some of it too.
constexpr int64_t kMostBytes = int64_t{2'000'000'000};
// Steps of a plan that stand one after the other.
constexpr int64_t kMostSteps = 100'000;

template <typename To, typename From>
Argument Values(const Tensor& tensor) {
  const auto span = tensor.span<From>();
  return MakeArgument("values", std::vector<To>(span.begin(), span.end()));
}

// The operator that makes `blob` this tensor.
absl::Status AddFill(const std::string& blob, const Tensor& tensor, NetBuilder* net) {
  const Argument shape =
      MakeArgument("shape", std::vector<int64_t>(tensor.dims().begin(), tensor.dims().end()));
  const auto add = [&](const char* type, Argument values) {
    net->Op(type, {}, {blob}, {shape, std::move(values)});
    return absl::OkStatus();
  };
  switch (tensor.dtype()) {
    case DataType::kFloat:
      return add("GivenTensorFill", Values<float, float>(tensor));
    case DataType::kInt32:
      return add("GivenTensorIntFill", Values<int64_t, int32_t>(tensor));
    case DataType::kInt64:
      return add("GivenTensorInt64Fill", Values<int64_t, int64_t>(tensor));
    case DataType::kBool:
      return add("GivenTensorBoolFill", Values<int64_t, bool>(tensor));
    case DataType::kString:
      return add("GivenTensorStringFill", Values<std::string, std::string>(tensor));
    case DataType::kUInt8: {
      const auto bytes = tensor.span<uint8_t>();
      return add("GivenTensorByteStringToUInt8Fill",
                 MakeArgument("values", std::vector<std::string>{{bytes.begin(), bytes.end()}}));
    }
    default:
      return absl::UnimplementedError(absl::StrCat("\"", blob, "\" is ", tensor.TypeAndShape(),
                                                   ", which no init net of a plan can fill"));
  }
}

ExecutionStep StepOfNets(const std::string& name, const std::vector<std::string>& nets,
                         int64_t times = 1) {
  ExecutionStep step;
  step.set_name(name);
  step.set_num_iter(times);
  for (const std::string& net : nets) step.add_network(net);
  return step;
}

class PlanWriter {
 public:
  PlanWriter(const TrainerOptions& options, Batches data, const Batches& test_data,
             std::vector<std::string> state)
      : options_(options),
        data_(std::move(data)),
        test_data_(test_data),
        state_(std::move(state)),
        stop_(Blob("early_stop", ""), options.watch, options.larger_is_better) {}

  absl::StatusOr<PlanDef> Write() {
    DOPPIO_RETURN_IF_ERROR(CheckLength());
    plan_.set_name("training");
    std::vector<std::string> inits;
    for (size_t i = 0; i < options_.inits.size(); ++i) {
      inits.push_back(AddNet(options_.inits[i], absl::StrCat("init_", i + 1)));
    }
    NetBuilder fill(absl::StrCat(kPrefix, "data"));
    if (!data_.empty()) {
      DOPPIO_RETURN_IF_ERROR(FillData("train", data_, &fill));
      DOPPIO_RETURN_IF_ERROR(FillTrainOrder(&fill));
    }
    if (!test_data_.empty()) {
      DOPPIO_RETURN_IF_ERROR(FillData("test", test_data_, &fill));
      DOPPIO_RETURN_IF_ERROR(FillTestOrder(&fill));
    }
    if (options_.patience > 0) stop_.AddStart(TestWeight(), options_.patience, &fill);
    if (options_.test.op_size() > 0) WriteTest(&fill);
    if (fill.def().op_size() > 0) inits.push_back(AddNet(fill.def(), ""));
    train_ = {AddNet(options_.train, "train")};
    if (!data_.empty()) train_.insert(train_.begin(), AddFeed("train", "rows"));
    if (!options_.checkpoints.empty()) WriteCheckpoint();
    *plan_.add_execution_step() = StepOfNets("init", inits);
    WriteRounds();
    return plan_;
  }

 private:
  int64_t PerEpoch() const { return data_.empty() ? 0 : data_.examples() / options_.batch; }
  int64_t Steps() const {
    return options_.iterations > 0 ? options_.iterations : options_.epochs * PerEpoch();
  }

  // What is done every so many iterations; 0: never. At the end there is a test as well.
  int64_t TestEvery() const {
    if (options_.test.op_size() == 0) return 0;
    const int64_t every = options_.evaluate_every > 0 ? options_.evaluate_every : PerEpoch();
    return every > 0 ? every : Steps();
  }
  int64_t CheckpointEvery() const {
    if (options_.checkpoints.empty()) return 0;
    return options_.checkpoint_every > 0 ? options_.checkpoint_every : PerEpoch();
  }

  // Iterations (from, to], and what is due after them.
  void AddIterations(int64_t from, int64_t to, ExecutionStep* step) const {
    const int64_t test = TestEvery();
    const int64_t checkpoint = CheckpointEvery();
    while (from < to) {
      int64_t next = to;
      for (const int64_t every : {test, checkpoint}) {
        if (every > 0) next = std::min(next, from - from % every + every);
      }
      *step->add_substep() = StepOfNets("train", train_, next - from);
      if (test > 0 && (next % test == 0 || next == Steps())) *step->add_substep() = test_;
      if (checkpoint > 0 && next % checkpoint == 0) *step->add_substep() = checkpoint_;
      from = next;
    }
  }

  // After so many iterations the same comes again. What ends early stands in the plan as a whole.
  int64_t Period() const {
    const int64_t test = TestEvery();
    const int64_t checkpoint = CheckpointEvery();
    const int64_t period = std::max(test, checkpoint);
    if (period == 0 || period > Steps() || options_.patience > 0) return Steps();
    if (std::min(test, checkpoint) == 0) return period;
    const int64_t factor = test / std::gcd(test, checkpoint);
    return factor > Steps() / checkpoint ? Steps() : factor * checkpoint;
  }

  absl::Status CheckLength() const {
    int64_t events = 0;
    for (const int64_t every : {TestEvery(), CheckpointEvery()}) {
      events += every > 0 ? Period() / every : 0;
    }
    if (events <= kMostSteps) return absl::OkStatus();
    return absl::ResourceExhaustedError(absl::StrCat("a plan of this training has ", events,
                                                     " tests and checkpoints in a row, more than ",
                                                     kMostSteps));
  }

  void WriteRounds() {
    const int64_t period = Period();
    const int64_t rest = Steps() % period;
    ExecutionStep rounds;
    rounds.set_name("rounds");
    AddIterations(0, period, &rounds);
    if (options_.patience > 0) {
      rounds.set_only_once(true);
      rounds.set_should_stop_blob(stop_.should_stop());
    } else {
      rounds.set_num_iter(Steps() / period);
    }
    *plan_.add_execution_step() = rounds;
    if (rest > 0) {
      ExecutionStep* step = plan_.add_execution_step();
      step->set_name("rest");
      AddIterations(Steps() - rest, Steps(), step);
    }
    const int64_t checkpoint = CheckpointEvery();
    if (checkpoint > 0 && (Steps() % checkpoint > 0 || options_.patience > 0)) {
      *plan_.add_execution_step() = checkpoint_;
    }
  }

  void WriteCheckpoint() {
    std::vector<std::string> blobs = {Blob("train", "step")};
    blobs.insert(blobs.end(), state_.begin(), state_.end());
    NetBuilder net(Blob("train", "checkpoint"));
    const std::string& folder = options_.checkpoints;
    net.Op("Checkpoint", blobs, {},
           {MakeArgument("db", absl::StrCat(absl::StrReplaceAll(folder, {{"%", "%%"}}),
                                            "/step_%08d.minidb")),
            MakeArgument("db_type", "minidb"), MakeArgument("absolute_path", folder[0] == '/')});
    checkpoint_ = StepOfNets("checkpoint", {AddNet(net.def(), "")});
  }

  // Examples of a test, or its runs where the net finds them itself.
  int64_t TestWeight() const {
    return test_data_.empty() ? options_.test_runs : test_data_.examples();
  }

  // The name under which the plan has the net.
  std::string AddNet(const NetDef& net, const std::string& name) {
    NetDef* added = plan_.add_network();
    *added = net;
    std::string wanted = net.name().empty() ? name : net.name();
    const auto is_taken = [&] {
      return std::count_if(plan_.network().begin(), plan_.network().end(),
                           [&](const NetDef& other) {
                             return &other != added && other.name() == wanted;
                           }) > 0;
    };
    while (is_taken()) wanted += "_";
    added->set_name(wanted);
    return wanted;
  }

  static std::string Blob(absl::string_view of, absl::string_view what) {
    return absl::StrCat(kPrefix, of, "/", what);
  }

  static std::string DataBlob(absl::string_view of, absl::string_view name) {
    return Blob(of, absl::StrCat("data/", name));
  }

  absl::Status FillData(const char* of, const Batches& batches, NetBuilder* fill) {
    for (const auto& [name, array] : batches.arrays()) {
      bytes_ += array.numel() * static_cast<int64_t>(DataTypeSize(array.dtype()));
      if (bytes_ > kMostBytes) {
        return absl::ResourceExhaustedError(
            absl::StrCat("the data has more than ", kMostBytes,
                         " bytes, too many for a plan; let the net read a database"));
      }
      DOPPIO_RETURN_IF_ERROR(AddFill(DataBlob(of, name), array, fill));
    }
    return absl::OkStatus();
  }

  // Rows of examples, [batches, size], and a counter of batches.
  absl::Status FillOrder(const char* of, const std::string& what, int64_t size,
                         const std::vector<int64_t>& rows, NetBuilder* fill) {
    bytes_ += static_cast<int64_t>(rows.size()) * 4;
    if (bytes_ > kMostBytes) {
      return absl::ResourceExhaustedError("there are too many steps for a plan with their data");
    }
    fill->Op("GivenTensorInt64Fill", {}, {Blob(of, what)},
             {MakeArgument("shape",
                           std::vector<int64_t>{static_cast<int64_t>(rows.size()) / size, size}),
              MakeArgument("values", rows)});
    return absl::OkStatus();
  }

  absl::Status FillTrainOrder(NetBuilder* fill) {
    std::vector<int64_t> rows;
    for (int64_t i = 0; i < Steps(); ++i) {
      const int64_t at = i % PerEpoch() * options_.batch;
      if (at == 0 && options_.shuffle) data_.Shuffle(options_.seed, i / PerEpoch());
      rows.insert(rows.end(), data_.order().begin() + at,
                  data_.order().begin() + at + options_.batch);
      // Before it is too large to be made at all.
      if (static_cast<int64_t>(rows.size()) > kMostBytes / 4) break;
    }
    AddInteger(Blob("train", "step"), 0, fill);
    return FillOrder("train", "rows", options_.batch, rows, fill);
  }

  // Whole batches, and the rest.
  absl::Status FillTestOrder(NetBuilder* fill) {
    const int64_t whole = test_data_.examples() / options_.batch * options_.batch;
    const std::vector<int64_t>& order = test_data_.order();
    if (whole > 0) {
      DOPPIO_RETURN_IF_ERROR(
          FillOrder("test", "rows", options_.batch, {order.begin(), order.begin() + whole}, fill));
    }
    const int64_t rest = test_data_.examples() - whole;
    if (rest == 0) return absl::OkStatus();
    return FillOrder("test", "last_rows", rest, {order.begin() + whole, order.end()}, fill);
  }

  // A net that takes the next batch: that of number `step` of the rows.
  std::string AddFeed(const char* of, const char* rows, const char* step = "step") {
    NetBuilder feed(Blob(of, absl::StrCat("next_", rows)));
    const Batches& batches = std::string(of) == "test" ? test_data_ : data_;
    feed.Op("Gather", {Blob(of, rows), Blob(of, step)}, {Blob(of, "row")})
        .Op("FlattenToVec", {Blob(of, "row")}, {Blob(of, "examples")});
    for (const auto& [name, array] : batches.arrays()) {
      feed.Op("Gather", {DataBlob(of, name), Blob(of, "examples")}, {name});
    }
    feed.Op("Iter", {Blob(of, step)}, {Blob(of, step)});
    return AddNet(feed.def(), "");
  }

  // Steps that run the test net, and the blobs that they need.
  void WriteTest(NetBuilder* fill) {
    const std::string test = AddNet(options_.test, "test");
    NetBuilder begin(Blob("test", "begin"));
    if (!test_data_.empty()) {
      for (const char* step : {"step", "last_step"}) AddInteger(Blob("test", step), 0, &begin);
    }
    if (options_.patience > 0) stop_.AddBegin(&begin);
    test_.set_name("test");
    test_.set_num_iter(1);
    std::string begins;
    if (begin.def().op_size() > 0) begins = AddNet(begin.def(), "");
    const auto add_runs = [&](const char* name, std::vector<std::string> nets, int64_t examples,
                              int64_t times) {
      nets.push_back(test);
      if (options_.patience > 0) nets.push_back(AddTally(name, examples, fill));
      *test_.add_substep() = StepOfNets(name, nets, times);
    };
    const int64_t batches = test_data_.examples() / options_.batch;
    const int64_t rest = test_data_.examples() % options_.batch;
    if (!begins.empty()) *test_.add_substep() = StepOfNets("test begins", {begins});
    if (test_data_.empty()) add_runs("test", {}, 1, options_.test_runs);
    if (batches > 0) add_runs("test batches", {AddFeed("test", "rows")}, options_.batch, batches);
    if (rest > 0) add_runs("last test batch", {AddFeed("test", "last_rows", "last_step")}, rest, 1);
    if (options_.patience == 0) return;
    NetBuilder judge(Blob("test", "judge"));
    stop_.AddJudge(&judge);
    *test_.add_substep() = StepOfNets("judge", {AddNet(judge.def(), "")});
  }

  std::string AddTally(const std::string& run, int64_t examples, NetBuilder* fill) {
    const std::string name = absl::StrReplaceAll(run, {{" ", "_"}});
    stop_.AddWeight(name, examples, fill);
    NetBuilder tally(Blob("test", "tally_" + name));
    stop_.AddTally(name, &tally);
    return AddNet(tally.def(), "");
  }

  const TrainerOptions& options_;
  Batches data_;
  const Batches& test_data_;
  const std::vector<std::string> state_;  // blobs of a checkpoint
  const EarlyStopNets stop_;
  PlanDef plan_;
  std::vector<std::string> train_;  // nets of one step
  ExecutionStep test_;
  ExecutionStep checkpoint_;
  int64_t bytes_ = 0;
};

}  // namespace

absl::StatusOr<PlanDef> WritePlan(const TrainerOptions& options, Batches data,
                                  const Batches& test_data, std::vector<std::string> state) {
  if (!options.checkpoints.empty() && data.empty()) {
    return absl::UnimplementedError(
        "a plan has no checkpoints of a net that finds its data itself, since it can not say how "
        "far "
        "its readers are; the trainer can");
  }
  return PlanWriter(options, std::move(data), test_data, std::move(state)).Write();
}

}  // namespace doppio::training
