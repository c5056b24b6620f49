#include "doppio/schema.h"

#include "doppio/op_def.h"
#include "gmock/gmock.h"

namespace doppio {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

OpSchema Schema() { return OpSchema("Any", "file.cc", 1); }

OperatorDef Def(std::vector<std::string> inputs, std::vector<std::string> outputs,
                std::vector<Argument> args = {}) {
  return CreateOperatorDef("Any", "", inputs, outputs, args);
}

TEST(SchemaTest, CountsInputsAndOutputs) {
  const OpSchema schema = Schema().NumInputs(1, 2).NumOutputs(1);
  EXPECT_THAT(schema.Problems(Def({"X"}, {"Y"})), IsEmpty());
  EXPECT_THAT(schema.Problems(Def({"X", "Z"}, {"Y"})), IsEmpty());
  EXPECT_THAT(schema.Problems(Def({}, {"Y", "Z"})),
              ElementsAre("Any takes 1 to 2 inputs, but has 0", "Any takes 1 output, but has 2"));
  EXPECT_THAT(OpSchema("Any", "file.cc", 1).NumInputs(2, OpSchema::kMany).Problems(Def({}, {})),
              ElementsAre("Any takes at least 2 inputs, but has 0"));
}

TEST(SchemaTest, RefusesInPlaceUnlessAllowed) {
  const OpSchema schema = Schema().NumInputs(2).NumOutputs(1).AllowInplace({{0, 0}});
  EXPECT_THAT(schema.Problems(Def({"X", "Z"}, {"X"})), IsEmpty());
  EXPECT_THAT(schema.Problems(Def({"X", "Z"}, {"Z"})),
              ElementsAre("Any may not write output 0 to its own input \"Z\""));
}

TEST(SchemaTest, AllowsInPlaceOneToOne) {
  const OpSchema schema = Schema().AllowOneToOneInplace();
  EXPECT_THAT(schema.Problems(Def({"A", "B"}, {"A", "B"})), IsEmpty());
  EXPECT_EQ(schema.Problems(Def({"A", "B"}, {"B", "A"})).size(), 2u);
}

TEST(SchemaTest, EnforcesInPlace) {
  const OpSchema schema = Schema().EnforceInplace({{1, 0}});
  EXPECT_TRUE(schema.AllowsInplace(1, 0));
  EXPECT_THAT(schema.Problems(Def({"X", "W"}, {"W"})), IsEmpty());
  EXPECT_THAT(schema.Problems(Def({"X", "W"}, {"Y"})),
              ElementsAre("output 0 \"Y\" must be the same blob as input 1 \"W\""));
  EXPECT_FALSE(OpSchema("Any", "", 0).EnforceOneToOneInplace().Verify(Def({"X"}, {"Y"})).ok());
}

TEST(SchemaTest, RefusesTheSameOutputTwice) {
  EXPECT_THAT(Schema().Problems(Def({}, {"Y", "Z", "Y"})),
              ElementsAre("outputs 0 and 2 are the same blob \"Y\""));
}

TEST(SchemaTest, LooksAtArguments) {
  const OpSchema schema = Schema()
                              .Arg<int>("axis", "the axis", 1)
                              .RequiredArg<std::string>("to", "the type")
                              .OptionalArg<std::vector<int64_t>>("shape", "the shape")
                              .AnyArg("values", "the values");
  EXPECT_THAT(
      schema.Problems(Def({}, {},
                          {MakeArgument<std::string>("to", "x"), MakeArgument<float>("values", 1),
                           MakeArgument<float>("unknown", 1)})),
      IsEmpty());
  EXPECT_THAT(
      schema.Problems(Def({}, {}, {MakeArgument<float>("axis", 1), MakeArgument<int>("shape", 1)})),
      ElementsAre("argument \"axis\" must be a whole number in `i`, but has f",
                  "argument \"shape\" must be whole numbers in `ints`, but has i",
                  "argument \"to\" is missing (the type)"));
}

TEST(SchemaTest, NamesTheTypesOfArguments) {
  const auto schema = OpSchema("T", __FILE__, __LINE__)
                          .Arg<bool>("bool", "", false)
                          .Arg<int>("int", "", 1)
                          .Arg<float>("float", "", 1)
                          .Arg<std::string>("string", "", "")
                          .OptionalArg<std::vector<int64_t>>("ints", "")
                          .OptionalArg<std::vector<float>>("floats", "")
                          .OptionalArg<std::vector<std::string>>("strings", "")
                          .OptionalArg<NetDef>("net", "")
                          .AnyArg("any", "");
  ASSERT_EQ(schema.args().size(), 9u);
  for (const OpSchema::ArgSpec& arg : schema.args()) {
    EXPECT_EQ(OpSchema::ArgTypeName(arg.type), arg.name);
  }
}

TEST(SchemaTest, RefusesAnArgumentTwiceWithDifferentValues) {
  const OpSchema schema = Schema();
  EXPECT_THAT(schema.Problems(Def({}, {}, {MakeArgument<int>("a", 1), MakeArgument<int>("a", 2)})),
              ElementsAre("argument \"a\" is given twice with different values"));
  EXPECT_THAT(schema.Problems(Def({}, {}, {MakeArgument<int>("a", 1), MakeArgument<int>("a", 1)})),
              IsEmpty());
}

TEST(SchemaTest, VerifyNamesAllProblems) {
  const absl::Status status =
      Schema().NumInputs(1).RequiredArg<int>("axis", "the axis").Verify(Def({}, {}));
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(status.message(),
            "Any takes 1 input, but has 0; argument \"axis\" is missing (the axis)");
}

TEST(SchemaTest, ASecondOneIsReportedAndNotUsed) {
  OpSchemaRegistry::NewSchema("TestTwice", "first.cc", 1).Doc("first");
  OpSchemaRegistry::NewSchema("TestTwice", "second.cc", 2).Doc("second").NumInputs(5);
  EXPECT_EQ(OpSchemaRegistry::Schema("TestTwice")->doc(), "first");
  EXPECT_THAT(RegistrationProblems(),
              Contains(HasSubstr("the schema of \"TestTwice\" is registered twice: at first.cc:1 "
                                 "and at second.cc:2")));
  EXPECT_THAT(OpSchemaRegistry::Types(), Contains("TestTwice"));
  EXPECT_EQ(OpSchemaRegistry::Schema("TestNever"), nullptr);
}

TensorInfo Known(DataType dtype, Dims dims) { return {dtype, std::move(dims), std::nullopt}; }

TEST(InferenceTest, IsUnknownWithoutAFunctionOrWithUnknownInputs) {
  const OperatorDef def = Def({"X"}, {"Y"});
  EXPECT_FALSE((*Schema().Infer(def, {Known(DataType::kFloat, {2})}))[0].IsKnown());
  const OpSchema schema = Schema().IdenticalTypeAndShape();
  EXPECT_FALSE((*schema.Infer(def, {TensorInfo()}))[0].IsKnown());
  EXPECT_FALSE((*schema.Infer(def, {{DataType::kFloat, std::nullopt, std::nullopt}}))[0].IsKnown());
}

TEST(InferenceTest, TakesTypeAndShapeOfInputs) {
  const std::vector<TensorInfo> inputs = {Known(DataType::kFloat, {2}),
                                          Known(DataType::kInt64, {3, 4})};
  const OperatorDef def = Def({"A", "B"}, {"C", "D"});
  auto same = *OpSchema("Any", "", 0).IdenticalTypeAndShapeOfInput(1).Infer(def, inputs);
  EXPECT_EQ(same[0].dtype, DataType::kInt64);
  EXPECT_THAT(*same[1].dims, ElementsAre(3, 4));
  auto each = *OpSchema("Any", "", 0).OneToOneTypeAndShape().Infer(def, inputs);
  EXPECT_EQ(each[0].dtype, DataType::kFloat);
  EXPECT_EQ(each[1].dtype, DataType::kInt64);
  auto scalar = *OpSchema("Any", "", 0).ScalarType(DataType::kBool).Infer(def, inputs);
  EXPECT_EQ(scalar[1].dtype, DataType::kBool);
  EXPECT_THAT(*scalar[1].dims, IsEmpty());
}

TEST(InferenceTest, SaysWhichOutputsHaveTheTypeAndShapeOfAnInput) {
  const OpSchema of_second = Schema().IdenticalTypeAndShapeOfInput(1);
  EXPECT_TRUE(of_second.KeepsTypeAndShape(1, 0));
  EXPECT_FALSE(of_second.KeepsTypeAndShape(0, 0));
  const OpSchema one_to_one = Schema().OneToOneTypeAndShape();
  EXPECT_TRUE(one_to_one.KeepsTypeAndShape(1, 1));
  EXPECT_FALSE(one_to_one.KeepsTypeAndShape(0, 1));
  EXPECT_FALSE(
      Schema().IdenticalTypeAndShape().ScalarType(DataType::kFloat).KeepsTypeAndShape(0, 0));
}

TEST(InferenceTest, RefusesWhatTheSchemaForbidsBeforeItLooksAtInputs) {
  const OpSchema schema = Schema().NumInputs(1).IdenticalTypeAndShape();
  const auto none = schema.Infer(Def({}, {"Y"}), {});
  EXPECT_EQ(none.status().code(), absl::StatusCode::kInvalidArgument) << none.status();
  // What a front end gives may not fit the operator.
  const auto fewer = schema.Infer(Def({"X"}, {"Y"}), {});
  EXPECT_THAT(std::string(fewer.status().message()), HasSubstr("1 inputs, but 0 shapes are given"));
}

TEST(InferenceTest, WaitsForValuesThatItNeeds) {
  const OpSchema schema = Schema().NeedsValue(0).TensorInference([](InferenceContext* context) {
    context->SetOutput(0, DataType::kFloat, context->value(0)->span<int64_t>());
    context->SetOutput(7, DataType::kFloat, {});  // an output that the definition does not have
    return absl::OkStatus();
  });
  const OperatorDef def = Def({"shape"}, {"Y"});
  TensorInfo shape = Known(DataType::kInt64, {2});
  EXPECT_FALSE((*schema.Infer(def, {shape}))[0].IsKnown());
  shape.value = *Tensor::Of<int64_t>({2}, {5, 6});
  EXPECT_THAT(*(*schema.Infer(def, {shape}))[0].dims, ElementsAre(5, 6));
}

TEST(InferenceTest, PassesErrorsOn) {
  const OpSchema schema = Schema().TensorInference([](InferenceContext* context) {
    (void)context->GetSingleArgument<int>("axis");
    return absl::OkStatus();
  });
  EXPECT_EQ(schema.Infer(Def({}, {"Y"}), {}).status(),
            absl::InvalidArgumentError("argument \"axis\" is missing"));
}

TEST(InferenceTest, NothingFollowsFromAnInputOfAnyKindThatIsNotKnown) {
  for (const OpSchema& schema : {Schema().AllowAnyInput(0).IdenticalTypeAndShape(),
                                 Schema().AllowAnyInput(0).OneToOneTypeAndShape()}) {
    const auto outputs = schema.Infer(Def({"X"}, {"Y"}), {TensorInfo()});
    ASSERT_TRUE(outputs.ok());
    EXPECT_FALSE((*outputs)[0].IsKnown());
  }
}

TEST(CostTest, CountsBytesAndOneOperationForEachElement) {
  const OpSchema schema = Schema();
  const OpCost cost = schema.Cost(Def({"X"}, {"Y"}), {Known(DataType::kFloat, {2, 3})},
                                  {Known(DataType::kDouble, {5})});
  EXPECT_EQ(cost.bytes_read, 24);
  EXPECT_EQ(cost.bytes_written, 40);
  EXPECT_EQ(cost.flops, 5);
}

TEST(CostTest, AsksTheSchemaWhereAllIsKnown) {
  const OpSchema schema =
      Schema().Flops([](const OperatorDef&, const auto&, const auto&) { return int64_t{99}; });
  EXPECT_EQ(schema.Cost(Def({"X"}, {}), {Known(DataType::kFloat, {2})}, {}).flops, 99);
  EXPECT_EQ(schema.Cost(Def({"X"}, {}), {TensorInfo()}, {}).flops, 0);
}

TEST(CostTest, AsksForTheBytesOfOutputsThatAreNotKnown) {
  const OpSchema schema = Schema().BytesOfUnknownOutputs(
      [](const OperatorDef&, const auto&, const auto&) { return int64_t{7}; });
  const TensorInfo known = Known(DataType::kFloat, {2});
  const OperatorDef def = Def({"X"}, {"Y", "Z"});
  EXPECT_EQ(schema.Cost(def, {known}, {TensorInfo(), known}).bytes_written, 15);
  EXPECT_EQ(schema.Cost(def, {known}, {known, known}).bytes_written, 16);
  EXPECT_EQ(schema.Cost(def, {TensorInfo()}, {TensorInfo(), known}).bytes_written, 8);
}

TEST(CostTest, AMultiplyAddIsTwoOperations) {
  const OpSchema schema = Schema().MultiplyAdds(
      [](const OperatorDef&, const auto&, const auto&) { return int64_t{7}; });
  const OpCost cost = schema.Cost(Def({"X"}, {}), {Known(DataType::kFloat, {2})}, {});
  EXPECT_EQ(cost.multiply_adds, 7);
  EXPECT_EQ(cost.flops, 14);
  EXPECT_EQ(schema.Cost(Def({"X"}, {}), {TensorInfo()}, {}).multiply_adds, 0);
}

TEST(SchemaTest, ReplacesASchemaAndKeepsTheOldOneForWhoHasIt) {
  OpSchemaRegistry::Replace(OpSchema("TestReplaced", "old.cc", 1).NumInputs(1));
  const OpSchema* old = OpSchemaRegistry::Schema("TestReplaced");
  OpSchemaRegistry::Replace(OpSchema("TestReplaced", "new.cc", 2).NumInputs(2));
  EXPECT_EQ(OpSchemaRegistry::Schema("TestReplaced")->max_inputs(), 2);
  EXPECT_EQ(OpSchemaRegistry::Schema("TestReplaced")->file(), "new.cc");
  EXPECT_EQ(old->max_inputs(), 1);
  EXPECT_EQ(old->file(), "old.cc");
}

}  // namespace
}  // namespace doppio
