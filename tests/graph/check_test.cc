#include "doppio/check.h"

#include "doppio/infer.h"
#include "doppio/net_builder.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace doppio {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

std::string Problems(const NetDef& net, const CheckOptions& options = {}) {
  return std::string(ProblemsToStatus(CheckNet(net, options)).message());
}

TEST(CheckNetTest, FindsNothingWrongWithAGoodNet) {
  NetBuilder net("good");
  net.ExternalInput("X").ExternalOutput("Y").Op("Relu", {"X"}, {"Y"});
  EXPECT_THAT(CheckNet(net.def()), IsEmpty());
}

TEST(CheckNetTest, ReportsEveryProblemAtOnce) {
  NetBuilder net("bad");
  net.ExternalInput("X").ExternalOutput("nowhere");
  net.Op("Exapnd", {"X", "shape"}, {"Y"})
      .Op("Relu", {"Y", "X"}, {"Z"})
      .Op("Transpose", {"Z"}, {"Z"});
  const std::vector<NetProblem> problems = CheckNet(net.def());
  const std::string text = Problems(net.def());
  EXPECT_THAT(
      text, HasSubstr("net \"bad\", op 0 Exapnd(X, shape) -> Y: there is no operator \"Exapnd\""));
  EXPECT_THAT(text, HasSubstr("did you mean Expand"));
  EXPECT_THAT(text, HasSubstr("--load"));
  EXPECT_THAT(text, HasSubstr("input blob \"shape\" is made by no operator before"));
  EXPECT_THAT(text, HasSubstr("Relu takes 1 input, but has 2"));
  EXPECT_THAT(text, HasSubstr("Transpose may not write output 0 to its own input \"Z\""));
  EXPECT_THAT(text, HasSubstr("external output \"nowhere\" is made by no operator"));
  EXPECT_THAT(problems, SizeIs(5));
}

TEST(CheckNetTest, LetsANetWithoutExternalInputsReadWhatItLikesUnlessToldOtherwise) {
  NetBuilder net("open");
  net.Op("Relu", {"X"}, {"Y"});
  EXPECT_THAT(CheckNet(net.def()), IsEmpty());
  CheckOptions strict;
  strict.allow_unknown_inputs = false;
  EXPECT_THAT(Problems(net.def(), strict), HasSubstr("\"X\" is made by no operator before"));
  strict.known_blobs = {"X"};
  EXPECT_THAT(CheckNet(net.def(), strict), IsEmpty());
}

TEST(CheckNetTest, LooksIntoNetsThatAreArguments) {
  NetBuilder then_net("then");
  then_net.Op("Rleu", {"X"}, {"Y"});
  NetBuilder net("outer");
  net.Op("If", {"condition"}, {}, {MakeArgument<NetDef>("then_net", then_net.def())});
  EXPECT_THAT(Problems(net.def()), HasSubstr("net \"then\", op 0 Rleu(X) -> Y"));
  EXPECT_THAT(InputsOfNet(net.def()), ElementsAre("condition", "X"));
}

TEST(CheckNetTest, RefusesNetsNestedTooDeep) {
  NetDef net;
  net.set_name("innermost");
  for (int depth = 0; depth < 150; ++depth) {
    NetBuilder outer("outer");
    outer.Op("If", {"condition"}, {}, {MakeArgument<NetDef>("then_net", net)});
    net = outer.def();
  }
  EXPECT_THAT(Problems(net), HasSubstr("deeper than 100"));
  EXPECT_THAT(InputsOfNet(net), ElementsAre("condition"));  // ends, too
}

TEST(CheckNetTest, RefusesTooManyOperators) {
  NetBuilder net("long");
  for (int i = 0; i < 4; ++i) net.Op("Relu", {"X"}, {"Y"});
  CheckOptions options;
  options.limits.max_operators = 3;
  EXPECT_THAT(Problems(net.def(), options), HasSubstr("more than 3 operators"));
}

TEST(CheckNetTest, ReportsArgumentsOfTheWrongFieldAndMissingOnes) {
  NetBuilder net("arguments");
  net.Op("Relu", {"X"}, {"Y"}).Op("Softmax", {"Y"}, {"Z"}, {MakeArgument<float>("axis", 1.5f)});
  net.Op("If", {"condition"}, {});
  const std::string text = Problems(net.def());
  EXPECT_THAT(text, HasSubstr("argument \"axis\" must be a whole number in `i`, but has f"));
  EXPECT_THAT(text, HasSubstr("argument \"then_net\" is missing"));
}

TEST(InputsOfNetTest, AreWhatOperatorsReadBeforeTheyMakeIt) {
  NetBuilder net("inputs");
  net.Op("Add", {"a", "b"}, {"c"}).Op("Add", {"c", "a"}, {"d"}).Op("Add", {"d", "e"}, {"f"});
  EXPECT_THAT(InputsOfNet(net.def()), ElementsAre("a", "b", "e"));
}

TEST(InferNetTest, FollowsShapesThroughConstants) {
  NetBuilder net("shapes");
  net.Op("GivenTensorInt64Fill", {}, {"shape"},
         {MakeArgument<std::vector<int64_t>>("shape", {2}),
          MakeArgument<std::vector<int64_t>>("values", {3, 4})});
  net.Op("Expand", {"X", "shape"}, {"Y"}).Op("SumElements", {"Y"}, {"loss"});
  BlobInfos known;
  known["X"].dtype = DataType::kFloat;
  known["X"].dims = Dims{3, 1};
  const absl::StatusOr<NetInference> inference = InferNet(net.def(), known);
  ASSERT_TRUE(inference.ok()) << inference.status();
  EXPECT_EQ(ShapeToString(*inference->blobs.at("Y").dims), "[3,4]");
  EXPECT_EQ(inference->blobs.at("Y").dtype, DataType::kFloat);
  EXPECT_EQ(ShapeToString(*inference->blobs.at("loss").dims), "[]");
  EXPECT_EQ(inference->ops[1].cost.bytes_written, 3 * 4 * 4);
}

TEST(InferNetTest, LeavesUnknownWhatFollowsFromTheUnknown) {
  NetBuilder net("unknown");
  net.Op("Relu", {"X"}, {"Y"}).Op("NoSuchOperator", {"Y"}, {"Z"});
  const absl::StatusOr<NetInference> inference = InferNet(net.def(), {});
  ASSERT_TRUE(inference.ok()) << inference.status();
  EXPECT_FALSE(inference->blobs.at("Y").IsKnown());
  EXPECT_FALSE(inference->blobs.at("Z").IsKnown());
}

TEST(InferNetTest, NamesTheOperatorWhoseShapesCanNotGoTogether) {
  NetBuilder net("clash");
  net.Op("Relu", {"A"}, {"B"}).Op("Add", {"B", "C"}, {"D"});
  BlobInfos known;
  for (const char* name : {"A", "C"}) known[name].dtype = DataType::kFloat;
  known["A"].dims = Dims{3, 2};
  known["C"].dims = Dims{3, 4};
  const absl::StatusOr<NetInference> inference = InferNet(net.def(), known);
  ASSERT_FALSE(inference.ok());
  EXPECT_THAT(std::string(inference.status().message()),
              HasSubstr("net \"clash\", op 1 Add(B, C) -> D: "));
  EXPECT_THAT(std::string(inference.status().message()), HasSubstr("[3,2]"));
}

}  // namespace
}  // namespace doppio
