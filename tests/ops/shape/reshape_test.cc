#include "gtest/gtest.h"
#include "tests/support/op_tester.h"

namespace doppio {
namespace {

absl::StatusOr<Tensor> Numbers() { return Tensor::Of<float>({2, 3}, {1, 2, 3, 4, 5, 6}); }

OpTester Reshape(std::vector<int64_t> shape) {
  OpTester tester("Reshape");
  tester.Input("X", Numbers()).Arg("shape", shape).Outputs({"Y", "old_shape"});
  return tester;
}

TEST(ReshapeTest, GivesTheElementsAndTheOldShape) {
  Reshape({3, 2})
      .ExpectOutput(0, Tensor::Of<float>({3, 2}, {1, 2, 3, 4, 5, 6}))
      .ExpectOutput(1, Tensor::Of<int64_t>({2}, {2, 3}));
}

TEST(ReshapeTest, KeepsADimensionAt0AndFillsInMinus1) {
  Reshape({0, -1, 1}).ExpectOutput(0, Tensor::Of<float>({2, 3, 1}, {1, 2, 3, 4, 5, 6}));
  Reshape({-1}).ExpectOutput(0, Tensor::Of<float>({6}, {1, 2, 3, 4, 5, 6}));
}

TEST(ReshapeTest, TakesTheShapeFromAnInput) {
  for (DataType type : {DataType::kInt32, DataType::kInt64}) {
    OpTester("Reshape")
        .Input("X", Numbers())
        .Input("shape", ConvertTensor(*Tensor::Of<int64_t>({2}, {-1, 2}), type))
        .Outputs({"Y", "old_shape"})
        .ExpectOutput(0, Tensor::Of<float>({3, 2}, {1, 2, 3, 4, 5, 6}))
        .ExpectOutput(1, Tensor::Of<int64_t>({2}, {2, 3}));
  }
}

TEST(ReshapeTest, CopiesNothingInPlaceAndCopiesOtherwise) {
  const Tensor x = *Numbers();
  MapScope scope;
  scope.Feed("X", x);
  OperatorDef def = CreateOperatorDef("Reshape", "", {"X"}, {"X", "old_shape"},
                                      {MakeArgument("shape", std::vector<int64_t>{6})});
  ASSERT_TRUE((*CreateOperator(def, &scope))->Run().ok());
  EXPECT_TRUE(scope.Fetch("X")->SharesStorageWith(x));
  EXPECT_EQ(scope.Fetch("X")->TypeAndShape(), "float[6]");

  def.set_output(0, "Y");
  ASSERT_TRUE((*CreateOperator(def, &scope))->Run().ok());
  EXPECT_FALSE(scope.Fetch("Y")->SharesStorageWith(x));
}

TEST(ReshapeTest, MakesAScalarOfOneElement) {
  OpTester("Reshape")
      .Input("X", Tensor::Of<float>({1, 1}, {5}))
      .Arg("shape", std::vector<int64_t>())
      .Outputs({"Y", "old_shape"})
      .ExpectOutput(0, Tensor::Scalar<float>(5));
}

TEST(ReshapeTest, GoesBackToTheShapeOfAnEmptyTensorInAGradient) {
  OperatorDef def = CreateOperatorDef("Reshape", "", {"dY", "old"}, {"dX", "dims"});
  def.set_is_gradient_op(true);
  OpTester(def)
      .Feed("dY", Tensor::Of<float>({0, 5}, {}))
      .Feed("old", Tensor::Of<int64_t>({3}, {0, 0, 4}))
      .ExpectOutput(0, Tensor::Of<float>({0, 0, 4}, {}));
}

TEST(ReshapeTest, NeedsNoPlaceForTheOldShape) {
  OpTester("Reshape")
      .Input("X", Numbers())
      .Arg("shape", std::vector<int64_t>{3, 2})
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<float>({3, 2}, {1, 2, 3, 4, 5, 6}));
}

TEST(ReshapeTest, RejectsAnotherNumberOfElements) {
  Reshape({4}).ExpectError(kInvalid, "cannot reshape [2,3] to [4]: 6 elements are not 4");
  Reshape({4, -1}).ExpectError(kInvalid, "6 elements are no multiple of 4");
  Reshape({}).ExpectError(kInvalid, "6 elements are not 1");
}

TEST(ReshapeTest, RejectsShapesThatAreNone) {
  Reshape({-1, -1}).ExpectError(kInvalid, "only one dimension may be -1");
  Reshape({-2, -3}).ExpectError(kInvalid, "-2 is no size");
  Reshape({6, 1, 0}).ExpectError(kInvalid, "there is no dimension 2 to keep");
  Reshape(std::vector<int64_t>(33, 1)).ExpectError(kInvalid, "to rank 33, the limit is 32");
  Reshape({INT64_MAX, 2}).ExpectError(absl::StatusCode::kOutOfRange, "does not fit into 64 bits");
  Reshape({2, 3, -1, 0}).ExpectError(kInvalid, "there is no dimension 3 to keep");
}

TEST(ReshapeTest, OfNothingTakesZerosAndMinus1AsNothing) {
  const auto expect = [](const Dims& x, const std::vector<int64_t>& shape, const Dims& y) {
    OpTester("Reshape")
        .Input("X", Tensor::Create(DataType::kFloat, x))
        .Arg("shape", shape)
        .Outputs({"Y", "old_shape"})
        .ExpectOutput(0, Tensor::Create(DataType::kFloat, y));
  };
  expect({0, 0}, {0, 0, 0}, {0, 0, 0});
  expect({2, 0}, {-1, 0}, {0, 0});
  expect({0}, {0, -1}, {0, 0});
  expect({0, 2}, {0, -1}, {0, 0});
  expect({0}, {2, -1}, {2, 0});
}

TEST(ReshapeTest, RejectsAShapeThatIsMissingOrGivenTwice) {
  OpTester("Reshape")
      .Input("X", Numbers())
      .Outputs({"Y", "old"})
      .ExpectError(kInvalid, "the shape is missing");
  OpTester("Reshape")
      .Input("X", Numbers())
      .Input("shape", Tensor::Of<int64_t>({1}, {6}))
      .Arg("shape", std::vector<int64_t>{6})
      .Outputs({"Y", "old"})
      .ExpectError(kInvalid, "both as an input and as an argument");
  OpTester("Reshape")
      .Input("X", Numbers())
      .Arg("shape", 6)
      .Outputs({"Y", "old"})
      .ExpectError(kInvalid, "`ints`");
}

}  // namespace
}  // namespace doppio
