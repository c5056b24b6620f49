#include "doppio/trainer.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <set>

#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "doppio/check.h"
#include "doppio/registry.h"
#include "doppio/serialize.h"
#include "doppio/training_plan.h"
#include "src/runtime/plan.h"
#include "src/training/batches.h"
#include "src/training/checkpoint.h"
#include "src/training/input_places.h"
#include "src/training/plan_writer.h"
#include "src/training/random_state.h"

namespace doppio {
namespace {

using training::Batches;
using training::Checkpoint;

std::string Fingerprint(const NetDef& net) {
  uint64_t hash = 0xcbf29ce484222325u;  // FNV-1a
  for (const char byte : net.SerializeAsString()) {
    hash = (hash ^ static_cast<unsigned char>(byte)) * 0x100000001b3u;
  }
  return absl::StrFormat("%016x", hash);
}

absl::Status CheckNotNegative(const char* name, int64_t value) {
  if (value >= 0) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(name, " is ", value, ", may not be negative"));
}

absl::StatusOr<double> ToNumber(const std::string& name, const Tensor& tensor) {
  if (tensor.numel() == 1 && tensor.Is<float>()) return tensor.data<float>()[0];
  if (tensor.numel() == 1 && tensor.Is<double>()) return tensor.data<double>()[0];
  return absl::InvalidArgumentError(absl::StrCat("\"", name, "\" is ", tensor.TypeAndShape(),
                                                 ", but must be one float or double"));
}

// Blobs that operators of a net make.
std::set<std::string> MadeBy(const NetDef& net) {
  std::set<std::string> made;
  for (const OperatorDef& op : net.op()) {
    for (const std::string& blob : BlobsOfOp(op).writes) made.insert(blob);
  }
  return made;
}

class TrainerOfNets final : public Trainer {
 public:
  TrainerOfNets(TrainerOptions options, Workspace* workspace)
      : options_(std::move(options)), workspace_(workspace) {}

  absl::Status Prepare() {
    DOPPIO_RETURN_IF_ERROR(CheckOptions());
    for (const NetDef& init : options_.inits) {
      DOPPIO_RETURN_IF_ERROR(workspace_->RunNetOnce(init));
    }
    // Nets find their inputs when they are made, so that there must be a first batch.
    if (!data_.empty()) DOPPIO_RETURN_IF_ERROR(data_.Feed(0, options_.batch, workspace_));
    DOPPIO_ASSIGN_OR_RETURN(train_, Make(&options_.train, "train"));
    if (options_.test.op_size() > 0) {
      if (!test_data_.empty()) {
        DOPPIO_RETURN_IF_ERROR(
            test_data_.Feed(0, std::min(options_.batch, test_data_.examples()), workspace_));
      }
      DOPPIO_ASSIGN_OR_RETURN(test_, Make(&options_.test, "test"));
    }
    if (options_.checkpoints.empty()) return absl::OkStatus();
    for (const NetDef* net : {&options_.train, &options_.test}) {
      DOPPIO_RETURN_IF_ERROR(training::CheckNoneIsHidden(*net));
    }
    DOPPIO_ASSIGN_OR_RETURN(inputs_, training::InputPlaces::Find(Nets(), *workspace_));
    for (const std::string& name : StateNames()) {
      const std::shared_ptr<Blob> blob = workspace_->FindBlob(name);
      if (blob != nullptr) DOPPIO_RETURN_IF_ERROR(training::CheckIsSerializable(name, *blob));
    }
    first_states_ = RandomStates();
    return training::MakeFolder(options_.checkpoints);
  }

  // Of options that make sense; no net is run.
  absl::StatusOr<PlanDef> Plan() {
    DOPPIO_RETURN_IF_ERROR(CheckOptions());
    return training::WritePlan(options_, data_, test_data_, StateNames());
  }

  int64_t iteration() const override { return iteration_; }
  int64_t iterations() const override {
    return options_.iterations > 0 ? options_.iterations : options_.epochs * per_epoch_;
  }
  bool stopped_early() const override {
    return options_.patience > 0 && since_best_ >= options_.patience;
  }

  absl::Status Run() override {
    DOPPIO_RETURN_IF_ERROR(CheckIsNewest());
    while (iteration_ < iterations() && !stopped_early()) {
      DOPPIO_RETURN_IF_ERROR(Step());
      const bool is_last = iteration_ == iterations();
      if (test_ != nullptr && (is_last || IsDue(options_.evaluate_every))) {
        DOPPIO_ASSIGN_OR_RETURN(const Evaluation evaluation, EvaluateAndWatch());
        if (options_.on_evaluation) DOPPIO_RETURN_IF_ERROR(options_.on_evaluation(evaluation));
      }
      const bool is_stopped = options_.should_stop && options_.should_stop();
      const bool is_end = is_last || stopped_early();
      if (!options_.checkpoints.empty() &&
          (is_end || is_stopped || IsDue(options_.checkpoint_every))) {
        DOPPIO_RETURN_IF_ERROR(Save().status());
      }
      if (is_stopped && !is_end) {
        return absl::CancelledError(
            absl::StrCat("stopped after iteration ", iteration_, " of ", iterations()));
      }
    }
    return absl::OkStatus();
  }

  absl::StatusOr<Evaluation> Evaluate() override {
    Evaluation evaluation;
    evaluation.iteration = iteration_;
    evaluation.epoch = EpochOf(iteration_);
    if (test_ == nullptr) return evaluation;
    std::map<std::string, double> sums;
    double weights = 0;
    const auto run = [&](int64_t examples) -> absl::Status {
      DOPPIO_RETURN_IF_ERROR(test_->Run());
      const auto weight = static_cast<double>(std::max<int64_t>(examples, 1));
      weights += weight;
      evaluation.examples += examples;
      DOPPIO_ASSIGN_OR_RETURN(const auto numbers, Numbers(test_makes_));
      for (const auto& [name, number] : numbers) sums[name] += weight * number;
      return absl::OkStatus();
    };
    for (int64_t begin = 0; begin < test_data_.examples(); begin += options_.batch) {
      const int64_t end = std::min(begin + options_.batch, test_data_.examples());
      DOPPIO_RETURN_IF_ERROR(test_data_.Feed(begin, end, workspace_));
      DOPPIO_RETURN_IF_ERROR(run(end - begin));
    }
    for (int64_t i = 0; test_data_.empty() && i < options_.test_runs; ++i) {
      DOPPIO_RETURN_IF_ERROR(run(0));
    }
    for (const auto& [name, sum] : sums) evaluation.metrics[name] = sum / weights;
    return evaluation;
  }

  absl::StatusOr<std::string> Save() override {
    if (options_.checkpoints.empty()) {
      return absl::FailedPreconditionError("this training has no folder for checkpoints");
    }
    const std::string path = training::CheckpointPath(options_.checkpoints, iteration_);
    DOPPIO_ASSIGN_OR_RETURN(const Checkpoint state, State());
    DOPPIO_RETURN_IF_ERROR(training::WriteCheckpoint(state, path));
    training::RemoveOldCheckpoints(options_.checkpoints);
    if (options_.on_checkpoint) options_.on_checkpoint(path);
    return path;
  }

  absl::Status Resume(std::vector<std::string>* damaged) override {
    DOPPIO_ASSIGN_OR_RETURN(const std::vector<std::string> paths,
                            training::FindCheckpoints(options_.checkpoints));
    absl::Status last = absl::NotFoundError(
        absl::StrCat(options_.checkpoints, ": there is no checkpoint in this folder"));
    for (const std::string& path : paths) {
      const absl::StatusOr<Checkpoint> checkpoint = training::ReadCheckpoint(path);
      if (checkpoint.ok()) {
        DOPPIO_RETURN_IF_ERROR(Annotate(Restore(*checkpoint), path));
        return training::SetAside(paths, path);
      }
      last = checkpoint.status();
      if (last.code() != absl::StatusCode::kDataLoss) return last;
      if (damaged != nullptr) damaged->push_back(std::string(last.message()));
    }
    return last;
  }

 private:
  absl::Status CheckOptions() {
    DOPPIO_ASSIGN_OR_RETURN(data_, Batches::Create(options_.data, "data"));
    DOPPIO_ASSIGN_OR_RETURN(test_data_, Batches::Create(options_.test_data, "test data"));
    if (options_.hold_out != 0) {
      if (options_.hold_out < 2 || data_.empty() || !test_data_.empty()) {
        return absl::InvalidArgumentError(absl::StrCat(
            "hold_out is ", options_.hold_out,
            ", must be 0 or at least 2; it takes test data out of data, where none is given"));
      }
      test_data_ = data_.HoldOut(options_.hold_out);
    }
    for (const auto& [name, value] : {std::pair<const char*, int64_t>{"epochs", options_.epochs},
                                      {"iterations", options_.iterations},
                                      {"evaluate_every", options_.evaluate_every},
                                      {"checkpoint_every", options_.checkpoint_every},
                                      {"patience", options_.patience},
                                      {"test_runs", options_.test_runs - 1}}) {
      DOPPIO_RETURN_IF_ERROR(CheckNotNegative(name, value));
    }
    if (options_.batch < 1) {
      return absl::InvalidArgumentError(
          absl::StrCat("batch is ", options_.batch, ", must be at least 1"));
    }
    if ((options_.epochs > 0) == (options_.iterations > 0)) {
      return absl::InvalidArgumentError(
          absl::StrCat("epochs is ", options_.epochs, " and iterations is ", options_.iterations,
                       ": one of them must be above 0, and the other 0"));
    }
    if (data_.empty() && options_.epochs > 0) {
      return absl::InvalidArgumentError(
          "epochs are of data that is given; of a net that finds its data itself say iterations");
    }
    if (!data_.empty()) {
      per_epoch_ = data_.examples() / options_.batch;
      if (per_epoch_ == 0) {
        return absl::InvalidArgumentError(absl::StrCat("the data has ", data_.examples(),
                                                       " examples, fewer than a batch of ",
                                                       options_.batch));
      }
      if (options_.epochs > std::numeric_limits<int64_t>::max() / per_epoch_) {
        return absl::InvalidArgumentError(absl::StrCat("epochs is too large: ", options_.epochs));
      }
    }
    if (options_.train.op_size() == 0) {
      return absl::InvalidArgumentError("the train net has no operators");
    }
    DOPPIO_RETURN_IF_ERROR(CheckDataIsRead());
    const std::set<std::string> made = MadeBy(options_.train);
    train_makes_ = Wanted(made);
    if (made.count(options_.loss) == 0) {
      return absl::NotFoundError(absl::StrCat(
          "the train net \"", options_.train.name(), "\" makes no loss \"", options_.loss, "\"",
          DidYouMean(options_.loss, std::vector<std::string>(made.begin(), made.end()))));
    }
    if (options_.test.op_size() == 0) {
      if (options_.patience == 0) return CheckMetrics({});
      return absl::InvalidArgumentError("patience is of a test net, which is not given");
    }
    const std::set<std::string> made_in_test = MadeBy(options_.test);
    test_makes_ = Wanted(made_in_test);
    DOPPIO_RETURN_IF_ERROR(CheckMetrics(made_in_test));
    if (options_.patience > 0 &&
        std::find(test_makes_.begin(), test_makes_.end(), options_.watch) == test_makes_.end()) {
      return absl::NotFoundError(
          absl::StrCat("what is watched, \"", options_.watch,
                       "\", must be the loss or a metric that the test net makes: ",
                       absl::StrJoin(test_makes_, ", ")));
    }
    return absl::OkStatus();
  }

  // A name that no net reads is a mistake.
  absl::Status CheckDataIsRead() const {
    std::vector<std::string> reads = InputsOfNet(options_.train);
    const std::vector<std::string> of_test = InputsOfNet(options_.test);
    reads.insert(reads.end(), of_test.begin(), of_test.end());
    for (const auto* arrays : {&options_.data, &options_.test_data}) {
      for (const auto& [name, array] : *arrays) {
        if (std::find(reads.begin(), reads.end(), name) != reads.end()) continue;
        return absl::NotFoundError(absl::StrCat("there is data for \"", name,
                                                "\", which no net reads", DidYouMean(name, reads)));
      }
    }
    // Or else a test would see what the last step was fed.
    for (const std::string& name : of_test) {
      if (options_.hold_out > 0 || options_.data.count(name) == 0 ||
          options_.test_data.count(name) > 0) {
        continue;
      }
      return absl::InvalidArgumentError(
          absl::StrCat("the test net reads \"", name, "\", for which there is no test data"));
    }
    return absl::OkStatus();
  }

  // A metric must be of one of the nets.
  absl::Status CheckMetrics(const std::set<std::string>& made_in_test) const {
    for (const std::string& metric : options_.metrics) {
      const bool is_made =
          made_in_test.count(metric) > 0 ||
          std::find(train_makes_.begin(), train_makes_.end(), metric) != train_makes_.end();
      if (!is_made) {
        return absl::NotFoundError(absl::StrCat(
            "neither the train net nor the test net makes the metric \"", metric, "\""));
      }
    }
    return absl::OkStatus();
  }

  // The loss and the metrics among these.
  std::vector<std::string> Wanted(const std::set<std::string>& made) const {
    std::vector<std::string> wanted;
    if (made.count(options_.loss) > 0) wanted.push_back(options_.loss);
    for (const std::string& metric : options_.metrics) {
      if (made.count(metric) > 0 && metric != options_.loss) wanted.push_back(metric);
    }
    return wanted;
  }

  absl::StatusOr<Net*> Make(NetDef* def, const char* name) const {
    if (def->name().empty()) def->set_name(name);
    return workspace_->CreateNet(*def);
  }

  int64_t EpochOf(int64_t iteration) const {
    return per_epoch_ == 0 || iteration == 0 ? 0 : (iteration - 1) / per_epoch_ + 1;
  }

  // `every` iterations, or an epoch.
  bool IsDue(int64_t every) const {
    if (every == 0) every = per_epoch_;
    return every > 0 && iteration_ % every == 0;
  }

  absl::Status Step() {
    if (!data_.empty()) {
      const int64_t epoch = iteration_ / per_epoch_;
      if (options_.shuffle && epoch != shuffled_) data_.Shuffle(options_.seed, epoch);
      shuffled_ = epoch;
      const int64_t begin = iteration_ % per_epoch_ * options_.batch;
      DOPPIO_RETURN_IF_ERROR(data_.Feed(begin, begin + options_.batch, workspace_));
    }
    DOPPIO_RETURN_IF_ERROR(train_->Run());
    ++iteration_;
    if (!options_.on_step) return absl::OkStatus();
    TrainStep step;
    step.iteration = iteration_;
    step.iterations = iterations();
    step.epoch = EpochOf(iteration_);
    step.examples = data_.empty() ? 0 : options_.batch;
    DOPPIO_ASSIGN_OR_RETURN(step.metrics, Numbers(train_makes_));
    step.loss = step.metrics[options_.loss];
    step.metrics.erase(options_.loss);
    return options_.on_step(step);
  }

  absl::StatusOr<std::map<std::string, double>> Numbers(
      const std::vector<std::string>& names) const {
    std::map<std::string, double> numbers;
    for (const std::string& name : names) {
      DOPPIO_ASSIGN_OR_RETURN(const Tensor tensor, workspace_->Fetch(name));
      DOPPIO_ASSIGN_OR_RETURN(numbers[name], ToNumber(name, tensor));
    }
    return numbers;
  }

  absl::StatusOr<Evaluation> EvaluateAndWatch() {
    DOPPIO_ASSIGN_OR_RETURN(Evaluation evaluation, Evaluate());
    const auto found = evaluation.metrics.find(options_.watch);
    if (found == evaluation.metrics.end()) return evaluation;
    const double value = found->second;
    const bool is_better = options_.larger_is_better ? value > best_ : value < best_;
    evaluation.is_best = !std::isnan(value) && (!has_best_ || is_better);
    since_best_ = evaluation.is_best ? 0 : since_best_ + 1;
    if (evaluation.is_best) {
      has_best_ = true;
      best_ = value;
    }
    return evaluation;
  }

  // What the nets read before they write it, and are not fed.
  std::vector<std::string> StateNames() const {
    std::set<std::string> names;
    for (const NetDef* net : {&options_.train, &options_.test}) {
      for (const std::string& name : InputsOfNet(*net)) names.insert(name);
    }
    for (const auto& [name, array] : options_.data) names.erase(name);
    for (const auto& [name, array] : options_.test_data) names.erase(name);
    for (const std::string& reader : inputs_.readers()) names.erase(reader);
    return {names.begin(), names.end()};
  }

  std::map<std::string, std::string> WhatMustBeTheSame() const {
    std::map<std::string, std::string> same = {{"net", Fingerprint(options_.train)}};
    if (!data_.empty()) {
      same["examples"] = absl::StrCat(data_.examples());
      same["batch"] = absl::StrCat(options_.batch);
      same["seed"] = options_.shuffle ? absl::StrCat(options_.seed) : "none";
    }
    if (test_ != nullptr) {
      same["watch"] = absl::StrCat(options_.watch, options_.larger_is_better ? ", larger" : "");
    }
    return same;
  }

  std::vector<Net*> Nets() const {
    std::vector<Net*> nets = {train_};
    if (test_ != nullptr) nets.push_back(test_);
    return nets;
  }

  // Files of a longer training would be taken for newer ones than those that this one writes.
  absl::Status CheckIsNewest() const {
    if (options_.checkpoints.empty()) return absl::OkStatus();
    DOPPIO_ASSIGN_OR_RETURN(const std::vector<std::string> paths,
                            training::FindCheckpoints(options_.checkpoints));
    if (paths.empty() || training::IterationOf(paths[0]) <= iteration_) return absl::OkStatus();
    return absl::FailedPreconditionError(
        absl::StrCat(paths[0],
                     ": there is a checkpoint of a training already; resume it, or take "
                     "another folder"));
  }

  absl::StatusOr<Checkpoint> State() const {
    Checkpoint checkpoint;
    DOPPIO_ASSIGN_OR_RETURN(checkpoint.places, inputs_.Places());
    checkpoint.progress.iteration = iteration_;
    checkpoint.progress.has_best = has_best_;
    checkpoint.progress.best = best_;
    checkpoint.progress.since_best = since_best_;
    checkpoint.progress.training = WhatMustBeTheSame();
    for (const std::string& name : StateNames()) {
      const std::shared_ptr<Blob> blob = workspace_->FindBlob(name);
      if (blob != nullptr && !blob->IsEmpty()) checkpoint.blobs[name] = blob;
    }
    // Those that drew nothing need not be told, and without a seed are other ones in each process.
    checkpoint.random_states = RandomStates();
    for (size_t i = 0; i < first_states_.size(); ++i) {
      std::string& state = checkpoint.random_states[i];
      if (state == first_states_[i]) state.clear();
    }
    return checkpoint;
  }

  std::vector<std::string> RandomStates() const {
    std::vector<std::string> states;
    for (const Net* net : Nets()) {
      for (std::string& state : training::RandomStates(*net)) states.push_back(std::move(state));
    }
    return states;
  }

  // Everything is looked at before anything changes.
  absl::Status CheckFits(const Checkpoint& checkpoint) const {
    const auto other = [](const std::string& what) {
      return absl::FailedPreconditionError("a checkpoint of another training: " + what);
    };
    const std::map<std::string, std::string> here = WhatMustBeTheSame();
    if (checkpoint.progress.training != here) {
      for (const auto& [key, value] : here) {
        const auto there = checkpoint.progress.training.find(key);
        const std::string was =
            there == checkpoint.progress.training.end() ? "none" : there->second;
        if (was != value) return other(absl::StrCat(key, " was ", was, " and is ", value));
      }
      return other("its data was given, and now the net finds it itself");
    }
    DOPPIO_ASSIGN_OR_RETURN(const Checkpoint now, State());
    for (const auto& [name, blob] : now.blobs) {
      const auto there = checkpoint.blobs.find(name);
      if (there == checkpoint.blobs.end()) return other("it has no blob \"" + name + "\"");
      const Tensor* old = there->second->Get<Tensor>();
      const Tensor* tensor = blob->Get<Tensor>();
      if (there->second->type() != blob->type()) {
        return other(absl::StrCat("\"", name, "\" was ", there->second->TypeName(), " and is ",
                                  blob->TypeName()));
      }
      if (tensor != nullptr && (old->dtype() != tensor->dtype() || old->dims() != tensor->dims())) {
        return other(absl::StrCat("\"", name, "\" was ", old->TypeAndShape(), " and is ",
                                  tensor->TypeAndShape()));
      }
    }
    for (const auto& [name, blob] : checkpoint.blobs) {
      if (now.blobs.count(name) == 0) return other("nothing here has the blob \"" + name + "\"");
    }
    if (checkpoint.random_states.size() != now.random_states.size()) {
      return other("it has other random operators");
    }
    if (checkpoint.places.size() != now.places.size()) {
      return other("it has other operators that read examples");
    }
    return absl::OkStatus();
  }

  absl::Status Restore(const Checkpoint& checkpoint) {
    DOPPIO_RETURN_IF_ERROR(CheckFits(checkpoint));
    DOPPIO_RETURN_IF_ERROR(inputs_.GoTo(checkpoint.places));
    std::vector<std::string> states = checkpoint.random_states;
    for (size_t i = 0; i < states.size(); ++i) {
      if (states[i].empty()) states[i] = first_states_[i];
    }
    auto state = states.begin();
    for (Net* net : Nets()) {
      const auto count = static_cast<int64_t>(training::CountRandomStates(*net));
      DOPPIO_RETURN_IF_ERROR(training::SetRandomStates({state, state + count}, net));
      state += count;
    }
    for (const auto& [name, blob] : checkpoint.blobs) {
      const Tensor* tensor = blob->Get<Tensor>();
      const std::shared_ptr<Blob> mine = workspace_->FindBlob(name);
      if (tensor != nullptr) {
        *mine->GetMutable<Tensor>() = *tensor;
        continue;
      }
      // Through a file's form, since values of other types can not be copied.
      BlobAssembler assembler;
      DOPPIO_RETURN_IF_ERROR(SerializeBlob(
          *blob, name, {},
          [&](const std::string&, BlobProto proto) { return assembler.Add(std::move(proto)); }));
      DOPPIO_RETURN_IF_ERROR(assembler.Finish(mine.get()));
    }
    iteration_ = checkpoint.progress.iteration;
    has_best_ = checkpoint.progress.has_best;
    best_ = checkpoint.progress.best;
    since_best_ = checkpoint.progress.since_best;
    shuffled_ = -1;
    return absl::OkStatus();
  }

  TrainerOptions options_;
  Workspace* workspace_;
  Batches data_;
  Batches test_data_;
  int64_t per_epoch_ = 0;                 // iterations; 0 where the net finds its data itself
  std::vector<std::string> train_makes_;  // the loss and the metrics
  std::vector<std::string> test_makes_;
  Net* train_ = nullptr;
  Net* test_ = nullptr;
  training::InputPlaces inputs_;  // of a training with checkpoints

  std::vector<std::string> first_states_;  // of the random operators, as they were made
  int64_t iteration_ = 0;
  int64_t shuffled_ = -1;  // the epoch whose order data_ is in
  bool has_best_ = false;
  double best_ = 0;
  int64_t since_best_ = 0;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Trainer>> Trainer::Create(TrainerOptions options,
                                                         Workspace* workspace) {
  auto trainer = std::make_unique<TrainerOfNets>(std::move(options), workspace);
  DOPPIO_RETURN_IF_ERROR(trainer->Prepare());
  return trainer;
}

absl::StatusOr<PlanDef> MakeTrainingPlan(const TrainerOptions& options) {
  return TrainerOfNets(options, nullptr).Plan();
}

absl::Status RunPlan(const PlanDef& plan, Workspace* workspace, const PlanProgress& progress) {
  return RunPlanInWorkspace(plan, workspace, progress);
}

}  // namespace doppio
