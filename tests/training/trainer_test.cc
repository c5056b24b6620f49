#include "doppio/trainer.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>

#include "doppio/cancellation.h"
#include "doppio/net_builder.h"
#include "doppio/optimizer.h"
#include "doppio/parallel.h"
#include "doppio/serialize.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/training/small_training.h"

namespace doppio {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

class TrainerTest : public testing::Test {
 protected:
  TrainerTest() {
    std::string path = testing::TempDir() + "/trainer_XXXXXX";
    folder_ = mkdtemp(path.data());
  }
  ~TrainerTest() override {
    std::error_code error;
    fs::remove_all(folder_, error);
    SetNumThreads(0);
  }

  std::vector<std::string> Files() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(folder_)) {
      names.push_back(entry.path().filename().string());
    }
    std::sort(names.begin(), names.end());
    return names;
  }

  std::string folder_;
};

// All state, as bytes.
std::string StateOf(const Workspace& workspace) {
  std::string state;
  for (const char* name :
       {"w1", "b1", "w2", "b2", "w1_first_moment", "w2_second_moment", "optimizer_iteration"}) {
    const absl::StatusOr<Tensor> tensor = workspace.Fetch(name);
    EXPECT_TRUE(tensor.ok()) << tensor.status();
    if (tensor.ok()) state += TensorToProto(*tensor)->SerializeAsString();
  }
  return state;
}

std::string TrainAll(TrainerOptions options) {
  Workspace workspace;
  auto trainer = Trainer::Create(std::move(options), &workspace);
  EXPECT_TRUE(trainer.ok()) << trainer.status();
  const absl::Status status = (*trainer)->Run();
  EXPECT_TRUE(status.ok()) << status;
  return StateOf(workspace);
}

TEST_F(TrainerTest, LearnsAndTellsOfEveryStepAndEvaluation) {
  TrainerOptions options = Options();
  options.epochs = 30;
  std::vector<TrainStep> steps;
  std::vector<Evaluation> evaluations;
  options.on_step = [&](const TrainStep& step) {
    steps.push_back(step);
    return absl::OkStatus();
  };
  options.on_evaluation = [&](const Evaluation& evaluation) {
    evaluations.push_back(evaluation);
    return absl::OkStatus();
  };
  Workspace workspace;
  auto trainer = Trainer::Create(options, &workspace);
  ASSERT_TRUE(trainer.ok()) << trainer.status();
  ASSERT_TRUE((*trainer)->Run().ok());
  ASSERT_EQ(steps.size(), 120u);
  EXPECT_EQ(steps.front().iteration, 1);
  EXPECT_EQ(steps[4].epoch, 2);
  EXPECT_EQ(steps.back().examples, 16);
  EXPECT_LT(steps.back().loss, steps.front().loss);
  ASSERT_EQ(evaluations.size(), 30u);
  EXPECT_EQ(evaluations.back().examples, kExamples);
  EXPECT_GT(evaluations.back().metrics["accuracy"], 0.85);
  EXPECT_LT(evaluations.back().metrics["loss"], evaluations.front().metrics["loss"]);
}

// Each epoch has every example once, but for those that fill no batch.
TEST_F(TrainerTest, AnEpochHasEveryExampleOnce) {
  std::vector<float> numbers(12);
  for (size_t i = 0; i < numbers.size(); ++i) numbers[i] = static_cast<float>(i);
  TrainerOptions options;
  options.train = NetBuilder("sum").Op("SumElements", {"x"}, {"loss"}).def();
  options.data = {{"x", *Tensor::FromSpan<float>(Dims{12}, numbers)}};
  options.batch = 4;
  options.epochs = 3;
  std::vector<double> sums;
  options.on_step = [&](const TrainStep& step) {
    sums.push_back(step.loss);
    return absl::OkStatus();
  };
  Workspace workspace;
  ASSERT_TRUE((*Trainer::Create(options, &workspace))->Run().ok());
  ASSERT_EQ(sums.size(), 9u);
  for (size_t epoch = 0; epoch < 3; ++epoch) {
    EXPECT_EQ(sums[3 * epoch] + sums[3 * epoch + 1] + sums[3 * epoch + 2], 66);
  }
  EXPECT_NE(std::vector<double>(sums.begin(), sums.begin() + 3),
            std::vector<double>(sums.begin() + 3, sums.begin() + 6));
}

TEST_F(TrainerTest, WhatIsHeldOutIsTestedAndNotTrainedWith) {
  std::vector<float> numbers(11);
  for (size_t i = 0; i < numbers.size(); ++i) numbers[i] = static_cast<float>(i);
  TrainerOptions options;
  options.train = NetBuilder("sum").Op("SumElements", {"x"}, {"loss"}).def();
  options.test = NetBuilder("test").Op("SumElements", {"x"}, {"loss"}).def();
  options.data = {{"x", *Tensor::FromSpan<float>(Dims{11}, numbers)}};
  options.hold_out = 5;  // 4 and 9
  options.batch = 9;
  options.epochs = 1;
  double trained = 0, tested = 0;
  options.on_step = [&](const TrainStep& step) {
    trained = step.loss;
    return absl::OkStatus();
  };
  options.on_evaluation = [&](const Evaluation& evaluation) {
    tested = evaluation.metrics.at("loss");
    EXPECT_EQ(evaluation.examples, 2);
    return absl::OkStatus();
  };
  Workspace workspace;
  auto trainer = Trainer::Create(options, &workspace);
  ASSERT_TRUE(trainer.ok()) << trainer.status();
  ASSERT_TRUE((*trainer)->Run().ok());
  EXPECT_EQ(trained, 55 - 13);
  EXPECT_EQ(tested, 13);
}

TEST_F(TrainerTest, StoppedAndResumedIsTheSameAsNeverStopped) {
  const std::string expected = TrainAll(Options());
  std::mt19937 random(7);
  for (const char* executor : {"simple", "parallel"}) {
    for (const int threads : {1, 2}) {
      SetNumThreads(threads);
      // From one stop to the next, each in a workspace of its own, as another process would.
      const std::string folder = absl::StrCat(folder_, "/", executor, threads);
      std::string state;
      for (int attempt = 0; attempt < 40; ++attempt) {
        TrainerOptions options = Options(executor);
        options.checkpoints = folder;
        int left = 1 + static_cast<int>(random() % 9);
        options.should_stop = [&left] { return --left == 0; };
        Workspace workspace;
        auto trainer = Trainer::Create(options, &workspace);
        ASSERT_TRUE(trainer.ok()) << trainer.status();
        if (attempt > 0) {
          const absl::Status resumed = (*trainer)->Resume();
          ASSERT_TRUE(resumed.ok()) << resumed;
        }
        const absl::Status status = (*trainer)->Run();
        state = StateOf(workspace);
        if (status.ok()) break;
        ASSERT_EQ(status.code(), absl::StatusCode::kCancelled) << status;
        EXPECT_THAT(status.message(),
                    HasSubstr(absl::StrCat("after iteration ", (*trainer)->iteration(), " of 24")));
      }
      EXPECT_EQ(state, expected) << executor << " with " << threads;
    }
  }
}

TEST_F(TrainerTest, WhatWasCancelledInAStepGoesOnFromItsLastCheckpoint) {
  const std::string expected = TrainAll(Options());
  TrainerOptions options = Options();
  options.checkpoints = folder_;
  options.checkpoint_every = 5;
  const Cancellation cancellation;
  options.on_step = [&](const TrainStep& step) {
    if (step.iteration == 7) cancellation.Cancel();
    return absl::OkStatus();
  };
  {
    Workspace workspace;
    const auto trainer = Trainer::Create(options, &workspace);
    ASSERT_TRUE(trainer.ok()) << trainer.status();
    const CancellationScope scope(cancellation);
    const absl::Status status = (*trainer)->Run();
    EXPECT_TRUE(absl::IsCancelled(status)) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr("not run: the run was cancelled"));
    EXPECT_THAT(Files(), ElementsAre("iteration_00000005.minidb"));
  }
  Workspace workspace;
  const auto trainer = Trainer::Create(options, &workspace);
  ASSERT_TRUE(trainer.ok()) << trainer.status();
  ASSERT_TRUE((*trainer)->Resume().ok());
  ASSERT_TRUE((*trainer)->Run().ok());
  EXPECT_EQ(StateOf(workspace), expected);
}

TEST_F(TrainerTest, TheLastTwoCheckpointsAreKept) {
  TrainerOptions options = Options();
  options.checkpoints = folder_;
  options.checkpoint_every = 5;
  TrainAll(options);
  EXPECT_THAT(Files(), ElementsAre("iteration_00000020.minidb", "iteration_00000024.minidb"));
}

// The file of a training and what resuming from it says.
class DamageTest : public TrainerTest {
 protected:
  void SetUp() override {
    options_ = Options();
    options_.checkpoints = folder_;
    options_.checkpoint_every = 20;
    TrainAll(options_);
    path_ = folder_ + "/iteration_00000024.minidb";
    std::ifstream in(path_, std::ios::binary);
    std::ostringstream bytes;
    bytes << in.rdbuf();
    bytes_ = bytes.str();
    ASSERT_GT(bytes_.size(), 1000u);
  }

  void Overwrite(const std::string& bytes) const {
    std::ofstream(path_, std::ios::binary | std::ios::trunc) << bytes;
  }

  absl::Status Resume(const TrainerOptions& options, std::vector<std::string>* damaged = nullptr) {
    Workspace workspace;
    auto trainer = Trainer::Create(options, &workspace);
    EXPECT_TRUE(trainer.ok()) << trainer.status();
    const absl::Status status = (*trainer)->Resume(damaged);
    iteration_ = (*trainer)->iteration();
    return status;
  }

  TrainerOptions options_;
  std::string path_;
  std::string bytes_;
  int64_t iteration_ = -1;
};

TEST_F(DamageTest, ATornFileIsToldAndTheOneBeforeIsTaken) {
  for (const size_t size : {size_t{0}, size_t{1}, bytes_.size() / 3, bytes_.size() - 1}) {
    Overwrite(bytes_.substr(0, size));
    std::vector<std::string> damaged;
    const absl::Status status = Resume(options_, &damaged);
    EXPECT_TRUE(status.ok()) << size << ": " << status;
    EXPECT_EQ(iteration_, 20);
    ASSERT_EQ(damaged.size(), 1u) << size;
    EXPECT_THAT(damaged[0], HasSubstr("iteration_00000024.minidb"));
  }
}

TEST_F(DamageTest, EveryFlippedBitIsFound) {
  std::mt19937 random(11);
  for (int i = 0; i < 150; ++i) {
    std::string changed = bytes_;
    // The last record, with the checksum itself, more often.
    const size_t place =
        i % 3 == 0 ? changed.size() - 1 - random() % 300 : random() % changed.size();
    changed[place] = static_cast<char>(changed[place] ^ (1 << random() % 8));
    Overwrite(changed);
    std::vector<std::string> damaged;
    EXPECT_TRUE(Resume(options_, &damaged).ok());
    EXPECT_EQ(iteration_, 20) << "byte " << place;
    EXPECT_EQ(damaged.size(), 1u);
  }
}

TEST_F(DamageTest, SomethingBehindTheEndIsFound) {
  Overwrite(bytes_ + bytes_);
  std::vector<std::string> damaged;
  EXPECT_TRUE(Resume(options_, &damaged).ok());
  EXPECT_EQ(damaged.size(), 1u);
}

TEST_F(DamageTest, WhereAllAreDamagedItIsAnError) {
  Overwrite("x");
  fs::remove(folder_ + "/iteration_00000020.minidb");
  EXPECT_EQ(Resume(options_).code(), absl::StatusCode::kDataLoss);
}

TEST_F(DamageTest, ACheckpointOfAnotherTrainingIsRefused) {
  const auto refused = [&](const TrainerOptions& options) {
    const absl::Status status = Resume(options);
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition) << status;
    EXPECT_EQ(iteration_, 0);
    return std::string(status.message());
  };
  TrainerOptions other = options_;
  other.train.mutable_op(1)->set_type("Sigmoid");
  EXPECT_THAT(refused(other), HasSubstr("another training: net was"));
  other = options_;
  other.batch = 8;
  EXPECT_THAT(refused(other), HasSubstr("batch was 16 and is 8"));
  other = options_;
  other.seed = 2;
  EXPECT_THAT(refused(other), HasSubstr("seed was 1 and is 2"));
  other = options_;
  other.watch = "accuracy";
  EXPECT_THAT(refused(other), HasSubstr("watch was loss and is accuracy"));
  other = options_;
  other.inits[0] = Init(9);
  EXPECT_THAT(refused(other), HasSubstr("was float[8] and is float[9]"));
}

TEST_F(DamageTest, AFolderWithALaterCheckpointIsNotWrittenTo) {
  Workspace workspace;
  auto trainer = Trainer::Create(options_, &workspace);
  const absl::Status status = (*trainer)->Run();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(status.message(), HasSubstr("resume it, or take another folder"));
  EXPECT_EQ((*trainer)->iteration(), 0);
}

TEST_F(TrainerTest, AFolderWithoutACheckpointIsNotFound) {
  TrainerOptions options = Options();
  options.checkpoints = folder_;
  Workspace workspace;
  auto trainer = Trainer::Create(options, &workspace);
  ASSERT_TRUE(trainer.ok());
  EXPECT_EQ((*trainer)->Resume().code(), absl::StatusCode::kNotFound);
}

// A process that is killed at any moment leaves a whole checkpoint, and what it knew goes on.
TEST_F(TrainerTest, KilledAtAnyMomentThereIsAWholeCheckpoint) {
  TrainerOptions options = Options();
  options.epochs = 5;
  const std::string expected = TrainAll(options);
  options.checkpoints = folder_;
  options.checkpoint_every = 1;
  std::mt19937 random(3);
  for (int kill_number = 0; kill_number < 6; ++kill_number) {
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      Workspace workspace;
      auto trainer = Trainer::Create(options, &workspace);
      if (!trainer.ok()) _exit(2);
      const absl::Status resumed = (*trainer)->Resume();
      if (!resumed.ok() && resumed.code() != absl::StatusCode::kNotFound) _exit(3);
      _exit((*trainer)->Run().ok() ? 0 : 4);
    }
    usleep(5000 + random() % 40000);
    kill(child, SIGKILL);
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    EXPECT_TRUE(!WIFEXITED(status) || WEXITSTATUS(status) == 0) << status;
  }
  Workspace workspace;
  auto trainer = Trainer::Create(options, &workspace);
  ASSERT_TRUE(trainer.ok());
  std::vector<std::string> damaged;
  const absl::Status resumed = (*trainer)->Resume(&damaged);
  EXPECT_TRUE(resumed.ok() || resumed.code() == absl::StatusCode::kNotFound) << resumed;
  EXPECT_TRUE(damaged.empty());
  ASSERT_TRUE((*trainer)->Run().ok());
  EXPECT_EQ(StateOf(workspace), expected);
  EXPECT_THAT(Files(), ElementsAre("iteration_00000019.minidb", "iteration_00000020.minidb"));
}

TEST_F(TrainerTest, StopsEarlyWhereNothingGetsBetter) {
  TrainerOptions options = Options();
  options.epochs = 100;
  options.patience = 3;
  options.watch = "accuracy";
  options.larger_is_better = true;
  Workspace workspace;
  auto trainer = Trainer::Create(options, &workspace);
  ASSERT_TRUE(trainer.ok()) << trainer.status();
  ASSERT_TRUE((*trainer)->Run().ok());
  EXPECT_TRUE((*trainer)->stopped_early());
  EXPECT_LT((*trainer)->iteration(), 400);
}

TEST_F(TrainerTest, AMetricThatIsNoNumberIsNoBestOne) {
  TrainerOptions options;
  const auto fill = [](float value) {
    return std::vector<Argument>{MakeArgument("shape", std::vector<int64_t>{1}),
                                 MakeArgument("value", value)};
  };
  options.inits = {NetBuilder("init")
                       .Op("ConstantFill", {}, {"n"}, fill(-2))
                       .Op("ConstantFill", {}, {"one"}, fill(1))
                       .def()};
  options.train =
      NetBuilder("count").Op("Add", {"n", "one"}, {"n"}).Op("Copy", {"n"}, {"loss"}).def();
  options.test = NetBuilder("root").Op("Rsqrt", {"n"}, {"loss"}).def();
  options.iterations = 5;  // NaN, infinity, 1, 0.7, 0.6
  options.evaluate_every = 1;
  options.patience = 2;
  std::vector<bool> best;
  options.on_evaluation = [&](const Evaluation& evaluation) {
    best.push_back(evaluation.is_best);
    return absl::OkStatus();
  };
  Workspace workspace;
  auto trainer = Trainer::Create(options, &workspace);
  ASSERT_TRUE(trainer.ok()) << trainer.status();
  ASSERT_TRUE((*trainer)->Run().ok());
  EXPECT_EQ(best, (std::vector<bool>{false, true, true, true, true}));
}

TEST_F(TrainerTest, ANetThatFindsItsDataItselfCountsIterations) {
  TrainerOptions options;
  options.inits = {
      NetBuilder("init")
          .Op("ConstantFill", {}, {"n"}, {MakeArgument("shape", std::vector<int64_t>{1})})
          .Op("ConstantFill", {}, {"one"},
              {MakeArgument("shape", std::vector<int64_t>{1}), MakeArgument("value", 1.0f)})
          .def()};
  options.train =
      NetBuilder("count").Op("Add", {"n", "one"}, {"n"}).Op("Copy", {"n"}, {"loss"}).def();
  options.iterations = 7;
  Workspace workspace;
  auto trainer = Trainer::Create(options, &workspace);
  ASSERT_TRUE(trainer.ok()) << trainer.status();
  ASSERT_TRUE((*trainer)->Run().ok());
  EXPECT_EQ(workspace.Fetch("n")->data<float>()[0], 7);
}

TEST_F(TrainerTest, AnErrorOfACallbackEndsTheTraining) {
  TrainerOptions options = Options();
  options.on_step = [](const TrainStep& step) {
    return step.iteration == 3 ? absl::InternalError("enough") : absl::OkStatus();
  };
  Workspace workspace;
  auto trainer = Trainer::Create(options, &workspace);
  EXPECT_EQ((*trainer)->Run().message(), "enough");
  EXPECT_EQ((*trainer)->iteration(), 3);
}

TEST_F(TrainerTest, WhatMakesNoSenseIsRefused) {
  const auto message = [](const std::function<void(TrainerOptions*)>& change) {
    TrainerOptions options = Options();
    change(&options);
    Workspace workspace;
    return std::string(Trainer::Create(options, &workspace).status().message());
  };
  EXPECT_THAT(message([](auto* o) { o->hold_out = 5; }), HasSubstr("hold_out is 5"));
  EXPECT_THAT(message([](auto* o) { o->test_data.erase("label"); }),
              HasSubstr("reads \"label\", for which there is no test data"));
  EXPECT_THAT(message([](auto* o) { o->test_data.clear(); }), HasSubstr("there is no test data"));
  EXPECT_THAT(message([](auto* o) { o->batch = 0; }), HasSubstr("batch is 0"));
  EXPECT_THAT(message([](auto* o) { o->batch = 71; }),
              HasSubstr("70 examples, fewer than a batch"));
  EXPECT_THAT(message([](auto* o) { o->iterations = 5; }), HasSubstr("one of them"));
  EXPECT_THAT(message([](auto* o) { o->epochs = -1; }), HasSubstr("epochs is -1"));
  EXPECT_THAT(message([](auto* o) { o->data.clear(); }), HasSubstr("say iterations"));
  EXPECT_THAT(message([](auto* o) { o->data["labels"] = o->data["label"]; }),
              HasSubstr("data for \"labels\", which no net reads; did you mean label"));
  EXPECT_THAT(message([](auto* o) { o->loss = "los"; }), HasSubstr("did you mean loss"));
  EXPECT_THAT(message([](auto* o) { o->metrics = {"precision"}; }), HasSubstr("\"precision\""));
  EXPECT_THAT(message([](auto* o) {
                o->data["label"] = *Tensor::Of<int32_t>({2}, {1, 0});
              }),
              AllOf(HasSubstr("70 examples"), HasSubstr("has 2")));
  EXPECT_THAT(message([](auto* o) {
                o->patience = 1;
                o->watch = "los";
              }),
              HasSubstr("what is watched"));
}

TEST_F(TrainerTest, WhatACheckpointCanNotHoldIsRefused) {
  TrainerOptions options = Options();
  options.checkpoints = folder_;
  const NetDef inner = NetBuilder("inner").Op("Dropout", {"x"}, {"y", "y_mask"}).def();
  *options.train.add_op() =
      CreateOperatorDef("If", "", {"yes"}, {"y"}, {MakeArgument("then_net", inner)});
  options.inits.push_back(NetBuilder("yes")
                              .Op("ConstantFill", {}, {"yes"},
                                  {MakeArgument("shape", std::vector<int64_t>{1}),
                                   MakeArgument("dtype", 5), MakeArgument("value", true)})
                              .def());
  Workspace workspace;
  EXPECT_THAT(Trainer::Create(options, &workspace).status().message(),
              HasSubstr("If runs a net with Dropout(x) -> y, y_mask"));
}

TEST(RunPlanTest, ProgressIsToldAfterEveryIteration) {
  PlanDef plan;
  *plan.add_network() = NetBuilder("net").Op("ConstantFill", {}, {"x"}).def();
  ExecutionStep* step = plan.add_execution_step();
  step->set_name("step");
  step->add_network("net");
  step->set_num_iter(3);
  std::vector<std::string> told;
  Workspace workspace;
  ASSERT_TRUE(RunPlan(plan, &workspace, [&](const std::string& name, int64_t i, int64_t n) {
                told.push_back(absl::StrCat(name, " ", i, "/", n));
              }).ok());
  EXPECT_THAT(told, ElementsAre("step 1/3", "step 2/3", "step 3/3"));
}

}  // namespace
}  // namespace doppio
