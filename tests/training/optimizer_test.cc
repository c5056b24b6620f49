#include "doppio/optimizer.h"

#include "doppio/net_builder.h"
#include "doppio/workspace.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace doppio {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

NetDef Line() {
  return NetBuilder("line")
      .Op("FC", {"x", "w", "b"}, {"y"})
      .Op("SquaredL2Distance", {"y", "target"}, {"distance"})
      .Op("AveragedLoss", {"distance"}, {"loss"})
      .def();
}

NetDef LineInit() {
  return NetBuilder("line_init")
      .Op("ConstantFill", {}, {"w"}, {MakeArgument("shape", std::vector<int64_t>{1, 1})})
      .Op("ConstantFill", {}, {"b"}, {MakeArgument("shape", std::vector<int64_t>{1})})
      .def();
}

Backward LineBackward() { return *AddGradientOperators(Line(), {"loss"}); }

std::vector<std::string> Texts(const NetDef& net, int begin = 0) {
  std::vector<std::string> texts;
  for (int i = begin; i < net.op_size(); ++i) texts.push_back(OpToString(net.op(i)));
  return texts;
}

// The example of the header.
TEST(OptimizerTest, ALineIsLearnt) {
  const Backward backward = LineBackward();
  const absl::StatusOr<Training> training = AddOptimizer(
      backward, "adam", {{{"learning_rate", 0.1}, {"clip_norm", 10}}, /*inits=*/{LineInit()}});
  ASSERT_TRUE(training.ok()) << training.status();
  EXPECT_THAT(training->parameters, ElementsAre("w", "b"));
  Workspace workspace;
  ASSERT_TRUE(workspace.Feed("x", Tensor::Of<float>({3, 1}, {0, 1, 2})).ok());
  ASSERT_TRUE(workspace.Feed("target", Tensor::Of<float>({3, 1}, {1, 3, 5})).ok());
  ASSERT_TRUE(workspace.RunNetOnce(LineInit()).ok());
  ASSERT_TRUE(workspace.RunNetOnce(training->init).ok());
  ASSERT_TRUE(workspace.CreateNet(training->net).ok());
  ASSERT_TRUE(workspace.RunNet(training->net.name(), 500).ok());
  EXPECT_NEAR(workspace.Fetch("w")->data<float>()[0], 2, 1e-3);
  EXPECT_NEAR(workspace.Fetch("b")->data<float>()[0], 1, 1e-3);
}

TEST(OptimizerTest, OfANetOnlyTheGradientsOfParametersAreMade) {
  const OptimizerSettings settings{{{"learning_rate", 0.1}}, {LineInit()}};
  const absl::StatusOr<Training> training = AddOptimizer(Line(), {"loss"}, "sgd", settings);
  ASSERT_TRUE(training.ok()) << training.status();
  EXPECT_THAT(training->parameters, ElementsAre("w", "b"));
  EXPECT_THAT(Texts(training->net),
              testing::Contains("FCGradient(x, w, y_grad) -> w_grad, b_grad"));
  const absl::StatusOr<Training> all = AddOptimizer(LineBackward(), "sgd", settings);
  ASSERT_TRUE(all.ok()) << all.status();
  EXPECT_THAT(Texts(all->net),
              testing::Contains("FCGradient(x, w, y_grad) -> w_grad, b_grad, x_grad"));
}

TEST(OptimizerTest, AParameterWithoutGradientIsRefusedForANetToo) {
  OptimizerSettings settings{{{"learning_rate", 0.1}}, {LineInit()}};
  settings.parameters = {"w", "nothing"};
  EXPECT_THAT(AddOptimizer(Line(), {"loss"}, "sgd", settings).status().message(),
              HasSubstr("reads no blob \"nothing\" from outside"));
}

// As caffe2/python/optimizer.py writes it: add_weight_decay, then build_sgd with momentum.
TEST(OptimizerTest, OperatorsAndBlobsAreThoseOfTheFrontEnd) {
  const Backward backward = LineBackward();
  const absl::StatusOr<Training> training = AddOptimizer(
      backward, "sgd",
      {{{"learning_rate", 0.5}, {"momentum", 0.9}, {"weight_decay", 0.1}}, {LineInit()}});
  ASSERT_TRUE(training.ok()) << training.status();
  EXPECT_THAT(
      Texts(training->net, backward.net.op_size()),
      ElementsAre("WeightedSum(w_grad, ONE_0_0, w, wd_0_0) -> w_grad",
                  "AtomicIter(iteration_mutex, optimizer_iteration) -> optimizer_iteration",
                  "LearningRate(optimizer_iteration) -> SgdOptimizer_0_lr_cpu",
                  "MomentumSGDUpdate(w_grad, w_momentum, SgdOptimizer_0_lr_cpu, w) -> w_grad, "
                  "w_momentum, w",
                  "MomentumSGDUpdate(b_grad, b_momentum, SgdOptimizer_0_lr_cpu, b) -> b_grad, "
                  "b_momentum, b"));
  EXPECT_THAT(
      Texts(training->init),
      ElementsAre("ConstantFill() -> ONE_0_0", "ConstantFill() -> wd_0_0",
                  "ConstantFill() -> optimizer_iteration", "CreateMutex() -> iteration_mutex",
                  "ConstantFill(w) -> w_momentum", "ConstantFill(b) -> b_momentum"));
}

TEST(OptimizerTest, ANetThatNamesItsInputsNamesThoseOfTheOptimizerToo) {
  NetDef net = Line();
  for (const char* input : {"x", "w", "b", "target"}) net.add_external_input(input);
  const Backward backward = *AddGradientOperators(net, {"loss"});
  const absl::StatusOr<Training> training = AddOptimizer(backward, "sgd", {{}, {LineInit()}});
  ASSERT_TRUE(training.ok()) << training.status();
  EXPECT_THAT(
      training->net.external_input(),
      ElementsAre("x", "w", "b", "target", "iteration_mutex", "optimizer_iteration", "ONE_0_0"));
}

TEST(OptimizerTest, AnUnknownOptimizerIsAnErrorWithNearNames) {
  const absl::Status status = AddOptimizer(LineBackward(), "rmsprob", {{}, {LineInit()}}).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(status.message(), HasSubstr("did you mean rmsprop"));
}

TEST(OptimizerTest, AnOptionOfAnotherTypeIsAnError) {
  const absl::Status status =
      AddOptimizer(LineBackward(), "sgd", {{{"nesterov", "yes"}}, {LineInit()}}).status();
  EXPECT_THAT(status.message(), HasSubstr("the option \"nesterov\" must be"));
}

TEST(OptimizerTest, AnOptionThatIsGivenTwiceIsAnError) {
  const absl::Status status =
      AddOptimizer(LineBackward(), "sgd", {{{"momentum", 1}, {"momentum", 2}}, {LineInit()}})
          .status();
  EXPECT_THAT(status.message(), HasSubstr("given twice"));
}

TEST(OptimizerTest, ABlobThatTheNetUsesForSomethingElseIsNotTaken) {
  NetDef net = Line();
  *net.add_op() = CreateOperatorDef("Relu", "", {"w"}, {"w_momentum"});
  const Backward backward = *AddGradientOperators(net, {"loss"});
  const absl::Status status =
      AddOptimizer(backward, "sgd", {{{"momentum", 0.5}}, {LineInit()}}).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kAlreadyExists);
  EXPECT_THAT(status.message(), HasSubstr("\"w_momentum\""));
  // Names that only optimizers share with each other.
  net.mutable_op(net.op_size() - 1)->set_output(0, "trust");
  const Backward other = *AddGradientOperators(net, {"loss"});
  EXPECT_EQ(AddOptimizer(other, "lars", {{}, {LineInit()}}).status().code(),
            absl::StatusCode::kAlreadyExists);
}

TEST(OptimizerTest, EveryOptimizerAndOptionIsDocumented) {
  EXPECT_EQ(Optimizers().size(), 12u);
  for (const std::string& name : Optimizers()) {
    const OpSchema* schema = OptimizerOptions(name);
    ASSERT_NE(schema, nullptr) << name;
    EXPECT_NE(schema->doc(), "") << name;
    for (const OpSchema::ArgSpec& arg : schema->args()) EXPECT_NE(arg.doc, "") << name << arg.name;
  }
  EXPECT_EQ(OptimizerOptions("none"), nullptr);
}

}  // namespace
}  // namespace doppio
