#include "src/training/plan_writer.h"

#include <algorithm>

#include "doppio/net_builder.h"

namespace doppio::training {
namespace {

constexpr char kPrefix[] = "training_plan/";
// Protobuf's messages end there; the nets need some of it too.
constexpr int64_t kMostBytes = int64_t{2'000'000'000};

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
  PlanWriter(const TrainerOptions& options, Batches data, const Batches& test_data)
      : options_(options), data_(std::move(data)), test_data_(test_data) {}

  absl::StatusOr<PlanDef> Write() {
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
    if (fill.def().op_size() > 0) inits.push_back(AddNet(fill.def(), ""));
    const std::string train = AddNet(options_.train, "train");
    std::vector<std::string> step = {train};
    if (!data_.empty()) step.insert(step.begin(), AddFeed("train", "rows"));
    if (options_.test.op_size() > 0) WriteTest();
    *plan_.add_execution_step() = StepOfNets("init", inits);

    const int64_t steps = Steps();
    int64_t every = options_.evaluate_every > 0 ? options_.evaluate_every : PerEpoch();
    if (every == 0 || test_.substep_size() == 0) every = steps;
    ExecutionStep rounds;
    rounds.set_name("rounds");
    rounds.set_num_iter(steps / every);
    *rounds.add_substep() = StepOfNets("train", step, every);
    const bool has_test = test_.substep_size() > 0;
    if (has_test) *rounds.add_substep() = test_;
    if (steps >= every) *plan_.add_execution_step() = rounds;
    if (steps % every > 0) {
      *plan_.add_execution_step() = StepOfNets("train the rest", step, steps % every);
      if (has_test) *plan_.add_execution_step() = test_;
    }
    return plan_;
  }

 private:
  int64_t PerEpoch() const { return data_.empty() ? 0 : data_.examples() / options_.batch; }
  int64_t Steps() const {
    return options_.iterations > 0 ? options_.iterations : options_.epochs * PerEpoch();
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

  absl::Status FillData(const char* of, const Batches& batches, NetBuilder* fill) {
    for (const auto& [name, array] : batches.arrays()) {
      bytes_ += array.numel() * static_cast<int64_t>(DataTypeSize(array.dtype()));
      if (bytes_ > kMostBytes) {
        return absl::ResourceExhaustedError(
            absl::StrCat("the data has more than ", kMostBytes,
                         " bytes, too many for a plan; let the net read a database"));
      }
      DOPPIO_RETURN_IF_ERROR(AddFill(Blob(of, name), array, fill));
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
    AddZero(Blob("train", "step"), fill);
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

  static void AddZero(const std::string& blob, NetBuilder* net) {
    net->Op("GivenTensorInt64Fill", {}, {blob},
            {MakeArgument("shape", std::vector<int64_t>{1}),
             MakeArgument("values", std::vector<int64_t>{0})});
  }

  // A net that takes the next batch.
  std::string AddFeed(const char* of, const char* rows) {
    NetBuilder feed(Blob(of, absl::StrCat("next_", rows)));
    const Batches& batches = std::string(of) == "test" ? test_data_ : data_;
    feed.Op("Gather", {Blob(of, rows), Blob(of, "step")}, {Blob(of, "row")})
        .Op("FlattenToVec", {Blob(of, "row")}, {Blob(of, "examples")});
    for (const auto& [name, array] : batches.arrays()) {
      feed.Op("Gather", {Blob(of, name), Blob(of, "examples")}, {name});
    }
    feed.Op("Iter", {Blob(of, "step")}, {Blob(of, "step")});
    return AddNet(feed.def(), "");
  }

  void WriteTest() {
    const std::string test = AddNet(options_.test, "test");
    test_.set_name("test");
    test_.set_num_iter(1);
    if (test_data_.empty()) {
      *test_.add_substep() = StepOfNets("test", {test}, options_.test_runs);
      return;
    }
    NetBuilder begin(Blob("test", "begin"));
    AddZero(Blob("test", "step"), &begin);
    const std::string begins = AddNet(begin.def(), "");
    const int64_t batches = test_data_.examples() / options_.batch;
    if (batches > 0) {
      *test_.add_substep() = StepOfNets("test begins", {begins});
      *test_.add_substep() = StepOfNets("test batches", {AddFeed("test", "rows"), test}, batches);
    }
    if (test_data_.examples() % options_.batch > 0) {
      *test_.add_substep() =
          StepOfNets("last test batch", {begins, AddFeed("test", "last_rows"), test});
    }
  }

  const TrainerOptions& options_;
  Batches data_;
  const Batches& test_data_;
  PlanDef plan_;
  ExecutionStep test_;
  int64_t bytes_ = 0;
};

}  // namespace

absl::StatusOr<PlanDef> WritePlan(const TrainerOptions& options, Batches data,
                                  const Batches& test_data) {
  if (options.patience > 0 || !options.checkpoints.empty()) {
    return absl::UnimplementedError(
        absl::StrCat("a plan has no ", options.patience > 0 ? "early stopping" : "checkpoints",
                     "; the trainer has"));
  }
  return PlanWriter(options, std::move(data), test_data).Write();
}

}  // namespace doppio::training
