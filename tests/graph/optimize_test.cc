#include "doppio/optimize.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <set>

#include "doppio/net_builder.h"
#include "doppio/workspace.h"
#include "tests/support/tensor_match.h"

namespace doppio {
namespace {

using ::testing::ElementsAre;

std::vector<std::string> Types(const NetDef& net) {
  std::vector<std::string> types;
  for (const OperatorDef& op : net.op()) types.push_back(op.type());
  return types;
}

Tensor Floats(std::initializer_list<int64_t> dims, std::initializer_list<float> values) {
  return *Tensor::Of<float>(dims, values);
}

// Weights and inputs for nets of a fully connected layer with two outputs.
class OptimizeTest : public ::testing::Test {
 protected:
  OptimizeTest() {
    Feed("X", Floats({2, 3}, {1, 2, 3, -1, -2, 4}));
    Feed("W", Floats({2, 3}, {1, 0, -1, 2, 1, 0.5f}));
    Feed("b", Floats({2}, {0.5f, -1}));
    Feed("scale", Floats({2}, {2, -3}));
    Feed("offset", Floats({2}, {10, 20}));
  }

  void Feed(const std::string& name, Tensor value) {
    ASSERT_TRUE(workspace_.Feed(name, std::move(value)).ok());
  }

  NetDef Optimize(const NetBuilder& net, std::vector<std::string> outputs) {
    // Where results are small differences of large numbers, as here, Winograd's algorithm is
    // further off than what is allowed below; its own tests compare it with what is exact.
    auto optimized = OptimizeNet(net.def(), {{"X"}, outputs, /*winograd=*/false}, &workspace_);
    EXPECT_TRUE(optimized.ok()) << optimized.status();
    if (!optimized.ok()) return NetDef();
    EXPECT_TRUE(workspace_.RunNetOnce(optimized->prepare).ok());
    return optimized->net;
  }

  // Both nets give these blobs.
  void ExpectSameResults(const NetDef& before, const NetDef& after,
                         const std::vector<std::string>& outputs) {
    Workspace first(&workspace_);
    Workspace second(&workspace_);
    const absl::Status first_run = first.RunNetOnce(before);
    const absl::Status second_run = second.RunNetOnce(after);
    ASSERT_TRUE(first_run.ok()) << first_run;
    ASSERT_TRUE(second_run.ok()) << second_run;
    for (const std::string& output : outputs) {
      EXPECT_TRUE(TensorNear(second.Fetch(output).value(), first.Fetch(output).value(), 1e-4));
    }
  }

  Workspace workspace_;
};

TEST_F(OptimizeTest, RemovesOperatorsThatNobodyNeeds) {
  NetBuilder net("net");
  net.Op("Relu", {"X"}, {"used"});
  net.Op("Exp", {"X"}, {"unused"});
  net.Op("Log", {"unused"}, {"unused too"});
  EXPECT_THAT(Types(Optimize(net, {"used"})), ElementsAre("Relu"));
}

TEST_F(OptimizeTest, KeepsOperatorsWithSideEffects) {
  NetBuilder net("net");
  net.Op("Relu", {"X"}, {"Y"});
  net.Op("Print", {"Y"}, {});
  net.Op("Exp", {"X"}, {"Z"});
  EXPECT_THAT(Types(Optimize(net, {"Z"})), ElementsAre("Relu", "Print", "Exp"));
}

TEST_F(OptimizeTest, KeepsWhatInnerNetsRead) {
  NetBuilder inner("inner");
  inner.Op("Copy", {"Y"}, {"Z"});
  NetBuilder net("net");
  net.Op("Relu", {"X"}, {"Y"});
  net.Op("If", {"condition"}, {}, {MakeArgument("then_net", inner.def())});
  Feed("condition", *Tensor::Scalar<bool>(true));
  const NetDef after = Optimize(net, {"Z"});
  EXPECT_THAT(Types(after), ElementsAre("Relu", "If"));
  ExpectSameResults(net.def(), after, {"Z"});
}

TEST_F(OptimizeTest, DoesWithoutWhatOnlyPassesItsInputOn) {
  NetBuilder net("net");
  net.Op("Relu", {"X"}, {"Y"});
  net.Op("StopGradient", {"Y"}, {"Z"});
  net.Op("Exp", {"Z"}, {"W2"});
  const NetDef after = Optimize(net, {"W2"});
  EXPECT_THAT(Types(after), ElementsAre("Relu", "Exp"));
  ExpectSameResults(net.def(), after, {"W2"});
}

TEST_F(OptimizeTest, FollowsBlobsThatAreWrittenAgain) {
  NetBuilder net("net");
  net.Op("Relu", {"X"}, {"A"});
  net.Op("Exp", {"A"}, {"B"});
  net.Op("Negative", {"A"}, {"A"});
  net.Op("Add", {"A", "B"}, {"A"});
  const NetDef after = Optimize(net, {"A"});
  EXPECT_EQ(after.op_size(), 4);
  ExpectSameResults(net.def(), after, {"A"});
}

TEST_F(OptimizeTest, KeepsUpdatesOfBlobsFromOutside) {
  NetBuilder net("net");
  net.Op("Relu", {"X"}, {"X"});
  net.Op("Exp", {"X"}, {"Y"});
  const NetDef after = Optimize(net, {"Y"});
  EXPECT_THAT(Types(after), ElementsAre("Relu", "Exp"));
  EXPECT_EQ(after.op(0).output(0), "X");
}

TEST_F(OptimizeTest, FoldsFactorsAndOffsetsIntoTheWeightsBefore) {
  NetBuilder net("net");
  const std::vector<Argument> broadcast = {MakeArgument("broadcast", 1), MakeArgument("axis", 1)};
  net.Op("FC", {"X", "W", "b"}, {"fc"});
  net.Op("Mul", {"fc", "scale"}, {"scaled"}, broadcast);
  net.Op("Add", {"scaled", "offset"}, {"Y"}, broadcast);
  const NetDef after = Optimize(net, {"Y"});
  EXPECT_THAT(Types(after), ElementsAre("PackedFC"));
  ExpectSameResults(net.def(), after, {"Y"});
  EXPECT_TRUE(TensorNear(workspace_.Fetch("W").value(), Floats({2, 3}, {1, 0, -1, 2, 1, 0.5f}), 0));
}

TEST_F(OptimizeTest, FoldsNothingThatIsReadElsewhere) {
  NetBuilder net("net");
  net.Op("FC", {"X", "W", "b"}, {"fc"});
  net.Op("Mul", {"fc", "scale"}, {"Y"});
  EXPECT_THAT(Types(Optimize(net, {"fc", "Y"})), ElementsAre("PackedFC", "Mul"));
}

TEST_F(OptimizeTest, FoldsNothingThatIsFed) {
  NetBuilder net("net");
  net.Op("FC", {"Y", "W", "b"}, {"fc"});
  net.Op("Mul", {"fc", "X"}, {"Z"});
  EXPECT_THAT(Types(Optimize(net, {"Z"})), ElementsAre("PackedFC", "Mul"));
}

TEST_F(OptimizeTest, FoldsNothingOfAnotherSize) {
  Feed("many", Floats({2, 1}, {1, 2}));
  NetBuilder net("net");
  net.Op("FC", {"X", "W", "b"}, {"fc"});
  net.Op("Mul", {"fc", "many"}, {"Y"});  // a factor for each row
  const NetDef after = Optimize(net, {"Y"});
  EXPECT_THAT(Types(after), ElementsAre("PackedFC", "Mul"));
}

TEST_F(OptimizeTest, LaysOutTheWeightsOfLayersOnceAndJoinsTheReluAfterThem) {
  NetBuilder net("net");
  net.Op("FC", {"X", "W", "b"}, {"hidden"});
  net.Op("Relu", {"hidden"}, {"Y"});
  net.Op("FC", {"X", "W", "b"}, {"Z"});
  const NetDef after = Optimize(net, {"Y", "Z"});
  EXPECT_THAT(Types(after), ElementsAre("PackedFC", "PackedFC"));
  EXPECT_EQ(after.op(0).input(1), after.op(1).input(1));
  ExpectSameResults(net.def(), after, {"Y", "Z"});
}

TEST_F(OptimizeTest, JoinsNoReluWhoseInputIsReadElsewhere) {
  NetBuilder net("net");
  net.Op("FC", {"X", "W", "b"}, {"hidden"});
  net.Op("Relu", {"hidden"}, {"Y"});
  const NetDef after = Optimize(net, {"hidden", "Y"});
  EXPECT_THAT(Types(after), ElementsAre("PackedFC", "Relu"));
  ExpectSameResults(net.def(), after, {"hidden", "Y"});
}

TEST_F(OptimizeTest, LeavesLayersWhoseWeightsComeFromOutside) {
  NetBuilder net("net");
  net.Op("FC", {"W", "X", "b"}, {"Y"});
  EXPECT_THAT(Types(Optimize(net, {"Y"})), ElementsAre("FC"));
}

// Nets of convolutions of an image X of 16 channels, with random weights that are drawn as they are
// named.
class OptimizeConvTest : public OptimizeTest {
 protected:
  OptimizeConvTest() { Draw("X", {1, 16, 7, 9}); }

  void Draw(const std::string& name, const Dims& dims) {
    std::vector<float> values(static_cast<size_t>(*NumElements(dims)));
    std::uniform_real_distribution<float> uniform(-1, 1);
    for (float& value : values) value = uniform(random_);
    Feed(name, *Tensor::FromSpan<float>(dims, values));
  }

  // A convolution with `outputs` filters of 3 x 3.
  void Conv(NetBuilder* net, const std::string& x, int64_t inputs, const std::string& y,
            int64_t outputs, bool bias = true) {
    Draw(y + "_w", {outputs, inputs, 3, 3});
    std::vector<std::string> in = {x, y + "_w"};
    if (bias) {
      Draw(y + "_b", {outputs});
      in.push_back(y + "_b");
    }
    net->Op("Conv", in, {y}, {MakeArgument("kernel", 3), MakeArgument("pad", 1)});
  }

  void BatchNormalise(NetBuilder* net, const std::string& x, const std::string& y, int64_t size) {
    std::vector<std::string> in = {x};
    for (const char* part : {"_s", "_o", "_m"}) {
      in.push_back(y + part);
      Draw(in.back(), {size});
    }
    in.push_back(y + "_v");
    Feed(in.back(), *Tensor::FromSpan<float>({size}, std::vector<float>(size, 0.25f)));
    net->Op("SpatialBN", in, {y}, {MakeArgument("is_test", 1)});
  }

  std::mt19937 random_{1};
};

TEST_F(OptimizeConvTest, NormalisationAndActivationBecomePartOfTheConvolution) {
  NetBuilder net("net");
  Conv(&net, "X", 16, "conv", 8, /*bias=*/false);
  BatchNormalise(&net, "conv", "bn", 8);
  net.Op("Relu", {"bn"}, {"bn"});
  const NetDef after = Optimize(net, {"bn"});
  EXPECT_THAT(Types(after), ElementsAre("BlockedConv", "FromBlocked"));
  ExpectSameResults(net.def(), after, {"bn"});
}

TEST_F(OptimizeConvTest, OffsetsOfImportedNetsBecomeTheBias) {
  NetBuilder net("net");
  Conv(&net, "X", 16, "conv", 8, /*bias=*/false);
  Draw("offset8", {8});
  net.Op("Add", {"conv", "offset8"}, {"Y"},
         {MakeArgument("broadcast", 1), MakeArgument("axis", 1)});
  const NetDef after = Optimize(net, {"Y"});
  EXPECT_THAT(Types(after), ElementsAre("BlockedConv", "FromBlocked"));
  ExpectSameResults(net.def(), after, {"Y"});
}

TEST_F(OptimizeConvTest, NormalisationBeforeAConvolutionStays) {
  NetBuilder net("net");
  Conv(&net, "X", 16, "a", 16);
  net.Op("Relu", {"a"}, {"a"});
  BatchNormalise(&net, "a", "bn", 16);
  Conv(&net, "bn", 16, "Y", 4);
  const NetDef after = Optimize(net, {"Y"});
  EXPECT_THAT(Types(after),
              ElementsAre("BlockedConv", "BlockedSpatialBN", "BlockedConv", "FromBlocked"));
  ExpectSameResults(net.def(), after, {"Y"});
}

TEST_F(OptimizeConvTest, ASumIsDoneByTheLaterConvolution) {
  NetBuilder net("net");
  Conv(&net, "X", 16, "a", 16);
  net.Op("Relu", {"a"}, {"a"});
  Conv(&net, "a", 16, "b", 16);
  net.Op("Sum", {"b", "a"}, {"b"});
  net.Op("Relu", {"b"}, {"b"});
  const NetDef after = Optimize(net, {"b"});
  EXPECT_THAT(Types(after), ElementsAre("BlockedConv", "BlockedConv", "FromBlocked"));
  ExpectSameResults(net.def(), after, {"b"});
}

TEST_F(OptimizeConvTest, WhatIsAddedMayBeReadLaterToo) {
  NetBuilder net("net");
  Conv(&net, "X", 16, "a", 16);
  Conv(&net, "a", 16, "b", 16);
  net.Op("Sum", {"a", "b"}, {"sum"});
  Conv(&net, "a", 16, "c", 16);
  net.Op("Sum", {"sum", "c"}, {"Y"});
  const NetDef after = Optimize(net, {"Y"});
  EXPECT_THAT(Types(after),
              ElementsAre("BlockedConv", "BlockedConv", "BlockedConv", "FromBlocked"));
  ExpectSameResults(net.def(), after, {"Y"});
}

TEST_F(OptimizeConvTest, ConvolutionsWriteTheirPartsOfAConcatenation) {
  for (const int64_t images : {1, 2}) {
    for (const auto& [first, second] : {std::pair<int64_t, int64_t>{16, 32}, {16, 5}, {3, 16}}) {
      SCOPED_TRACE(absl::StrCat(images, " images, ", first, " and ", second, " channels"));
      Draw("X", {images, 16, 7, 9});
      NetBuilder net("net");
      Conv(&net, "X", 16, "squeeze", 16);
      Conv(&net, "squeeze", 16, "b", second);
      Conv(&net, "squeeze", 16, "a", first);
      net.Op("Relu", {"a"}, {"a"});
      net.Op("Concat", {"a", "b"}, {"both", "sizes"}, {MakeArgument<std::string>("order", "NCHW")});
      Conv(&net, "both", first + second, "Y", 16);
      const NetDef after = Optimize(net, {"Y"});
      // Parts that are no whole blocks are copied.
      EXPECT_EQ(after.op_size(), first % 16 == 0 && second % 16 == 0 ? 5 : 6);
      ExpectSameResults(net.def(), after, {"Y"});
    }
  }
}

TEST_F(OptimizeConvTest, ABranchThatIsConcatenatedTwiceIsCopied) {
  NetBuilder net("net");
  Conv(&net, "X", 16, "a", 16);
  net.Op("Concat", {"a", "a"}, {"both", "sizes"}, {MakeArgument("axis", 1)});
  const NetDef after = Optimize(net, {"both"});
  EXPECT_THAT(Types(after), ElementsAre("BlockedConv", "BlockedConcat", "FromBlocked"));
  ExpectSameResults(net.def(), after, {"both"});
}

TEST_F(OptimizeConvTest, BlobsThatAreAskedForAreThere) {
  NetBuilder net("net");
  Conv(&net, "X", 16, "a", 16);
  net.Op("Relu", {"a"}, {"b"});
  net.Op("MaxPool", {"b"}, {"c"}, {MakeArgument("kernel", 2), MakeArgument("stride", 2)});
  const NetDef after = Optimize(net, {"a", "b", "c"});
  ExpectSameResults(net.def(), after, {"a", "b", "c"});
}

TEST_F(OptimizeConvTest, InnerNetsReadWhatBlockedOperatorsMade) {
  NetBuilder inner("inner");
  inner.Op("Negative", {"a"}, {"Z"});
  NetBuilder net("net");
  Conv(&net, "X", 16, "a", 16);
  Conv(&net, "a", 16, "Y", 16);
  net.Op("If", {"condition"}, {}, {MakeArgument("then_net", inner.def())});
  Feed("condition", *Tensor::Scalar<bool>(true));
  const NetDef after = Optimize(net, {"Y", "Z"});
  ExpectSameResults(net.def(), after, {"Y", "Z"});
}

TEST_F(OptimizeConvTest, ConvolutionsWhoseWeightsAreFedStay) {
  Draw("fed_b", {16});
  Draw("image", {1, 16, 7, 9});
  NetBuilder net("net");
  net.Op("Conv", {"image", "X", "fed_b"}, {"Y"}, {MakeArgument("kernel", 3)});
  EXPECT_THAT(Types(Optimize(net, {"Y"})), ElementsAre("Conv"));
}

TEST_F(OptimizeConvTest, GroupsOfTwoChannelsStayPlainUnlessTwoComeOut) {
  Draw("w", {16, 2, 3, 3});
  Draw("halves", {8, 2, 3, 3});
  const std::vector<Argument> eight_groups = {MakeArgument("kernel", 3), MakeArgument("group", 8)};
  NetBuilder net("net");
  net.Op("Conv", {"X", "w"}, {"a"}, eight_groups);
  net.Op("Conv", {"a", "halves"}, {"Y"}, eight_groups);
  const NetDef after = Optimize(net, {"Y"});
  EXPECT_THAT(Types(after), ElementsAre("BlockedConv", "FromBlocked", "Conv"));
  ExpectSameResults(net.def(), after, {"Y"});
}

TEST_F(OptimizeConvTest, ChannelsLastStaysPlain) {
  Draw("X", {1, 7, 9, 16});
  Draw("w", {4, 3, 3, 16});
  NetBuilder net("net");
  const Argument order = MakeArgument<std::string>("order", "NHWC");
  net.Op("Conv", {"X", "w"}, {"a"}, {MakeArgument("kernel", 3), order});
  net.Op("Relu", {"a"}, {"Y"});
  const NetDef after = Optimize(net, {"Y"});
  EXPECT_THAT(Types(after), ElementsAre("Conv", "Relu"));
  ExpectSameResults(net.def(), after, {"Y"});
}

TEST_F(OptimizeConvTest, AnOrderInLowerCaseCountsAsInUpperCase) {
  Draw("w", {16, 16, 3, 3});
  NetBuilder net("net");
  const Argument order = MakeArgument<std::string>("order", "nchw");
  net.Op("Conv", {"X", "w"}, {"a"}, {MakeArgument("kernel", 3), order});
  net.Op("Conv", {"a", "w"}, {"Y"}, {MakeArgument("kernel", 3), order});
  const NetDef after = Optimize(net, {"Y"});
  EXPECT_THAT(Types(after), ElementsAre("BlockedConv", "BlockedConv", "FromBlocked"));
  ExpectSameResults(net.def(), after, {"Y"});
}

TEST_F(OptimizeConvTest, TestTimeDropoutGoes) {
  NetBuilder net("net");
  Conv(&net, "X", 16, "a", 16);
  net.Op("Dropout", {"a"}, {"a", "mask"}, {MakeArgument("is_test", 1)});
  Conv(&net, "a", 16, "Y", 16);
  const NetDef after = Optimize(net, {"Y"});
  EXPECT_THAT(Types(after), ElementsAre("BlockedConv", "BlockedConv", "FromBlocked"));
  ExpectSameResults(net.def(), after, {"Y"});
}

TEST_F(OptimizeConvTest, AWrongShapeIsAnErrorEveryTimeAndHarmsNothing) {
  NetBuilder net("net");
  Conv(&net, "X", 16, "a", 16);
  net.Op("PRelu", {"a", "slope"}, {"b"});
  net.Op("MaxPool", {"b"}, {"Y"}, {MakeArgument("kernel", 3)});
  Draw("slope", {16});
  const NetDef after = Optimize(net, {"Y"});
  Workspace workspace(&workspace_);
  ASSERT_TRUE(workspace.CreateNet(after).ok());
  ASSERT_TRUE(workspace.RunNet("net").ok());
  const Tensor expected = workspace.Fetch("Y").value();
  const Tensor good = workspace_.Fetch("X").value();
  for (const Dims& wrong : {Dims{1, 8, 2, 2}, Dims{1, 16, 1, 1}}) {
    Draw("X", wrong);
    for (int run = 0; run < 3; ++run) EXPECT_FALSE(workspace.RunNet("net").ok()) << run;
  }
  Feed("X", good);
  ASSERT_TRUE(workspace.RunNet("net").ok());
  EXPECT_TRUE(TensorNear(workspace.Fetch("Y").value(), expected, 0));
}

TEST_F(OptimizeConvTest, AWrongShapeIsAnErrorAsInTheNetAsGiven) {
  NetBuilder net("net");
  Conv(&net, "X", 8, "Y", 16);  // X has 16 channels
  const NetDef after = Optimize(net, {"Y"});
  Workspace workspace(&workspace_);
  const absl::Status run = workspace.RunNetOnce(after);
  EXPECT_EQ(run.code(), absl::StatusCode::kInvalidArgument) << run;
}

BlobInfos KnownX() { return {{"X", {DataType::kFloat, Dims{2, 3}, std::nullopt}}}; }

std::set<std::string> Written(const NetDef& net) {
  std::set<std::string> written;
  for (const OperatorDef& op : net.op()) written.insert(op.output().begin(), op.output().end());
  return written;
}

TEST(PlanMemoryTest, GivesAChainOneBuffer) {
  NetBuilder net("net");
  net.Op("Relu", {"X"}, {"a"}).Op("Exp", {"a"}, {"b"}).Op("Negative", {"b"}, {"c"});
  net.Op("Copy", {"c"}, {"Y"});
  const MemoryPlan plan = PlanMemory(net.def(), KnownX(), {"X", "Y"}).value();
  EXPECT_EQ(plan.bytes_before, 4 * 24);
  EXPECT_EQ(plan.bytes_after, 2 * 24);
  EXPECT_THAT(Written(plan.net), ElementsAre("Y", "a"));
}

TEST(PlanMemoryTest, KeepsApartWhatLivesAtTheSameTime) {
  NetBuilder net("net");
  net.Op("Relu", {"X"}, {"a"}).Op("Exp", {"a"}, {"b"}).Op("Add", {"a", "b"}, {"Y"});
  const MemoryPlan plan = PlanMemory(net.def(), KnownX(), {"X", "Y"}).value();
  EXPECT_EQ(plan.bytes_after, 3 * 24);
  EXPECT_EQ(Written(plan.net).size(), 3u);
}

TEST(PlanMemoryTest, LeavesAloneWhatInnerNetsUse) {
  NetBuilder inner("inner");
  inner.Op("Copy", {"a"}, {"Z"});
  NetBuilder net("net");
  net.Op("Relu", {"X"}, {"a"}).Op("Exp", {"a"}, {"b"});
  net.Op("If", {"c"}, {}, {MakeArgument("then_net", inner.def())});
  net.Op("Negative", {"b"}, {"Y"});
  const MemoryPlan plan = PlanMemory(net.def(), KnownX(), {"X", "Y"}).value();
  EXPECT_EQ(plan.net.op(0).output(0), "a");
  EXPECT_EQ(plan.net.op(1).output(0), "b");
}

TEST(PlanMemoryTest, NoOperandIsOverwrittenThatIsOfAnotherShape) {
  NetBuilder net("net");
  net.Op("Sigmoid", {"X"}, {"s"}).Op("Add", {"three", "s"}, {"sum"}).Op("Exp", {"sum"}, {"Y"});
  for (const Dims& dims : {Dims{1, 2, 3}, Dims{5, 2, 3}, Dims{1, 1, 1, 3}}) {
    BlobInfos known = KnownX();
    known["three"] = {DataType::kFloat, dims, std::nullopt};
    const MemoryPlan plan = PlanMemory(net.def(), known, {"X", "Y"}).value();
    EXPECT_THAT(Written(plan.net), ElementsAre("Y", "s", "sum")) << ShapeToString(dims);
    EXPECT_FALSE(plan.for_these_shapes);
  }
}

TEST(PlanMemoryTest, AnOperandOfTheSameShapeIsOverwrittenUnlessThePlanIsForAnyShapes) {
  NetBuilder net("net");
  net.Op("Sigmoid", {"X"}, {"s"}).Op("Add", {"three", "s"}, {"sum"}).Op("Exp", {"sum"}, {"Y"});
  BlobInfos known = KnownX();
  known["three"] = known["X"];
  const MemoryPlan plan = PlanMemory(net.def(), known, {"X", "Y"}).value();
  EXPECT_THAT(Written(plan.net), ElementsAre("Y", "s"));
  EXPECT_TRUE(plan.for_these_shapes);
  const MemoryPlan general = PlanMemory(net.def(), known, {"X", "Y"}, true).value();
  EXPECT_THAT(Written(general.net), ElementsAre("Y", "s", "sum"));
  EXPECT_FALSE(general.for_these_shapes);
}

TEST(PlanMemoryTest, WhatFollowsItsInputsShapeIsInPlaceInAnyPlan) {
  NetBuilder net("net");
  net.Op("Relu", {"X"}, {"a"}).Op("Exp", {"a"}, {"b"});
  net.Op("ExpandDims", {"b"}, {"c"}, {MakeArgument<std::vector<int64_t>>("dims", {0})});
  net.Op("Mul", {"c", "two"}, {"d"}).Op("Exp", {"d"}, {"Y"});
  BlobInfos known = KnownX();
  known["two"].dtype = DataType::kFloat;
  known["two"].dims.emplace();
  for (const BlobInfos& infos : {known, BlobInfos{{"two", known["two"]}}}) {
    const MemoryPlan plan = PlanMemory(net.def(), infos, {"X", "Y"}).value();
    EXPECT_THAT(Written(plan.net), ElementsAre("Y", "a"));
    EXPECT_FALSE(plan.for_these_shapes);
  }
}

TEST(PlanMemoryTest, GivesTheSameResults) {
  NetBuilder net("net");
  net.Op("Relu", {"X"}, {"a"}).Op("Exp", {"a"}, {"b"}).Op("Add", {"a", "b"}, {"c"});
  net.Op("Negative", {"a"}, {"d"}).Op("Mul", {"c", "d"}, {"e"}).Op("Tanh", {"e"}, {"Y"});
  const MemoryPlan plan = PlanMemory(net.def(), KnownX(), {"X", "Y"}).value();
  EXPECT_LT(plan.bytes_after, plan.bytes_before);
  Workspace before;
  Workspace after;
  for (Workspace* workspace : {&before, &after}) {
    ASSERT_TRUE(workspace->Feed("X", Floats({2, 3}, {1, -2, 3, 0.5f, 0, -1})).ok());
  }
  ASSERT_TRUE(before.RunNetOnce(net.def()).ok());
  for (int run = 0; run < 2; ++run) ASSERT_TRUE(after.RunNetOnce(plan.net).ok());
  EXPECT_TRUE(TensorNear(after.Fetch("Y").value(), before.Fetch("Y").value(), 0));
}

}  // namespace
}  // namespace doppio
