// Budgets of workspaces (doppio/memory_budget.h) in nets, wherever they run.
#include <string>
#include <vector>

#include "doppio/memory_budget.h"
#include "doppio/net_builder.h"
#include "doppio/predictor.h"
#include "doppio/workspace.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "src/runtime/prefetcher.h"
#include "tests/support/tensor_match.h"

namespace doppio {
namespace {

using ::testing::HasSubstr;

constexpr int64_t kBytes = 4000;   // of what the nets below make,
constexpr int64_t kEnough = 4100;  // with what operators have for themselves

NetDef FillNet(const std::string& type) {
  NetBuilder net("fill");
  net.Type(type);
  net.Op("ConstantFill", {}, {"y"}, {MakeArgument("shape", std::vector<int64_t>{kBytes / 4})});
  return net.def();
}

class WorkspaceMemoryTest : public testing::TestWithParam<const char*> {
 protected:
  // `status` says that the budget is too small.
  static void ExpectRefused(const absl::Status& status) {
    EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr("those of this budget hold"));
  }

  Workspace workspace_;
  NetDef net_ = FillNet(GetParam());
};

TEST_P(WorkspaceMemoryTest, HoldsForNetsHoweverTheyAreRun) {
  const absl::StatusOr<Net*> made_before = workspace_.CreateNet(net_);
  ASSERT_TRUE(made_before.ok()) << made_before.status();
  workspace_.SetMemoryBudget(MemoryBudget(kBytes - 1));
  ExpectRefused((*made_before)->Run());
  ExpectRefused(workspace_.RunNet("fill"));
  ExpectRefused(workspace_.RunNetOnce(net_));
  ExpectRefused(workspace_.RunOperatorOnce(net_.op(0)));
  const absl::StatusOr<Net*> made_after = workspace_.CreateNet(net_, /*overwrite=*/true);
  ASSERT_TRUE(made_after.ok()) << made_after.status();
  ExpectRefused((*made_after)->Run());

  PlanDef plan;
  *plan.add_network() = net_;
  plan.add_execution_step()->add_network("fill");
  ExpectRefused(workspace_.RunPlan(plan));
}

TEST_P(WorkspaceMemoryTest, LeavesTheWorkspaceUsable) {
  workspace_.SetMemoryBudget(MemoryBudget(kBytes - 1));
  ASSERT_FALSE(workspace_.RunNetOnce(net_).ok());
  EXPECT_EQ(workspace_.memory_budget()->live_bytes(), 0);
  workspace_.memory_budget()->set_bytes(kEnough);
  ASSERT_TRUE(workspace_.RunNetOnce(net_).ok());
  EXPECT_EQ(workspace_.memory_budget()->live_bytes(), kBytes);
  ASSERT_TRUE(workspace_.RunNetOnce(net_).ok()) << "in the memory of the first run";
  ASSERT_TRUE(workspace_.ResetWorkspace().ok());
  EXPECT_EQ(workspace_.memory_budget()->live_bytes(), 0);
  workspace_.SetMemoryBudget(std::nullopt);
  EXPECT_TRUE(workspace_.RunNetOnce(net_).ok());
}

TEST_P(WorkspaceMemoryTest, HoldsForNetsInsideOfOperators) {
  NetBuilder outer("outer");
  outer.Type(GetParam());
  outer.Op("GivenTensorBoolFill", {}, {"yes"},
           {MakeArgument("shape", std::vector<int64_t>{1}),
            MakeArgument("values", std::vector<int64_t>{1})});
  outer.Op("If", {"yes"}, {}, {MakeArgument("then_net", net_)});
  const absl::StatusOr<Net*> net = workspace_.CreateNet(outer.def());
  ASSERT_TRUE(net.ok()) << net.status();
  workspace_.SetMemoryBudget(MemoryBudget(kBytes - 1));
  ExpectRefused((*net)->Run());
}

TEST_P(WorkspaceMemoryTest, IsSharedWithChildrenMadeAfterwards) {
  workspace_.SetMemoryBudget(MemoryBudget(kEnough));
  Workspace child(&workspace_);
  ASSERT_TRUE(child.RunNetOnce(net_).ok());
  ExpectRefused(workspace_.RunNetOnce(net_));
}

TEST_P(WorkspaceMemoryTest, DoesNotCountWhatIsFed) {
  workspace_.SetMemoryBudget(MemoryBudget(kEnough));
  ASSERT_TRUE(workspace_.Feed("x", Tensor::Create(DataType::kFloat, {2 * kBytes})).ok());
  EXPECT_TRUE(workspace_.RunNetOnce(net_).ok());
}

TEST_P(WorkspaceMemoryTest, AScopeHoldsForAPredictor) {
  NetDef predict = net_;
  predict.add_external_output("y");
  absl::StatusOr<std::unique_ptr<Predictor>> predictor = Predictor::Create(NetDef(), predict);
  ASSERT_TRUE(predictor.ok()) << predictor.status();
  {
    const MemoryScope scope(MemoryBudget(kBytes - 1));
    ExpectRefused((*predictor)->Run({}).status());
  }
  EXPECT_TRUE((*predictor)->Run({}).ok());
}

INSTANTIATE_TEST_SUITE_P(Executors, WorkspaceMemoryTest, testing::Values("simple", "parallel"),
                         [](const auto& info) { return std::string(info.param); });

TEST(PrefetcherMemoryTest, WhatIsReadAheadCountsForTheRunThatWantsIt) {
  Tensor made;
  Prefetcher prefetcher([&made]() -> absl::Status {
    DOPPIO_ASSIGN_OR_RETURN(made, Tensor::Create(DataType::kFloat, {10}));
    return absl::OkStatus();
  });
  const MemoryBudget outer(1000);
  const MemoryBudget inner(30);
  const MemoryScope around(outer);
  const MemoryScope scope(inner);
  const absl::Status status = prefetcher.Take([] { return absl::OkStatus(); });
  EXPECT_EQ(status.message(),
            "no memory for a tensor of 40 bytes: those of this budget hold 0 and may hold 30");
  inner.set_bytes(100);
  EXPECT_TRUE(prefetcher
                  .Take([&made] {
                    made = Tensor();
                    return absl::OkStatus();
                  })
                  .ok());
}

}  // namespace
}  // namespace doppio
