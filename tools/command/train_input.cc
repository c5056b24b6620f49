#include "tools/command/train_input.h"

#include <algorithm>
#include <set>

#include "absl/strings/numbers.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "doppio/check.h"
#include "doppio/net_builder.h"
#include "doppio/proto_io.h"
#include "doppio/tensor_io.h"
#include "tools/command/init_net.h"

namespace doppio::tools {
namespace {

constexpr char kAccuracy[] = "accuracy";
constexpr char kIsTest[] = "is_test";

using Arrays = std::map<std::string, Tensor>;

absl::StatusOr<Arrays> LoadArrays(const std::string& option,
                                  const std::vector<std::string>& texts) {
  NetInput input;
  input.feeds = texts;
  absl::StatusOr<std::vector<NamedTensor>> tensors = input.LoadFeeds();
  if (!tensors.ok()) {
    // They are read as --feed is.
    std::string message(tensors.status().message());
    if (message.rfind("--feed", 0) == 0) message.replace(0, 6, option);
    return absl::Status(tensors.status().code(), message);
  }
  Arrays arrays;
  for (NamedTensor& tensor : *tensors) arrays[tensor.name] = std::move(tensor.tensor);
  return arrays;
}

// 1 is a whole number, 0.1 a number, true a truth value, 1,2 a list of whole numbers.
Argument ToArgument(const std::string& name, const std::string& text) {
  int64_t whole;
  double number;
  if (absl::SimpleAtoi(text, &whole)) return MakeArgument(name, whole);
  if (absl::SimpleAtod(text, &number)) return MakeArgument(name, number);
  if (text == "true" || text == "false") return MakeArgument(name, text == "true");
  std::vector<int64_t> list;
  for (const absl::string_view part : absl::StrSplit(text, ',')) {
    if (!absl::SimpleAtoi(part, &whole)) return MakeArgument(name, text);
    list.push_back(whole);
  }
  return MakeArgument(name, list);
}

bool Makes(const NetDef& net, const std::string& blob) {
  return std::any_of(net.op().begin(), net.op().end(), [&](const OperatorDef& op) {
    return std::find(op.output().begin(), op.output().end(), blob) != op.output().end();
  });
}

// Whether anything of what the net reads is another after a step.
bool ChangesItsInputs(const NetDef& net) {
  const std::vector<std::string> reads = InputsOfNet(net);
  return std::any_of(reads.begin(), reads.end(),
                     [&](const std::string& blob) { return Makes(net, blob); });
}

// The net as it is tested, where nothing but Dropout is another thing then.
absl::Status MakeTest(NetDef* net) {
  for (OperatorDef& op : *net->mutable_op()) {
    const OpSchema* schema = OpSchemaRegistry::Schema(op.type());
    if (schema == nullptr || schema->FindArg(kIsTest) == nullptr) continue;
    const Argument* given = FindArgument(op, kIsTest);
    if (given != nullptr && given->i() != 0) continue;
    if (op.type() != "Dropout") {
      return UsageError(absl::StrCat(OpToString(op),
                                     " does another thing in a test; --test says which net is run "
                                     "over the test data"));
    }
    if (given == nullptr) *op.add_arg() = MakeArgument(kIsTest, true);
    for (Argument& arg : *op.mutable_arg()) {
      if (arg.name() == kIsTest) arg.set_i(1);
    }
  }
  return absl::OkStatus();
}

}  // namespace

void TrainInput::AddOptions(Options* options) {
  options->AddList("--data", &data, "BLOB=FILE",
                   "data to train with, cut into batches along the first dimension: .npy, .npz, or "
                   "what --feed of `doppio run` takes");
  options->AddList("--test-data", &test_data, "BLOB=FILE", "data to test with");
  options->AddNumber("--hold-out", &hold_out, 2, 1'000'000,
                     "every so many-th example is not trained with, but tested with");
  options->AddText("--test", &test_net, "NET",
                   "net that is run over the test data after each epoch; default: NET without "
                   "its Dropout, where there is test data and --optimizer");
  options->AddText("--loss", &loss, "BLOB", "what is minimised (default: loss)");
  options->AddList("--metric", &metrics, "BLOB",
                   "what else to measure; default: accuracy, where a net makes it");
  options->AddText(
      "--optimizer", &optimizer, "NAME",
      absl::StrCat("adds the gradients and the updates to NET: ", absl::StrJoin(Optimizers(), ", "),
                   "; without it NET must have them"));
  options->AddText("--lr", &rate, "NUMBER", "learning rate of the optimizer");
  options->AddList("--set", &settings, "NAME=VALUE",
                   "another option of the optimizer: weight_decay=1e-4, clip_norm=1, "
                   "policy=step, ...");
  options->AddList("--parameter", &parameters, "BLOB",
                   "blob to train; default: all that the init nets fill and that have a gradient");
}

absl::Status TrainInput::LoadData(TrainerOptions* options) const {
  DOPPIO_ASSIGN_OR_RETURN(options->data, LoadArrays("--data", data));
  DOPPIO_ASSIGN_OR_RETURN(options->test_data, LoadArrays("--test-data", test_data));
  if (hold_out == 0) return absl::OkStatus();
  if (!test_data.empty() || data.empty()) {
    return UsageError("--hold-out takes test data out of --data; --test-data gives it otherwise");
  }
  options->hold_out = hold_out;
  return absl::OkStatus();
}

absl::Status TrainInput::AddUpdates(const NetInput& input, TrainerOptions* options) const {
  if (optimizer.empty()) {
    if (!rate.empty() || !settings.empty() || !parameters.empty()) {
      return UsageError("--lr, --set and --parameter are of an --optimizer");
    }
    if (ChangesItsInputs(options->train)) return absl::OkStatus();
    return UsageError(absl::StrCat(input.net,
                                   ": nothing in this net changes what it reads, so nothing would "
                                   "be learnt; --optimizer adds what does"));
  }
  OptimizerSettings how;
  how.inits = options->inits;
  how.parameters = parameters;
  if (!rate.empty()) how.options.emplace_back(ToArgument("learning_rate", rate));
  for (const std::string& text : settings) {
    const Assignment setting = ParseAssignment(text);
    if (setting.key.empty() || setting.value.empty()) {
      return UsageError(absl::StrCat("--set ", text, ": write NAME=VALUE"));
    }
    how.options.emplace_back(ToArgument(setting.key, setting.value));
  }
  DOPPIO_ASSIGN_OR_RETURN(Training training, AddOptimizer(options->train, {loss}, optimizer, how));
  options->train = std::move(training.net);
  options->inits.push_back(std::move(training.init));
  return absl::OkStatus();
}

absl::Status TrainInput::Fill(const NetInput& input, TrainerOptions* options) const {
  DOPPIO_RETURN_IF_ERROR(LoadData(options));
  for (const std::string& path : input.inits) {
    DOPPIO_ASSIGN_OR_RETURN(NetDef init, LoadNamedNet(path));
    input.Place(&init);
    options->inits.push_back(std::move(init));
  }
  DOPPIO_ASSIGN_OR_RETURN(options->train, LoadNamedNet(input.net));
  input.Place(&options->train);
  DOPPIO_RETURN_IF_ERROR(CheckNetItself(options->train));
  if (!test_net.empty()) {
    DOPPIO_ASSIGN_OR_RETURN(options->test, LoadNamedNet(test_net));
    input.Place(&options->test);
  } else if (!options->test_data.empty() || options->hold_out > 0) {
    if (optimizer.empty()) {
      return UsageError("there is test data: --test says which net is run over it");
    }
    options->test = options->train;
    DOPPIO_RETURN_IF_ERROR(MakeTest(&options->test));
  }
  if (options->test.op_size() > 0 && options->test.name() == options->train.name()) {
    options->test.set_name(options->train.name() + "_test");
  }
  DOPPIO_RETURN_IF_ERROR(AddUpdates(input, options));
  options->loss = loss;
  options->watch = loss;
  options->metrics = metrics;
  if (metrics.empty() && (Makes(options->train, kAccuracy) || Makes(options->test, kAccuracy))) {
    options->metrics = {kAccuracy};
  }
  return absl::OkStatus();
}

absl::StatusOr<NetDef> FillsOf(const NetDef& net, const std::map<std::string, Tensor>& fed,
                               const Workspace& workspace) {
  NetBuilder fills(net.name() + "_trained");
  for (const std::string& name : InputsOfNet(net)) {
    const std::shared_ptr<Blob> blob = workspace.FindBlob(name);
    const bool is_lock = blob != nullptr && !blob->IsEmpty() && !blob->IsTensor();
    if (fed.count(name) > 0 || is_lock) continue;
    DOPPIO_ASSIGN_OR_RETURN(const Tensor tensor, workspace.Fetch(name));
    const absl::Status added = AddFill(name, tensor, &fills);
    if (added.ok()) continue;
    return absl::Status(added.code(), absl::StrCat(added.message(), "; a checkpoint holds it"));
  }
  return fills.def();
}

}  // namespace doppio::tools
