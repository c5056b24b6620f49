#include "doppio/gradient.h"

#include "doppio/net_builder.h"
#include "doppio/workspace.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/graph/gradient_ops.h"

namespace doppio {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string ErrorOf(const absl::StatusOr<Backward>& backward) {
  return backward.ok() ? "no error" : std::string(backward.status().message());
}

TEST(AddGradientOperatorsTest, StartsFromOnesAndFollowsTheNetBackwards) {
  NetBuilder net("demo");
  net.Op("Expand", {"X", "shape"}, {"Y"}).Op("SumElements", {"Y"}, {"loss"});
  const absl::StatusOr<Backward> backward = AddGradientOperators(net.def(), {"loss"});
  ASSERT_TRUE(backward.ok()) << backward.status();
  EXPECT_THAT(GradientOps(*backward),
              testing::ElementsAre("ConstantFill(loss) -> loss_autogen_grad",
                                   "SumElementsGradient(Y, loss_autogen_grad) -> Y_grad",
                                   "ExpandGradient(Y_grad, X) -> X_grad"));
  EXPECT_EQ(backward->forward_operators, 2);
  EXPECT_EQ(backward->gradients.at("X").dense, "X_grad");
  EXPECT_EQ(backward->gradients.count("shape"), 0u);
}

TEST(AddGradientOperatorsTest, ComputesTheGradientOfExpand) {
  NetBuilder net("demo");
  net.Op("Expand", {"X", "shape"}, {"Y"}).Op("SumElements", {"Y"}, {"loss"});
  const absl::StatusOr<Backward> backward = AddGradientOperators(net.def(), {"loss"});
  ASSERT_TRUE(backward.ok()) << backward.status();
  Workspace workspace;
  ASSERT_TRUE(workspace.Feed("X", Tensor::Of<float>({3, 1}, {1, 2, 3})).ok());
  ASSERT_TRUE(workspace.Feed("shape", Tensor::Of<int64_t>({2}, {3, 4})).ok());
  const absl::Status status = workspace.RunNetOnce(backward->net);
  ASSERT_TRUE(status.ok()) << status;
  const absl::StatusOr<Tensor> dx = workspace.Fetch("X_grad");
  ASSERT_TRUE(dx.ok()) << dx.status();
  EXPECT_EQ(ShapeToString(dx->dims()), "[3,1]");
  EXPECT_THAT(dx->span<float>(), testing::ElementsAre(4, 4, 4));
}

TEST(AddGradientOperatorsTest, TakesAGradientThatIsGiven) {
  NetBuilder net("given");
  net.ExternalInput("x").Op("Relu", {"x"}, {"y"});
  const absl::StatusOr<Backward> backward =
      AddGradientOperators(net.def(), {GradientTarget("y", "dy")});
  ASSERT_TRUE(backward.ok()) << backward.status();
  EXPECT_THAT(GradientOps(*backward), testing::ElementsAre("ReluGradient(y, dy) -> x_grad"));
  EXPECT_THAT(backward->net.external_input(), testing::ElementsAre("x", "dy"));
}

TEST(AddGradientOperatorsTest, GradientNetHoldsTheGradientOperatorsAlone) {
  NetBuilder net("demo");
  net.Op("Relu", {"x"}, {"y"});
  const absl::StatusOr<Backward> backward =
      AddGradientOperators(net.def(), {GradientTarget("y", "dy")});
  ASSERT_TRUE(backward.ok()) << backward.status();
  const NetDef gradient_net = backward->GradientNet();
  ASSERT_EQ(gradient_net.op_size(), 1);
  EXPECT_EQ(gradient_net.op(0).type(), "ReluGradient");
}

TEST(AddGradientOperatorsTest, SumsTheGradientsOfABlobThatIsUsedTwice) {
  NetBuilder net("twice");
  net.Op("Relu", {"h"}, {"r"}).Op("Sum", {"h", "r"}, {"s"});
  const absl::StatusOr<Backward> backward = AddGradientOperators(net.def(), {"s"});
  ASSERT_TRUE(backward.ok()) << backward.status();
  EXPECT_THAT(GradientOps(*backward),
              testing::ElementsAre("ConstantFill(s) -> s_autogen_grad",
                                   "ReluGradient(r, s_autogen_grad) -> h_grad",
                                   "Sum(h_grad, s_autogen_grad) -> h_grad"));
}

TEST(AddGradientOperatorsTest, ConcatenatesSparseGradients) {
  NetBuilder net("sparse");
  net.Op("Gather", {"W", "i"}, {"g"}).Op("Gather", {"W", "j"}, {"h"}).Op("Add", {"g", "h"}, {"s"});
  const absl::StatusOr<Backward> backward = AddGradientOperators(net.def(), {"s"});
  ASSERT_TRUE(backward.ok()) << backward.status();
  EXPECT_EQ(backward->gradients.at("W"),
            GradientWrapper::Sparse("W_grad_indices_concat", "W_grad_values_concat"));
}

TEST(AddGradientOperatorsTest, RefusesATargetThatIsNoBlob) {
  NetBuilder net("demo");
  net.Op("Relu", {"x"}, {"loss"});
  EXPECT_THAT(ErrorOf(AddGradientOperators(net.def(), {"lss"})),
              HasSubstr("there is no blob \"lss\" to differentiate; did you mean loss?"));
}

TEST(AddGradientOperatorsTest, RefusesToDifferentiateNothing) {
  EXPECT_THAT(ErrorOf(AddGradientOperators(NetDef(), {})), HasSubstr("name at least one blob"));
}

TEST(AddGradientOperatorsTest, ReportsAllOperatorsWithoutGradientTogether) {
  NetBuilder net("lacking");
  net.Op("Floof", {"x"}, {"a"})
      .Op("Relu", {"a"}, {"b"})
      .Op("ArgMax", {"b"}, {"c"})
      .Op("Copy", {"c"}, {"d"});
  const std::string error = ErrorOf(AddGradientOperators(net.def(), {"d"}));
  EXPECT_THAT(error, HasSubstr("net \"lacking\""));
  EXPECT_THAT(error, HasSubstr("Floof(x) -> a (none)"));
  EXPECT_THAT(error, Not(HasSubstr("Relu(a)")));
}

TEST(AddGradientOperatorsTest, RefusesWhatWasOverwritten) {
  NetBuilder net("in_place");
  net.Op("Relu", {"x"}, {"y"}).Op("Sigmoid", {"y"}, {"y"}).Op("AveragedLoss", {"y"}, {"loss"});
  const std::string error = ErrorOf(AddGradientOperators(net.def(), {"loss"}));
  EXPECT_THAT(error, HasSubstr("needs output \"y\" at version 0, but currently we have version 1"));
  EXPECT_THAT(error, HasSubstr("op 0 Relu(x) -> y"));
}

TEST(AddGradientOperatorsTest, RefusesAStopGradientThatNothingReads) {
  NetBuilder net("orphan");
  net.Op("StopGradient", {"x"}, {"s"}).Op("Relu", {"x"}, {"y"});
  EXPECT_THAT(ErrorOf(AddGradientOperators(net.def(), {"y"})),
              HasSubstr("nothing reads the output \"s\""));
}

TEST(AddGradientOperatorsTest, RefusesToSumDenseAndSparseGradients) {
  NetBuilder net("mixed");
  net.Op("Gather", {"W", "i"}, {"g"}).Op("Relu", {"W"}, {"r"}).Op("SumElements", {"g"}, {"a"});
  net.Op("SumElements", {"r"}, {"b"}).Op("Add", {"a", "b"}, {"loss"});
  EXPECT_THAT(ErrorOf(AddGradientOperators(net.def(), {"loss"})),
              HasSubstr("dense and sparse gradients"));
}

}  // namespace
}  // namespace doppio
