// Gradients through If, While and Do against finite differences, and what is refused.

#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "doppio/gradient.h"
#include "doppio/workspace.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/ops/control/control_net.h"
#include "tests/support/allocation_counter.h"
#include "tests/support/tensor_match.h"

namespace doppio {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

using Names = std::vector<std::string>;
using Feeds = std::map<std::string, std::vector<double>>;

Tensor Vector(const std::vector<double>& values) {
  return *Tensor::FromSpan<double>({static_cast<int64_t>(values.size())}, values);
}

void FeedAll(const Feeds& feeds, bool condition, Workspace* workspace) {
  for (const auto& [name, values] : feeds) ASSERT_TRUE(workspace->Feed(name, Vector(values)).ok());
  ASSERT_TRUE(workspace->Feed("c", Tensor::Scalar<bool>(condition)).ok());
  ASSERT_TRUE(workspace->Feed("go", Tensor::Scalar<bool>(false)).ok());
  ASSERT_TRUE(workspace->Feed("one", Tensor::Scalar<int32_t>(1)).ok());
  ASSERT_TRUE(workspace->Feed("seed", Tensor::Scalar<double>(1)).ok());
}

double Loss(const NetDef& net, const Feeds& feeds, bool condition) {
  Workspace workspace;
  FeedAll(feeds, condition, &workspace);
  const absl::Status status = workspace.RunNetOnce(net);
  EXPECT_TRUE(status.ok()) << status;
  return status.ok() ? workspace.Fetch("loss")->data<double>()[0] : 0;
}

absl::StatusOr<Backward> Differentiate(const NetDef& net) {
  return AddGradientOperators(net, {GradientTarget("loss", "seed")});
}

// All gradients of what is fed, by both executors, in a first and a second run.
void CheckGradients(const NetDef& net, const Names& blobs, const Feeds& feeds,
                    bool condition = true) {
  const absl::StatusOr<Backward> backward = Differentiate(net);
  ASSERT_TRUE(backward.ok()) << backward.status();
  std::map<std::string, Tensor> first;
  for (const char* type : {"simple", "parallel"}) {
    Workspace workspace;
    FeedAll(feeds, condition, &workspace);
    NetDef whole = backward->net;
    whole.set_name("whole");
    whole.set_type(type);
    const absl::StatusOr<Net*> made = workspace.CreateNet(whole);
    ASSERT_TRUE(made.ok()) << made.status();
    for (int run = 0; run < 2; ++run) {
      const absl::Status status = (*made)->Run();
      ASSERT_TRUE(status.ok()) << status;
      for (const std::string& blob : blobs) {
        ASSERT_EQ(backward->gradients.count(blob), 1U) << blob;
        const auto gradient = workspace.Fetch(backward->gradients.at(blob).dense);
        ASSERT_TRUE(gradient.ok()) << gradient.status();
        const auto known = first.emplace(blob, DeepCopy(*gradient));
        EXPECT_TRUE(TensorEquals(*gradient, known.first->second)) << blob << " " << type << run;
      }
      FeedAll(feeds, condition, &workspace);
    }
  }
  for (const std::string& blob : blobs) {
    const std::vector<double>& values = feeds.at(blob);
    ASSERT_EQ(first.at(blob).numel(), static_cast<int64_t>(values.size())) << blob;
    for (size_t i = 0; i < values.size(); ++i) {
      constexpr double kStep = 1e-5;
      Feeds moved = feeds;
      moved.at(blob)[i] += kStep;
      const double above = Loss(net, moved, condition);
      moved.at(blob)[i] -= 2 * kStep;
      const double below = Loss(net, moved, condition);
      const double wanted = (above - below) / (2 * kStep);
      EXPECT_NEAR(first.at(blob).data<double>()[i], wanted, 1e-6 * (1 + std::abs(wanted)))
          << blob << "[" << i << "]";
    }
  }
}

std::string ErrorOf(const NetDef& net) {
  const absl::StatusOr<Backward> backward = Differentiate(net);
  return backward.ok() ? "no error" : std::string(backward.status().message());
}

NetDef Loss(ControlNet net, const Names& blobs) {
  Names sums;
  for (const std::string& blob : blobs) {
    net.Op("Sqr", {blob}, {blob + "_squared"});
    net.Op("SumElements", {blob + "_squared"}, {blob + "_sum"});
    sums.push_back(blob + "_sum");
  }
  net.Op("Sum", sums, {"loss"});
  return net.def();
}

const Feeds kFeeds = {{"x", {0.3, -0.7}}, {"w", {0.9, 1.2}}, {"b", {0.1, -0.2}}, {"y", {0.5, 0.4}}};

// y = sigmoid(x * w), with a blob of its own and a step in place.
NetDef Layer(const std::string& x = "x", const std::string& w = "w", const std::string& y = "y") {
  NetBuilder net("layer");
  net.Op("Mul", {x, w}, {"own"}).Op("Sigmoid", {"own"}, {"own"}).Op("Mul", {"own", "own"}, {y});
  return net.def();
}

NetDef Half(const std::string& from, const std::string& to) {
  NetBuilder net("half");
  net.Op("Scale", {from}, {to}, {MakeArgument<float>("scale", 0.5)});
  return net.def();
}

// go = i < n, i += 1: `turns` turns.
NetDef Count(const std::string& i = "i", const std::string& go = "go") {
  NetBuilder net("count");
  net.Op("LT", {i, "n"}, {go}).Op("Add", {i, "one"}, {i});
  return net.def();
}

ControlNet Counted(int turns) {
  ControlNet net("net");
  net.Op("ConstantFill", {}, {"i"},
         {MakeArgument<std::vector<int64_t>>("shape", {}), MakeArgument<int64_t>("value", 0),
          MakeArgument<int64_t>("dtype", 2)});
  net.Op("ConstantFill", {}, {"n"},
         {MakeArgument<std::vector<int64_t>>("shape", {}), MakeArgument<int64_t>("value", turns),
          MakeArgument<int64_t>("dtype", 2)});
  return net;
}

TEST(DoGradientTest, IsThatOfTheNet) {
  ControlNet net("net");
  net.Do(Layer(), {"y"}, "scope");
  CheckGradients(Loss(net, {"y"}), {"x", "w"}, kFeeds);
}

TEST(DoGradientTest, KeepsBlobsOutsideWithCopies) {
  ControlNet net("net");
  net.Do(Layer(), {"y"}, "scope", true);
  net.Op("Scale", {"y"}, {"y"}, {MakeArgument<float>("scale", 3)});
  CheckGradients(Loss(net, {"y"}), {"x", "w"}, kFeeds);
}

TEST(DoGradientTest, HasOtherNamesInTheNet) {
  ControlNet net("net");
  net.Op("CreateScope", {}, {"scope"});
  *net.mutable_def()->add_op() =
      CreateOperatorDef("Do", "", {"x", "w", "scope"}, {"y", "scope"},
                        {MakeArgument<NetDef>("net", Layer("w", "y", "x")),
                         MakeArgument("inner_blobs", Names{"w", "y", "x"}),
                         MakeArgument<std::vector<int64_t>>("outer_blobs_idx", {0, 1, 2})});
  CheckGradients(Loss(net, {"y"}), {"x", "w"}, kFeeds);
}

TEST(DoGradientTest, UpdatesABlobInPlace) {
  NetBuilder body("body");
  body.Op("Mul", {"h", "w"}, {"own"}).Op("Tanh", {"own"}, {"h"});
  ControlNet net("net");
  net.Op("Copy", {"x"}, {"h"});
  net.Do(body.def(), {"h"}, "scope");
  EXPECT_THAT(ErrorOf(Loss(net, {"h"})), AllOf(HasSubstr("Do(h, w, scope)"), HasSubstr("Mul(h, w)"),
                                               HasSubstr("writes to the same blob later")));
  NetBuilder shapes("shapes");
  shapes.Op("Add", {"h", "w"}, {"h"}).Op("Tanh", {"h"}, {"h"});
  ControlNet right("right");
  right.Op("Copy", {"x"}, {"h"});
  right.Do(shapes.def(), {"h"}, "scope");
  CheckGradients(Loss(right, {"h"}), {"x", "w"}, kFeeds);
}

TEST(DoGradientTest, SeveralShareAScope) {
  ControlNet net("net");
  net.Do(Layer("x", "w", "y"), {"y"}, "scope");
  *net.mutable_def()->add_op() = ControlNet::DoOp(Layer("y", "w", "z"), {"z"}, "scope", false);
  CheckGradients(Loss(net, {"y", "z"}), {"x", "w"}, kFeeds);
  // The second one has no gradient that would take its blobs out.
  EXPECT_THAT(ErrorOf(Loss(net, {"y"})), HasSubstr("would not read the right \"scope\""));
}

TEST(DoGradientTest, SumsWhatIsUsedInsideAndOutside) {
  ControlNet net("net");
  net.Do(Layer(), {"y"}, "scope").Op("Mul", {"x", "w"}, {"z"});
  net.Op("Add", {"y", "x"}, {"v"});
  CheckGradients(Loss(net, {"y", "z", "v"}), {"x", "w"}, kFeeds);
}

TEST(DoGradientTest, PassesAGradientOnToTwoInputs) {
  NetBuilder body("body");
  body.Op("Sum", {"x", "w"}, {"y"}).Op("Copy", {"x"}, {"z"});
  ControlNet net("net");
  net.Do(body.def(), {"y", "z"}, "scope");
  net.Op("Sum", {"y", "z"}, {"v"});
  CheckGradients(Loss(net, {"v"}), {"x", "w"}, kFeeds);
}

TEST(DoGradientTest, NamesTheOperatorThatHasNone) {
  NetBuilder body("body");
  body.Op("Floor", {"x"}, {"own"}).Op("Copy", {"own"}, {"y"});
  ControlNet net("net");
  net.Do(body.def(), {"y"}, "scope");
  EXPECT_THAT(ErrorOf(Loss(net, {"y"})),
              AllOf(HasSubstr("op 1 Do(x, scope)"), HasSubstr("net \"body\": no gradient through "),
                    HasSubstr("Floor(x) -> own")));
}

TEST(DoGradientTest, RefusesToShareTheBlobsOfAnotherRun) {
  ControlNet net("net");
  net.Do(Layer(), {"y"}, "scope");
  *net.mutable_def()->mutable_op(1)->add_arg() = MakeArgument<bool>("reuse_workspace", true);
  EXPECT_THAT(ErrorOf(Loss(net, {"y"})), HasSubstr("reuse_workspace has no gradient"));
}

TEST(DoGradientTest, MakesASparseGradientDense) {
  NetBuilder body("body");
  body.Op("Gather", {"x", "rows"}, {"own"}).Op("Mul", {"own", "w"}, {"y"});
  const auto rows = [](ControlNet* net) {
    net->Op("ConstantFill", {}, {"rows"},
            {MakeArgument<std::vector<int64_t>>("shape", {2}), MakeArgument<int64_t>("value", 1),
             MakeArgument<int64_t>("dtype", 2)});
  };
  ControlNet net("net");
  rows(&net);
  net.Do(body.def(), {"y"}, "scope");
  CheckGradients(Loss(net, {"y"}), {"x", "w"}, kFeeds);
  ControlNet loop = Counted(3);
  rows(&loop);
  NetBuilder turn("turn");
  turn.Op("Gather", {"x", "rows"}, {"own"})
      .Op("Copy", {"y"}, {"old"})
      .Op("Mul", {"own", "old"}, {"y"});
  loop.While("go", Count(), turn.def(), {"y"});
  CheckGradients(Loss(loop, {"y"}), {"x", "y"}, kFeeds);
  ControlNet choice("choice");
  rows(&choice);
  const NetDef other = Half("w", "y");
  choice.If("c", body.def(), {"y"}, &other, {"y"});
  for (const bool condition : {true, false}) {
    CheckGradients(Loss(choice, {"y"}), {"x", "w"}, kFeeds, condition);
  }
  ControlNet bare("bare");
  rows(&bare);
  bare.Op("If", {"c", "x", "w", "rows"}, {"y"},
          {MakeArgument<NetDef>("then_net", body.def()), MakeArgument<NetDef>("else_net", other)});
  for (const bool condition : {true, false}) {
    CheckGradients(Loss(bare, {"y"}), {"x", "w"}, kFeeds, condition);
  }
}

TEST(DoGradientTest, RefusesASparseGradientOfWhatItOverwrites) {
  NetBuilder body("body");
  body.Op("Gather", {"x", "rows"}, {"own"}).Op("Copy", {"own"}, {"x"});
  ControlNet net("net");
  net.Op("CreateScope", {}, {"scope"});
  *net.mutable_def()->add_op() = ControlNet::DoOp(body.def(), {"x"}, "scope", true);
  EXPECT_THAT(ErrorOf(Loss(net, {"x"})), AllOf(HasSubstr("Do("), HasSubstr("\"x\"")));
}

TEST(DoGradientTest, RunsOnceForEachRunOfTheForwardNet) {
  ControlNet net("net");
  net.Do(Layer(), {"y"}, "scope");
  const absl::StatusOr<Backward> backward = Differentiate(Loss(net, {"y"}));
  ASSERT_TRUE(backward.ok()) << backward.status();
  Workspace workspace;
  FeedAll(kFeeds, true, &workspace);
  ASSERT_TRUE(workspace.RunNetOnce(Loss(net, {"y"})).ok());
  const absl::Status first = workspace.RunNetOnce(backward->GradientNet());
  EXPECT_TRUE(first.ok()) << first;
  EXPECT_THAT(std::string(workspace.RunNetOnce(backward->GradientNet()).message()),
              HasSubstr("is empty: the forward operator did not run, or its gradient has run"));
}

TEST(DoGradientTest, KnowsAScopeThatIsNotItsOwn) {
  ControlNet net("net");
  net.Do(Layer(), {"y"}, "scope");
  const absl::StatusOr<Backward> backward = Differentiate(Loss(net, {"y"}));
  ASSERT_TRUE(backward.ok()) << backward.status();
  NetBuilder other("other");
  other.Op("Copy", {"x"}, {"y"});
  ControlNet forward("forward");
  forward.Do(other.def(), {"y"}, "scope");
  Workspace workspace;
  FeedAll(kFeeds, true, &workspace);
  ASSERT_TRUE(workspace.RunNetOnce(Loss(forward, {"y"})).ok());
  EXPECT_THAT(std::string(workspace.RunNetOnce(backward->GradientNet()).message()),
              HasSubstr("has no blob \"own\""));
}

TEST(IfGradientTest, IsThatOfTheNetThatRan) {
  ControlNet net("net");
  const NetDef other = Layer("b", "b", "y");
  net.If("c", Layer(), {"y"}, &other, {"y"});
  for (const bool condition : {true, false}) {
    // Parameters of the net that did not run have zeros.
    CheckGradients(Loss(net, {"y"}), {"x", "w", "b"}, kFeeds, condition);
  }
}

// The gradient operator of that type in what AddGradientOperators makes of the net.
OperatorDef GradientOp(const NetDef& net, const std::string& type) {
  const absl::StatusOr<Backward> backward = Differentiate(net);
  EXPECT_TRUE(backward.ok()) << backward.status();
  for (const OperatorDef& op : backward.ok() ? backward->net.op() : net.op()) {
    if (op.type() == type && op.is_gradient_op()) return op;
  }
  return {};
}

NetDef NetIn(const OperatorDef& op, const char* argument) {
  const Argument* arg = FindArgument(op, argument);
  return arg == nullptr ? NetDef() : arg->n();
}

Names Text(const NetDef& net) {
  Names ops;
  for (const OperatorDef& op : net.op()) ops.push_back(OpToString(op));
  return ops;
}

TEST(IfGradientTest, HasTheNamesThatCaffe2Gives) {
  NetBuilder then_net("then");
  then_net.Op("Mul", {"x", "w"}, {"t"}).Op("Sigmoid", {"t"}, {"y"});
  ControlNet net("net");
  net.Op("ConstantFill", {"x"}, {"y"},
         {MakeArgument<float>("value", 2), MakeArgument<bool>("dtype_of_input", true)});
  net.If("c", then_net.def(), {"y"});
  const OperatorDef op = GradientOp(Loss(net, {"y"}), "If");
  EXPECT_EQ(OpToString(op),
            "If(c, y, y_grad, x, w, net/c/then_net) -> x_grad, w_grad, net/c/then_net");
  EXPECT_EQ(Text(NetIn(op, "then_net")),
            Names{"Do(y, y_grad, x, w, net/c/then_net) -> x_grad, w_grad, net/c/then_net"});
  EXPECT_EQ(NetIn(op, "then_net").name(), "then_net_grad");
  EXPECT_EQ(Text(NetIn(op, "else_net")),
            (Names{"ConstantFill(x) -> x_grad", "ConstantFill(w) -> w_grad"}));
  EXPECT_EQ(NetIn(op, "else_net").name(), "then_net_grad_auto_else_zero_blobs_");
  const OperatorDef inner = NetIn(op, "then_net").op(0);
  EXPECT_EQ(NetIn(inner, "net").name(), "then_grad");
  EXPECT_EQ(Text(NetIn(inner, "net")),
            (Names{"SigmoidGradient(y, y/_DO_OPERATOR_INNER_GRAD_) -> t_grad",
                   "MulGradient(t_grad, x, w) -> x_grad, w_grad",
                   "Copy(x_grad) -> x/_DO_OPERATOR_INNER_GRAD_COPY_",
                   "Copy(w_grad) -> w/_DO_OPERATOR_INNER_GRAD_COPY_"}));
}

TEST(IfGradientTest, WithoutElsePassesOnWhatWasThere) {
  ControlNet net("net");
  net.Op("Mul", {"b", "w"}, {"y"});
  net.If("c", Layer(), {"y"}, nullptr, {}, {"y"});
  for (const bool condition : {true, false}) {
    CheckGradients(Loss(net, {"y"}), {"x", "w", "b"}, kFeeds, condition);
  }
}

TEST(IfGradientTest, MayLeaveAConstantAsItWas) {
  ControlNet net("net");
  net.Op("ConstantFill", {"x"}, {"y"},
         {MakeArgument<float>("value", 2), MakeArgument<bool>("dtype_of_input", true)});
  net.If("c", Layer(), {"y"});
  for (const bool condition : {true, false}) {
    CheckGradients(Loss(net, {"y"}), {"x", "w"}, kFeeds, condition);
  }
}

TEST(IfGradientTest, RefusesToLoseAGradientOfWhatWasThere) {
  ControlNet net("net");
  net.Op("Mul", {"b", "w"}, {"y"});
  net.If("c", Layer(), {"y"});
  EXPECT_THAT(ErrorOf(Loss(net, {"y"})),
              AllOf(HasSubstr("If(c, x, w"), HasSubstr("\"y\" is left as it was"),
                    HasSubstr("name it among the inputs")));
  ControlNet fed("fed");
  fed.If("c", Layer(), {"y"});
  EXPECT_THAT(ErrorOf(Loss(fed, {"y"})), HasSubstr("\"y\" is left as it was"));
}

TEST(IfGradientTest, StandsInAnotherIf) {
  ControlNet inner("inner");
  const NetDef half = Half("b", "y");
  inner.Op("Copy", {"c"}, {"d"});
  inner.If("d", Layer(), {"y"}, &half, {"y"});
  inner.Op("Mul", {"y", "b"}, {"z"});
  ControlNet net("net");
  const NetDef other = Half("w", "z");
  net.If("c", inner.def(), {"z"}, &other, {"z"});
  for (const bool condition : {true, false}) {
    CheckGradients(Loss(net, {"z"}), {"x", "w", "b"}, kFeeds, condition);
  }
}

TEST(IfGradientTest, NeedsNoDo) {
  NetBuilder then_net("then");
  then_net.Op("Mul", {"x", "w"}, {"t"}).Op("Mul", {"t", "x"}, {"u"}).Op("Add", {"u", "x"}, {"y"});
  NetBuilder else_net("else");
  else_net.Op("Sum", {"w", "b"}, {"y"});
  const std::vector<Argument> args = {MakeArgument<NetDef>("then_net", then_net.def()),
                                      MakeArgument<NetDef>("else_net", else_net.def())};
  ControlNet net("net");
  net.Op("If", {"c", "x", "w", "b"}, {"y"}, args);
  net.Op("Mul", {"x", "w"}, {"z"});
  for (const bool condition : {true, false}) {
    CheckGradients(Loss(net, {"y", "z"}), {"x", "w", "b"}, kFeeds, condition);
  }
  // A blob of the net's own that is written to again is another one for the gradient.
  net.Op("Copy", {"w"}, {"t"});
  EXPECT_THAT(ErrorOf(Loss(net, {"y"})),
              AllOf(HasSubstr("\"t\""), HasSubstr("writes to the same blob later")));
  ControlNet lost("lost");
  lost.Op("If", {"c", "x"}, {"y"}, args);
  EXPECT_THAT(ErrorOf(Loss(lost, {"y"})), AllOf(HasSubstr("reads \"w\""), HasSubstr("If(c, x)")));
}

TEST(IfGradientTest, RefusesAConditionThatIsWritten) {
  NetBuilder then_net("then");
  then_net.Op("Copy", {"x"}, {"y"}).Op("Not", {"c"}, {"c"});
  ControlNet net("net");
  net.Op("If", {"c", "x", "y"}, {"y", "c"}, {MakeArgument<NetDef>("then_net", then_net.def())});
  EXPECT_THAT(ErrorOf(Loss(net, {"y"})), HasSubstr("then_net writes to the condition \"c\""));
  ControlNet later("later");
  const NetDef half = Half("b", "y");
  later.If("c", Layer(), {"y"}, &half, {"y"});
  later.Op("Not", {"c"}, {"c"});
  EXPECT_THAT(ErrorOf(Loss(later, {"y"})),
              AllOf(HasSubstr("input \"c\""), HasSubstr("op 3 Not(c) -> c")));
}

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
    CheckGradients(Loss(net, {"x"}), {"x", "w", "b"}, kFeeds);
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
    CheckGradients(Loss(net, {"x"}), {"x", "w"}, feeds);
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
    CheckGradients(Loss(net, {"y"}), {"x", "y", "w", "b"}, kFeeds);
    CheckGradients(Loss(net, {"x", "y"}), {"x", "y", "w", "b"}, kFeeds);
  }
}

TEST(WhileGradientTest, ForgetsWhatATurnWritesOver) {
  NetBuilder body("body");
  body.Op("Mul", {"w", "b"}, {"y"}).Op("Copy", {"x"}, {"old"}).Op("Mul", {"old", "y"}, {"x"});
  for (const int turns : {0, 1, 3}) {
    ControlNet net = Counted(turns);
    net.While("go", Count(), body.def(), {"x", "y"});
    CheckGradients(Loss(net, {"x", "y"}), {"x", "y", "w", "b"}, kFeeds);
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
  CheckGradients(Loss(net, {"first", "last", "more"}), {"x", "w", "b"}, kFeeds);
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
    CheckGradients(Loss(net, {"x"}), {"x", "w", "b"}, kFeeds);
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
  for (const int turns : {1, 3}) CheckGradients(LoopInLoop(turns), {"x", "w", "b"}, kFeeds);
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
