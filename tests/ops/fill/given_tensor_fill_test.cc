#include "gtest/gtest.h"
#include "tests/support/op_tester.h"

namespace doppio {
namespace {

template <typename V>
OpTester Given(absl::string_view type, std::vector<int64_t> shape, const std::vector<V>& values) {
  OpTester tester(type);
  tester.Arg("shape", shape).Arg("values", values).Outputs({"Y"});
  return tester;
}

TEST(GivenTensorFillTest, GivesTheValuesInTheirShape) {
  Given<float>("GivenTensorFill", {2, 2}, {1, 2, 3, 4})
      .ExpectOutput(0, Tensor::Of<float>({2, 2}, {1, 2, 3, 4}));
  Given<float>("GivenTensorFill", {}, {5}).ExpectOutput(0, Tensor::Scalar<float>(5));
  Given<float>("GivenTensorFill", {0, 3}, {}).ExpectOutput(0, Tensor::Of<float>({0, 3}, {}));
}

TEST(GivenTensorFillTest, HasAKinForEachType) {
  const std::vector<int64_t> ints = {1, 0};
  Given("GivenTensorIntFill", {2}, ints).ExpectOutput(0, Tensor::Of<int32_t>({2}, {1, 0}));
  Given("GivenTensorInt16Fill", {2}, ints).ExpectOutput(0, Tensor::Of<int16_t>({2}, {1, 0}));
  Given("GivenTensorInt64Fill", {2}, ints).ExpectOutput(0, Tensor::Of<int64_t>({2}, {1, 0}));
  Given("GivenTensorBoolFill", {2}, ints).ExpectOutput(0, Tensor::Of<bool>({2}, {true, false}));
  Given<float>("GivenTensorDoubleFill", {1}, {0.5f})
      .ExpectOutput(0, Tensor::Of<double>({1}, {0.5}));
  Given<float>("GivenTensorFp16Fill", {1}, {0.5f})
      .ExpectOutput(0, Tensor::Of<float16>({1}, {float16(0.5f)}));
  Given<std::string>("GivenTensorStringFill", {2}, {"a", "b"})
      .ExpectOutput(0, Tensor::Of<std::string>({2}, {"a", "b"}));
  Given<std::string>("GivenTensorByteStringToUInt8Fill", {3}, {std::string("a\0\xff", 3)})
      .ExpectOutput(0, Tensor::Of<uint8_t>({3}, {97, 0, 255}));
}

TEST(GivenTensorFillTest, TakesAnotherTypeFromDtype) {
  Given<int64_t>("GivenTensorFill", {2}, {1, -1})
      .Arg("dtype", 2)
      .ExpectOutput(0, Tensor::Of<int32_t>({2}, {1, -1}));
  Given<float>("GivenTensorFill", {1}, {0.5f})
      .Arg("dtype", "DOUBLE")
      .ExpectOutput(0, Tensor::Of<double>({1}, {0.5}));
  Given<std::string>("GivenTensorFill", {1}, {"a"})
      .Arg("dtype", 4)
      .ExpectOutput(0, Tensor::Of<std::string>({1}, {"a"}));
}

TEST(GivenTensorFillTest, TakesTheShapeOfAnInput) {
  OpTester("GivenTensorFill")
      .Input("X", Tensor::Of<int64_t>({1, 2}, {8, 9}))
      .Arg("values", std::vector<float>{1, 2})
      .Outputs({"X"})
      .ExpectOutput(0, Tensor::Of<float>({1, 2}, {1, 2}));
}

TEST(FillTest, WantsAnInputWhereTheInputIsTheShape) {
  for (const char* type :
       {"ConstantFill", "GivenTensorFill", "GivenTensorBoolFill", "GivenTensorDoubleFill",
        "GivenTensorFp16Fill", "GivenTensorInt16Fill", "GivenTensorIntFill", "GivenTensorInt64Fill",
        "GivenTensorStringFill", "GaussianFill", "MSRAFill", "UniformFill", "UniformIntFill",
        "XavierFill"}) {
    OpTester(type)
        .Arg("input_as_shape", 1)
        .Outputs({"Y"})
        .ExpectError(kInvalid, "there is no input to be the shape");
  }
  OpTester("GivenTensorByteStringToUInt8Fill")
      .Arg("input_as_shape", 1)
      .Arg("values", std::vector<std::string>{"ab"})
      .Outputs({"Y"})
      .ExpectError(kInvalid, "there is no input to be the shape");
}

TEST(GivenTensorFillTest, HandsOutItsValuesWithoutCopyingThem) {
  MapScope scope;
  const OperatorDef def = CreateOperatorDef("GivenTensorFill", "", {}, {"Y"},
                                            {MakeArgument("shape", std::vector<int64_t>{2}),
                                             MakeArgument("values", std::vector<float>{1, 2})});
  auto op = CreateOperator(def, &scope);
  ASSERT_TRUE(op.ok()) << op.status();
  ASSERT_TRUE((*op)->Run().ok());
  const Tensor first = *scope.Fetch("Y");
  // A writer gets storage of its own, and so the next run gives the values again.
  Tensor* y = scope.FindBlob("Y")->GetMutable<Tensor>();
  ASSERT_TRUE(y->MakeUnique().ok());
  y->mutable_data<float>()[0] = 99;
  ASSERT_TRUE((*op)->Run().ok());
  EXPECT_TRUE(TensorEquals(*scope.Fetch("Y"), Tensor::Of<float>({2}, {1, 2})));
  EXPECT_TRUE(scope.Fetch("Y")->SharesStorageWith(first));
}

TEST(GivenTensorFillTest, IsKnownToInference) {
  const OperatorDef def = CreateOperatorDef("GivenTensorInt64Fill", "", {}, {"shape"},
                                            {MakeArgument("shape", std::vector<int64_t>{2}),
                                             MakeArgument("values", std::vector<int64_t>{3, 4})});
  const auto outputs = OpSchemaRegistry::Schema("GivenTensorInt64Fill")->Infer(def, {});
  ASSERT_TRUE(outputs.ok()) << outputs.status();
  ASSERT_TRUE((*outputs)[0].value.has_value());
  EXPECT_TRUE(TensorEquals(*(*outputs)[0].value, Tensor::Of<int64_t>({2}, {3, 4})));
}

TEST(GivenTensorFillTest, RejectsAnotherNumberOfValues) {
  Given<float>("GivenTensorFill", {3}, {1, 2})
      .ExpectError(kInvalid, "shape [3] has 3 elements, but 2 values are given");
  Given<float>("GivenTensorFill", {int64_t{1} << 50}, {1}).ExpectError(kInvalid, "1 values are");
  OpTester("GivenTensorFill").Outputs({"Y"}).ExpectError(kInvalid, "but 0 values are given");
  OpTester("GivenTensorFill")
      .Input("X", Tensor::Of<float>({2}, {1, 2}))
      .Arg("values", std::vector<float>{1})
      .Outputs({"Y"})
      .ExpectError(kInvalid, "shape [2] has 2 elements, but 1 values are given");
}

TEST(GivenTensorFillTest, RejectsShapesThatAreNone) {
  Given<float>("GivenTensorFill", {-1}, {1}).ExpectError(kInvalid, "negative size");
  Given<float>("GivenTensorFill", {int64_t{1} << 40, int64_t{1} << 40}, {1})
      .ExpectError(kInvalid, "more elements than fit into 64 bits");
}

TEST(GivenTensorFillTest, RejectsValuesInAnotherField) {
  Given<int64_t>("GivenTensorFill", {1}, {1})
      .ExpectError(kInvalid,
                   "values of type float must stand in `floats`, but there are 0 floats, 1 ints");
  Given<float>("GivenTensorIntFill", {1}, {1}).ExpectError(kInvalid, "`ints`");
  Given<float>("GivenTensorStringFill", {1}, {1}).ExpectError(kInvalid, "`strings`");
}

TEST(GivenTensorFillTest, RejectsValuesThatDoNotFit) {
  Given<int64_t>("GivenTensorInt16Fill", {2}, {0, 40000})
      .ExpectError(kInvalid, "value 1 is 40000, which does not fit into int16");
  Given<int64_t>("GivenTensorIntFill", {1}, {int64_t{1} << 31}).ExpectError(kInvalid, "int32");
}

TEST(GivenTensorFillTest, RejectsTypesThatThereAreNot) {
  Given<float>("GivenTensorFill", {1}, {1})
      .Arg("dtype", 77)
      .ExpectError(kInvalid, "is no element type");
}

TEST(GivenTensorByteStringToUInt8FillTest, RejectsAnythingButOneString) {
  constexpr char kType[] = "GivenTensorByteStringToUInt8Fill";
  Given<std::string>(kType, {2}, {"a", "b"}).ExpectError(kInvalid, "holds 2 strings");
  Given<std::string>(kType, {2}, {"abc"}).ExpectError(kInvalid, "3 values are given");
  Given<std::string>(kType, {1}, {"a"}).Arg("dtype", 6).ExpectError(kInvalid, "must be string");
  OpTester(kType).Outputs({"Y"}).ExpectError(kInvalid, "argument \"values\" is missing");
}

}  // namespace
}  // namespace doppio
