#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>

#include "absl/strings/match.h"
#include "absl/strings/str_format.h"
#include "doppio/proto_io.h"
#include "doppio/trainer.h"
#include "doppio/training_plan.h"
#include "tools/command/curve.h"
#include "tools/command/net_input.h"
#include "tools/command/progress.h"
#include "tools/command/run_counts.h"
#include "tools/command/stop_signal.h"
#include "tools/command/table.h"
#include "tools/command/train_input.h"

namespace doppio::tools {
namespace {

constexpr int kMost = 1'000'000'000;

// ", loss 0.1234, accuracy 0.9876", the blob `first` before the others.
std::string Numbers(const std::map<std::string, double>& numbers, const std::string& first,
                    const std::string& prefix) {
  std::string begin, text;
  for (const auto& [name, number] : numbers) {
    absl::StrAppend(name == first ? &begin : &text, ", ", prefix, name,
                    absl::StrFormat(" %.4f", number));
  }
  return begin + text;
}

class TrainCommand final : public Command {
 public:
  void AddOptions(Options* options) override {
    options->AddPositional("NET", &input_.net,
                           "file of a NetDef: one that computes a loss, with --optimizer, or one "
                           "that trains; or of a PlanDef, which is run with a line of progress");
    input_.AddInits(options);
    train_.AddOptions(options);
    options->AddNumber("--batch", &batch_, 1, kMost, "examples in a step");
    options->AddNumber("--epochs", &epochs_, 1, kMost, "how often the data is gone through");
    options->AddNumber("--iterations", &iterations_, 1, kMost, "or how many steps");
    options->AddSeed("--seed", &seed_, "of the order of the examples (default: 1)");
    options->AddFlag("--no-shuffle", &no_shuffle_, "the examples are taken as they stand");
    options->AddNumber("--evaluate-every", &evaluate_every_, 1, kMost,
                       "steps from one test to the next (default: an epoch)");
    options->AddNumber("--patience", &patience_, 1, kMost,
                       "tests without a better --watch before the training ends");
    options->AddText("--watch", &watch_, "METRIC",
                     "what must get better: the loss (default) gets smaller, others larger");
    options->AddText("-o,--output", &output_, "OUT",
                     "where to write the trained weights, as an init net");
    options->AddText("--checkpoint", &checkpoint_, "FOLDER",
                     "where checkpoints are kept, the last two; Ctrl-C leaves one too");
    options->AddNumber("--checkpoint-every", &checkpoint_every_, 1, kMost,
                       "steps from one checkpoint to the next (default: an epoch)");
    options->AddFlag("--resume", &resume_, "go on where the last checkpoint ends");
    options->AddText("--curve", &curve_, "FILE", "write the numbers of every step as CSV");
    options->AddText("--picture", &picture_, "FILE", "draw them at the end (.svg or .png)");
    options->AddText("--plan-out", &plan_out_, "PLAN",
                     "do not train, but write the training as a PlanDef, its data included");
    options->AddNumber("--threads", &counts_.threads, 1, 4096,
                       "threads to use (default: all processors)");
    options->AddText("--net-type", &net_type_, "TYPE",
                     "executor: simple or parallel (default: what the net says)");
    input_.AddHow(options);
  }

  absl::Status Run() override {
    counts_.ApplyThreads();
    DOPPIO_RETURN_IF_ERROR(input_.Prepare());
    DOPPIO_ASSIGN_OR_RETURN(const FileDescription file, DescribeFile(input_.net));
    if (file.kind == FileKind::kPlanDef) return RunThePlan();
    if (resume_ && checkpoint_.empty())
      return UsageError("--resume: of which --checkpoint folder?");
    if (!picture_.empty() && !Curve::CanDraw(picture_)) {
      return UsageError(
          absl::StrCat("--picture ", picture_, ": the name must end in .svg or .png"));
    }
    DOPPIO_RETURN_IF_ERROR(CheckFolderOf("-o", output_));
    DOPPIO_RETURN_IF_ERROR(CheckFolderOf("--picture", picture_));
    TrainerOptions options;
    DOPPIO_RETURN_IF_ERROR(train_.Fill(input_, &options));
    DOPPIO_RETURN_IF_ERROR(FillHow(&options));
    if (!plan_out_.empty()) return WriteThePlan(options);
    // The net as it was before updates were added.
    DOPPIO_ASSIGN_OR_RETURN(NetDef weights_of, LoadNamedNet(input_.net));
    if (!train_.test_net.empty()) weights_of = options.test;
    const std::map<std::string, Tensor> fed = options.data;

    const StopSignal stop;
    Workspace workspace;
    workspace.SetFileAccess(input_.trust.file_access());
    DOPPIO_ASSIGN_OR_RETURN(trainer_, Trainer::Create(std::move(options), &workspace));
    if (resume_) DOPPIO_RETURN_IF_ERROR(Resume());
    if (!curve_.empty()) DOPPIO_RETURN_IF_ERROR(drawn_->Open(curve_, trainer_->iteration()));
    progress_ = std::make_unique<Progress>("training", trainer_->iterations());
    for (int64_t i = 0; i < trainer_->iteration(); ++i) progress_->Advance();
    start_ = Clock::now();
    const absl::Status status = trainer_->Run();
    progress_.reset();
    absl::Status shown = drawn_->Finish();
    if (!picture_.empty()) shown.Update(drawn_->Draw(picture_));
    if (!status.ok()) return Ended(status);
    // A curve that can not be written is no reason to lose the weights.
    DOPPIO_RETURN_IF_ERROR(Report(weights_of, fed, workspace, shown.ok()));
    return shown;
  }

 private:
  using Clock = std::chrono::steady_clock;

  absl::Status RunThePlan() {
    if (!train_.data.empty() || !train_.optimizer.empty() || epochs_ > 0 || iterations_ > 0 ||
        !checkpoint_.empty() || !curve_.empty() || !picture_.empty() || !output_.empty() ||
        !plan_out_.empty()) {
      return UsageError("a plan says itself what is trained and how long");
    }
    DOPPIO_ASSIGN_OR_RETURN(PlanDef plan, LoadPlan(input_.net));
    for (NetDef& net : *plan.mutable_network()) input_.Place(&net);
    Workspace workspace;
    DOPPIO_RETURN_IF_ERROR(input_.Fill(&workspace));
    std::string shown;
    std::map<std::string, int64_t> taken;
    std::unique_ptr<Progress> progress;
    DOPPIO_RETURN_IF_ERROR(doppio::RunPlan(
        plan, &workspace, [&](const std::string& step, int64_t iteration, int64_t iterations) {
          ++taken[step];
          if (iterations < 2) return;
          if (step != shown || iteration == 1) {
            progress = std::make_unique<Progress>(step, iterations);
            shown = step;
          }
          progress->Advance();
        }));
    progress.reset();
    for (const auto& [step, count] : taken) {
      Print(absl::StrCat("step \"", Printable(step), "\": ", Counted(count, "iteration"), "\n"));
    }
    return absl::OkStatus();
  }

  absl::Status WriteThePlan(const TrainerOptions& options) const {
    if (!curve_.empty() || !picture_.empty() || !output_.empty() || resume_) {
      return UsageError("--plan-out trains nothing, so there is nothing else to write");
    }
    DOPPIO_ASSIGN_OR_RETURN(const PlanDef plan, MakeTrainingPlan(options));
    DOPPIO_RETURN_IF_ERROR(SaveProto(plan, plan_out_));
    Print(absl::StrCat("plan in ", plan_out_, "\n"));
    return absl::OkStatus();
  }

  absl::Status FillHow(TrainerOptions* options) {
    if ((epochs_ > 0) == (iterations_ > 0)) {
      return UsageError("how long is it trained? Say --epochs or --iterations");
    }
    if (!net_type_.empty()) {
      options->train.set_type(net_type_);
      options->test.set_type(net_type_);
    }
    options->batch = batch_;
    options->shuffle = !no_shuffle_;
    options->seed = seed_.value_or(options->seed);
    options->epochs = epochs_;
    options->iterations = iterations_;
    options->evaluate_every = evaluate_every_;
    options->patience = patience_;
    if (!watch_.empty()) options->watch = watch_;
    options->larger_is_better = options->watch != options->loss;
    options->checkpoints = checkpoint_;
    options->checkpoint_every = checkpoint_every_;
    options->should_stop = [] { return StopSignal::HasCome(); };
    options->on_step = [this](const TrainStep& step) { return See(step); };
    options->on_evaluation = [this](const Evaluation& evaluation) { return See(evaluation); };
    options->on_checkpoint = [this](const std::string& path) { last_checkpoint_ = path; };
    std::vector<std::string> of_steps = {options->loss}, of_tests;
    for (const std::string& metric : options->metrics) of_steps.push_back(metric);
    if (options->test.op_size() > 0) of_tests = of_steps;
    drawn_.emplace(std::move(of_steps), std::move(of_tests));
    has_test_ = options->test.op_size() > 0;
    if (!options->data.empty() && options->data.begin()->second.rank() > 0) {
      const int64_t all = options->data.begin()->second.dim(0);
      const int64_t held = options->hold_out > 0 ? all / options->hold_out : 0;
      per_epoch_ = (all - held) / batch_;
    }
    return absl::OkStatus();
  }

  absl::Status Resume() {
    std::vector<std::string> damaged;
    const absl::Status status = trainer_->Resume(&damaged);
    for (const std::string& what : damaged) Print(absl::StrCat("damaged: ", what, "\n"));
    DOPPIO_RETURN_IF_ERROR(status);
    Print(absl::StrCat("resumed after iteration ", trainer_->iteration(), " of ",
                       trainer_->iterations(), "\n"));
    return absl::OkStatus();
  }

  absl::Status See(const TrainStep& step) {
    drawn_->Add(step);
    examples_ += step.examples;
    ++steps_;
    sums_[train_.loss] += step.loss;
    for (const auto& [name, number] : step.metrics) sums_[name] += number;
    const double seconds = std::chrono::duration<double>(Clock::now() - start_).count();
    rate_ = static_cast<double>(step.examples > 0 ? examples_ : steps_) / std::max(seconds, 1e-9);
    if (progress_->is_on()) {
      progress_->Say(absl::StrCat(absl::StrFormat("loss %.4f", step.loss),
                                  Numbers(step.metrics, "", ""), absl::StrFormat(", %.0f ", rate_),
                                  step.examples > 0 ? "examples" : "steps", " a second"));
    }
    progress_->Advance();
    const bool is_end = step.iteration == step.iterations;
    const bool is_round = per_epoch_ > 0         ? step.iteration % per_epoch_ == 0
                          : step.iterations < 10 ? false
                                                 : step.iteration % (step.iterations / 10) == 0;
    if (!is_end && !is_round) return absl::OkStatus();
    // What a test says is told in the same line, where it comes right after.
    line_ = absl::StrCat(per_epoch_ > 0 ? "epoch " : "iteration ",
                         per_epoch_ > 0 ? step.epoch : step.iteration, ": ");
    for (auto& [name, sum] : sums_) sum /= static_cast<double>(steps_ - told_steps_);
    absl::StrAppend(&line_, Numbers(sums_, train_.loss, "").substr(2));
    sums_.clear();
    told_steps_ = steps_;
    if (!has_test_ || (evaluate_every_ > 0 && step.iteration % evaluate_every_ != 0 && !is_end)) {
      Tell();
    }
    return absl::OkStatus();
  }

  absl::Status See(const Evaluation& evaluation) {
    drawn_->Add(evaluation);
    if (line_.empty()) line_ = absl::StrCat("iteration ", evaluation.iteration, ": ");
    std::string numbers = Numbers(evaluation.metrics, train_.loss, "test ");
    if (absl::EndsWith(line_, ": ")) numbers = numbers.substr(2);
    absl::StrAppend(&line_, numbers);
    Tell();
    return absl::OkStatus();
  }

  // The line may lie on a terminal with the bar.
  void Tell() {
    if (line_.empty()) return;
    progress_->Hide();
    Print(absl::StrCat(line_, "\n"));
    (void)FlushOutput();
    line_.clear();
  }

  // What is written at the end must not fail there.
  static absl::Status CheckFolderOf(const char* option, const std::string& path) {
    std::error_code error;
    const std::filesystem::path folder = std::filesystem::path(path).parent_path();
    if (folder.empty() || std::filesystem::is_directory(folder, error)) return absl::OkStatus();
    return UsageError(absl::StrCat(option, " ", path, ": there is no folder ", folder.string()));
  }

  absl::Status Ended(const absl::Status& status) const {
    const bool is_stopped = absl::IsCancelled(status) && StopSignal::HasCome();
    if (!is_stopped && !absl::IsDeadlineExceeded(status)) return status;
    const std::string kept = checkpoint_.empty() ? "nothing is kept, since there is no --checkpoint"
                             : last_checkpoint_.empty()
                                 ? "there is no checkpoint yet"
                                 : absl::StrCat("--resume goes on from ", last_checkpoint_);
    return {status.code(), absl::StrCat(status.message(), "; ", kept)};
  }

  absl::Status Report(const NetDef& weights_of, const std::map<std::string, Tensor>& fed,
                      const Workspace& workspace, bool is_shown) const {
    if (trainer_->stopped_early()) {
      Print(absl::StrCat("stopped after iteration ", trainer_->iteration(),
                         ": nothing got better in ", Counted(patience_, "test"), "\n"));
    }
    if (steps_ > 0) {
      const double seconds = std::chrono::duration<double>(Clock::now() - start_).count();
      Print(absl::StrFormat("%s in %s, %.0f %s a second\n", Counted(steps_, "step"),
                            HumanSeconds(seconds), rate_, examples_ > 0 ? "examples" : "steps"));
    }
    if (!output_.empty()) {
      DOPPIO_ASSIGN_OR_RETURN(const NetDef trained, FillsOf(weights_of, fed, workspace));
      DOPPIO_RETURN_IF_ERROR(SaveProto(trained, output_));
      Print(absl::StrCat("weights in ", output_, "\n"));
    }
    if (!last_checkpoint_.empty()) Print(absl::StrCat("checkpoint in ", last_checkpoint_, "\n"));
    if (!is_shown) return absl::OkStatus();
    if (!curve_.empty()) Print(absl::StrCat("curve in ", curve_, "\n"));
    if (!picture_.empty()) Print(absl::StrCat("picture in ", picture_, "\n"));
    return absl::OkStatus();
  }

  NetInput input_;
  TrainInput train_;
  RunCounts counts_;
  int batch_ = 32;
  int epochs_ = 0;
  int iterations_ = 0;
  std::optional<uint64_t> seed_;
  bool no_shuffle_ = false;
  int evaluate_every_ = 0;
  int patience_ = 0;
  std::string watch_;
  std::string output_;
  std::string checkpoint_;
  int checkpoint_every_ = 0;
  bool resume_ = false;
  std::string curve_;
  std::string picture_;
  std::string net_type_;
  std::string plan_out_;

  std::unique_ptr<Trainer> trainer_;
  std::unique_ptr<Progress> progress_;
  std::optional<Curve> drawn_;
  Clock::time_point start_;
  int64_t per_epoch_ = 0;
  bool has_test_ = false;
  int64_t steps_ = 0;
  int64_t told_steps_ = 0;
  int64_t examples_ = 0;
  std::map<std::string, double> sums_;  // of the steps since the last line
  double rate_ = 0;
  std::string line_;
  std::string last_checkpoint_;
};

DOPPIO_COMMAND(
    TrainCommand, "train", "Train a net (or run a plan) on data from files",
    "  doppio train net.pbtxt --init init.pbtxt --data data=x.npy --data label=y.npy --hold-out 5 "
    "--optimizer adam --lr 0.001 --batch 64 --epochs 5 -o trained.pb\n"
    "  doppio train net.pbtxt ... --set weight_decay=1e-4 --set policy=step --set stepsize=1000 "
    "--set gamma=0.1\n"
    "  doppio train net.pbtxt ... --checkpoint run --curve curve.csv --picture curve.png\n"
    "  doppio train net.pbtxt ... --checkpoint run --resume\n"
    "  doppio train reads_its_own_data.pb --init init.pb --iterations 10000\n"
    "  doppio train net.pbtxt ... --plan-out plan.pb\n"
    "  doppio train plan.pbtxt --init init.pb\n");

}  // namespace
}  // namespace doppio::tools
