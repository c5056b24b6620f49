#include "doppio/training_plan.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <limits>

#include "doppio/check.h"
#include "doppio/workspace.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/tensor_match.h"
#include "tests/training/small_training.h"

namespace doppio {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

// What a training left, to the bit: all tensors but those of the plan itself.
std::map<std::string, std::string> Left(const Workspace& workspace) {
  std::map<std::string, std::string> left;
  for (const std::string& name : workspace.LocalBlobs()) {
    const absl::StatusOr<Tensor> tensor = workspace.Fetch(name);
    if (!tensor.ok() || name.rfind("training_plan/", 0) == 0) continue;
    left[name] = tensor->TypeAndShape() + " " +
                 std::string(static_cast<const char*>(tensor->raw_data()),
                             static_cast<size_t>(tensor->numel()) * DataTypeSize(tensor->dtype()));
  }
  return left;
}

void ExpectSameAsTrainer(const TrainerOptions& options) {
  Workspace trained, planned;
  const auto trainer = Trainer::Create(options, &trained);
  ASSERT_TRUE(trainer.ok()) << trainer.status();
  const absl::Status run = (*trainer)->Run();
  ASSERT_TRUE(run.ok()) << run;
  const absl::StatusOr<PlanDef> plan = MakeTrainingPlan(options);
  ASSERT_TRUE(plan.ok()) << plan.status();
  const absl::Status plan_run = planned.RunPlan(*plan);
  ASSERT_TRUE(plan_run.ok()) << plan_run;
  const auto wanted = Left(trained);
  ASSERT_EQ(wanted.count("w1"), 1u);
  EXPECT_EQ(Left(planned), wanted);
}

TEST(TrainingPlanTest, RunsToTheBitsOfTheTrainer) { ExpectSameAsTrainer(Options()); }

TEST(TrainingPlanTest, EvaluationsStandBetweenTheSteps) {
  TrainerOptions options = Options();
  options.epochs = 0;
  options.iterations = 11;
  options.evaluate_every = 3;
  options.shuffle = false;
  ExpectSameAsTrainer(options);
  options.evaluate_every = 20;
  ExpectSameAsTrainer(options);
}

TEST(TrainingPlanTest, ExamplesAreHeldOut) {
  TrainerOptions options = Options();
  options.test_data.clear();
  options.hold_out = 5;
  options.seed = 9;
  ExpectSameAsTrainer(options);
}

TEST(TrainingPlanTest, DataMayHaveTheNamesOfThePlansOwnBlobs) {
  TrainerOptions options = Options();
  for (std::map<std::string, Tensor>* data : {&options.data, &options.test_data}) {
    (*data)["examples"] = data->at("x");
    data->erase("x");
  }
  for (NetDef* net : {&options.train, &options.test}) {
    for (OperatorDef& op : *net->mutable_op()) {
      std::replace(op.mutable_input()->begin(), op.mutable_input()->end(), std::string("x"),
                   std::string("examples"));
    }
  }
  ExpectSameAsTrainer(options);
}

TEST(TrainingPlanTest, TestDataMayFillItsBatchesOrNone) {
  TrainerOptions options = Options();
  options.batch = 35;
  ExpectSameAsTrainer(options);
  options.hold_out = 9;  // fewer than a batch
  options.test_data.clear();
  ExpectSameAsTrainer(options);
}

// An init net makes the same example for every step and every test.
void FindDataInTheNet(TrainerOptions* options) {
  NetBuilder data("data");
  data.Op("GivenTensorFill", {}, {"x"},
          {MakeArgument("shape", std::vector<int64_t>{1, kWidth}),
           MakeArgument("values", std::vector<float>(kWidth, 0.5f))})
      .Op("ConstantFill", {}, {"label"},
          {MakeArgument("shape", std::vector<int64_t>{1}), MakeArgument("value", 1),
           MakeArgument("dtype", static_cast<int>(DataType::kInt32))});
  options->inits.push_back(data.def());
  options->data.clear();
  options->test_data.clear();
}

TEST(TrainingPlanTest, ANetMayFindItsDataItself) {
  TrainerOptions options = Options();
  FindDataInTheNet(&options);
  options.epochs = 0;
  options.iterations = 7;
  options.test_runs = 2;
  ExpectSameAsTrainer(options);
}

// A training that gets worse after some steps.
TrainerOptions StoppingOptions() {
  TrainerOptions options = Options();
  options.epochs = 0;
  options.iterations = 400;
  options.evaluate_every = 7;
  options.patience = 3;
  return options;
}

void ExpectEarlyStop(const TrainerOptions& options) {
  Workspace workspace;
  const auto trainer = Trainer::Create(options, &workspace);
  ASSERT_TRUE(trainer.ok()) << trainer.status();
  ASSERT_TRUE((*trainer)->Run().ok());
  ASSERT_TRUE((*trainer)->stopped_early());
  ASSERT_LT((*trainer)->iteration(), options.iterations);
  ExpectSameAsTrainer(options);
}

TEST(TrainingPlanTest, StopsEarlyWhereTheTrainerDoes) {
  TrainerOptions options = StoppingOptions();
  ExpectEarlyStop(options);
  options.watch = "accuracy";
  options.larger_is_better = true;
  ExpectEarlyStop(options);
}

TEST(TrainingPlanTest, DoesNotStopWhileItGetsBetter) {
  TrainerOptions options = StoppingOptions();
  options.iterations = 20;
  ExpectSameAsTrainer(options);
}

TEST(TrainingPlanTest, WhatIsNoNumberIsNeverBetter) {
  TrainerOptions options = StoppingOptions();
  options.data["x"].mutable_data<float>()[0] = std::numeric_limits<float>::quiet_NaN();
  ExpectEarlyStop(options);
}

TEST(TrainingPlanTest, ANetThatFindsItsDataItselfStopsEarly) {
  TrainerOptions options = StoppingOptions();
  FindDataInTheNet(&options);
  options.watch = "accuracy";
  options.larger_is_better = true;
  options.test_runs = 3;
  ExpectEarlyStop(options);
}

class PlanCheckpointTest : public testing::Test {
 protected:
  PlanCheckpointTest() : folder_(testing::TempDir() + "/plan_XXXXXX") {
    EXPECT_NE(mkdtemp(folder_.data()), nullptr);
  }
  ~PlanCheckpointTest() override { std::filesystem::remove_all(folder_); }

  void Run(const TrainerOptions& options) {
    const absl::StatusOr<PlanDef> plan = MakeTrainingPlan(options);
    ASSERT_TRUE(plan.ok()) << plan.status();
    workspace_.SetFileAccess(FileAccess::Within(folder_));
    const absl::Status run = workspace_.RunPlan(*plan);
    ASSERT_TRUE(run.ok()) << run;
  }
  std::vector<std::string> Files() const {
    std::vector<std::string> names;
    for (const auto& file : std::filesystem::directory_iterator(folder_)) {
      names.push_back(file.path().filename().string());
    }
    std::sort(names.begin(), names.end());
    return names;
  }
  // A blob of a checkpoint.
  Tensor Loaded(const std::string& file, const std::string& blob) const {
    Workspace workspace;
    workspace.SetFileAccess(FileAccess::Within(folder_));
    const absl::Status run = workspace.RunOperatorOnce(CreateOperatorDef(
        "Load", "", {}, {blob},
        {MakeArgument("db", folder_ + "/" + file), MakeArgument("db_type", "minidb"),
         MakeArgument("absolute_path", true)}));
    EXPECT_TRUE(run.ok()) << run;
    const absl::StatusOr<Tensor> value = workspace.Fetch(blob);
    return value.ok() ? *value : Tensor();
  }

  std::string folder_;
  Workspace workspace_;
};

TEST_F(PlanCheckpointTest, AreWrittenWhenTheyAreDueAndAtTheEnd) {
  TrainerOptions options = Options();
  options.epochs = 0;
  options.iterations = 22;
  options.evaluate_every = 4;
  options.checkpoints = folder_;
  options.checkpoint_every = 6;
  Run(options);
  EXPECT_THAT(Files(), ElementsAre("step_00000006.minidb", "step_00000012.minidb",
                                   "step_00000018.minidb", "step_00000022.minidb"));
  const Tensor loaded = Loaded("step_00000022.minidb", "w1");
  EXPECT_TRUE(TensorBitsEqual(loaded, *workspace_.Fetch("w1")));
  EXPECT_FALSE(TensorBitsEqual(Loaded("step_00000018.minidb", "w1"), loaded));
}

TEST_F(PlanCheckpointTest, HoldWhatTheTrainingIsInTheMiddle) {
  TrainerOptions options = Options();
  options.epochs = 0;
  options.iterations = 11;
  options.checkpoints = folder_;
  options.checkpoint_every = 5;
  Run(options);
  TrainerOptions shorter = options;
  shorter.iterations = 5;
  shorter.checkpoints.clear();
  Workspace workspace;
  ASSERT_TRUE((*Trainer::Create(shorter, &workspace))->Run().ok());
  for (const char* name : {"w1", "b2"}) {
    EXPECT_TRUE(TensorBitsEqual(Loaded("step_00000005.minidb", name), *workspace.Fetch(name)))
        << name;
  }
}

TEST_F(PlanCheckpointTest, OneIsWrittenWhereTheTrainingStopsEarly) {
  TrainerOptions options = StoppingOptions();
  options.checkpoints = folder_;
  options.checkpoint_every = 1000;
  Run(options);
  ASSERT_EQ(Files().size(), 1u);
  EXPECT_TRUE(TensorBitsEqual(Loaded(Files()[0], "w1"), *workspace_.Fetch("w1")));
}

TEST(TrainingPlanTest, WhatNoPlanSaysIsRefused) {
  const auto error = [](auto change) {
    TrainerOptions options = Options();
    change(&options);
    return std::string(MakeTrainingPlan(options).status().message());
  };
  EXPECT_THAT(error([](auto* options) {
                options->data.clear();
                options->test_data.clear();
                options->epochs = 0;
                options->iterations = 3;
                options->checkpoints = "run";
              }),
              HasSubstr("no checkpoints of a net that finds its data itself"));
  EXPECT_THAT(error([](auto* options) {
                options->patience = 2;
                options->evaluate_every = 1;
                options->epochs = 30'000;
              }),
              HasSubstr("tests and checkpoints in a row"));
  EXPECT_THAT(error([](auto* options) { options->batch = 0; }), StartsWith("batch is 0"));
  EXPECT_THAT(error([](auto* options) {
                options->data["x"] = *Tensor::Create(DataType::kDouble, {kExamples, kWidth});
              }),
              HasSubstr("no init net of a plan can fill"));
}

}  // namespace
}  // namespace doppio
