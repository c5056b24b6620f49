#include "doppio/optimize.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <random>
#include <set>

#include "doppio/net_builder.h"
#include "doppio/op_def.h"
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

  void Draw(const std::string& name, const Dims& dims, float most = 1) {
    std::vector<float> values(static_cast<size_t>(*NumElements(dims)));
    std::uniform_real_distribution<float> uniform(-most, most);
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

TEST_F(OptimizeConvTest, ReluBecomesPartOfTheNormalisationBeforeIt) {
  for (const std::string activation : {"Relu", "Sigmoid"}) {
    NetBuilder net("net");
    Conv(&net, "X", 16, "a", 16);
    net.Op("Relu", {"a"}, {"a"});
    BatchNormalise(&net, "a", "bn", 16);
    net.Op(activation, {"bn"}, {"Y"});
    const NetDef after = Optimize(net, {"Y"});
    EXPECT_EQ(after.op_size(), activation == "Relu" ? 3 : 4);
    ExpectSameResults(net.def(), after, {"Y"});
  }
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

// Layers that read all that was made before them: what each adds is concatenated with what the one
// before read.
class OptimizeDenseTest : public OptimizeConvTest {
 protected:
  enum class Form { kFlat, kNested, kNewestFirst };

  // Ends with the blob "dense" of 16 + 16 * layers channels; "read<k>" is what layer k reads.
  void DenseBlock(NetBuilder* net, const std::string& x, int layers, Form form) {
    net->Op("MaxPool", {x}, {"read0"}, {MakeArgument("kernel", 2)});
    std::vector<std::string> all = {"read0"};
    for (int k = 0; k < layers; ++k) {
      const std::string read = absl::StrCat("read", k);
      const std::string made = absl::StrCat("made", k);
      const std::string next = k + 1 < layers ? absl::StrCat("read", k + 1) : "dense";
      const int64_t channels = 16 * (k + 1);
      BatchNormalise(net, read, absl::StrCat("bn", k), channels);
      net->Op("Relu", {absl::StrCat("bn", k)}, {absl::StrCat("relu", k)});
      Draw(made + "_w", {16, channels, 3, 3}, 0.1F);
      net->Op("Conv", {absl::StrCat("relu", k), made + "_w"}, {made},
              {MakeArgument("kernel", 3), MakeArgument("pad", 1)});
      all.push_back(made);
      std::vector<std::string> inputs = {read, made};
      if (form == Form::kFlat) inputs = all;
      if (form == Form::kNewestFirst) std::reverse(inputs.begin(), inputs.end());
      net->Op("Concat", inputs, {next, next + "_sizes"}, {MakeArgument("axis", 1)});
    }
  }
};

TEST_F(OptimizeDenseTest, WhatIsConcatenatedAgainAndAgainIsCopiedOnce) {
  for (const Form form : {Form::kFlat, Form::kNested, Form::kNewestFirst}) {
    for (const int64_t images : {1, 2, 3}) {
      SCOPED_TRACE(absl::StrCat("form ", static_cast<int>(form), ", images ", images));
      Draw("X", {images, 16, 9, 8});
      NetBuilder net("net");
      Conv(&net, "X", 16, "a", 16);
      DenseBlock(&net, "a", 3, form);
      Conv(&net, "dense", 64, "Y", 4);
      const NetDef after = Optimize(net, {"Y"});
      EXPECT_THAT(Types(after),
                  ElementsAre("BlockedConv", "BlockedMaxPool", "BlockedCopy", "BlockedSpatialBN",
                              "BlockedConv", "BlockedSpatialBN", "BlockedConv", "BlockedSpatialBN",
                              "BlockedConv", "BlockedConv", "FromBlocked"));
      ExpectSameResults(net.def(), after, {"Y"});
    }
  }
}

TEST_F(OptimizeDenseTest, AnyOfThemMayBeAskedFor) {
  NetBuilder net("net");
  Conv(&net, "X", 16, "a", 16);
  DenseBlock(&net, "a", 4, Form::kNested);
  const std::vector<std::string> wanted = {"read0", "read1", "made1", "read2", "made3", "dense"};
  ExpectSameResults(net.def(), Optimize(net, wanted), wanted);
}

// In the buffer that is planned for, which later layers write to while earlier ones are still read.
TEST_F(OptimizeDenseTest, TheBufferIsPlannedOnce) {
  for (const Form form : {Form::kFlat, Form::kNewestFirst}) {
    NetBuilder net("net");
    Conv(&net, "X", 16, "a", 16);
    DenseBlock(&net, "a", 4, form);
    net.Op("MaxPool", {"read2"}, {"late"}, {MakeArgument("kernel", 2)});
    net.Op("Relu", {"read3"}, {"later"});
    const std::vector<std::string> wanted = {"late", "later", "dense"};
    const NetDef after = Optimize(net, wanted);
    const BlobInfos known = {{"X", {DataType::kFloat, Dims{1, 16, 7, 9}, std::nullopt}}};
    const MemoryPlan plan = PlanMemory(after, known, {"X", "late", "later", "dense"}).value();
    ExpectSameResults(net.def(), plan.net, wanted);
    std::set<std::string> buffers;  // that parts are written to
    for (const OperatorDef& op : plan.net.op()) {
      if (FindArgument(op, "into_channels") != nullptr) buffers.insert(op.output(0));
      if (FindArgument(op, "continues") != nullptr) {
        EXPECT_EQ(op.input(op.input_size() - 1), op.output(0)) << OpToString(op);
      }
    }
    EXPECT_EQ(buffers.size(), 1);
  }
}

// It would be overwritten while it is read.
TEST_F(OptimizeDenseTest, AConvolutionThatReadsTheBufferDoesNotWriteToIt) {
  NetBuilder net("net");
  Conv(&net, "X", 16, "a", 16);
  Conv(&net, "X", 16, "b", 16);
  net.Op("Concat", {"a", "b"}, {"ab", "ab_sizes"}, {MakeArgument("axis", 1)});
  Conv(&net, "ab", 32, "c", 16);
  net.Op("Concat", {"ab", "c"}, {"abc", "abc_sizes"}, {MakeArgument("axis", 1)});
  const NetDef after = Optimize(net, {"abc"});
  EXPECT_THAT(Types(after), ElementsAre("BlockedConv", "BlockedConv", "BlockedConv", "BlockedCopy",
                                        "FromBlocked"));
  ExpectSameResults(net.def(), after, {"abc"});
}

TEST_F(OptimizeDenseTest, ConcatenationsThatShareNoRunOfBlobsKeepTheirOwnBuffers) {
  NetBuilder net("net");
  std::vector<std::string> wanted;
  for (const char* blob : {"a", "b", "c", "d"}) Conv(&net, "X", 16, blob, 16);
  const std::vector<std::vector<std::string>> lists = {
      {"a", "b", "c"}, {"a", "c"}, {"b", "a"}, {"b", "c", "d"}, {"c"}, {"c", "d", "c"}};
  for (size_t i = 0; i < lists.size(); ++i) {
    const std::string y = absl::StrCat("Y", i);
    net.Op("Concat", lists[i], {y, y + "_sizes"}, {MakeArgument("axis", 1)});
    net.Op("Concat", {y, "d"}, {y + "d", y + "d_sizes"}, {MakeArgument("axis", 1)});
    wanted.push_back(y);
    wanted.push_back(y + "d");
  }
  ExpectSameResults(net.def(), Optimize(net, wanted), wanted);
}

TEST_F(OptimizeDenseTest, DeepNestsThatDoubleEachTimeEndSoon) {
  NetBuilder net("net");
  Conv(&net, "X", 16, "c0", 16);
  for (int k = 0; k < 60; ++k) {
    const std::string x = absl::StrCat("c", k);
    const std::string y = absl::StrCat("c", k + 1);
    net.Op("Concat", {x, x}, {y, y + "_sizes"}, {MakeArgument("axis", 1)});
  }
  EXPECT_EQ(Optimize(net, {"c60"}).op_size(), 62);
}

// Channels that fill up a block have no part in it.
TEST_F(OptimizeConvTest, ASlopeThatIsNotFiniteHarmsNoNumberAboveZero) {
  NetBuilder net("net");
  Conv(&net, "X", 16, "a", 12);
  Feed("a_b", *Tensor::FromSpan<float>({12}, std::vector<float>(12, 100)));
  Feed("slope", Floats({1}, {std::numeric_limits<float>::infinity()}));
  net.Op("PRelu", {"a", "slope"}, {"a"});
  Conv(&net, "a", 12, "Y", 16);
  const NetDef after = Optimize(net, {"Y"});
  EXPECT_THAT(Types(after),
              ElementsAre("BlockedConv", "BlockedPRelu", "BlockedConv", "FromBlocked"));
  ExpectSameResults(net.def(), after, {"Y"});
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

}  // namespace
}  // namespace doppio
