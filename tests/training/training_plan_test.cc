#include "doppio/training_plan.h"

#include "doppio/check.h"
#include "doppio/workspace.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/training/small_training.h"

namespace doppio {
namespace {

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

TEST(TrainingPlanTest, TestDataMayFillItsBatchesOrNone) {
  TrainerOptions options = Options();
  options.batch = 35;
  ExpectSameAsTrainer(options);
  options.hold_out = 9;  // fewer than a batch
  options.test_data.clear();
  ExpectSameAsTrainer(options);
}

TEST(TrainingPlanTest, ANetMayFindItsDataItself) {
  TrainerOptions options = Options();
  NetBuilder data("data");
  data.Op("GivenTensorFill", {}, {"x"},
          {MakeArgument("shape", std::vector<int64_t>{1, kWidth}),
           MakeArgument("values", std::vector<float>(kWidth, 0.5f))})
      .Op("ConstantFill", {}, {"label"},
          {MakeArgument("shape", std::vector<int64_t>{1}), MakeArgument("value", 1),
           MakeArgument("dtype", static_cast<int>(DataType::kInt32))});
  options.inits.push_back(data.def());
  options.data.clear();
  options.test_data.clear();
  options.epochs = 0;
  options.iterations = 7;
  options.test_runs = 2;
  ExpectSameAsTrainer(options);
}

TEST(TrainingPlanTest, WhatNoPlanSaysIsRefused) {
  const auto error = [](auto change) {
    TrainerOptions options = Options();
    change(&options);
    return std::string(MakeTrainingPlan(options).status().message());
  };
  EXPECT_THAT(error([](auto* options) { options->patience = 2; }), HasSubstr("early stopping"));
  EXPECT_THAT(error([](auto* options) { options->checkpoints = "run"; }), HasSubstr("checkpoints"));
  EXPECT_THAT(error([](auto* options) { options->batch = 0; }), StartsWith("batch is 0"));
  EXPECT_THAT(error([](auto* options) {
                options->data["x"] = *Tensor::Create(DataType::kDouble, {kExamples, kWidth});
              }),
              HasSubstr("no init net of a plan can fill"));
}

}  // namespace
}  // namespace doppio
