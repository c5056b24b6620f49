#include <atomic>
#include <chrono>
#include <thread>

#include "doppio/net_builder.h"
#include "doppio/workspace.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/tensor_match.h"

namespace doppio {
namespace {

using ::testing::HasSubstr;

// Nets that work on blob "x", a scalar: one adds 1, one negates.
NetDef AddOne() {
  NetBuilder net("add_one");
  net.Op("Add", {"x", "one"}, {"x"});
  return net.def();
}

NetDef Negate() {
  NetBuilder net("negate");
  net.Op("Negative", {"x"}, {"x"});
  return net.def();
}

class ControlTest : public testing::Test {
 protected:
  ControlTest() {
    EXPECT_TRUE(workspace_.Feed("x", Tensor::Scalar<float>(5)).ok());
    EXPECT_TRUE(workspace_.Feed("one", Tensor::Scalar<float>(1)).ok());
  }
  absl::Status Run(const OperatorDef& def) { return workspace_.RunOperatorOnce(def); }
  std::string Error(const OperatorDef& def) { return std::string(Run(def).message()); }
  OperatorDef If(const std::vector<Argument>& nets) {
    return CreateOperatorDef("If", "", {"condition"}, {}, nets);
  }
  OperatorDef While(const std::vector<Argument>& nets) {
    return CreateOperatorDef("While", "", {"condition"}, {}, nets);
  }
  void SetCondition(bool value) {
    EXPECT_TRUE(workspace_.Feed("condition", Tensor::Scalar<bool>(value)).ok());
  }
  float X() { return workspace_.Fetch("x")->data<float>()[0]; }

  Workspace workspace_;
};

TEST_F(ControlTest, IfRunsTheNetThatTheConditionChooses) {
  const OperatorDef op =
      If({MakeArgument<NetDef>("then_net", AddOne()), MakeArgument<NetDef>("else_net", Negate())});
  SetCondition(true);
  ASSERT_TRUE(Run(op).ok());
  EXPECT_EQ(X(), 6);
  SetCondition(false);
  ASSERT_TRUE(Run(op).ok());
  EXPECT_EQ(X(), -6);
}

TEST_F(ControlTest, IfWithoutElseDoesNothingWhenFalse) {
  SetCondition(false);
  ASSERT_TRUE(Run(If({MakeArgument<NetDef>("then_net", AddOne())})).ok());
  EXPECT_EQ(X(), 5);
}

TEST_F(ControlTest, IfNeedsAThenNet) {
  SetCondition(true);
  EXPECT_THAT(Error(If({})), HasSubstr("argument \"then_net\" is missing"));
}

TEST_F(ControlTest, IfRefusesAnArgumentThatIsNoNet) {
  SetCondition(true);
  EXPECT_THAT(Error(If({MakeArgument<int>("then_net", 1)})),
              HasSubstr("\"then_net\" must be a net in `n`, but has i"));
}

TEST_F(ControlTest, IfRefusesAConditionThatIsNoBool) {
  ASSERT_TRUE(workspace_.Feed("condition", Tensor::Scalar<float>(1)).ok());
  EXPECT_THAT(Error(If({MakeArgument<NetDef>("then_net", AddOne())})),
              HasSubstr("the condition \"condition\" must be a single bool, but is float[]"));
}

TEST_F(ControlTest, ErrorsNameTheNetInside) {
  SetCondition(true);
  NetBuilder bad("inner");
  bad.Op("Add", {"x", "nothing"}, {"y"});
  EXPECT_THAT(Error(If({MakeArgument<NetDef>("then_net", bad.def())})),
              HasSubstr("then_net: net \"inner\", op 0 Add(x, nothing) -> y: "));
}

// The mask branch of a detection net: If has one input and no output, the net for no boxes is
// empty, and the other one writes an external output of the net around it.
NetDef MaskNet(const char* type) {
  NetBuilder mask("mask_net");
  mask.Op("RoIAlign", {"features", "boxes"}, {"pooled"},
          {MakeArgument<int>("pooled_h", 1), MakeArgument<int>("pooled_w", 1)});
  mask.Op("Negative", {"pooled"}, {"mask"});
  mask.mutable_def()->add_external_input("features");
  mask.mutable_def()->add_external_input("boxes");
  mask.mutable_def()->add_external_output("mask");
  NetDef nothing;
  nothing.set_name("emptynet");

  NetBuilder net("detection");
  net.mutable_def()->set_type(type);
  net.Op("ConstantFill", {}, {"mask"}, {MakeArgument<std::vector<int64_t>>("shape", {1})});
  net.Op("IsEmpty", {"boxes"}, {"is_empty"});
  net.Op("If", {"is_empty"}, {},
         {MakeArgument<NetDef>("then_net", nothing), MakeArgument<NetDef>("else_net", mask.def())});
  for (const char* input : {"features", "boxes"}) net.mutable_def()->add_external_input(input);
  net.mutable_def()->add_external_output("mask");
  return net.def();
}

class MaskTest : public testing::TestWithParam<const char*> {};

TEST_P(MaskTest, IfMakesMasksOnlyWhereThereAreBoxes) {
  const absl::StatusOr<Tensor> no_boxes = Tensor::Of<float>({0, 4}, {});
  const absl::StatusOr<Tensor> boxes = Tensor::Of<float>({2, 4}, {0, 0, 1, 1, 1, 1, 2, 2});
  Workspace workspace;
  ASSERT_TRUE(workspace.Feed("features", Tensor::Of<float>({1, 1, 2, 2}, {1, 2, 3, 4})).ok());
  ASSERT_TRUE(workspace.Feed("boxes", no_boxes).ok());
  const absl::StatusOr<Net*> net = workspace.CreateNet(MaskNet(GetParam()));
  ASSERT_TRUE(net.ok()) << net.status();
  for (int round = 0; round < 2; ++round) {
    ASSERT_TRUE(workspace.Feed("boxes", no_boxes).ok());
    absl::Status run = (*net)->Run();
    ASSERT_TRUE(run.ok()) << run;
    EXPECT_TRUE(TensorEquals(*workspace.Fetch("mask"), Tensor::Of<float>({1}, {0})));

    ASSERT_TRUE(workspace.Feed("boxes", boxes).ok());
    run = (*net)->Run();
    ASSERT_TRUE(run.ok()) << run;
    EXPECT_TRUE(
        TensorEquals(*workspace.Fetch("mask"), Tensor::Of<float>({2, 1, 1, 1}, {-2.5, -4})));
  }
}

TEST_P(MaskTest, IfNamesTheNetInsideWhereBoxesAreWrong) {
  Workspace workspace;
  ASSERT_TRUE(workspace.Feed("features", Tensor::Of<float>({1, 1, 2, 2}, {1, 2, 3, 4})).ok());
  ASSERT_TRUE(workspace.Feed("boxes", Tensor::Of<float>({1, 3}, {0, 0, 1})).ok());
  EXPECT_THAT(
      std::string(workspace.RunNetOnce(MaskNet(GetParam())).message()),
      HasSubstr("net \"mask_net\", op 0 RoIAlign(features, boxes) -> pooled: the rois must"));
}

INSTANTIATE_TEST_SUITE_P(Executors, MaskTest, testing::Values("simple", "parallel"),
                         [](const auto& info) { return std::string(info.param); });

TEST_F(ControlTest, WhileRunsUntilItsConditionNetSaysStop) {
  // The condition net negates the condition: true, then false.
  SetCondition(false);
  NetBuilder condition("flip");
  condition.Op("Cast", {"condition"}, {"number"}, {MakeArgument<std::string>("to", "float")});
  condition.Op("Sub", {"one", "number"}, {"flipped"});
  condition.Op("Cast", {"flipped"}, {"condition"}, {MakeArgument<std::string>("to", "bool")});
  ASSERT_TRUE(Run(While({MakeArgument<NetDef>("loop_net", AddOne()),
                         MakeArgument<NetDef>("cond_net", condition.def())}))
                  .ok());
  EXPECT_EQ(X(), 6);
}

TEST_F(ControlTest, WhileDoesNothingWhenTheConditionIsFalse) {
  SetCondition(false);
  ASSERT_TRUE(Run(While({MakeArgument<NetDef>("loop_net", AddOne())})).ok());
  EXPECT_EQ(X(), 5);
}

TEST_F(ControlTest, AnEndlessWhileCanBeCancelled) {
  SetCondition(true);
  NetBuilder net("endless");
  *net.mutable_def()->add_op() = While({MakeArgument<NetDef>("loop_net", AddOne())});
  ASSERT_TRUE(workspace_.CreateNet(net.def()).ok());
  absl::Status status;
  std::atomic<bool> is_done{false};
  std::thread runner([&] {
    status = workspace_.RunNet("endless");
    is_done = true;
  });
  // Cancel ends a run that is under way, and the thread may not have begun it yet.
  while (!is_done) {
    workspace_.GetNet("endless")->Cancel();
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  runner.join();
  EXPECT_EQ(status.code(), absl::StatusCode::kCancelled) << status;
}

TEST_F(ControlTest, WhileNeedsALoopNet) {
  SetCondition(true);
  EXPECT_THAT(Error(While({})), HasSubstr("argument \"loop_net\" is missing"));
}

}  // namespace
}  // namespace doppio
