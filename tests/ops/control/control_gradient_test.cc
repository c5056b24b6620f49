// Gradients through Do and If against finite differences, and what is refused.

#include "gmock/gmock.h"
#include "tests/ops/control/control_gradients.h"

namespace doppio {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

TEST(DoGradientTest, IsThatOfTheNet) {
  ControlNet net("net");
  net.Do(Layer(), {"y"}, "scope");
  ExpectGradients(Loss(net, {"y"}), {"x", "w"}, kFeeds);
}

TEST(DoGradientTest, KeepsBlobsOutsideWithCopies) {
  ControlNet net("net");
  net.Do(Layer(), {"y"}, "scope", true);
  net.Op("Scale", {"y"}, {"y"}, {MakeArgument<float>("scale", 3)});
  ExpectGradients(Loss(net, {"y"}), {"x", "w"}, kFeeds);
}

TEST(DoGradientTest, HasOtherNamesInTheNet) {
  ControlNet net("net");
  net.Op("CreateScope", {}, {"scope"});
  *net.mutable_def()->add_op() =
      CreateOperatorDef("Do", "", {"x", "w", "scope"}, {"y", "scope"},
                        {MakeArgument<NetDef>("net", Layer("w", "y", "x")),
                         MakeArgument("inner_blobs", Names{"w", "y", "x"}),
                         MakeArgument<std::vector<int64_t>>("outer_blobs_idx", {0, 1, 2})});
  ExpectGradients(Loss(net, {"y"}), {"x", "w"}, kFeeds);
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
  ExpectGradients(Loss(right, {"h"}), {"x", "w"}, kFeeds);
}

TEST(DoGradientTest, SeveralShareAScope) {
  ControlNet net("net");
  net.Do(Layer("x", "w", "y"), {"y"}, "scope");
  *net.mutable_def()->add_op() = ControlNet::DoOp(Layer("y", "w", "z"), {"z"}, "scope", false);
  ExpectGradients(Loss(net, {"y", "z"}), {"x", "w"}, kFeeds);
  // The second one has no gradient that would take its blobs out.
  EXPECT_THAT(ErrorOf(Loss(net, {"y"})), HasSubstr("would not read the right \"scope\""));
}

TEST(DoGradientTest, SumsWhatIsUsedInsideAndOutside) {
  ControlNet net("net");
  net.Do(Layer(), {"y"}, "scope").Op("Mul", {"x", "w"}, {"z"});
  net.Op("Add", {"y", "x"}, {"v"});
  ExpectGradients(Loss(net, {"y", "z", "v"}), {"x", "w"}, kFeeds);
}

TEST(DoGradientTest, PassesAGradientOnToTwoInputs) {
  NetBuilder body("body");
  body.Op("Sum", {"x", "w"}, {"y"}).Op("Copy", {"x"}, {"z"});
  ControlNet net("net");
  net.Do(body.def(), {"y", "z"}, "scope");
  net.Op("Sum", {"y", "z"}, {"v"});
  ExpectGradients(Loss(net, {"v"}), {"x", "w"}, kFeeds);
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
  ExpectGradients(Loss(net, {"y"}), {"x", "w"}, kFeeds);
  ControlNet loop = Counted(3);
  rows(&loop);
  NetBuilder turn("turn");
  turn.Op("Gather", {"x", "rows"}, {"own"})
      .Op("Copy", {"y"}, {"old"})
      .Op("Mul", {"own", "old"}, {"y"});
  loop.While("go", Count(), turn.def(), {"y"});
  ExpectGradients(Loss(loop, {"y"}), {"x", "y"}, kFeeds);
  ControlNet choice("choice");
  rows(&choice);
  const NetDef other = Half("w", "y");
  choice.If("c", body.def(), {"y"}, &other, {"y"});
  for (const bool condition : {true, false}) {
    ExpectGradients(Loss(choice, {"y"}), {"x", "w"}, kFeeds, condition);
  }
  ControlNet bare("bare");
  rows(&bare);
  bare.Op("If", {"c", "x", "w", "rows"}, {"y"},
          {MakeArgument<NetDef>("then_net", body.def()), MakeArgument<NetDef>("else_net", other)});
  for (const bool condition : {true, false}) {
    ExpectGradients(Loss(bare, {"y"}), {"x", "w"}, kFeeds, condition);
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
    ExpectGradients(Loss(net, {"y"}), {"x", "w", "b"}, kFeeds, condition);
  }
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
    ExpectGradients(Loss(net, {"y"}), {"x", "w", "b"}, kFeeds, condition);
  }
}

TEST(IfGradientTest, MayLeaveAConstantAsItWas) {
  ControlNet net("net");
  net.Op("ConstantFill", {"x"}, {"y"},
         {MakeArgument<float>("value", 2), MakeArgument<bool>("dtype_of_input", true)});
  net.If("c", Layer(), {"y"});
  for (const bool condition : {true, false}) {
    ExpectGradients(Loss(net, {"y"}), {"x", "w"}, kFeeds, condition);
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
    ExpectGradients(Loss(net, {"z"}), {"x", "w", "b"}, kFeeds, condition);
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
    ExpectGradients(Loss(net, {"y", "z"}), {"x", "w", "b"}, kFeeds, condition);
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

}  // namespace
}  // namespace doppio
