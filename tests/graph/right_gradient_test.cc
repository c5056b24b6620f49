// The rule of gradient.h: a gradient net is right, or it is refused with an error that names the
// operators in conflict. Cases that were once silently wrong.

#include "doppio/gradient.h"
#include "doppio/gradient_maker.h"
#include "doppio/net_builder.h"
#include "doppio/registry.h"
#include "doppio/workspace.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/tensor_match.h"

namespace doppio {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

using Feeds = std::vector<std::pair<std::string, absl::StatusOr<Tensor>>>;

// The value of a blob's gradient after the net and its gradient ran.
Tensor GradientOf(const NetDef& net, const std::vector<GradientTarget>& targets, const Feeds& feeds,
                  const std::string& blob) {
  const absl::StatusOr<Backward> backward = AddGradientOperators(net, targets);
  EXPECT_TRUE(backward.ok()) << backward.status();
  if (!backward.ok() || backward->gradients.count(blob) == 0) return Tensor();
  Workspace workspace;
  for (const auto& [name, value] : feeds) EXPECT_TRUE(workspace.Feed(name, value).ok());
  const absl::Status status = workspace.RunNetOnce(backward->net);
  EXPECT_TRUE(status.ok()) << status << backward->net.DebugString();
  const auto gradient = workspace.Fetch(backward->gradients.at(blob).dense);
  EXPECT_TRUE(gradient.ok()) << gradient.status();
  return gradient.ok() ? DeepCopy(*gradient) : Tensor();
}

std::string ErrorOf(const NetDef& net) {
  const absl::StatusOr<Backward> backward = AddGradientOperators(net, {"loss"});
  return backward.ok() ? "no error" : std::string(backward.status().message());
}

TEST(RightGradientTest, LeavesAGradientThatAnotherBranchReads) {
  NetBuilder net("residual_sqr");
  net.Op("Sqr", {"x"}, {"s"}).Op("Sum", {"x", "s"}, {"y"}).Op("SumElements", {"y"}, {"loss"});
  const Feeds feeds = {{"x", Tensor::Of<float>({3}, {1, 2, 3})}};
  EXPECT_TRUE(
      TensorEquals(GradientOf(net.def(), {"loss"}, feeds, "x"), Tensor::Of<float>({3}, {3, 5, 7})));
  EXPECT_TRUE(
      TensorEquals(GradientOf(net.def(), {"loss"}, feeds, "s"), Tensor::Of<float>({3}, {1, 1, 1})));
}

TEST(RightGradientTest, CountsWhatAnOperatorMakesOnTheWayOnlyOnce) {
  NetBuilder net("residual_sqrt");  // whose gradient writes to x_grad twice
  net.Op("Sqrt", {"x"}, {"s"}).Op("Sum", {"x", "s"}, {"loss"});
  EXPECT_TRUE(
      TensorEquals(GradientOf(net.def(), {"loss"}, {{"x", Tensor::Of<float>({2}, {1, 4})}}, "x"),
                   Tensor::Of<float>({2}, {1.5, 1.25})));
}

TEST(RightGradientTest, FillsInZerosForPartsOfASplitThatNobodyUsed) {
  NetBuilder net("split_half_used");
  net.Op("Split", {"x"}, {"a", "b"},
         {MakeArgument<int>("axis", 0), MakeArgument<std::vector<int64_t>>("split", {4, 2})})
      .Op("Sqr", {"b"}, {"q"})
      .Op("SumElements", {"q"}, {"loss"});
  const Tensor x = *Tensor::Of<float>({6, 2}, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11});
  EXPECT_TRUE(TensorEquals(GradientOf(net.def(), {"loss"}, {{"x", x}}, "x"),
                           Tensor::Of<float>({6, 2}, {0, 0, 0, 0, 0, 0, 0, 0, 16, 18, 20, 22})));
}

TEST(RightGradientTest, FillsInZerosBehindAnFc) {
  NetBuilder net("fc_split");
  net.Op("FC", {"x", "w", "b"}, {"h"})
      .Op("Split", {"h"}, {"p", "q"}, {MakeArgument<int>("axis", 1)})
      .Op("SumElements", {"q"}, {"loss"});
  const Feeds feeds = {{"x", Tensor::Of<float>({2, 1}, {1, 2})},
                       {"w", Tensor::Of<float>({2, 1}, {3, 4})},
                       {"b", Tensor::Of<float>({2}, {0, 0})}};
  EXPECT_TRUE(
      TensorEquals(GradientOf(net.def(), {"loss"}, feeds, "w"), Tensor::Of<float>({2, 1}, {0, 3})));
}

TEST(RightGradientTest, NamesWhoOverwritesInPlaceWhatTheGradientReads) {
  NetBuilder log("log_in_place");
  log.Op("Copy", {"x"}, {"h"}).Op("Log", {"h"}, {"h"}).Op("SumElements", {"h"}, {"loss"});
  EXPECT_THAT(ErrorOf(log.def()), AllOf(HasSubstr("op 1 Log(h) -> h"), HasSubstr("Div(h_grad, h)"),
                                        HasSubstr("overwrites in place")));
  NetBuilder mul("mul_in_place");
  mul.Op("Copy", {"x"}, {"h"}).Op("Mul", {"h", "b"}, {"h"}).Op("SumElements", {"h"}, {"loss"});
  EXPECT_THAT(ErrorOf(mul.def()),
              AllOf(HasSubstr("op 1 Mul(h, b) -> h"), HasSubstr("MulGradient(h_grad, h, b)")));
  NetBuilder bn("bn_in_place");
  bn.Op("Copy", {"x"}, {"h"})
      .Op("SpatialBN", {"h", "s", "b", "m", "v"}, {"h"}, {MakeArgument<int>("is_test", 1)})
      .Op("SumElements", {"h"}, {"loss"});
  EXPECT_THAT(ErrorOf(bn.def()), HasSubstr("SpatialBNGradient(h, s, h_grad, m, v)"));
  NetBuilder prelu("prelu_in_place");
  prelu.Op("PRelu", {"h", "s"}, {"h"}).Op("SumElements", {"h"}, {"loss"});
  EXPECT_THAT(ErrorOf(prelu.def()), HasSubstr("PReluGradient(h, h_grad, h, s)"));
}

TEST(RightGradientTest, MayReadTheShapeOfWhatWasOverwrittenInPlace) {
  NetBuilder net("add_in_place");
  net.Op("Copy", {"x"}, {"h"}).Op("Add", {"h", "b"}, {"h"}).Op("SumElements", {"h"}, {"loss"});
  const Feeds feeds = {{"x", Tensor::Of<float>({2, 2}, {1, 2, 3, 4})},
                       {"b", Tensor::Of<float>({2}, {1, 1})}};
  EXPECT_TRUE(
      TensorEquals(GradientOf(net.def(), {"loss"}, feeds, "b"), Tensor::Of<float>({2}, {2, 2})));
}

TEST(RightGradientTest, MayReadTheShapeOfWhatIsOverwrittenInPlaceLater) {
  NetBuilder net("sum_then_relu_in_place");
  net.Op("Copy", {"x"}, {"h"})
      .Op("SumElements", {"h"}, {"loss"})
      .Op("Relu", {"h"}, {"h"})
      .Op("SumElements", {"h"}, {"positive"});
  const Feeds feeds = {{"x", Tensor::Of<float>({3}, {-1, 2, 3})}};
  EXPECT_TRUE(TensorEquals(GradientOf(net.def(), {"loss", "positive"}, feeds, "x"),
                           Tensor::Of<float>({3}, {1, 2, 2})));
  NetBuilder unused("split_half_used_other_overwritten");
  unused.Op("Split", {"x"}, {"a", "b"}, {MakeArgument<int>("axis", 0)})
      .Op("SumElements", {"b"}, {"loss"})
      .Op("Relu", {"a"}, {"a"});
  EXPECT_TRUE(
      TensorEquals(GradientOf(unused.def(), {"loss"}, {{"x", Tensor::Of<float>({2}, {5, 6})}}, "x"),
                   Tensor::Of<float>({2}, {0, 1})));
  NetBuilder reshaped("sum_then_reshape_in_place");
  reshaped.Op("Copy", {"x"}, {"h"})
      .Op("SumElements", {"h"}, {"loss"})
      .Op("Reshape", {"h"}, {"h", "old_shape"},
          {MakeArgument<std::vector<int64_t>>("shape", {3, 1})});
  EXPECT_THAT(ErrorOf(reshaped.def()), HasSubstr("Reshape(h) -> h, old_shape writes to the same"));
}

TEST(RightGradientTest, ReadsTheSummandsOfAWeightedSumOnlyForGradientsOfTheWeights) {
  const auto net = [](bool grad_on_w) {
    NetBuilder builder("weighted_sum_in_place");
    builder.Op("Copy", {"x"}, {"h"})
        .Op("WeightedSum", {"h", "w", "y", "v"}, {"h"}, {MakeArgument("grad_on_w", grad_on_w)})
        .Op("SumElements", {"h"}, {"loss"});
    return builder.def();
  };
  const Feeds feeds = {{"x", Tensor::Of<float>({2}, {1, 2})},
                       {"w", Tensor::Of<float>({1}, {3})},
                       {"y", Tensor::Of<float>({2}, {4, 5})},
                       {"v", Tensor::Of<float>({1}, {6})}};
  EXPECT_TRUE(
      TensorEquals(GradientOf(net(false), {"loss"}, feeds, "x"), Tensor::Of<float>({2}, {3, 3})));
  EXPECT_TRUE(
      TensorEquals(GradientOf(net(false), {"loss"}, feeds, "y"), Tensor::Of<float>({2}, {6, 6})));
  EXPECT_THAT(ErrorOf(net(true)), HasSubstr("overwrites in place"));
}

TEST(RightGradientTest, IsMadeInPlaceWhereNothingThatWasOverwrittenIsRead) {
  for (const char* type : {"Cbrt",
                           "Clip",
                           "Elu",
                           "Exp",
                           "LeakyRelu",
                           "NanCheck",
                           "Negative",
                           "NegateGradient",
                           "Reciprocal",
                           "Relu",
                           "ReluN",
                           "Rsqrt",
                           "Scale",
                           "Selu",
                           "Sigmoid",
                           "Softplus",
                           "Sqrt",
                           "Tanh",
                           "ThresholdedRelu",
                           "Add",
                           "Sub",
                           "Div",
                           "Sum",
                           "Mean"}) {
    const OpSchema& schema = *OpSchemaRegistry::Schema(type);
    NetBuilder net("in_place");
    std::vector<std::string> inputs = {"h"};
    if (schema.min_inputs() == 2 || schema.max_inputs() > 2) inputs.push_back("b");
    net.Op("Copy", {"x"}, {"h"}).Op(type, inputs, {"h"}).Op("SumElements", {"h"}, {"loss"});
    EXPECT_EQ(ErrorOf(net.def()), "no error") << type;
  }
}

TEST(RightGradientTest, AddsAGivenGradientToWhatComesFromBehind) {
  NetBuilder net("given_and_used");
  net.Op("Relu", {"x"}, {"y"}).Op("Scale", {"y"}, {"z"}, {MakeArgument<float>("scale", 3)});
  const Feeds feeds = {{"x", Tensor::Of<float>({1}, {2})}, {"dy", Tensor::Of<float>({1}, {10})}};
  EXPECT_TRUE(TensorEquals(GradientOf(net.def(), {GradientTarget("y", "dy"), "z"}, feeds, "x"),
                           Tensor::Of<float>({1}, {13})));
}

TEST(RightGradientTest, LeavesAGivenGradientAsItIs) {
  NetBuilder net("given");
  net.Op("Sqr", {"x"}, {"y"});
  EXPECT_TRUE(TensorEquals(
      GradientOf(net.def(), {GradientTarget("y", "dy")},
                 {{"x", Tensor::Of<float>({1}, {2})}, {"dy", Tensor::Of<float>({1}, {10})}}, "y"),
      Tensor::Of<float>({1}, {10})));
}

TEST(RightGradientTest, LeavesBlobsOfTheNetThatAreNamedLikeGradients) {
  NetBuilder net("named_like_gradients");
  net.Op("Mul", {"x", "x_grad"}, {"y"}).Op("Mul", {"y", "x"}, {"loss"});
  const Feeds feeds = {{"x", Tensor::Of<float>({1}, {3})}, {"x_grad", Tensor::Of<float>({1}, {5})}};
  EXPECT_TRUE(
      TensorEquals(GradientOf(net.def(), {"loss"}, feeds, "x"), Tensor::Of<float>({1}, {30})));
  EXPECT_TRUE(
      TensorEquals(GradientOf(net.def(), {"loss"}, feeds, "x_grad"), Tensor::Of<float>({1}, {9})));
}

TEST(RightGradientTest, KeepsTheGradientsOfTwoValuesOfABlobApart) {
  NetBuilder net("written_twice");  // nothing flows into the first h
  net.Op("Sum", {"a", "b"}, {"h"}).Op("Sum", {"c", "b"}, {"h"}).Op("SumElements", {"h"}, {"loss"});
  const absl::StatusOr<Backward> backward = AddGradientOperators(net.def(), {"loss"});
  ASSERT_TRUE(backward.ok()) << backward.status();
  EXPECT_EQ(backward->gradients.count("a"), 0u);
  EXPECT_EQ(backward->gradients.count("c"), 1u);
}

TEST(RightGradientTest, RefusesAnOutputThatTheGradientLeavesOut) {
  NetBuilder net("softmax_used");
  net.Op("SoftmaxWithLoss", {"x", "label"}, {"p", "l"})
      .Op("SumElements", {"p"}, {"q"})
      .Op("Add", {"l", "q"}, {"loss"});
  EXPECT_THAT(ErrorOf(net.def()),
              AllOf(HasSubstr("op 0 SoftmaxWithLoss"), HasSubstr("output 0 \"p\"")));
}

class GetGradientThatIsNotThere final : public GradientMakerBase {
  using GradientMakerBase::GradientMakerBase;
  std::vector<OperatorDef> GetGradientDefs() override {
    return SingleGradientDef("TestGradientThatIsNotThere", "", {GO(0)}, {GI(0)});
  }
};
DOPPIO_REGISTER_GRADIENT(TestWithoutGradientOperator, GetGradientThatIsNotThere);

TEST(RightGradientTest, RefusesAGradientOperatorThatIsNotRegistered) {
  NetBuilder net("gradient_not_there");
  net.Op("TestWithoutGradientOperator", {"x"}, {"loss"});
  EXPECT_THAT(ErrorOf(net.def()),
              AllOf(HasSubstr("op 0 TestWithoutGradientOperator(x) -> loss"),
                    HasSubstr("TestGradientThatIsNotThere(loss_autogen_grad) -> x_grad is not "
                              "registered")));
}

TEST(RightGradientTest, GivesAllEqualMaximaOfAnAxisTheGradientButOneOfTwoOperands) {
  NetBuilder reduced("equal_elements");
  reduced.Op("ReduceMax", {"x"}, {"loss"}, {MakeArgument<std::vector<int64_t>>("axes", {0})});
  const Feeds elements = {{"x", Tensor::Of<float>({3}, {2, 1, 2})}};
  EXPECT_TRUE(TensorEquals(GradientOf(reduced.def(), {"loss"}, elements, "x"),
                           Tensor::Of<float>({3}, {1, 0, 1})));
  NetBuilder operands("equal_operands");
  operands.Op("Max", {"a", "b"}, {"loss"});
  const Feeds pair = {{"a", Tensor::Of<float>({1}, {2})}, {"b", Tensor::Of<float>({1}, {2})}};
  EXPECT_TRUE(
      TensorEquals(GradientOf(operands.def(), {"loss"}, pair, "a"), Tensor::Of<float>({1}, {1})));
  EXPECT_TRUE(
      TensorEquals(GradientOf(operands.def(), {"loss"}, pair, "b"), Tensor::Of<float>({1}, {0})));
}

TEST(RightGradientTest, RefusesATargetThatIsNamedTwice) {
  NetBuilder net("twice");
  net.Op("Relu", {"x"}, {"y"});
  EXPECT_FALSE(AddGradientOperators(net.def(), {"y", "y"}).ok());
}

}  // namespace
}  // namespace doppio
