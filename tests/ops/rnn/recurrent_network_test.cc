#include <limits>

#include "doppio/cancellation.h"
#include "doppio/check.h"
#include "doppio/gradient.h"
#include "doppio/net_builder.h"
#include "doppio/registry.h"
#include "doppio/workspace.h"
#include "gmock/gmock.h"
#include "tests/support/allocation_counter.h"
#include "tests/support/op_tester.h"

namespace doppio {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Strings = std::vector<std::string>;
using Ints = std::vector<int64_t>;

Argument Names(const char* name, const Strings& values) {
  return MakeArgument<Strings>(name, values);
}
Argument Numbers(const char* name, const Ints& values) { return MakeArgument<Ints>(name, values); }

// after = (x + before) * w, and its gradient.
NetDef StepNet() {
  NetBuilder net("step");
  net.Op("Add", {"x_t", "before"}, {"sum"}).Op("Mul", {"sum", "w"}, {"after"});
  for (const char* name : {"x_t", "before", "w", "timestep"}) net.ExternalInput(name);
  net.ExternalOutput("after");
  return net.def();
}
NetDef BackwardNet() {
  NetBuilder net("backward");
  net.Op("MulGradient", {"after_grad", "sum", "w"}, {"sum_grad", "w_grad"})
      .Op("AddGradient", {"sum_grad", "x_t", "before"}, {"x_t_grad", "before_grad"});
  for (const char* name : {"after_grad", "sum", "w", "x_t", "before"}) net.ExternalInput(name);
  return net.def();
}

// The cell over x, from `initial`, with the parameter w.
OperatorDef Recurrent(const std::vector<Argument>& nets) {
  std::vector<Argument> args = {
      Names("link_internal", {"before", "after", "x_t"}),
      Names("link_external", {"states", "states", "x"}),
      Numbers("link_offset", {0, 1, 0}),
      Names("backward_link_internal", {"after_grad", "before_grad", "x_t_grad"}),
      Names("backward_link_external", {"states_grad", "states_grad", "x_grad"}),
      Numbers("backward_link_offset", {1, 0, 0}),
      Names("recurrent_states", {"states"}),
      Numbers("initial_recurrent_state_ids", {1}),
      Names("alias_src", {"states", "states"}),
      Names("alias_dst", {"all", "last"}),
      Numbers("alias_offset", {1, -1}),
      Numbers("outputs_with_grads", {0, 1}),
      Numbers("param", {2}),
      Names("param_grads", {"w_grad"}),
      Names("recompute_blobs_on_backward", {})};
  args.insert(args.end(), nets.begin(), nets.end());
  return CreateOperatorDef("RecurrentNetwork", "", {"x", "initial", "w"}, {"all", "last", "steps"},
                           args);
}
OperatorDef Recurrent() {
  return Recurrent({MakeArgument<NetDef>("step_net", StepNet()),
                    MakeArgument<NetDef>("backward_step_net", BackwardNet())});
}

int steps_begun = 0;
const Cancellation* cancelled_in_step_three = nullptr;

DOPPIO_OPERATOR_SCHEMA(TestCancelInStepThree).NumInputs(0).NumOutputs(0).Doc("Cancels its run.");

template <class Context>
class CancelInStepThreeOp final : public Operator<Context> {
 public:
  explicit CancelInStepThreeOp(OperatorInit* init) : Operator<Context>(init) {}
  absl::Status RunOnDevice() override {
    if (++steps_begun == 3) cancelled_in_step_three->Cancel();
    return absl::OkStatus();
  }
};
DOPPIO_REGISTER_CPU_OPERATOR(TestCancelInStepThree, CancelInStepThreeOp<CPUContext>);

class RecurrentNetworkTest : public testing::Test {
 protected:
  RecurrentNetworkTest() {
    // Three steps of two sequences.
    Feed("x", Tensor::Of<double>({3, 2, 1}, {1, 4, 2, -5, 3, 0.5}));
    Feed("initial", Tensor::Of<double>({2, 1}, {10, 20}));
    Feed("w", Tensor::Of<double>({2, 1}, {1, 0.5}));
  }
  void Feed(const char* name, absl::StatusOr<Tensor> value) {
    EXPECT_TRUE(workspace_.Feed(name, std::move(value)).ok());
  }
  absl::Status Run(const OperatorDef& def) { return workspace_.RunOperatorOnce(def); }
  std::string Error(const OperatorDef& def) { return std::string(Run(def).message()); }
  std::vector<double> Values(const std::string& name) {
    const absl::StatusOr<Tensor> value = workspace_.Fetch(name);
    EXPECT_TRUE(value.ok()) << value.status();
    if (!value.ok() || !value->Is<double>()) return {};
    return {value->data<double>(), value->data<double>() + value->numel()};
  }

  Workspace workspace_;
};

TEST_F(RecurrentNetworkTest, StepsGoFromStateToState) {
  ASSERT_TRUE(Run(Recurrent()).ok());
  EXPECT_THAT(Values("all"), ElementsAre(11, 12, 13, 3.5, 16, 2));
  EXPECT_THAT(Values("last"), ElementsAre(16, 2));
  EXPECT_EQ(workspace_.Fetch("last")->TypeAndShape(), "double[1,2,1]");
  EXPECT_THAT(Values("states"), ElementsAre(10, 20, 11, 12, 13, 3.5, 16, 2));
}

TEST_F(RecurrentNetworkTest, ExampleOfTheDocumentation) {
  Feed("x", Tensor::Of<double>({3, 1, 1}, {1, 2, 3}));
  Feed("initial", Tensor::Of<double>({1, 1}, {10}));
  Feed("w", Tensor::Of<double>({1, 1}, {1}));
  NetBuilder step("step");
  step.Op("Add", {"x_t", "before"}, {"after"}).ExternalInput("x_t").ExternalInput("before");
  ASSERT_TRUE(Run(Recurrent({MakeArgument<NetDef>("step_net", step.def())})).ok());
  EXPECT_THAT(Values("states"), ElementsAre(10, 11, 13, 16));
  EXPECT_THAT(Values("all"), ElementsAre(11, 13, 16));
}

TEST_F(RecurrentNetworkTest, EndsBetweenTwoStepsWhenItIsCancelled) {
  const Cancellation cancellation;
  cancelled_in_step_three = &cancellation;
  steps_begun = 0;
  NetDef steps = StepNet();
  *steps.add_op() = CreateOperatorDef("TestCancelInStepThree", "", {}, {});
  const OperatorDef recurrent = Recurrent({MakeArgument<NetDef>("step_net", steps)});
  Feed("x", Tensor::FromSpan<double>({100, 1, 1}, std::vector<double>(100, 1)));
  Feed("initial", Tensor::Of<double>({1, 1}, {10}));
  Feed("w", Tensor::Of<double>({1, 1}, {1}));
  {
    const CancellationScope scope(cancellation);
    const absl::Status status = Run(recurrent);
    EXPECT_TRUE(absl::IsCancelled(status)) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr(": step 3: net \"step\", op 0"));
    EXPECT_EQ(steps_begun, 3);
  }
  ASSERT_TRUE(Run(recurrent).ok());
  EXPECT_THAT(Values("last"), ElementsAre(110));
}

TEST_F(RecurrentNetworkTest, WithoutABackwardNetTwoWorkspacesServeAllSteps) {
  ASSERT_TRUE(Run(Recurrent({MakeArgument<NetDef>("step_net", StepNet())})).ok());
  EXPECT_THAT(Values("last"), ElementsAre(16, 2));
}

TEST_F(RecurrentNetworkTest, ReadsNetsGivenAsText) {
  ASSERT_TRUE(Run(Recurrent({MakeArgument<std::string>("step_net", StepNet().DebugString()),
                             MakeArgument<std::string>("backward_step_net", "")}))
                  .ok());
  EXPECT_THAT(Values("last"), ElementsAre(16, 2));
}

TEST_F(RecurrentNetworkTest, AllSequencesMayBeginWithOneState) {
  Feed("initial", Tensor::Of<double>({1}, {10}));
  ASSERT_TRUE(Run(Recurrent()).ok());
  EXPECT_THAT(Values("all"), ElementsAre(11, 7, 13, 1, 16, 0.75));
}

TEST_F(RecurrentNetworkTest, NoStepLeavesTheInitialState) {
  Feed("x", Tensor::Create(DataType::kDouble, {0, 2, 1}));
  ASSERT_TRUE(Run(Recurrent()).ok());
  EXPECT_THAT(Values("all"), ElementsAre());
  EXPECT_THAT(Values("last"), ElementsAre(10, 20));
}

TEST_F(RecurrentNetworkTest, ANetRunsAgainWithMoreAndFewerSteps) {
  NetBuilder net("net");
  *net.mutable_def()->add_op() = Recurrent();
  ASSERT_TRUE(workspace_.CreateNet(net.def()).ok());
  ASSERT_TRUE(workspace_.RunNet("net").ok());
  Feed("x", Tensor::Of<double>({4, 2, 1}, {1, 4, 2, -5, 3, 0.5, 1, 2}));
  ASSERT_TRUE(workspace_.RunNet("net").ok());
  EXPECT_THAT(Values("last"), ElementsAre(17, 2));
  Feed("x", Tensor::Of<double>({1, 2, 1}, {1, 4}));
  ASSERT_TRUE(workspace_.RunNet("net").ok());
  EXPECT_THAT(Values("last"), ElementsAre(11, 12));
}

TEST_F(RecurrentNetworkTest, StepsSeeTheWorkspaceThatTheirNetRunsIn) {
  ASSERT_TRUE(Run(Recurrent()).ok());  // the parent has workspaces of steps already
  {
    Workspace child(&workspace_);
    *child.CreateLocalBlob("w")->GetMutable<Tensor>() = *Tensor::Of<double>({2, 1}, {0, 0});
    ASSERT_TRUE(child.RunOperatorOnce(Recurrent()).ok());
    EXPECT_EQ(child.Fetch("last")->data<double>()[0], 0);
  }
  // And what went with the child is not asked for again.
  ASSERT_TRUE(Run(Recurrent()).ok());
  EXPECT_THAT(Values("last"), ElementsAre(16, 2));
}

TEST_F(RecurrentNetworkTest, WindowsReachOverSeveralRows) {
  // Each step sums the two states before it.
  Feed("initial", Tensor::Of<double>({2, 1, 1}, {1, 1}));
  Feed("x", Tensor::Create(DataType::kDouble, {4, 1, 1}));
  NetBuilder step("step");
  step.Op("ReduceSum", {"two"}, {"next"}, {Numbers("axes", {0})}).ExternalInput("two");
  ASSERT_TRUE(
      Run(CreateOperatorDef(
              "RecurrentNetwork", "", {"x", "initial"}, {"all", "steps"},
              {Names("link_internal", {"two", "next"}), Names("link_external", {"s", "s"}),
               Numbers("link_offset", {0, 2}), Numbers("link_window", {2, 1}),
               Names("recurrent_states", {"s"}), Numbers("initial_recurrent_state_ids", {1}),
               Names("alias_src", {"s"}), Names("alias_dst", {"all"}), Numbers("alias_offset", {2}),
               MakeArgument<NetDef>("step_net", step.def())}))
          .ok());
  EXPECT_THAT(Values("all"), ElementsAre(2, 3, 5, 8));
}

TEST_F(RecurrentNetworkTest, WindowsSeeWhatTheStepWrote) {
  // Each step writes t to the state, and then sums that and the two before it.
  Feed("initial", Tensor::Of<double>({2, 1, 1}, {10, 20}));
  Feed("sums", Tensor::Of<double>({1, 1, 1}, {0}));
  Feed("x", Tensor::Create(DataType::kDouble, {3, 1, 1}));
  NetBuilder step("step");
  step.Op("Cast", {"timestep"}, {"t"},
          {MakeArgument<int>("to", static_cast<int>(DataType::kDouble))})
      .Op("ExpandDims", {"t"}, {"new"}, {Numbers("dims", {1, 2})})
      .Op("ReduceSum", {"three"}, {"sum"}, {Numbers("axes", {0})})
      .ExternalInput("three");
  ASSERT_TRUE(
      Run(CreateOperatorDef(
              "RecurrentNetwork", "", {"x", "initial", "sums"}, {"all", "steps"},
              {Names("link_internal", {"new", "three", "sum"}),
               Names("link_external", {"s", "s", "sum_states"}), Numbers("link_offset", {2, 0, 1}),
               Numbers("link_window", {1, 3, 1}), Names("recurrent_states", {"s", "sum_states"}),
               Numbers("initial_recurrent_state_ids", {1, 2}), Names("alias_src", {"sum_states"}),
               Names("alias_dst", {"all"}), Numbers("alias_offset", {1}),
               MakeArgument<NetDef>("step_net", step.def())}))
          .ok());
  EXPECT_THAT(Values("all"), ElementsAre(30, 21, 3));
}

TEST_F(RecurrentNetworkTest, StepsKnowTheirNumber) {
  NetBuilder step("step");
  step.Op("Cast", {"timestep"}, {"t"},
          {MakeArgument<int>("to", static_cast<int>(DataType::kDouble))})
      .Op("Add", {"before", "t"}, {"after"}, {MakeArgument<int>("broadcast", 1)});
  step.ExternalInput("before");
  OperatorDef def = Recurrent({MakeArgument<NetDef>("step_net", step.def())});
  ASSERT_TRUE(Run(def).ok());
  EXPECT_THAT(Values("last"), ElementsAre(13, 23));
}

TEST_F(RecurrentNetworkTest, NeedsFromOutsideWhatItsStepsDoNotMake) {
  NetBuilder net("net");
  *net.mutable_def()->add_op() = Recurrent();
  EXPECT_THAT(InputsOfNet(net.def()), ElementsAre("x", "initial", "w"));
}

// The loss sum(all * weights) + sum(last^2), of the net that `recurrent` stands in.
NetDef LossNet(const OperatorDef& recurrent) {
  NetBuilder net("loss");
  *net.mutable_def()->add_op() = recurrent;
  net.Op("Mul", {"all", "weights"}, {"weighted"})
      .Op("SumElements", {"weighted"}, {"loss_all"})
      .Op("Sqr", {"last"}, {"squared"})
      .Op("SumElements", {"squared"}, {"loss_last"})
      .Op("Add", {"loss_all", "loss_last"}, {"loss"});
  return net.def();
}

class RecurrentGradientTest : public RecurrentNetworkTest {
 protected:
  RecurrentGradientTest() {
    Feed("weights", Tensor::Of<double>({3, 2, 1}, {1, -2, 0.5, 3, 2, 1}));
    Feed("one", Tensor::Scalar<double>(1));  // that of a loss is made as a float
  }

  // The gradients that the net gives are those of finite differences.
  void Check(const OperatorDef& recurrent, const Strings& names) {
    CheckWhole(LossNet(recurrent), names);
  }
  void CheckWhole(const NetDef& net, const Strings& names) {
    const absl::StatusOr<Backward> backward =
        AddGradientOperators(net, {GradientTarget("loss", "one")});
    ASSERT_TRUE(backward.ok()) << backward.status();
    const absl::Status run = workspace_.RunNetOnce(backward->net);
    ASSERT_TRUE(run.ok()) << run;
    for (const std::string& name : names) {
      const auto found = backward->gradients.find(name);
      ASSERT_NE(found, backward->gradients.end()) << name;
      const std::vector<double> gradient = Values(found->second.dense);
      const Tensor value = *workspace_.Fetch(name);
      ASSERT_EQ(static_cast<int64_t>(gradient.size()), value.numel()) << name;
      for (int64_t i = 0; i < value.numel(); ++i) {
        const auto loss = [&](double change) {
          Tensor moved = value;
          EXPECT_TRUE(moved.MakeUnique().ok());
          moved.mutable_data<double>()[i] += change;
          Workspace other(&workspace_);
          *other.CreateLocalBlob(name)->GetMutable<Tensor>() = moved;
          for (const char* made : {"states", "all", "last", "steps"}) other.CreateLocalBlob(made);
          const absl::Status status = other.RunNetOnce(net);
          EXPECT_TRUE(status.ok()) << status;
          return *other.Fetch("loss")->data<double>();
        };
        constexpr double kStep = 1e-5;
        EXPECT_NEAR(gradient[static_cast<size_t>(i)], (loss(kStep) - loss(-kStep)) / (2 * kStep),
                    1e-5)
            << name << "[" << i << "]";
      }
    }
  }
};

TEST_F(RecurrentGradientTest, IsThatOfFiniteDifferences) {
  Check(Recurrent(), {"x", "initial", "w"});
}

TEST_F(RecurrentGradientTest, OfOneInitialStateIsTheSumOverTheBatch) {
  Feed("initial", Tensor::Of<double>({1}, {10}));
  Check(Recurrent(), {"x", "initial", "w"});
}

TEST_F(RecurrentGradientTest, OfBlobsThatAreComputedOnceMore) {
  NetDef backward = BackwardNet();
  OperatorDef again = StepNet().op(0);
  backward.mutable_op()->Add()->CopyFrom(again);
  for (int i = backward.op_size() - 1; i > 0; --i) backward.mutable_op()->SwapElements(i, i - 1);
  OperatorDef def = Recurrent({MakeArgument<NetDef>("step_net", StepNet()),
                               MakeArgument<NetDef>("backward_step_net", backward)});
  for (Argument& arg : *def.mutable_arg()) {
    if (arg.name() == "recompute_blobs_on_backward") arg.add_strings("sum");
  }
  Check(def, {"x", "initial", "w"});
}

// after = before W^T + b + x, whose FCGradient adds to the sums over the steps.
TEST_F(RecurrentGradientTest, OfWeightsThatEachStepAddsTo) {
  Feed("w", Tensor::Of<double>({1, 1}, {0.5}));
  Feed("b", Tensor::Of<double>({1}, {0.25}));
  NetBuilder step("step");
  step.Op("FC", {"before", "w", "b"}, {"sum"}, {MakeArgument("axis", 2)})
      .Op("Add", {"sum", "x_t"}, {"after"});
  NetBuilder backward("backward");
  backward
      .Op("FCGradient", {"before", "w", "after_grad"}, {"w_grad", "b_grad", "before_grad"},
          {MakeArgument("axis", 2)})
      .Op("Copy", {"after_grad"}, {"x_t_grad"});
  OperatorDef def = Recurrent({MakeArgument<NetDef>("step_net", step.def()),
                               MakeArgument<NetDef>("backward_step_net", backward.def())});
  def.add_input("b");
  for (Argument& arg : *def.mutable_arg()) {
    if (arg.name() == "param") arg.add_ints(3);
    if (arg.name() == "param_grads") arg.add_strings("b_grad");
  }
  Check(def, {"x", "initial", "w", "b"});
}

TEST_F(RecurrentGradientTest, GoesThroughANetInADo) {
  const Strings blobs = {"x", "initial", "w", "weights", "loss"};
  NetBuilder net("net");
  net.Op("CreateScope", {}, {"scope"})
      .Op("Do", {"x", "initial", "w", "weights", "scope"}, {"loss", "scope"},
          {MakeArgument<NetDef>("net", LossNet(Recurrent())), Names("inner_blobs", blobs),
           Numbers("outer_blobs_idx", {0, 1, 2, 3, 4})});
  CheckWhole(net.def(), {"x", "initial", "w"});
}

TEST_F(RecurrentGradientTest, AllocatesNothingInALaterRun) {
  const absl::StatusOr<Backward> backward =
      AddGradientOperators(LossNet(Recurrent()), {GradientTarget("loss", "one")});
  ASSERT_TRUE(backward.ok()) << backward.status();
  NetDef def = backward->net;
  def.set_name("net");
  const absl::StatusOr<Net*> net = workspace_.CreateNet(def);
  ASSERT_TRUE(net.ok()) << net.status();
  for (int run = 0; run < 2; ++run) ASSERT_TRUE((*net)->Run().ok());
  const AllocationCounter counter;
  ASSERT_TRUE((*net)->Run().ok());
  EXPECT_EQ(counter.tensor_count(), 0);
}

TEST_F(RecurrentGradientTest, OfAnInputThatIsUsedElsewhereIsSummed) {
  NetDef net = LossNet(Recurrent());
  *net.add_op() = CreateOperatorDef("SumElements", "", {"x"}, {"loss_x"});
  const absl::StatusOr<Backward> alone =
      AddGradientOperators(LossNet(Recurrent()), {GradientTarget("loss", "one")});
  ASSERT_TRUE(alone.ok()) << alone.status();
  ASSERT_TRUE(workspace_.RunNetOnce(alone->net).ok());
  std::vector<double> expected = Values(alone->gradients.at("x").dense);
  for (double& value : expected) value += 1;
  const absl::StatusOr<Backward> both =
      AddGradientOperators(net, {GradientTarget("loss", "one"), GradientTarget("loss_x", "one")});
  ASSERT_TRUE(both.ok()) << both.status();
  const absl::Status run = workspace_.RunNetOnce(both->net);
  ASSERT_TRUE(run.ok()) << run;
  EXPECT_EQ(Values(both->gradients.at("x").dense), expected);
}

TEST_F(RecurrentGradientTest, IsRefusedWithoutABackwardNet) {
  const absl::StatusOr<Backward> backward = AddGradientOperators(
      LossNet(Recurrent({MakeArgument<NetDef>("step_net", StepNet())})), {"loss"});
  ASSERT_TRUE(backward.ok()) << backward.status();
  EXPECT_THAT(std::string(workspace_.RunNetOnce(backward->net).message()),
              HasSubstr("argument \"backward_step_net\" is missing"));
}

TEST_F(RecurrentNetworkTest, BlobsOfStepsAreFetched) {
  ASSERT_TRUE(Run(Recurrent()).ok());
  ASSERT_TRUE(Run(CreateOperatorDef("RecurrentNetworkBlobFetcher", "", {"steps"}, {"names"},
                                    {MakeArgument<std::string>("prefix", "of")}))
                  .ok());
  EXPECT_THAT(Values("of_sum1"), ElementsAre(13, 7));
  EXPECT_THAT(workspace_.Fetch("names")->span<std::string>(), testing::Contains("of_after2"));
}

TEST_F(RecurrentNetworkTest, FetcherRefusesAnotherBlob) {
  EXPECT_THAT(Error(CreateOperatorDef("RecurrentNetworkBlobFetcher", "", {"x"}, {"names"})),
              HasSubstr("must be the workspaces of the steps, but is Tensor"));
}

TEST_F(RecurrentNetworkTest, RefusesLinksThatAreNone) {
  OperatorDef def = Recurrent();
  def.mutable_arg(2)->add_ints(0);
  EXPECT_THAT(Error(def), HasSubstr("must be as long, but have 3, 3, 4 and 4 elements"));
  def = Recurrent();
  def.mutable_arg(2)->set_ints(0, -1);
  EXPECT_THAT(Error(def), HasSubstr("link 0 to \"states\" has offset -1 and window 1"));
  def = Recurrent();
  def.mutable_arg(2)->set_ints(2, 1);  // row T of x
  EXPECT_THAT(Error(def), HasSubstr("double[3,2,1] has no rows 3 to 4 (not included)"));
  def = Recurrent();
  def.mutable_arg(2)->set_ints(0, 1);
  NetDef both = StepNet();
  both.mutable_op(1)->set_type("Split");
  both.mutable_op(1)->mutable_input()->RemoveLast();
  both.mutable_op(1)->add_output("before");
  def.mutable_arg(def.arg_size() - 2)->mutable_n()->CopyFrom(both);
  EXPECT_THAT(Error(def), HasSubstr("one operator Split writes \"before\" and \"after\""));
}

TEST_F(RecurrentNetworkTest, RefusesInputsThatDoNotFit) {
  Feed("initial", Tensor::Of<double>({3, 1}, {1, 2, 3}));
  EXPECT_THAT(Error(Recurrent()),
              HasSubstr("the initial state must be [D], [2,D] or [L,2,D], but is double[3,1]"));
  Feed("initial", Tensor::Of<double>({2, 1}, {10, 20}));
  Feed("x", Tensor::Of<double>({2}, {1, 2}));
  EXPECT_THAT(Error(Recurrent()), HasSubstr("the first input must be [T,N,...]"));
}

TEST_F(RecurrentNetworkTest, RefusesMoreWorkspacesThanThereIsMemoryFor) {
  Feed("x", Tensor::Create(DataType::kDouble, {int64_t{1} << 30, 0, 1}));
  Feed("initial", Tensor::Create(DataType::kDouble, {0, 1}));
  EXPECT_THAT(Error(Recurrent()),
              HasSubstr("each of 1073741824 steps needs a workspace for its gradient"));
  EXPECT_THAT(Error(Recurrent({MakeArgument<NetDef>("step_net", StepNet()),
                               MakeArgument<int64_t>("num_workspaces", 1 << 30)})),
              HasSubstr("num_workspaces is 1073741824, but must be from 1 to 1048576"));
}

TEST_F(RecurrentNetworkTest, RefusesAStepThatWritesAnotherShape) {
  Feed("w", Tensor::Of<double>({3, 2, 1}, {1, 1, 1, 1, 1, 1}));
  EXPECT_THAT(Error(Recurrent()),
              HasSubstr("step 0: \"after\", linked to \"states\": is double[3,2,1], which are not "
                        "1 rows of double[4,2,1]"));
}

TEST_F(RecurrentNetworkTest, RefusesArgumentsThatDoNotFit) {
  OperatorDef def = Recurrent();
  def.mutable_arg(7)->set_ints(0, 5);
  EXPECT_THAT(Error(def), HasSubstr("initial_recurrent_state_ids has 5, but there are 3 inputs"));
  def = Recurrent();
  def.mutable_arg(10)->set_ints(1, -9);
  EXPECT_THAT(Error(def), HasSubstr("alias \"last\": offset -9 is outside of \"states\""));
  EXPECT_THAT(Error(Recurrent({MakeArgument<std::string>("step_net", "nothing {")})),
              HasSubstr("step_net: "));
  EXPECT_THAT(Error(Recurrent({MakeArgument<int>("step_net", 1)})),
              HasSubstr("must be a net in `n`, or its text in `s`"));
  EXPECT_THAT(Error(Recurrent({})), HasSubstr("argument \"step_net\" is missing"));
}

TEST_F(RecurrentNetworkTest, ErrorsNameTheStepAndTheNetInside) {
  NetDef step = StepNet();
  step.mutable_op(0)->set_input(0, "nothing");
  EXPECT_THAT(Error(Recurrent({MakeArgument<NetDef>("step_net", step)})), HasSubstr("\"nothing\""));
}

TEST(RnnInternalTest, ExamplesOfTheDocumentation) {
  OpTester("rnn_internal_apply_link")
      .Input("t", Tensor::Of<int32_t>({1}, {1}))
      .Input("external", Tensor::Of<float>({3, 1}, {5, 6, 7}))
      .Arg("offset", 1)
      .Arg("window", 1)
      .Outputs({"internal", "external"})
      .ExpectOutput(0, Tensor::Of<float>({1, 1}, {7}));
  OpTester("rnn_internal_accumulate_gradient_input")
      .Input("t", Tensor::Of<int32_t>({1}, {0}))
      .Input("dy", Tensor::Of<float>({1, 1}, {5}))
      .Input("dstate", Tensor::Of<float>({2, 1}, {1, 2}))
      .Arg("offset", 1)
      .Outputs({"dstate"})
      .ExpectOutput(0, Tensor::Of<float>({2, 1}, {1, 7}));
}

TEST(RnnInternalTest, RefusesRowsThatAreNotThere) {
  OpTester("rnn_internal_apply_link")
      .Input("t", Tensor::Of<int32_t>({1}, {2}))
      .Input("external", Tensor::Of<float>({3, 1}, {5, 6, 7}))
      .Arg("offset", 1)
      .Arg("window", 1)
      .Outputs({"internal", "external"})
      .ExpectError(kInvalid, "has no rows 3 to 4");
  OpTester("rnn_internal_accumulate_gradient_input")
      .Input("t", Tensor::Of<int32_t>({1}, {1}))
      .Input("dy", Tensor::Of<float>({1, 1}, {5}))
      .Input("dstate", Tensor::Of<float>({2, 1}, {1, 2}))
      .Arg("offset", 0)
      .Outputs({"dstate"})
      .ExpectError(kInvalid, "there is no row 1 in output_gradient float[1,1]");
  OpTester("rnn_internal_apply_link")
      .Input("t", Tensor::Of<int64_t>({1}, {std::numeric_limits<int64_t>::max()}))
      .Input("external", Tensor::Of<float>({3, 1}, {5, 6, 7}))
      .Arg("offset", 1)
      .Arg("window", 1)
      .Outputs({"internal", "external"})
      .ExpectError(kInvalid, "more than an index can be");
}

}  // namespace
}  // namespace doppio
