#include "doppio/interrupt.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "doppio/net_builder.h"
#include "doppio/workspace.h"

namespace doppio {
namespace {

std::atomic<int> polls{0};
std::atomic<bool> interrupted{false};
std::thread::id asked_only_on;

bool CountPolls() {
  if (std::this_thread::get_id() != asked_only_on) return false;
  ++polls;
  return interrupted.load();
}

class InterruptTest : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    polls = 0;
    interrupted = false;
    asked_only_on = std::this_thread::get_id();
    SetInterruptPoll(&CountPolls);
    ASSERT_TRUE(workspace_.Feed("i", Tensor::Scalar<int64_t>(0)).ok());
    ASSERT_TRUE(workspace_.Feed("one", Tensor::Scalar<int64_t>(1)).ok());
    ASSERT_TRUE(workspace_.Feed("yes", Tensor::Scalar<bool>(true)).ok());
  }
  void TearDown() override { SetInterruptPoll(nullptr); }

  // A loop that nobody but the host ends, an operator beside it and one after it.
  NetDef Endless() const {
    NetBuilder body("body");
    body.Op("Add", {"i", "one"}, {"i"});
    NetBuilder net("endless");
    net.Op("While", {"yes"}, {"i"}, {MakeArgument("loop_net", body.def())});
    net.Op("Copy", {"one"}, {"beside"}).Op("Copy", {"i"}, {"after"}).Type(GetParam());
    return net.def();
  }

  Workspace workspace_;
};

TEST_P(InterruptTest, TheHostIsAskedWhileANetRuns) {
  NetBuilder net("two");
  net.Op("Copy", {"i"}, {"j"}).Op("Copy", {"j"}, {"k"}).Type(GetParam());
  ASSERT_TRUE(workspace_.RunNetOnce(net.def()).ok());
  EXPECT_GE(polls, 1);
}

TEST_P(InterruptTest, ARunThatTheHostEndsIsCancelledBeforeTheNextOperator) {
  std::thread host([] {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    interrupted = true;
  });
  const absl::Status status = workspace_.RunNetOnce(Endless());
  host.join();
  EXPECT_EQ(status.code(), absl::StatusCode::kCancelled) << status;
  EXPECT_FALSE(workspace_.Fetch("after").ok());
  EXPECT_GT(*workspace_.Fetch("i")->data<int64_t>(), 0);
}

TEST_P(InterruptTest, ALoopAroundNothingEndsToo) {
  NetBuilder nothing("nothing");
  NetBuilder net("endless");
  net.Op("While", {"yes"}, {}, {MakeArgument("loop_net", nothing.Type(GetParam()).def())});
  interrupted = true;
  const absl::Status inside = workspace_.RunOperatorOnce(net.def().op(0));
  EXPECT_EQ(inside.code(), absl::StatusCode::kCancelled) << inside;
}

TEST_P(InterruptTest, APlanEndsToo) {
  PlanDef plan;
  *plan.add_network() = Endless();
  ExecutionStep* step = plan.add_execution_step();
  step->set_name("both");
  step->set_concurrent_substeps(true);
  for (const char* name : {"a", "b"}) {
    ExecutionStep* substep = step->add_substep();
    substep->set_name(name);
    substep->set_num_iter(1 << 30);
    substep->add_network(name);
    NetBuilder net(name);
    net.Op("Copy", {"one"}, {name});
    *plan.add_network() = net.def();
  }
  interrupted = true;
  EXPECT_EQ(workspace_.RunPlan(plan).code(), absl::StatusCode::kCancelled);
}

TEST_P(InterruptTest, TheNextRunIsNotEnded) {
  interrupted = true;
  EXPECT_EQ(workspace_.RunNetOnce(Endless()).code(), absl::StatusCode::kCancelled);
  interrupted = false;
  NetBuilder net("next");
  net.Op("Copy", {"i"}, {"j"}).Type(GetParam());
  EXPECT_TRUE(workspace_.RunNetOnce(net.def()).ok());
}

INSTANTIATE_TEST_SUITE_P(, InterruptTest, testing::Values("simple", "parallel"));

}  // namespace
}  // namespace doppio
