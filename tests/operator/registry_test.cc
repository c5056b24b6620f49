#include "doppio/registry.h"

#include "gmock/gmock.h"
#include "tests/operator/test_operators.h"
#include "tests/support/op_tester.h"

namespace doppio {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

OpTester Scale(float scale) {
  OpTester tester("TestScale");
  tester.Input("X", Tensor::Of<float>({2}, {1, 2})).Outputs({"Y"}).Arg("scale", scale);
  return tester;
}

TEST(RegistryTest, MakesAnOperatorThatRuns) {
  Scale(3).ExpectOutput(0, Tensor::Of<float>({2}, {3, 6}));
}

TEST(RegistryTest, RunsInPlaceWhereTheSchemaAllows) {
  Scale(3).Inplace(0, 0).ExpectOutput(0, Tensor::Of<float>({2}, {3, 6}));
}

TEST(RegistryTest, NamesNearOnesForAMissingOperator) {
  OpTester("TestScal")
      .Outputs({"Y"})
      .ExpectError(absl::StatusCode::kNotFound,
                   "there is no operator \"TestScal\" for the CPU; did you mean TestScale?");
  OpTester("testscale")
      .Outputs({"Y"})
      .ExpectError(absl::StatusCode::kNotFound, "did you mean TestScale?");
}

TEST(RegistryTest, SaysHowToLoadAMissingOperator) {
  OpTester("NothingLikeThat").ExpectError(absl::StatusCode::kNotFound, "LoadOperatorLibrary(path)");
  EXPECT_THAT(OperatorRegistry::NearNames("NothingLikeThat"), IsEmpty());
}

TEST(RegistryTest, RefusesADeviceWithoutTheOperator) {
  OperatorDef def = CreateOperatorDef("TestScale", "", {"X"}, {"Y"});
  def.mutable_device_option()->set_device_type(static_cast<int>(DeviceType::kCuda));
  OpTester(def).ExpectError(absl::StatusCode::kNotFound,
                            "there is no operator \"TestScale\" for CUDA");
}

TEST(RegistryTest, RefusesAnOperatorWithoutASchema) {
  OpTester("TestNoSchema").ExpectError(absl::StatusCode::kFailedPrecondition, "has no schema");
  EXPECT_THAT(OperatorRegistry::Types(), Not(Contains("TestNoSchema")));
  EXPECT_THAT(RegistrationProblems(),
              Contains(HasSubstr("operator \"TestNoSchema\" has no schema")));
}

TEST(RegistryTest, ReportsASecondRegistrationWithBothPlaces) {
  const auto factory = [](OperatorInit*) -> std::unique_ptr<OperatorBase> { return nullptr; };
  EXPECT_FALSE(OperatorRegistry::Register("TestScale", DeviceType::kCpu, "", factory,
                                          "second_place.cc", 17));
  EXPECT_THAT(RegistrationProblems(),
              Contains(testing::AllOf(
                  HasSubstr("operator \"TestScale\" for the CPU is registered twice: at "),
                  HasSubstr("test_operators.cc:"), HasSubstr(" and at second_place.cc:17"),
                  HasSubstr("the first one counts"))));
  Scale(3).ExpectOutput(0, Tensor::Of<float>({2}, {3, 6}));
}

TEST(RegistryTest, ReportsASecondRegistrationOfAnEngine) {
  const auto factory = [](OperatorInit*) -> std::unique_ptr<OperatorBase> { return nullptr; };
  EXPECT_FALSE(
      OperatorRegistry::Register("TestScale", DeviceType::kCpu, "FAST", factory, "there.cc", 1));
  EXPECT_THAT(RegistrationProblems(), Contains(HasSubstr("with engine FAST is registered twice")));
}

TEST(RegistryTest, ListsTypesAndKeysSorted) {
  EXPECT_THAT(OperatorRegistry::Types(), Contains("TestScale"));
  std::vector<std::string> engines;
  for (const OperatorKey& key : OperatorRegistry::Keys()) {
    if (key.type == "TestScale") engines.push_back(key.engine);
  }
  EXPECT_THAT(engines, ElementsAre("", "FAST", "PICKY"));
  EXPECT_TRUE(OperatorRegistry::Has("TestScale"));
  EXPECT_FALSE(OperatorRegistry::Has("TestScale", DeviceType::kCuda));
}

TEST(RegistryTest, HasOperatorsOfWhichThereIsOnlyAnEngine) {
  EXPECT_TRUE(OperatorRegistry::Has("TestFast"));
  EXPECT_FALSE(OperatorRegistry::Has("TestFast", DeviceType::kCuda));
  EXPECT_FALSE(OperatorRegistry::Has("TestNowhere"));
}

std::string EngineFor(absl::string_view engines, float scale) {
  MapScope scope;
  scope.Feed("X", *Tensor::Of<float>({1}, {1}));
  OperatorDef def =
      CreateOperatorDef("TestScale", "", {"X"}, {"Y"}, {MakeArgument<float>("scale", scale)});
  def.set_engine(std::string(engines));
  const auto op = CreateOperator(def, &scope);
  return op.ok() ? (*op)->engine() : op.status().ToString();
}

TEST(EngineTest, IsTheFirstOneThatExists) {
  EXPECT_EQ(EngineFor("", 1), "");
  EXPECT_EQ(EngineFor("FAST", 1), "FAST");
  EXPECT_EQ(EngineFor("PICKY,FAST", 1), "PICKY");
  EXPECT_EQ(EngineFor("NNPACK, FAST , PICKY", 1), "FAST");
  EXPECT_EQ(EngineFor("NNPACK,MOBILE", 1), "");
  EXPECT_EQ(EngineFor(",,", 1), "");
}

TEST(EngineTest, FallsBackWhereOneDoesNotSupportTheArguments) {
  EXPECT_EQ(EngineFor("PICKY,FAST", -1), "FAST");
  EXPECT_EQ(EngineFor("PICKY", -1), "");
}

TEST(EngineTest, IsTheOneThatRuns) {
  const int before = FastRuns();
  Scale(2).Engine("FAST").ExpectOutput(0, Tensor::Of<float>({2}, {2, 4}));
  EXPECT_EQ(FastRuns(), before + 2);  // OpTester runs twice
}

TEST(OperatorTest, RefusesAnInputBlobThatDoesNotExist) {
  OpTester("TestScale")
      .Input("X")
      .Outputs({"Y"})
      .Arg("scale", 1.0f)
      .ExpectError(absl::StatusCode::kNotFound, "input 0, blob \"X\", does not exist");
}

TEST(OperatorTest, RefusesAnInputWithoutValue) {
  OpTester("TestScale")
      .Input("X")
      .FeedBlob("X", [](Blob*) {})
      .Outputs({"Y"})
      .Arg("scale", 1.0f)
      .ExpectError(absl::StatusCode::kFailedPrecondition, "input 0, blob \"X\", has no value yet");
  OpTester("TestScale")
      .Input("X")
      .FeedBlob("X", [](Blob* blob) { blob->GetMutable<Tensor>(); })
      .Outputs({"Y"})
      .Arg("scale", 1.0f)
      .ExpectError(absl::StatusCode::kFailedPrecondition, "has no value yet");
}

TEST(OperatorTest, RefusesAnInputThatIsNoTensor) {
  OpTester("TestScale")
      .Input("X")
      .FeedBlob("X", [](Blob* blob) { *blob->GetMutable<std::string>() = "word"; })
      .Outputs({"Y"})
      .Arg("scale", 1.0f)
      .ExpectError(absl::StatusCode::kInvalidArgument,
                   "input 0, blob \"X\", holds std::string, but must be a tensor");
}

TEST(OperatorTest, TakesAnyBlobWhereTheSchemaSaysSo) {
  OpTester("TestAny")
      .Input("X")
      .FeedBlob("X", [](Blob* blob) { *blob->GetMutable<std::string>() = "word"; })
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Scalar<std::string>("std::string"));
}

TEST(OperatorTest, RefusesATypeThatItDoesNotKnow) {
  OpTester("TestScale")
      .Input("X", Tensor::Of<int32_t>({1}, {1}))
      .Outputs({"Y"})
      .Arg("scale", 1.0f)
      .ExpectError(absl::StatusCode::kInvalidArgument, "element type int32 is not supported here");
}

TEST(OperatorTest, SharesItsDefinition) {
  MapScope scope;
  scope.Feed("X", *Tensor::Of<float>({1}, {1}));
  const auto def = std::make_shared<const OperatorDef>(
      CreateOperatorDef("TestScale", "", {"X"}, {"Y"}, {MakeArgument<float>("scale", 2)}));
  const auto op = CreateOperator(def, &scope);
  ASSERT_TRUE(op.ok()) << op.status();
  EXPECT_EQ(&(*op)->def(), def.get());
  EXPECT_EQ((*op)->schema().type(), "TestScale");
  EXPECT_EQ((*op)->DescribeInput(0), "\"X\" float[1]");
}

TEST(NearestNamesTest, OrdersByDistanceAndCountsCaseHalf) {
  const std::vector<std::string> names = {"Expand", "ExpandDims", "expand", "Exp", "Sqr"};
  EXPECT_THAT(NearestNames("Expand", names), ElementsAre("Expand", "expand", "Exp"));
  EXPECT_THAT(NearestNames("Exapnd", names), ElementsAre("Expand", "expand", "Exp"));
  EXPECT_THAT(NearestNames("Sqrt", names, 1), ElementsAre("Sqr"));
  EXPECT_THAT(NearestNames("", names), IsEmpty());
  EXPECT_THAT(NearestNames(std::string(10000, 'x'), names), IsEmpty());
}

}  // namespace
}  // namespace doppio
