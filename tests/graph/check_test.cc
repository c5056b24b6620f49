#include "doppio/check.h"

#include <algorithm>

#include "doppio/devices.h"
#include "doppio/infer.h"
#include "doppio/net_builder.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace doppio {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
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
  EXPECT_THAT(text, HasSubstr("input blob \"shape\" is missing: no operator before makes it"));
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
  EXPECT_THAT(Problems(net.def(), strict),
              HasSubstr("\"X\" is missing: no operator before makes it"));
  strict.known_blobs = {"X"};
  EXPECT_THAT(CheckNet(net.def(), strict), IsEmpty());
}

// A net of one operator that has Relu(reads) -> h in an argument.
NetDef Holding(const char* type, const char* net_argument, const std::string& reads,
               const std::vector<Argument>& args) {
  NetBuilder inner("inner");
  inner.Op("Relu", {reads}, {"h"});
  NetBuilder net("outer");
  net.Op(type, {"x"}, {"y", "scope"}, args);
  Argument* arg = net.mutable_def()->mutable_op(0)->add_arg();
  arg->set_name(net_argument);
  *arg->mutable_n() = inner.def();
  return net.def();
}

TEST(CheckNetTest, KnowsTheBlobsThatAnOperatorMakesForItsNets) {
  CheckOptions strict;
  strict.allow_unknown_inputs = false;
  strict.known_blobs = {"x"};
  const std::vector<Argument> links = {
      MakeArgument<std::vector<std::string>>("link_internal", {"x_t"})};
  for (const char* blob : {"x", "x_t", "timestep"}) {
    EXPECT_THAT(Problems(Holding("RecurrentNetwork", "step_net", blob, links), strict),
                Not(HasSubstr("is missing")))
        << blob;
  }
  EXPECT_THAT(Problems(Holding("RecurrentNetwork", "step_net", "z", links), strict),
              HasSubstr("\"z\" is missing"));
  EXPECT_THAT(Problems(Holding("RecurrentNetwork", "backward_step_net", "z", links), strict),
              Not(HasSubstr("is missing")));
  const std::vector<Argument> names = {
      MakeArgument<std::vector<std::string>>("inner_blobs", {"a"})};
  EXPECT_THAT(Problems(Holding("Do", "net", "a", names), strict), Not(HasSubstr("is missing")));
  EXPECT_THAT(Problems(Holding("Do", "net", "x", names), strict), HasSubstr("\"x\" is missing"));
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

TEST(CheckNetTest, RefusesNetsWithinNetsFromTheLimitOn) {
  NetBuilder inner("inner");
  inner.Op("Relu", {"X"}, {"Y"});
  NetDef net = inner.def();
  for (int i = 0; i < 3; ++i) {
    NetBuilder outer("outer");
    net = outer.Op("If", {"yes"}, {}, {MakeArgument("then_net", net)}).def();
  }
  CheckOptions options;
  options.limits.max_nesting = 3;
  EXPECT_EQ(Problems(net, options), "");
  options.limits.max_nesting = 2;
  EXPECT_THAT(Problems(net, options), HasSubstr("nets within nets deeper than 2"));
}

TEST(CheckNetTest, ReportsArgumentsOfTheWrongFieldAndMissingOnes) {
  NetBuilder net("arguments");
  net.Op("Relu", {"X"}, {"Y"}).Op("Softmax", {"Y"}, {"Z"}, {MakeArgument<float>("axis", 1.5f)});
  net.Op("If", {"condition"}, {});
  const std::string text = Problems(net.def());
  EXPECT_THAT(text, HasSubstr("argument \"axis\" must be a whole number in `i`, but has f"));
  EXPECT_THAT(text, HasSubstr("argument \"then_net\" is missing"));
}

TEST(CheckNetTest, ADeviceThatIsNotThereIsOneProblemOfTheWholeNet) {
  NetBuilder then_net("then");
  then_net.Op("Relu", {"X"}, {"Y"});
  then_net.mutable_def()->mutable_device_option()->set_device_type(1);
  NetBuilder net("says_cuda");
  for (int i = 0; i < 251; ++i) net.Op("Relu", {"X"}, {"Y"});
  net.Op("Exapnd", {"Y", "shape"}, {"Z"});
  net.Op("If", {"condition"}, {}, {MakeArgument<NetDef>("then_net", then_net.def())});
  net.mutable_def()->mutable_device_option()->set_device_type(1);
  net.mutable_def()->mutable_op(0)->mutable_device_option()->set_device_type(77);
  const std::vector<NetProblem> problems = CheckNet(net.def());
  const std::string text = Problems(net.def());
  ASSERT_THAT(problems, SizeIs(3)) << text;
  EXPECT_THAT(text, HasSubstr("253 operators are to run on CUDA, which is not there (op 1 Relu"));
  EXPECT_THAT(text, HasSubstr("one operator is to run on device type 77, which is not there"));
  EXPECT_THAT(text, HasSubstr("--device cpu"));
  EXPECT_THAT(text, HasSubstr("there is no operator \"Exapnd\" for the CPU; did you mean Expand"));
  SetDevice(net.mutable_def(), DeviceType::kCpu);
  EXPECT_THAT(CheckNet(net.def()), SizeIs(1));
}

TEST(CheckNetTest, AnOperatorMaySayTheCpuWhereTheNetSaysAnother) {
  NetBuilder net("mixed");
  net.Op("Relu", {"X"}, {"Y"});
  net.mutable_def()->mutable_device_option()->set_device_type(1);
  net.mutable_def()->mutable_op(0)->mutable_device_option()->set_device_type(0);
  EXPECT_THAT(CheckNet(net.def()), IsEmpty());
}

TEST(CheckNetTest, AProblemThatManyOperatorsShareIsListedOnce) {
  NetBuilder net("same");
  for (int i = 0; i < 251; ++i) net.Op("Exapnd", {"X"}, {"Y"}).Op("Relu", {"X", "X"}, {"Y"});
  const std::vector<NetProblem> problems = CheckNet(net.def());
  ASSERT_THAT(problems, SizeIs(2)) << Problems(net.def());
  EXPECT_THAT(problems[0].ToString(),
              HasSubstr("op 0 Exapnd(X) -> Y: there is no operator \"Exapnd\" for the CPU; did you "
                        "mean Expand or Exp? (250 more: op 2, op 4, op 6, op 8, op 10, ...)"));
  EXPECT_THAT(problems[1].ToString(), HasSubstr("(250 more: op 3, op 5,"));
  EXPECT_THAT(problems[1].also, SizeIs(250));
}

TEST(CheckNetTest, WhatWasFedIsThereThoughExternalInputDoesNotListIt) {
  NetBuilder net("some_inputs_listed");
  net.Op("Mul", {"x", "w"}, {"y"}).ExternalInput("x").ExternalOutput("y");
  EXPECT_THAT(Problems(net.def()), HasSubstr("input blob \"w\" is missing"));
  CheckOptions fed;
  fed.known_blobs = {"w"};
  EXPECT_THAT(CheckNet(net.def(), fed), IsEmpty());
  EXPECT_THAT(InputsOfNet(net.def()), ElementsAre("x", "w"));
}

TEST(CheckNetTest, AMissingBlobComesWithANearName) {
  NetBuilder net("typo");
  net.ExternalInput("x").Op("Relu", {"x"}, {"hidden"}).Op("Relu", {"hiden"}, {"y"});
  EXPECT_THAT(Problems(net.def()),
              HasSubstr("\"hiden\" is missing: no operator before makes it, it "
                        "was not fed, and it is no external input; did you "
                        "mean hidden?"));
}

TEST(CheckShapesTest, GoesOnBehindAProblem) {
  NetBuilder net("shapes");
  net.Op("MatMul", {"A", "A"}, {"B"}).Op("XavierFill", {}, {"w"}).Op("Relu", {"A"}, {"C"});
  BlobInfos blobs;
  blobs["A"] = {DataType::kFloat, Dims{2, 3}, std::nullopt};
  const std::vector<NetProblem> problems = CheckShapes(net.def(), &blobs);
  ASSERT_THAT(problems, SizeIs(2));
  EXPECT_THAT(problems[0].where, HasSubstr("op 0 MatMul"));
  EXPECT_THAT(problems[1].ToString(), HasSubstr("op 1 XavierFill() -> w: a scalar has no fan-in"));
  EXPECT_THAT(problems[1].what, HasSubstr("the argument \"shape\" is missing"));
  EXPECT_FALSE(blobs["B"].IsKnown());
  EXPECT_EQ(*blobs["C"].dims, (Dims{2, 3}));
}

TEST(CheckShapesTest, ArgumentsThatOperatorsRefuseAreFoundWithoutAnyShape) {
  NetBuilder net("arguments");
  for (int i = 0; i < 3; ++i) net.Op("Conv", {"x", "w"}, {"y"});
  BlobInfos blobs;
  const std::vector<NetProblem> problems = CheckShapes(net.def(), &blobs);
  ASSERT_THAT(problems, SizeIs(1));
  EXPECT_THAT(problems[0].ToString(), HasSubstr("kernel"));
  EXPECT_THAT(problems[0].also, ElementsAre(1, 2));
}

TEST(CheckShapesTest, TakesOperatorsThatNeedTheWorkspaceTheyWillRunIn) {
  NetBuilder net("storage");
  net.Op("GetAllBlobNames", {}, {"names"});
  net.Op(
      "Load", {}, {"w"},
      {MakeArgument<std::string>("db", "weights"), MakeArgument<std::string>("db_type", "minidb")});
  BlobInfos blobs;
  const std::vector<NetProblem> problems = CheckShapes(net.def(), &blobs);
  EXPECT_TRUE(problems.empty()) << ProblemsToStatus(problems);
}

TEST(OutputsOfNetTest, AreWhatNobodyReadsWhereNoneAreListed) {
  NetBuilder net("two_heads");
  net.Op("Relu", {"x"}, {"h"}).Op("Sigmoid", {"h"}, {"first"}).Op("Tanh", {"h"}, {"second"});
  EXPECT_THAT(OutputsOfNet(net.def()), ElementsAre("first", "second"));
  net.ExternalOutput("h");
  EXPECT_THAT(OutputsOfNet(net.def()), ElementsAre("h"));
}

TEST(OutputsOfNetTest, AreNotWhatIsWrittenAgainOrReadByNetsInside) {
  NetBuilder then_net("then");
  then_net.Op("Relu", {"inner"}, {"Y"});
  NetBuilder net("net");
  net.Op("Relu", {"x"}, {"h"}).Op("Relu", {"h"}, {"h"}).Op("Relu", {"x"}, {"inner"});
  net.Op("Relu", {"x"}, {"condition"});
  net.Op("If", {"condition"}, {}, {MakeArgument<NetDef>("then_net", then_net.def())});
  EXPECT_THAT(OutputsOfNet(net.def()), ElementsAre("h"));
}

TEST(OutputsOfNetTest, AreNoByProductsAndNoWeightsThatTrainingChanges) {
  NetBuilder net("net");
  net.Op("Dropout", {"x"}, {"y", "mask"}).Op("Concat", {"y", "y"}, {"c", "split_info"});
  net.Op("WeightedSum", {"w", "one", "c", "rate"}, {"w"}).Op("SumElements", {"c"}, {"loss"});
  EXPECT_THAT(OutputsOfNet(net.def()), ElementsAre("loss"));
}

TEST(OutputsOfNetTest, TheLastOperatorIsAlwaysMeant) {
  EXPECT_THAT(OutputsOfNet(NetBuilder("n").Op("Relu", {"x"}, {"x"}).def()), ElementsAre("x"));
  EXPECT_THAT(OutputsOfNet(NetBuilder("n").Op("Concat", {"x"}, {"y", "info"}).def()),
              ElementsAre("y", "info"));
}

TEST(InputsOfNetTest, AreWhatOperatorsReadBeforeTheyMakeIt) {
  NetBuilder net("inputs");
  net.Op("Add", {"a", "b"}, {"c"}).Op("Add", {"c", "a"}, {"d"}).Op("Add", {"d", "e"}, {"f"});
  EXPECT_THAT(InputsOfNet(net.def()), ElementsAre("a", "b", "e"));
}

TEST(InferNetTest, AnOperatorThatIsBadlyDefinedDoesNotEndIt) {
  NetBuilder net("concat");
  net.Op("Concat", {"X", "X"}, {"Y"}).Op("Relu", {"X"}, {"Z"}).Op("Relu", {}, {"nothing"});
  net.Op("Sigmoid", {"Y"}, {"S"});
  BlobInfos known;
  known["X"] = {DataType::kFloat, Dims{1, 2, 3}, std::nullopt};
  const absl::StatusOr<NetInference> inference = InferNet(net.def(), known);
  ASSERT_TRUE(inference.ok()) << inference.status();
  EXPECT_EQ(*inference->blobs.at("Y").dims, (Dims{1, 4, 3}));
  EXPECT_EQ(*inference->blobs.at("Z").dims, (Dims{1, 2, 3}));
  EXPECT_EQ(*inference->blobs.at("S").dims, (Dims{1, 4, 3}));
  EXPECT_FALSE(inference->blobs.at("nothing").IsKnown());
}

// Every operator with inputs of some shape or none, whose outputs or arguments are missing.
TEST(InferNetTest, NoOperatorMindsADefinitionThatIsIncomplete) {
  for (const std::string& type : OpSchemaRegistry::Types()) {
    const OpSchema& schema = *OpSchemaRegistry::Schema(type);
    const int most = std::min(schema.max_inputs(), schema.min_inputs() + 3);
    for (int count = 0; count <= most; ++count) {
      for (int outputs = 0; outputs <= schema.min_outputs(); ++outputs) {
        NetBuilder net("sweep");
        net.Op(type, std::vector<std::string>(count, "x"), {});
        for (int o = 0; o < outputs; ++o) net.mutable_def()->mutable_op(0)->add_output("y");
        for (const Dims& dims : {Dims{}, Dims{0}, Dims{3}, Dims{2, 3, 4}, Dims{1, 2, 3, 4}}) {
          BlobInfos known;
          known["x"] = {DataType::kFloat, dims, std::nullopt};
          InferNet(net.def(), known).status().IgnoreError();
          CheckShapes(net.def(), &known);
        }
        BlobInfos nothing;
        InferNet(net.def(), nothing).status().IgnoreError();
        CheckShapes(net.def(), &nothing);
      }
    }
  }
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
