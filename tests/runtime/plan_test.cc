#include <chrono>
#include <thread>

#include "doppio/net_builder.h"
#include "doppio/workspace.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace doppio {
namespace {

using ::testing::HasSubstr;

// A plan with nets that count: running net "tick_a" adds one to blob "a".
class PlanTest : public testing::Test {
 protected:
  PlanTest() {
    plan_.set_name("plan");
    one_ = *Tensor::Scalar<float>(1);
    EXPECT_TRUE(workspace_.Feed("one", one_).ok());
    for (const char* name : {"a", "b"}) {
      EXPECT_TRUE(workspace_.Feed(name, Tensor::Scalar<float>(0)).ok());
      NetBuilder net(absl::StrCat("tick_", name));
      net.Op("Add", {name, "one"}, {name});
      *plan_.add_network() = net.def();
    }
  }

  ExecutionStep Step(const std::string& name, const std::vector<std::string>& nets = {}) {
    ExecutionStep step;
    step.set_name(name);
    for (const std::string& net : nets) step.add_network(net);
    return step;
  }

  // A net that sets blob "stop" to a fixed bool.
  void AddStopNet(const std::string& name, bool value) {
    NetBuilder net(name);
    net.Op("GivenTensorBoolFill", {}, {"stop"},
           {MakeArgument<std::vector<int64_t>>("shape", {1}),
            MakeArgument<std::vector<int64_t>>("values", {value ? 1 : 0})});
    *plan_.add_network() = net.def();
  }

  std::string Error() { return std::string(workspace_.RunPlan(plan_).message()); }
  float Value(const std::string& blob) { return workspace_.Fetch(blob)->data<float>()[0]; }

  Workspace workspace_;
  PlanDef plan_;
  Tensor one_;
};

TEST_F(PlanTest, AStopBlobThatANetWillMakeNeedNotBeThereBefore) {
  AddStopNet("stop", true);
  ExecutionStep step = Step("s", {"tick_a", "stop"});
  step.set_should_stop_blob("stop");
  *plan_.add_execution_step() = step;
  EXPECT_EQ(Error(), "");
  EXPECT_EQ(Value("a"), 1);
  EXPECT_EQ(Error(), "");  // it is there now, and does not end the plan before its net ran
  EXPECT_EQ(Value("a"), 1 + 1);
}

TEST_F(PlanTest, RunsNetsInOrderAsOftenAsNumIterSays) {
  ExecutionStep step = Step("train", {"tick_a", "tick_b"});
  step.set_num_iter(5);
  *plan_.add_execution_step() = step;
  EXPECT_EQ(Error(), "");
  EXPECT_EQ(Value("a"), 5);
  EXPECT_EQ(Value("b"), 5);
}

TEST_F(PlanTest, RunsSubstepsWithinSteps) {
  ExecutionStep inner = Step("inner", {"tick_a"});
  inner.set_num_iter(3);
  ExecutionStep outer = Step("outer");
  outer.set_num_iter(2);
  *outer.add_substep() = inner;
  *outer.add_substep() = Step("other", {"tick_b"});
  *plan_.add_execution_step() = outer;
  EXPECT_EQ(Error(), "");
  EXPECT_EQ(Value("a"), 6);
  EXPECT_EQ(Value("b"), 2);
}

TEST_F(PlanTest, StopsAfterTheNetThatSetsTheStopBlob) {
  AddStopNet("stop_now", true);
  workspace_.CreateBlob("stop");
  ExecutionStep step = Step("until", {"tick_a", "stop_now", "tick_b"});
  step.set_should_stop_blob("stop");
  *plan_.add_execution_step() = step;
  EXPECT_EQ(Error(), "");
  EXPECT_EQ(Value("a"), 1);
  EXPECT_EQ(Value("b"), 0);
}

TEST_F(PlanTest, OnlyOnceRunsOnceThoughNobodySaysStop) {
  AddStopNet("go_on", false);
  workspace_.CreateBlob("stop");
  ExecutionStep step = Step("once", {"tick_a", "go_on"});
  step.set_should_stop_blob("stop");
  step.set_only_once(true);
  *plan_.add_execution_step() = step;
  EXPECT_EQ(Error(), "");
  EXPECT_EQ(Value("a"), 1);
}

TEST_F(PlanTest, RunsConcurrentSubsteps) {
  ExecutionStep outer = Step("side by side");
  outer.set_concurrent_substeps(true);
  outer.set_num_iter(10);
  *outer.add_substep() = Step("a", {"tick_a"});
  *outer.add_substep() = Step("b", {"tick_b"});
  *plan_.add_execution_step() = outer;
  EXPECT_EQ(Error(), "");
  EXPECT_EQ(Value("a"), 10);
  EXPECT_EQ(Value("b"), 10);
}

TEST_F(PlanTest, EveryInstanceWithAWorkspaceOfItsOwnLeavesTheParentsNetsAlone) {
  NetBuilder net("local");
  net.Op("Relu", {"one"}, {"mine"});
  *plan_.add_network() = net.def();
  ExecutionStep inner = Step("inner", {"local"});
  inner.set_create_workspace(true);
  ExecutionStep outer = Step("outer");
  outer.set_num_concurrent_instances(3);
  *outer.add_substep() = inner;
  *plan_.add_execution_step() = outer;
  EXPECT_EQ(Error(), "");
  EXPECT_FALSE(workspace_.HasBlob("mine"));
  EXPECT_EQ(workspace_.GetNet("local"), nullptr);
}

TEST_F(PlanTest, NumbersChildWorkspacesByNode) {
  ASSERT_TRUE(workspace_.Feed("NODE_ID", Tensor::Scalar<int32_t>(3)).ok());
  ASSERT_TRUE(workspace_.Feed("number", Tensor::Scalar<int32_t>(0)).ok());
  NetBuilder net("local");
  net.Op("Copy", {"GLOBAL_WORKSPACE_ID"}, {"number"});
  *plan_.add_network() = net.def();
  ExecutionStep step = Step("numbered", {"local"});
  step.set_create_workspace(true);
  *plan_.add_execution_step() = step;
  EXPECT_EQ(Error(), "");
  EXPECT_EQ(workspace_.Fetch("number")->data<int32_t>()[0] >> 16, 3);
}

TEST_F(PlanTest, RunsRepeatedSubstepsAtLeastOnceBesideTheOthers) {
  ExecutionStep repeated = Step("repeated", {"tick_b"});
  repeated.set_run_every_ms(100000);
  ExecutionStep outer = Step("outer");
  *outer.add_substep() = repeated;
  *outer.add_substep() = Step("main", {"tick_a"});
  *plan_.add_execution_step() = outer;
  EXPECT_EQ(Error(), "");
  EXPECT_EQ(Value("a"), 1);
  EXPECT_GE(Value("b"), 1);
}

TEST_F(PlanTest, RunsTheReportNetBesideTheStep) {
  ExecutionStep step = Step("reported", {"tick_a"});
  step.set_report_net("tick_b");
  step.set_report_interval(1000);
  *plan_.add_execution_step() = step;
  EXPECT_EQ(Error(), "");
  EXPECT_GE(Value("b"), 1);
}

TEST_F(PlanTest, ReplacesANetThatWasThereBefore) {
  NetBuilder old_net("tick_a");
  old_net.Op("Relu", {"one"}, {"unused"});
  ASSERT_TRUE(workspace_.CreateNet(old_net.def()).ok());
  *plan_.add_execution_step() = Step("train", {"tick_a"});
  EXPECT_EQ(Error(), "");
  EXPECT_EQ(Value("a"), 1);
}

TEST_F(PlanTest, EndsAtTheFirstErrorAndSaysWhere) {
  NetBuilder bad("bad");
  bad.Op("Add", {"a", "vector"}, {"c"}).Op("Add", {"c", "other"}, {"d"});
  ASSERT_TRUE(workspace_.Feed("vector", Tensor::Of<float>({2}, {1, 2})).ok());
  ASSERT_TRUE(workspace_.Feed("other", Tensor::Of<float>({3}, {1, 2, 3})).ok());
  *plan_.add_network() = bad.def();
  *plan_.add_execution_step() = Step("first", {"tick_a", "bad", "tick_b"});
  *plan_.add_execution_step() = Step("second", {"tick_b"});
  EXPECT_THAT(Error(),
              HasSubstr("plan \"plan\": step \"first\": net \"bad\", op 1 Add(c, other) -> d: "));
  EXPECT_EQ(Value("a"), 1);
  EXPECT_EQ(Value("b"), 0);
}

TEST_F(PlanTest, AFailingConcurrentSubstepEndsThePlan) {
  NetBuilder bad("bad");
  bad.Op("Add", {"vector", "other"}, {"d"});
  ASSERT_TRUE(workspace_.Feed("vector", Tensor::Of<float>({2}, {1, 2})).ok());
  ASSERT_TRUE(workspace_.Feed("other", Tensor::Of<float>({3}, {1, 2, 3})).ok());
  *plan_.add_network() = bad.def();
  ExecutionStep forever = Step("long", {"tick_a"});
  forever.set_num_iter(int64_t{1} << 50);
  ExecutionStep outer = Step("outer");
  outer.set_concurrent_substeps(true);
  *outer.add_substep() = forever;
  *outer.add_substep() = Step("short", {"bad"});
  *plan_.add_execution_step() = outer;
  EXPECT_THAT(Error(), HasSubstr("op 0 Add(vector, other)"));
}

TEST_F(PlanTest, RefusesAnUnknownNet) {
  *plan_.add_execution_step() = Step("typo", {"tik_a"});
  EXPECT_THAT(Error(),
              HasSubstr("step \"typo\": the plan has no net \"tik_a\"; did you mean tick_a"));
}

TEST_F(PlanTest, RefusesTwoNetsOfOneName) {
  *plan_.add_network() = plan_.network(0);
  EXPECT_THAT(Error(), HasSubstr("has two nets \"tick_a\""));
}

TEST_F(PlanTest, RefusesStepsThatContradictThemselves) {
  const auto error_of = [&](const ExecutionStep& step) {
    plan_.clear_execution_step();
    *plan_.add_execution_step() = step;
    return Error();
  };
  ExecutionStep both = Step("both", {"tick_a"});
  *both.add_substep() = Step("inner", {"tick_b"});
  EXPECT_THAT(error_of(both), HasSubstr("both substeps and nets"));

  ExecutionStep two_ends = Step("two ends", {"tick_a"});
  two_ends.set_num_iter(2);
  two_ends.set_should_stop_blob("stop");
  EXPECT_THAT(error_of(two_ends), HasSubstr("both should_stop_blob and num_iter"));

  ExecutionStep once = Step("once", {"tick_a"});
  once.set_only_once(true);
  EXPECT_THAT(error_of(once), HasSubstr("only_once without should_stop_blob"));

  ExecutionStep negative = Step("negative", {"tick_a"});
  negative.set_num_iter(-1);
  EXPECT_THAT(error_of(negative), HasSubstr("num_iter is -1"));

  ExecutionStep many = Step("many");
  *many.add_substep() = Step("inner", {"tick_a"});
  many.set_num_concurrent_instances(1 << 30);
  EXPECT_THAT(error_of(many), HasSubstr("num_concurrent_instances is 1073741824, and may be 1024"));

  ExecutionStep missing = Step("missing", {"tick_a"});
  missing.set_should_stop_blob("nowhere");
  EXPECT_THAT(error_of(missing), HasSubstr("the should_stop_blob \"nowhere\" does not exist"));

  ExecutionStep no_bool = Step("no bool", {"tick_a"});
  no_bool.set_should_stop_blob("a");
  EXPECT_THAT(error_of(no_bool), HasSubstr("must be a single bool, but is float[]"));

  workspace_.CreateBlob("stop");
  ExecutionStep idle = Step("idle");
  idle.set_should_stop_blob("stop");
  EXPECT_THAT(error_of(idle), HasSubstr("has nothing to run"));
  EXPECT_EQ(Value("b"), 0);
}

}  // namespace
}  // namespace doppio
