#include "gtest/gtest.h"
#include "tests/support/op_tester.h"

namespace doppio {
namespace {

OpTester Fill(std::vector<int64_t> shape) {
  OpTester tester("ConstantFill");
  tester.Arg("shape", shape).Outputs({"Y"});
  return tester;
}

TEST(ConstantFillTest, TakesTheTypeOfTheValue) {
  Fill({2}).ExpectOutput(0, Tensor::Of<float>({2}, {0, 0}));
  Fill({2}).Arg("value", 1.5f).ExpectOutput(0, Tensor::Of<float>({2}, {1.5f, 1.5f}));
  Fill({2}).Arg("value", 3).ExpectOutput(0, Tensor::Of<int64_t>({2}, {3, 3}));
  Fill({1}).Arg("value", "a").ExpectOutput(0, Tensor::Of<std::string>({1}, {"a"}));
}

TEST(ConstantFillTest, TakesTheTypeAsANumberOrAName) {
  Fill({2}).Arg("dtype", 2).Arg("value", -7).ExpectOutput(0, Tensor::Of<int32_t>({2}, {-7, -7}));
  Fill({1}).Arg("dtype", 13).Arg("value", 0.5f).ExpectOutput(0, Tensor::Of<double>({1}, {0.5}));
  Fill({1})
      .Arg("dtype", "uint8")
      .Arg("value", 255)
      .ExpectOutput(0, Tensor::Of<uint8_t>({1}, {255}));
  Fill({1}).Arg("dtype", 5).Arg("value", 2).ExpectOutput(0, Tensor::Of<bool>({1}, {true}));
  Fill({1})
      .Arg("dtype", 12)
      .Arg("value", 0.5f)
      .ExpectOutput(0, Tensor::Of<float16>({1}, {float16(0.5f)}));
  Fill({1}).Arg("dtype", 4).ExpectOutput(0, Tensor::Of<std::string>({1}, {""}));
}

TEST(ConstantFillTest, MakesAScalarWithoutAShape) {
  OpTester("ConstantFill")
      .Outputs({"Y"})
      .Arg("value", 2.0f)
      .ExpectOutput(0, Tensor::Scalar<float>(2));
}

TEST(ConstantFillTest, TakesTheShapeOfAnInputAndMore) {
  OpTester("ConstantFill")
      .Input("X", Tensor::Of<std::string>({2}, {"a", "b"}))
      .Arg("extra_shape", std::vector<int64_t>{1, 2})
      .Arg("value", 1.0f)
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<float>({2, 1, 2}, {1, 1, 1, 1}));
  OpTester("ConstantFill")
      .Input("X", Tensor::Of<double>({1, 2}, {3, 4}))
      .Outputs({"X"})
      .ExpectOutput(0, Tensor::Of<float>({1, 2}, {0, 0}));
}

TEST(ConstantFillTest, TakesTheElementsOfAnInputForAShape) {
  for (DataType type : {DataType::kInt32, DataType::kInt64}) {
    OpTester("ConstantFill")
        .Input("X", ConvertTensor(*Tensor::Of<int64_t>({2}, {2, 1}), type))
        .Arg("input_as_shape", 1)
        .Arg("extra_shape", std::vector<int64_t>{2})
        .Outputs({"Y"})
        .ExpectOutput(0, Tensor::Of<float>({2, 1, 2}, {0, 0, 0, 0}));
  }
  OpTester("ConstantFill")
      .Input("X", Tensor::Of<int64_t>({0}, {}))
      .Arg("input_as_shape", 1)
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Scalar<float>(0));
}

TEST(ConstantFillTest, TakesTheValueOfTheSecondInput) {
  OpTester("ConstantFill")
      .Input("X", Tensor::Of<float>({2}, {1, 2}))
      .Input("V", Tensor::Of<float>({1}, {9}))
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<float>({2}, {9, 9}));
}

TEST(ConstantFillTest, IsKnownToInferenceUpToALimit) {
  const OpSchema& schema = *OpSchemaRegistry::Schema("ConstantFill");
  for (int64_t size : {1024, 1025}) {
    const OperatorDef def = CreateOperatorDef(
        "ConstantFill", "", {}, {"Y"},
        {MakeArgument("shape", std::vector<int64_t>{size}), MakeArgument("value", 4)});
    const auto outputs = schema.Infer(def, {});
    ASSERT_TRUE(outputs.ok()) << outputs.status();
    EXPECT_TRUE((*outputs)[0].IsKnown());
    EXPECT_EQ((*outputs)[0].value.has_value(), size == 1024);
  }
}

TEST(ConstantFillTest, RejectsValuesInAnotherField) {
  Fill({1}).Arg("dtype", 1).Arg("value", 1).ExpectError(kInvalid, "a number in `f`");
  Fill({1}).Arg("dtype", 2).Arg("value", 1.0f).ExpectError(kInvalid, "a whole number in `i`");
  Fill({1}).Arg("value", std::vector<float>{1}).ExpectError(kInvalid, "holds no single value");
}

TEST(ConstantFillTest, RejectsValuesThatDoNotFit) {
  Fill({1})
      .Arg("dtype", "int8")
      .Arg("value", 128)
      .ExpectError(kInvalid, "value 128 does not fit into int8");
  Fill({1}).Arg("dtype", "uint16").Arg("value", -1).ExpectError(kInvalid, "does not fit");
}

TEST(ConstantFillTest, RejectsTypesThatThereAreNot) {
  Fill({1}).Arg("dtype", 0).ExpectError(kInvalid, "is no element type");
  Fill({1}).Arg("dtype", "number").ExpectError(kInvalid, "is no element type");
}

TEST(ConstantFillTest, RejectsShapesThatAreNone) {
  Fill({-1}).ExpectError(kInvalid, "shape [-1] has a negative size");
  Fill({int64_t{1} << 40, int64_t{1} << 40}).ExpectError(kInvalid, "fit into 64 bits");
  Fill({int64_t{1} << 62}).ExpectError(kInvalid, "more bytes than fit into 64 bits");
  Fill(std::vector<int64_t>(33, 1)).ExpectError(kInvalid, "rank 33");
  OpTester("ConstantFill").Arg("shape", 3).Outputs({"Y"}).ExpectError(kInvalid, "`ints`");
  OpTester("ConstantFill")
      .Input("X", Tensor::Of<int64_t>({1}, {-1}))
      .Arg("input_as_shape", 1)
      .Outputs({"Y"})
      .ExpectError(kInvalid, "negative size");
  OpTester("ConstantFill")
      .Input("X", Tensor::Of<float>({1}, {1}))
      .Arg("input_as_shape", 1)
      .Outputs({"Y"})
      .ExpectError(kInvalid, "must be a vector of int32 or int64, but is float[1]");
}

TEST(ConstantFillTest, RejectsAShapeFromTwoPlaces) {
  OpTester("ConstantFill")
      .Input("X", Tensor::Of<float>({1}, {1}))
      .Arg("shape", std::vector<int64_t>{1})
      .Outputs({"Y"})
      .ExpectError(kInvalid, "both as an argument and as an input");
  Fill({1})
      .Arg("extra_shape", std::vector<int64_t>{1})
      .ExpectError(kInvalid, "but there is no input");
  Fill({1}).Arg("input_as_shape", 1).ExpectError(kInvalid, "but there is no input");
}

TEST(ConstantFillTest, RejectsASecondInputThatIsNoSingleValue) {
  OpTester("ConstantFill")
      .Input("X", Tensor::Of<float>({1}, {1}))
      .Input("V", Tensor::Of<int32_t>({1}, {9}))
      .Outputs({"Y"})
      .ExpectError(kInvalid, "the value must be a single float, but input 1 is int32[1]");
  OpTester("ConstantFill")
      .Input("X", Tensor::Of<float>({1}, {1}))
      .Input("V", Tensor::Of<float>({0}, {}))
      .Outputs({"Y"})
      .ExpectError(kInvalid, "but input 1 is float[0]");
}

}  // namespace
}  // namespace doppio
