#include <limits>
#include <set>
#include <thread>

#include "doppio/registry.h"
#include "doppio/serialize.h"
#include "tests/support/state_test.h"

namespace doppio {
namespace {

class CounterTest : public StateTest {
 protected:
  void Create(int64_t count) { MustRun("CreateCounter", {}, {"c"}, {Arg("init_count", count)}); }
  int64_t Count() {
    MustRun("RetrieveCount", {"c"}, {"count"});
    return Scalar<int64_t>("count");
  }
};

TEST_F(CounterTest, StartsAtZeroOrWhereItIsTold) {
  MustRun("CreateCounter", {}, {"c"});
  EXPECT_EQ(Count(), 0);
  Create(5);
  EXPECT_EQ(Count(), 5);
  EXPECT_EQ(workspace_.FindBlob("c")->TypeName(), "Counter");
  EXPECT_EQ(workspace_.Fetch("count")->rank(), 0);
}

TEST_F(CounterTest, CountDownSaysWhetherThereWasNothingLeft) {
  Create(1);
  MustRun("CountDown", {"c"}, {"done"});
  EXPECT_FALSE(Scalar<bool>("done"));
  MustRun("CountDown", {"c"}, {"done"});
  EXPECT_TRUE(Scalar<bool>("done"));
  EXPECT_EQ(Count(), -1);
}

TEST_F(CounterTest, CountUpGivesTheCountBefore) {
  Create(5);
  MustRun("CountUp", {"c"}, {"previous"});
  EXPECT_EQ(Scalar<int64_t>("previous"), 5);
  EXPECT_EQ(Count(), 6);
}

TEST_F(CounterTest, IsDoneAtZeroAndBelow) {
  for (const auto& [count, done] : {std::pair<int64_t, bool>{1, false}, {0, true}}) {
    Create(count);
    MustRun("CheckCounterDone", {"c"}, {"done"});
    EXPECT_EQ(Scalar<bool>("done"), done);
    EXPECT_EQ(Count(), count);
  }
  MustRun("CountDown", {"c"}, {"done"});
  MustRun("CheckCounterDone", {"c"}, {"done"});
  EXPECT_TRUE(Scalar<bool>("done"));
}

TEST_F(CounterTest, ResetGivesTheCountBeforeWhereThatIsWanted) {
  Create(5);
  MustRun("ResetCounter", {"c"}, {"previous"}, {Arg("init_count", 3)});
  EXPECT_EQ(Scalar<int64_t>("previous"), 5);
  EXPECT_EQ(Count(), 3);
  MustRun("ResetCounter", {"c"}, {});
  EXPECT_EQ(Count(), 0);
}

TEST_F(CounterTest, ACounterThatIsCreatedAgainIsTheOneThatNetsHold) {
  Create(5);
  NetBuilder up("up");
  up.Op("CountUp", {"c"}, {"previous"});
  ASSERT_TRUE(workspace_.CreateNet(up.def()).ok());
  Create(7);
  ASSERT_TRUE(workspace_.RunNet("up").ok());
  EXPECT_EQ(Count(), 8);
}

TEST_F(CounterTest, GivesEveryThreadAnotherCount) {
  constexpr int kThreads = 4;
  constexpr int kRuns = 500;
  Create(0);
  std::vector<std::set<int64_t>> seen(kThreads);
  OnThreads(kThreads, [&](int t) {
    const std::string name = absl::StrCat("previous", t);
    const auto op = CreateOperator(CreateOperatorDef("CountUp", "", {"c"}, {name}), &workspace_);
    ASSERT_TRUE(op.ok()) << op.status();
    for (int run = 0; run < kRuns; ++run) {
      ASSERT_TRUE((*op)->Run().ok());
      seen[t].insert(Scalar<int64_t>(name));
    }
  });
  std::set<int64_t> all;
  for (const std::set<int64_t>& counts : seen) all.insert(counts.begin(), counts.end());
  EXPECT_EQ(all.size(), static_cast<size_t>(kThreads * kRuns));
  EXPECT_EQ(Count(), kThreads * kRuns);
}

TEST_F(CounterTest, StepsOfAPlanShareTheirIterations) {
  PlanDef plan;
  plan.set_name("plan");
  NetBuilder init("init");
  init.Op("CreateCounter", {}, {"c"}, {Arg("init_count", 100)});
  init.Op("CreateCounter", {}, {"ran"});
  *plan.add_network() = init.def();
  plan.add_execution_step()->add_network("init");
  ExecutionStep* both = plan.add_execution_step();
  both->set_concurrent_substeps(true);
  for (const char* worker : {"0", "1"}) {
    const std::string done = absl::StrCat("done", worker);
    NetBuilder down(absl::StrCat("down", worker));
    down.Op("CountDown", {"c"}, {done});
    NetBuilder work(absl::StrCat("work", worker));
    work.Op("CountUp", {"ran"}, {absl::StrCat("at", worker)});
    *plan.add_network() = down.def();
    *plan.add_network() = work.def();
    ExecutionStep* step = both->add_substep();
    step->set_should_stop_blob(done);
    step->add_network(absl::StrCat("down", worker));
    step->add_network(absl::StrCat("work", worker));
  }
  const absl::Status status = workspace_.RunPlan(plan);
  ASSERT_TRUE(status.ok()) << status;
  MustRun("RetrieveCount", {"ran"}, {"count"});
  EXPECT_EQ(Scalar<int64_t>("count"), 100);
}

TEST_F(CounterTest, IsUsedInTheOrderOfTheListByTheParallelExecutor) {
  NetBuilder net("net");
  net.Op("CreateCounter", {}, {"c"});
  for (int i = 0; i < 20; ++i) net.Op("CountUp", {"c"}, {absl::StrCat("at", i)});
  NetDef def = net.def();
  def.set_type("parallel");
  def.set_num_workers(4);
  ASSERT_TRUE(workspace_.RunNetOnce(def).ok());
  for (int i = 0; i < 20; ++i) EXPECT_EQ(Scalar<int64_t>(absl::StrCat("at", i)), i);
}

TEST_F(CounterTest, OutlivesItsWorkspaceInAnOperator) {
  auto workspace = std::make_unique<Workspace>();
  ASSERT_TRUE(workspace->RunOperatorOnce(CreateOperatorDef("CreateCounter", "", {}, {"c"})).ok());
  const auto op = CreateOperator(CreateOperatorDef("CountUp", "", {"c"}, {"n"}), workspace.get());
  ASSERT_TRUE(op.ok()) << op.status();
  workspace.reset();
  EXPECT_TRUE((*op)->Run().ok());
}

TEST_F(CounterTest, IsWrittenAndReadAsCaffe2Does) {
  Create(22);
  const absl::StatusOr<BlobProto> proto = BlobToProto(*workspace_.FindBlob("c"), "c");
  ASSERT_TRUE(proto.ok()) << proto.status();
  EXPECT_EQ(proto->type(), "std::unique_ptr<Counter<int64_t>>");
  EXPECT_EQ(proto->tensor().int64_data(0), 22);
  Create(1);
  const absl::Status status = BlobFromProto(*proto, workspace_.FindBlob("c").get());
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_EQ(Count(), 22);
}

TEST_F(CounterTest, RejectsAFileThatHoldsNoCount) {
  Create(22);
  absl::StatusOr<BlobProto> proto = BlobToProto(*workspace_.FindBlob("c"), "c");
  ASSERT_TRUE(proto.ok()) << proto.status();
  proto->mutable_tensor()->set_dims(0, 2);
  proto->mutable_tensor()->add_int64_data(1);
  EXPECT_FALSE(BlobFromProto(*proto, workspace_.FindBlob("c").get()).ok());
  EXPECT_EQ(Count(), 22);
}

TEST_F(CounterTest, RejectsANegativeStart) {
  for (const char* type : {"CreateCounter", "ResetCounter"}) {
    Create(0);
    OperatorDef def = CreateOperatorDef(type, "", {}, {"c"});
    if (def.type() == "ResetCounter") def = CreateOperatorDef(type, "", {"c"}, {"previous"});
    *def.add_arg() = Arg("init_count", -1);
    ExpectFailure(def, "init_count must not be negative, but is -1");
  }
}

TEST_F(CounterTest, RejectsWhatIsNoCounter) {
  ASSERT_TRUE(workspace_.Feed("c", Tensor::Scalar<int64_t>(1)).ok());
  for (const char* type :
       {"ResetCounter", "CountDown", "CheckCounterDone", "CountUp", "RetrieveCount"}) {
    ExpectFailure(CreateOperatorDef(type, "", {"c"}, {"out"}),
                  "input 0 \"c\" must be a counter that CreateCounter made, but holds Tensor");
  }
}

TEST_F(CounterTest, RejectsABlobThatHoldsNothing) {
  workspace_.CreateBlob("c");
  ExpectFailure(CreateOperatorDef("CountUp", "", {"c"}, {"out"}), "but holds nothing");
}

TEST_F(CounterTest, RejectsCountsBeyondInt64) {
  Create(std::numeric_limits<int64_t>::max());
  ExpectFailure(CreateOperatorDef("CountUp", "", {"c"}, {"out"}), "has no room for 1 more");
  EXPECT_EQ(Count(), std::numeric_limits<int64_t>::max());
}

}  // namespace
}  // namespace doppio
