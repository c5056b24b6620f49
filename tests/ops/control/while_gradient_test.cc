// Gradients through While against finite differences, and what is refused.

#include "gmock/gmock.h"
#include "tests/ops/control/control_gradients.h"
#include "tests/support/allocation_counter.h"

namespace doppio {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

// x = tanh(x * w + b); what x was is kept apart, so that the gradient finds it.
NetDef Turn() {
  NetBuilder net("turn");
  net.Op("Copy", {"x"}, {"before"})
      .Op("Mul", {"before", "w"}, {"own"})
      .Op("Add", {"own", "b"}, {"sum"})
      .Op("Tanh", {"sum"}, {"x"});
  return net.def();
}

TEST(WhileGradientTest, GoesThroughAllTurns) {
  for (const int turns : {0, 1, 2, 7}) {
    ControlNet net = Counted(turns);
    net.While("go", Count(), Turn(), {"x"});
    ExpectGradients(Loss(net, {"x"}), {"x", "w", "b"}, kFeeds);
  }
}

TEST(WhileGradientTest, CarriesAGradientFromTurnToTurn) {
  ControlNet net = Counted(2);
  NetBuilder body("body");
  body.Op("Tanh", {"x"}, {"x"});
  net.While("go", Count(), body.def(), {"x"});
  const OperatorDef op = GradientOp(Loss(net, {"x"}), "While");
  EXPECT_EQ(OpToString(op),
            "While(gradient_loop_cond_net/cond, x, x/_WHILE_OPERATOR_GRAD_, net/go/loop) -> "
            "x_grad/_WHILE_OPERATOR_STEP_, net/go/loop, x/_WHILE_OPERATOR_GRAD_, "
            "gradient_loop_cond_net/cond");
  EXPECT_EQ(Text(NetIn(op, "loop_net")),
            (Names{"Do(x, x/_WHILE_OPERATOR_GRAD_, net/go/loop) -> x_grad/_WHILE_OPERATOR_STEP_, "
                   "net/go/loop",
                   "Copy(x_grad/_WHILE_OPERATOR_STEP_) -> x/_WHILE_OPERATOR_GRAD_"}));
  EXPECT_EQ(Text(NetIn(op, "cond_net")),
            Names{"HasScope(net/go/loop) -> gradient_loop_cond_net/cond"});
}

TEST(WhileGradientTest, CountsTheTurnsThatTheDataAskFor) {
  NetBuilder condition("condition");
  condition.Op("SumSqrElements", {"x"}, {"size"}).Op("LT", {"size", "limit"}, {"go"});
  ControlNet net("net");
  net.Op("ConstantFill", {}, {"limit"},
         {MakeArgument<std::vector<int64_t>>("shape", {}), MakeArgument<float>("value", 5),
          MakeArgument<int64_t>("dtype", 13)});
  NetBuilder body("body");
  body.Op("Copy", {"x"}, {"before"}).Op("Mul", {"before", "w"}, {"x"});
  net.While("go", condition.def(), body.def(), {"x"});
  for (const double w : {1.3, 2.0, 5.0}) {
    Feeds feeds = kFeeds;
    feeds["w"] = {w, 1};
    ExpectGradients(Loss(net, {"x"}), {"x", "w"}, feeds);
  }
}

TEST(WhileGradientTest, CarriesWhatOnlyLaterTurnsUse) {
  NetBuilder body("body");  // y collects x, which changes
  body.Op("Copy", {"x"}, {"old_x"})
      .Op("Copy", {"y"}, {"old_y"})
      .Op("Mul", {"old_x", "w"}, {"x"})
      .Op("Mul", {"old_y", "old_x"}, {"product"})
      .Op("Add", {"product", "b"}, {"y"});
  for (const int turns : {0, 1, 4}) {
    ControlNet net = Counted(turns);
    net.While("go", Count(), body.def(), {"x", "y"});
    ExpectGradients(Loss(net, {"y"}), {"x", "y", "w", "b"}, kFeeds);
    ExpectGradients(Loss(net, {"x", "y"}), {"x", "y", "w", "b"}, kFeeds);
  }
}

TEST(WhileGradientTest, ForgetsWhatATurnWritesOver) {
  NetBuilder body("body");
  body.Op("Mul", {"w", "b"}, {"y"}).Op("Copy", {"x"}, {"old"}).Op("Mul", {"old", "y"}, {"x"});
  for (const int turns : {0, 1, 3}) {
    ControlNet net = Counted(turns);
    net.While("go", Count(), body.def(), {"x", "y"});
    ExpectGradients(Loss(net, {"x", "y"}), {"x", "y", "w", "b"}, kFeeds);
  }
}

TEST(WhileGradientTest, SumsWhatIsUsedOutsideToo) {
  ControlNet net = Counted(3);
  net.Op("Mul", {"x", "w"}, {"first"});
  net.Op("Copy", {"x"}, {"h"});
  NetBuilder body("body");
  body.Op("Copy", {"h"}, {"before"})
      .Op("Mul", {"before", "w"}, {"own"})
      .Op("Sigmoid", {"own"}, {"h"});
  net.While("go", Count(), body.def(), {"h"});
  net.Op("Mul", {"h", "b"}, {"last"});
  net.Op("Add", {"h", "w"}, {"more"});
  ExpectGradients(Loss(net, {"first", "last", "more"}), {"x", "w", "b"}, kFeeds);
}

TEST(WhileGradientTest, HoldsAnIf) {
  ControlNet body("body");
  body.Op("Copy", {"x"}, {"before"});
  NetBuilder test("test");
  body.Op("LT", {"i", "two"}, {"early"});
  NetBuilder then_net("then");
  then_net.Op("Mul", {"before", "w"}, {"own"}).Op("Tanh", {"own"}, {"x"});
  NetBuilder else_net("else");
  else_net.Op("Mul", {"before", "b"}, {"own"}).Op("Mul", {"own", "before"}, {"x"});
  const NetDef other = else_net.def();
  body.If("early", then_net.def(), {"x"}, &other, {"x"});
  for (const int turns : {0, 1, 4}) {
    ControlNet net = Counted(turns);
    net.Op("ConstantFill", {}, {"two"},
           {MakeArgument<std::vector<int64_t>>("shape", {}), MakeArgument<int64_t>("value", 3),
            MakeArgument<int64_t>("dtype", 2)});
    net.While("go", Count(), body.def(), {"x"});
    ExpectGradients(Loss(net, {"x"}), {"x", "w", "b"}, kFeeds);
  }
}

// A loop in a loop, with one more turn of the inner one in each turn of the outer one.
NetDef LoopInLoop(int turns) {
  ControlNet body("body");
  body.Op("Copy", {"x"}, {"h"});
  body.Op("ConstantFill", {}, {"j"},
          {MakeArgument<std::vector<int64_t>>("shape", {}), MakeArgument<int64_t>("value", 0),
           MakeArgument<int64_t>("dtype", 2)});
  NetBuilder count("count_inner");
  count.Op("LT", {"j", "i"}, {"on"}).Op("Add", {"j", "one"}, {"j"});
  body.Op("LT", {"j", "j"}, {"on"});
  NetBuilder step("inner_step");
  step.Op("Copy", {"h"}, {"was"}).Op("Mul", {"was", "w"}, {"own"}).Op("Tanh", {"own"}, {"h"});
  body.While("on", count.def(), step.def(), {"h"});
  body.Op("Mul", {"h", "b"}, {"x"});
  ControlNet net = Counted(turns);
  net.While("go", Count(), body.def(), {"x"});
  return Loss(net, {"x"});
}

TEST(WhileGradientTest, StandsInAnotherWhile) {
  for (const int turns : {1, 3}) ExpectGradients(LoopInLoop(turns), {"x", "w", "b"}, kFeeds);
}

TEST(WhileGradientTest, MayRunInANetOfItsOwn) {
  const NetDef net = LoopInLoop(3);
  const absl::StatusOr<Backward> backward = Differentiate(net);
  ASSERT_TRUE(backward.ok()) << backward.status();
  Workspace whole;
  FeedAll(kFeeds, true, &whole);
  ASSERT_TRUE(whole.RunNetOnce(backward->net).ok());
  Workspace parts;
  FeedAll(kFeeds, true, &parts);
  for (int run = 0; run < 2; ++run) {
    FeedAll(kFeeds, true, &parts);
    ASSERT_TRUE(parts.RunNetOnce(net).ok());
    const absl::Status status = parts.RunNetOnce(backward->GradientNet());
    ASSERT_TRUE(status.ok()) << status;
    for (const char* blob : {"x", "w", "b"}) {
      const std::string& gradient = backward->gradients.at(blob).dense;
      EXPECT_TRUE(TensorEquals(*parts.Fetch(gradient), *whole.Fetch(gradient))) << blob;
    }
  }
}

TEST(WhileGradientTest, MayMakeMoreTurnsInALaterRun) {
  // Blobs that the earlier, shorter run kept must not be taken for those outside.
  const NetDef net = LoopInLoop(2);
  const absl::StatusOr<Backward> backward = Differentiate(net);
  ASSERT_TRUE(backward.ok()) << backward.status();
  NetDef whole = backward->net;
  whole.mutable_op()->DeleteSubrange(1, 1);  // n is fed
  Workspace workspace;
  FeedAll(kFeeds, true, &workspace);
  const auto feed = [](int32_t turns, double w, Workspace* to) {
    Feeds feeds = kFeeds;
    feeds["w"] = {w, 1.1};
    FeedAll(feeds, true, to);
    EXPECT_TRUE(to->Feed("n", Tensor::Scalar<int32_t>(turns)).ok());
  };
  feed(1, 0.5, &workspace);
  whole.set_name("whole");
  const absl::StatusOr<Net*> made = workspace.CreateNet(whole);
  ASSERT_TRUE(made.ok()) << made.status();
  for (const int32_t turns : {1, 4, 2, 5}) {
    feed(turns, 0.5 * turns, &workspace);
    ASSERT_TRUE((*made)->Run().ok());
    Workspace fresh;
    feed(turns, 0.5 * turns, &fresh);
    ASSERT_TRUE(fresh.RunNetOnce(whole).ok());
    for (const char* blob : {"x", "w", "b"}) {
      const std::string& gradient = backward->gradients.at(blob).dense;
      EXPECT_TRUE(TensorEquals(*workspace.Fetch(gradient), *fresh.Fetch(gradient))) << turns;
    }
  }
}

TEST(WhileGradientTest, AllocatesNothingInALaterRun) {
  ControlNet net = Counted(3);
  net.While("go", Count(), Turn(), {"x"});
  absl::StatusOr<Backward> backward = Differentiate(Loss(net, {"x"}));
  ASSERT_TRUE(backward.ok()) << backward.status();
  NetDef whole;
  whole.set_name("whole");
  *whole.add_op() = CreateOperatorDef("Copy", "", {"start"}, {"x"});
  whole.MergeFrom(backward->net);
  whole.set_name("whole");
  Workspace workspace;
  FeedAll(kFeeds, true, &workspace);
  ASSERT_TRUE(workspace.Feed("start", Vector({0.2, 0.1})).ok());
  const absl::StatusOr<Net*> made = workspace.CreateNet(whole);
  ASSERT_TRUE(made.ok()) << made.status();
  for (int run = 0; run < 2; ++run) ASSERT_TRUE((*made)->Run().ok());
  const AllocationCounter counter;
  ASSERT_TRUE((*made)->Run().ok());
  EXPECT_EQ(counter.tensor_count(), 0);
}

TEST(WhileGradientTest, RefusesALoopThatIsNoDo) {
  NetBuilder body("body");
  body.Op("Mul", {"x", "w"}, {"x"});
  ControlNet net("net");
  net.Op("While", {"go", "x", "w"}, {"x"}, {MakeArgument<NetDef>("loop_net", body.def())});
  EXPECT_THAT(ErrorOf(Loss(net, {"x"})),
              AllOf(HasSubstr("While(go, x, w)"), HasSubstr("must be a single Do")));
}

TEST(WhileGradientTest, RefusesALoopThatKeepsNoCopies) {
  ControlNet net = Counted(2);
  net.While("go", Count(), Turn(), {"x"}, false);
  EXPECT_THAT(ErrorOf(Loss(net, {"x"})),
              AllOf(HasSubstr("While("), HasSubstr("needs copy_external_blobs")));
}

TEST(WhileGradientTest, RefusesAConditionThatGradientsFlowThrough) {
  ControlNet net = Counted(2);
  NetDef condition = Count();
  *condition.add_op() = CreateOperatorDef("Scale", "", {"b"}, {"b"});
  net.While("go", condition, Turn(), {"x"});
  EXPECT_THAT(ErrorOf(Loss(net, {"x"})),
              AllOf(HasSubstr("through the cond_net, which writes to \"b\""), HasSubstr("While(")));
}

TEST(WhileGradientTest, RefusesAScopeThatIsNotNew) {
  ControlNet net = Counted(2);
  net.While("go", Count(), Turn(), {"x"});
  NetDef def = Loss(net, {"x"});
  def.mutable_op()->DeleteSubrange(2, 1);
  EXPECT_THAT(ErrorOf(def), AllOf(HasSubstr("\"net/go/loop\""), HasSubstr("must be new")));
}

TEST(WhileGradientTest, NamesTheOperatorThatHasNone) {
  NetBuilder body("body");
  body.Op("Copy", {"x"}, {"own"}).Op("Floor", {"own"}, {"x"});
  ControlNet net = Counted(2);
  net.While("go", Count(), body.def(), {"x"});
  EXPECT_THAT(ErrorOf(Loss(net, {"x"})), AllOf(HasSubstr("While("), HasSubstr("Floor(own) -> x")));
}

}  // namespace
}  // namespace doppio
