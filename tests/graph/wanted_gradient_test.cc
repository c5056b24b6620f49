// Gradient nets of which only some gradients are wanted.

#include "doppio/gradient.h"
#include "doppio/net_builder.h"
#include "doppio/workspace.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/graph/gradient_ops.h"

namespace doppio {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

Tensor Filled(const Dims& dims) {
  const std::vector<float> values(static_cast<size_t>(*NumElements(dims)), 0.5f);
  return *Tensor::FromSpan<float>(dims, values);
}

absl::StatusOr<Backward> Differentiate(const NetBuilder& net, std::vector<std::string> wrt,
                                       bool allow_unused = false) {
  return AddGradientOperators(net.def(), {"loss"}, {std::move(wrt), allow_unused});
}

TEST(WantedGradientTest, LeavesOutTheGradientOfTheDataOfTheFirstLayer) {
  NetBuilder net("layers");
  net.Op("FC", {"x", "w1", "b1"}, {"h"})
      .Op("FC", {"h", "w2", "b2"}, {"y"})
      .Op("SumElements", {"y"}, {"loss"});
  const absl::StatusOr<Backward> backward = Differentiate(net, {"w1", "b1", "w2", "b2"});
  ASSERT_TRUE(backward.ok()) << backward.status();
  EXPECT_THAT(GradientOps(*backward),
              ElementsAre("ConstantFill(loss) -> loss_autogen_grad",
                          "SumElementsGradient(y, loss_autogen_grad) -> y_grad",
                          "FCGradient(h, w2, y_grad) -> w2_grad, b2_grad, h_grad",
                          "FCGradient(x, w1, h_grad) -> w1_grad, b1_grad"));
  EXPECT_EQ(backward->gradients.size(), 4u);
}

TEST(WantedGradientTest, LeavesOutTheDataOfConvolutionsWithAndWithoutBias) {
  for (const bool has_bias : {false, true}) {
    std::vector<std::string> inputs = {"x", "w"};
    if (has_bias) inputs.push_back("b");
    NetBuilder net("image");
    net.Op("Conv", inputs, {"y"}, {MakeArgument("kernel", 3)}).Op("SumElements", {"y"}, {"loss"});
    const absl::StatusOr<Backward> backward = Differentiate(net, {"w"});
    ASSERT_TRUE(backward.ok()) << backward.status();
    EXPECT_EQ(GradientOps(*backward).back(), has_bias
                                                 ? "ConvGradient(x, w, y_grad) -> w_grad, b_grad"
                                                 : "ConvGradient(x, w, y_grad) -> w_grad");
    Workspace workspace;
    ASSERT_TRUE(workspace.Feed("x", Filled({1, 2, 4, 4})).ok());
    ASSERT_TRUE(workspace.Feed("w", Filled({3, 2, 3, 3})).ok());
    ASSERT_TRUE(workspace.Feed("b", Filled({3})).ok());
    EXPECT_TRUE(workspace.RunNetOnce(backward->net).ok());
  }
}

TEST(WantedGradientTest, OperatorsThatNobodyNeedsGo) {
  NetBuilder net("branches");
  net.Op("Tanh", {"x"}, {"t"})
      .Op("MatMul", {"t", "w"}, {"p"})
      .Op("Sqr", {"p"}, {"q"})
      .Op("Add", {"p", "q"}, {"y"})
      .Op("SumElements", {"y"}, {"loss"});
  const absl::StatusOr<Backward> all = AddGradientOperators(net.def(), {"loss"});
  ASSERT_TRUE(all.ok()) << all.status();
  const absl::StatusOr<Backward> backward = Differentiate(net, {"w"});
  ASSERT_TRUE(backward.ok()) << backward.status();
  EXPECT_EQ(backward->net.op_size(), all->net.op_size() - 2);  // of Tanh, and of one side of MatMul
  EXPECT_THAT(backward->gradients, testing::SizeIs(1));
}

TEST(WantedGradientTest, WhatStandsInTheWayOfOthersIsNoError) {
  NetBuilder net("front");
  net.Op("ArgMax", {"x"}, {"i"})
      .Op("Cast", {"i"}, {"f"}, {MakeArgument("to", 1)})
      .Op("BernoulliJSDGradient", {"f", "f", "f"}, {"h"})
      .Op("Mul", {"h", "w"}, {"y"})
      .Op("SumElements", {"y"}, {"loss"});
  ASSERT_FALSE(AddGradientOperators(net.def(), {"loss"}).ok());
  const absl::StatusOr<Backward> backward = Differentiate(net, {"w"});
  EXPECT_TRUE(backward.ok()) << backward.status();
}

TEST(WantedGradientTest, OfABlobThatTheNetMakes) {
  NetBuilder net("inner");
  net.Op("Tanh", {"x"}, {"h"}).Op("Sqr", {"h"}, {"y"}).Op("SumElements", {"y"}, {"loss"});
  const absl::StatusOr<Backward> backward = Differentiate(net, {"h"});
  ASSERT_TRUE(backward.ok()) << backward.status();
  EXPECT_EQ(backward->gradients.size(), 1u);
  for (const std::string& op : GradientOps(*backward)) EXPECT_THAT(op, Not(HasSubstr("Tanh")));
}

TEST(WantedGradientTest, RefusesWhatIsNoBlobOrHasNoGradient) {
  NetBuilder net("line");
  net.Op("Tanh", {"weights"}, {"y"})
      .Op("SumElements", {"y"}, {"loss"})
      .Op("Tanh", {"other"}, {"z"});
  EXPECT_EQ(Differentiate(net, {"weight"}).status().message(),
            "net \"line\": there is no blob \"weight\" whose gradient is wanted; did you mean "
            "weights?");
  EXPECT_EQ(Differentiate(net, {"weights", "other"}).status().message(),
            "net \"line\": there is no gradient of \"other\": what is differentiated does not "
            "depend on it, or has no derivative by it");
  EXPECT_THAT(Differentiate(net, {}).status().message(), HasSubstr("name at least one blob"));
  const absl::StatusOr<Backward> backward = Differentiate(net, {"weights", "other"}, true);
  ASSERT_TRUE(backward.ok()) << backward.status();
  EXPECT_EQ(backward->gradients.count("other"), 0u);
}

}  // namespace
}  // namespace doppio
