#include "doppio/check.h"
#include "doppio/net_builder.h"
#include "doppio/workspace.h"
#include "gmock/gmock.h"
#include "tests/support/tensor_match.h"

namespace doppio {
namespace {

using ::testing::HasSubstr;

// The next of Fibonacci's numbers, c, and whether it is below 10.
NetDef Body() {
  NetBuilder net("body");
  net.Op("Add", {"a", "b"}, {"c"})
      .Op("ConstantFill", {}, {"ten"},
          {MakeArgument<std::vector<int64_t>>("shape", {1}), MakeArgument<float>("value", 10)})
      .Op("LT", {"c", "ten"}, {"holds"});
  for (const char* name : {"i", "cond", "a", "b"}) net.ExternalInput(name);
  for (const char* name : {"holds", "b", "c", "c"}) net.ExternalOutput(name);
  return net.def();
}

OperatorDef While(const NetDef& body, const std::vector<std::pair<const char*, int>>& args) {
  OperatorDef def = CreateOperatorDef("ONNXWhile", "", {"count", "first", "a0", "b0"},
                                      {"last_a", "last_b", "scan"});
  *def.add_arg() = MakeArgument<NetDef>("body", body);
  for (const auto& [name, value] : args) *def.add_arg() = MakeArgument<int>(name, value);
  return def;
}

class OnnxWhileTest : public testing::Test {
 protected:
  OnnxWhileTest() {
    Feed("count", Tensor::Scalar<int64_t>(3));
    Feed("first", Tensor::Scalar<bool>(true));
    Feed("a0", Tensor::Of<float>({1}, {1}));
    Feed("b0", Tensor::Of<float>({1}, {1}));
  }
  void Feed(const char* name, absl::StatusOr<Tensor> value) {
    EXPECT_TRUE(workspace_.Feed(name, std::move(value)).ok());
  }
  absl::Status Run(const OperatorDef& def) { return workspace_.RunOperatorOnce(def); }
  std::string Error(const OperatorDef& def) { return std::string(Run(def).message()); }
  Tensor Value(const char* name) { return *workspace_.Fetch(name); }

  Workspace workspace_;
};

TEST_F(OnnxWhileTest, EndsWithTheCount) {
  for (const char* scopes : {"save_scopes", "disable_scopes", "has_cond"}) {
    const absl::Status run = Run(While(Body(), {{"has_trip_count", 1}, {scopes, 1}}));
    ASSERT_TRUE(run.ok()) << run;
    EXPECT_TRUE(TensorEquals(Value("last_a"), Tensor::Of<float>({1}, {3}))) << scopes;
    EXPECT_TRUE(TensorEquals(Value("last_b"), Tensor::Of<float>({1}, {5}))) << scopes;
    EXPECT_TRUE(TensorEquals(Value("scan"), Tensor::Of<float>({3}, {2, 3, 5}))) << scopes;
  }
}

TEST_F(OnnxWhileTest, EndsWithTheCondition) {
  ASSERT_TRUE(Run(While(Body(), {{"has_cond", 1}})).ok());
  EXPECT_TRUE(TensorEquals(Value("scan"), Tensor::Of<float>({5}, {2, 3, 5, 8, 13})));
}

TEST_F(OnnxWhileTest, ConditionsMayBeNumbers) {
  Feed("first", Tensor::Of<int32_t>({1}, {0}));
  ASSERT_TRUE(Run(While(Body(), {{"has_cond", 1}})).ok());
  EXPECT_EQ(Value("scan").TypeAndShape(), "int32[0]");
  EXPECT_TRUE(TensorEquals(Value("last_a"), Tensor::Of<float>({1}, {1})));
}

TEST_F(OnnxWhileTest, ValuesMayChangePlaces) {
  NetDef body;
  for (const char* name : {"i", "cond", "a", "b"}) body.add_external_input(name);
  for (const char* name : {"cond", "b", "a", "i"}) body.add_external_output(name);
  Feed("b0", Tensor::Of<float>({1}, {2}));
  ASSERT_TRUE(Run(While(body, {{"has_trip_count", 1}})).ok());
  EXPECT_TRUE(TensorEquals(Value("last_a"), Tensor::Of<float>({1}, {2})));
  EXPECT_TRUE(TensorEquals(Value("last_b"), Tensor::Of<float>({1}, {1})));
  EXPECT_TRUE(TensorEquals(Value("scan"), Tensor::Of<int64_t>({3}, {0, 1, 2})));
}

TEST_F(OnnxWhileTest, ScansThatAreNoRowsGetADimension) {
  Feed("a0", Tensor::Of<float>({2}, {1, 2}));
  Feed("b0", Tensor::Of<float>({2}, {1, 1}));
  NetDef body;
  *body.add_op() = CreateOperatorDef("Add", "", {"a", "b"}, {"c"});
  for (const char* name : {"i", "cond", "a", "b"}) body.add_external_input(name);
  for (const char* name : {"cond", "b", "c", "c"}) body.add_external_output(name);
  ASSERT_TRUE(Run(While(body, {{"has_trip_count", 1}})).ok());
  EXPECT_TRUE(TensorEquals(Value("scan"), Tensor::Of<float>({3, 2}, {2, 3, 3, 4, 5, 7})));
}

TEST_F(OnnxWhileTest, BlobsOutsideOfTheNamesInsideStayWhatTheyAre) {
  Feed("a", Tensor::Of<float>({1}, {7}));
  ASSERT_TRUE(Run(While(Body(), {{"has_trip_count", 1}})).ok());
  EXPECT_TRUE(TensorEquals(Value("a"), Tensor::Of<float>({1}, {7})));
}

TEST_F(OnnxWhileTest, RunsAgain) {
  NetBuilder net("net");
  *net.mutable_def()->add_op() = While(Body(), {{"has_trip_count", 1}});
  ASSERT_TRUE(workspace_.CreateNet(net.def()).ok());
  for (int round = 0; round < 2; ++round) {
    ASSERT_TRUE(workspace_.RunNet("net").ok());
    EXPECT_TRUE(TensorEquals(Value("scan"), Tensor::Of<float>({3}, {2, 3, 5})));
  }
}

TEST_F(OnnxWhileTest, NeedsFromOutsideWhatTheBodyDoesNotGet) {
  NetDef body = Body();
  body.mutable_op(0)->set_input(1, "weight");
  NetDef net;
  *net.add_op() = While(body, {});
  EXPECT_THAT(InputsOfNet(net), testing::ElementsAre("count", "first", "a0", "b0", "weight"));
}

TEST_F(OnnxWhileTest, RefusesAConditionThatIsNone) {
  Feed("first", Tensor::Of<float>({1}, {1}));
  EXPECT_THAT(Error(While(Body(), {{"has_cond", 1}})),
              HasSubstr("the condition must be a single int32 or int64, but is float[1]"));
}

TEST_F(OnnxWhileTest, RefusesACountThatIsNone) {
  Feed("count", Tensor::Of<int64_t>({2}, {1, 2}));
  EXPECT_THAT(Error(While(Body(), {{"has_trip_count", 1}})),
              HasSubstr("max_trip_count must be a single int32 or int64, but is int64[2]"));
}

TEST_F(OnnxWhileTest, RefusesBodiesThatDoNotFit) {
  NetDef body = Body();
  body.mutable_external_input()->RemoveLast();
  EXPECT_THAT(Error(While(body, {})),
              HasSubstr("a body that carries 2 values has 4 external inputs"));
  EXPECT_THAT(Error(While(Body(), {{"num_loop_carried_deps", 3}})),
              HasSubstr("num_loop_carried_deps is 3, but there are 2 inputs to carry"));
  EXPECT_THAT(Error(While(Body(), {{"save_scopes", 1}, {"disable_scopes", 1}})),
              HasSubstr("save_scopes keeps blobs of turns"));
  EXPECT_THAT(Error(CreateOperatorDef("ONNXWhile", "", {"count", "first"}, {})),
              HasSubstr("argument \"body\" is missing"));
}

TEST_F(OnnxWhileTest, RefusesAScanWhoseShapeChanges) {
  NetBuilder body("body");
  body.Op("Concat", {"a", "b"}, {"c", "sizes"}, {MakeArgument<int>("axis", 0)});
  for (const char* name : {"i", "cond", "a", "b"}) body.ExternalInput(name);
  for (const char* name : {"cond", "b", "c", "c"}) body.ExternalOutput(name);
  EXPECT_THAT(Error(While(body.def(), {{"has_trip_count", 1}})),
              HasSubstr("turn 1: scan \"c\" is float[3], but was float[2] in the first turn"));
}

}  // namespace
}  // namespace doppio
