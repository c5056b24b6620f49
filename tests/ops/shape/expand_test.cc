#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tests/support/op_tester.h"

namespace doppio {
namespace {

// Expand of zeros of the shape `x` to `shape`.
OpTester ExpandZeros(DimsView x, std::vector<int64_t> shape) {
  OpTester tester("Expand");
  tester.Input(
      "X", Tensor::FromSpan<float>(x, std::vector<float>(static_cast<size_t>(SizeFromDim(x, 0)))));
  tester.Input("shape", Tensor::FromSpan<int64_t>({static_cast<int64_t>(shape.size())}, shape));
  tester.Outputs({"Y"});
  return tester;
}

std::string ExpandedShape(DimsView x, std::vector<int64_t> shape) {
  return ShapeToString(ExpandZeros(x, std::move(shape)).Output(0).dims());
}

TEST(ExpandTest, RepeatsElementsAlongDimensionsOfSize1) {
  OpTester("Expand")
      .Input("X", Tensor::Of<float>({3, 1}, {1, 2, 3}))
      .Input("shape", Tensor::Of<int64_t>({2}, {3, 4}))
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<float>({3, 4}, {1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3}));
}

TEST(ExpandTest, AddsLeadingDimensions) {
  OpTester("Expand")
      .Input("X", Tensor::Of<int32_t>({2}, {1, 2}))
      .Input("shape", Tensor::Of<int32_t>({2}, {3, 1}))
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<int32_t>({3, 2}, {1, 2, 1, 2, 1, 2}));
}

TEST(ExpandTest, TakesEveryTypeAndBothTypesOfShape) {
  const Tensor numbers = *Tensor::Of<double>({2, 1}, {0, 1});
  for (DataType type : {DataType::kFloat, DataType::kDouble, DataType::kBool, DataType::kInt8,
                        DataType::kInt16, DataType::kInt32, DataType::kInt64, DataType::kUInt8,
                        DataType::kUInt16, DataType::kFloat16, DataType::kBFloat16}) {
    SCOPED_TRACE(DataTypeName(type));
    for (DataType shape_type : {DataType::kInt32, DataType::kInt64}) {
      OpTester("Expand")
          .Input("X", ConvertTensor(numbers, type))
          .Input("shape", ConvertTensor(*Tensor::Of<int64_t>({2}, {1, 2}), shape_type))
          .Outputs({"Y"})
          .ExpectOutput(0, ConvertTensor(*Tensor::Of<double>({2, 2}, {0, 0, 1, 1}), type));
    }
  }
  OpTester("Expand")
      .Input("X", Tensor::Of<std::string>({1}, {"a string that is on the heap"}))
      .Input("shape", Tensor::Of<int64_t>({1}, {2}))
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<std::string>(
                           {2}, {"a string that is on the heap", "a string that is on the heap"}));
}

TEST(ExpandTest, FollowsTheRuleOfNumPy) {
  EXPECT_EQ(ExpandedShape({}, {}), "[]");
  EXPECT_EQ(ExpandedShape({}, {2, 3}), "[2,3]");
  EXPECT_EQ(ExpandedShape({2, 3}, {}), "[2,3]");
  EXPECT_EQ(ExpandedShape({2, 3}, {1}), "[2,3]");
  EXPECT_EQ(ExpandedShape({4, 1, 3}, {2, 1}), "[4,2,3]");
  EXPECT_EQ(ExpandedShape({1}, {1}), "[1]");
}

TEST(ExpandTest, KeepsADimensionAtMinus1) {
  EXPECT_EQ(ExpandedShape({2, 1}, {-1, 4}), "[2,4]");
  EXPECT_EQ(ExpandedShape({3}, {-1, -1}), "[1,3]");
  EXPECT_EQ(ExpandedShape({0, 1}, {-1, 2}), "[0,2]");
}

TEST(ExpandTest, TakesZeroForASizeLikeAnyOther) {
  EXPECT_EQ(ExpandedShape({1, 3}, {0, 3}), "[0,3]");
  EXPECT_EQ(ExpandedShape({0}, {1}), "[0]");
  EXPECT_EQ(ExpandedShape({0, 3}, {2, 1, 1}), "[2,0,3]");
  EXPECT_EQ(ExpandedShape({1}, {0}), "[0]");
}

TEST(ExpandTest, RejectsAShapeThatCannotBroadcast) {
  ExpandZeros({3, 2}, {3, 4})
      .ExpectError(kInvalid, "cannot expand [3,2] to [3,4]: dimension 1 is 2, must be 1 or 4");
  ExpandZeros({2, 3}, {2}).ExpectError(kInvalid, "dimension 1 is 3, must be 1 or 2");
  ExpandZeros({2}, {0}).ExpectError(kInvalid, "dimension 0 is 2, must be 1 or 0");
  ExpandZeros({0}, {2}).ExpectError(kInvalid, "dimension 0 is 0, must be 1 or 2");
}

TEST(ExpandTest, RejectsNegativeSizesOtherThanMinus1) {
  ExpandZeros({1}, {-2}).ExpectError(kInvalid, "-2 is no size (only -1 keeps a dimension)");
  ExpandZeros({1}, {2, INT64_MIN}).ExpectError(kInvalid, "is no size");
}

TEST(ExpandTest, RejectsWhatDoesNotFitIntoMemory) {
  const int64_t huge = int64_t{1} << 40;
  ExpandZeros({1}, {huge, huge}).ExpectError(kInvalid, "more elements than fit into 64 bits");
  ExpandZeros({1}, {INT64_MAX}).ExpectError(kInvalid, "more bytes than fit into 64 bits");
  ExpandZeros({1}, {int64_t{1} << 60}).ExpectError(absl::StatusCode::kResourceExhausted, "");
}

TEST(ExpandTest, RejectsARankAboveTheLimit) {
  EXPECT_EQ(ExpandZeros({1}, std::vector<int64_t>(32, 1)).Output(0).rank(), 32);
  ExpandZeros({1}, std::vector<int64_t>(33, 1)).ExpectError(kInvalid, "shape has 33 elements");
}

TEST(ExpandTest, RejectsAShapeThatIsNoVectorOfIntegers) {
  OpTester("Expand")
      .Input("X", Tensor::Of<float>({1}, {1}))
      .Input("shape", Tensor::Of<int64_t>({1, 2}, {1, 2}))
      .Outputs({"Y"})
      .ExpectError(kInvalid, "shape must be a vector of int32 or int64, but is int64[1,2]");
  OpTester("Expand")
      .Input("X", Tensor::Of<float>({1}, {1}))
      .Input("shape", Tensor::Of<float>({1}, {2}))
      .Outputs({"Y"})
      .ExpectError(kInvalid, "but is float[1]");
}

TEST(ExpandTest, RejectsAWrongNumberOfInputsAndInPlace) {
  OpTester("Expand")
      .Input("X", Tensor::Of<float>({1}, {1}))
      .Outputs({"Y"})
      .ExpectError(kInvalid, "Expand takes 2 inputs, but has 1");
  OpTester("Expand")
      .Input("X", Tensor::Of<float>({1}, {1}))
      .Input("shape", Tensor::Of<int64_t>({1}, {1}))
      .Outputs({"X"})
      .ExpectError(kInvalid, "may not write output 0");
}

template <typename T>
void ExpectSummedGradient() {
  OpTester("ExpandGradient")
      .Input("dY", Tensor::Of<T>({2, 3}, {T(1), T(2), T(3), T(4), T(5), T(6)}))
      .Input("X", Tensor::Of<T>({2, 1}, {T(0), T(0)}))
      .Outputs({"dX"})
      .ExpectOutput(0, Tensor::Of<T>({2, 1}, {T(6), T(15)}));
}

TEST(ExpandGradientTest, SumsOverTheRepeatedDimensionsInEveryType) {
  ExpectSummedGradient<int32_t>();
  ExpectSummedGradient<int64_t>();
  ExpectSummedGradient<float>();
  ExpectSummedGradient<double>();
  ExpectSummedGradient<float16>();
  ExpectSummedGradient<bfloat16>();
}

TEST(ExpandGradientTest, SumsToFewerDimensions) {
  OpTester("ExpandGradient")
      .Input("dY", Tensor::Of<float>({2, 1, 2}, {1, 2, 3, 4}))
      .Input("X", Tensor::Scalar<float>(0))
      .Outputs({"dX"})
      .ExpectOutput(0, Tensor::Scalar<float>(10));
}

TEST(ExpandGradientTest, SumsShortTypesInFloat) {
  // 256 is where adding 1 to a bfloat16 stops having an effect, and 2048 for a float16.
  constexpr int64_t kCount = 4096;
  const Tensor ones =
      *Tensor::FromSpan<float>({kCount}, std::vector<float>(static_cast<size_t>(kCount), 1.0f));
  for (DataType type : {DataType::kFloat16, DataType::kBFloat16}) {
    OpTester("ExpandGradient")
        .Input("dY", ConvertTensor(ones, type))
        .Input("X", ConvertTensor(*Tensor::Of<float>({1}, {0}), type))
        .Outputs({"dX"})
        .ExpectOutput(0, ConvertTensor(*Tensor::Of<float>({1}, {kCount}), type));
  }
}

TEST(ExpandGradientTest, GivesZerosForAnEmptyGradient) {
  OpTester("ExpandGradient")
      .Input("dY", Tensor::Of<float>({0, 2}, {}))
      .Input("X", Tensor::Of<float>({1, 2}, {7, 7}))
      .Outputs({"dX"})
      .ExpectOutput(0, Tensor::Of<float>({1, 2}, {0, 0}));
}

TEST(ExpandGradientTest, RejectsAGradientOfAnotherShape) {
  OpTester("ExpandGradient")
      .Input("dY", Tensor::Of<float>({2, 1}, {1, 2}))
      .Input("X", Tensor::Of<float>({2, 2}, {1, 2, 3, 4}))
      .Outputs({"dX"})
      .ExpectError(kInvalid, "dY \"dY\" float[2,1] is not what Expand makes of X");
  OpTester("ExpandGradient")
      .Input("dY", Tensor::Of<float>({3}, {1, 2, 3}))
      .Input("X", Tensor::Of<float>({2}, {1, 2}))
      .Outputs({"dX"})
      .ExpectError(kInvalid, "cannot broadcast [2] with [3]");
}

TEST(ExpandGradientTest, RejectsTypesWithoutASum) {
  OpTester("ExpandGradient")
      .Input("dY", Tensor::Of<std::string>({1}, {"a"}))
      .Input("X", Tensor::Of<float>({1}, {1}))
      .Outputs({"dX"})
      .ExpectError(kInvalid, "element type string is not supported here");
}

}  // namespace
}  // namespace doppio
