#include "gtest/gtest.h"
#include "tests/support/op_tester.h"

namespace doppio {
namespace {

OpTester Prepend(absl::StatusOr<Tensor> x, int64_t size) {
  return OpTester("PrependDim").Input("X", std::move(x)).Arg("dim_size", size).Outputs({"Y"});
}

OpTester Merge(absl::StatusOr<Tensor> x) {
  return OpTester("MergeDim").Input("X", std::move(x)).Outputs({"Y"});
}

TEST(PrependDimTest, SplitsTheFirstDimension) {
  Prepend(Tensor::Of<float>({4, 1}, {1, 2, 3, 4}), 2)
      .ExpectOutput(0, Tensor::Of<float>({2, 2, 1}, {1, 2, 3, 4}));
  Prepend(Tensor::Of<float>({0, 2}, {}), 3).ExpectOutput(0, Tensor::Of<float>({3, 0, 2}, {}));
}

TEST(PrependDimTest, IsUndoneByMergeDim) {
  OpTester split = Prepend(Tensor::Create(DataType::kUInt8, {6, 4}), 2);
  ASSERT_TRUE(split.Run().ok());
  EXPECT_EQ(split.Output(0).dims(), DimsView({2, 3, 4}));
  OpTester merged = Merge(split.Output(0));
  ASSERT_TRUE(merged.Run().ok());
  EXPECT_EQ(merged.Output(0).dims(), DimsView({6, 4}));
}

TEST(PrependDimTest, RejectsWhatCanNotBeSplit) {
  Prepend(Tensor::Scalar<float>(1), 1).ExpectError(kInvalid, "is a scalar");
  Prepend(Tensor::Of<float>({3}, {1, 2, 3}), 2).ExpectError(kInvalid, "must be a multiple");
  Prepend(Tensor::Create(DataType::kUInt8, Dims(kMaxRank, 1)), 1).ExpectError(kInvalid, "rank");
}

TEST(PrependDimTest, RejectsSizesThatAreNone) {
  for (const int64_t size : {0, -1}) {
    Prepend(Tensor::Of<float>({1}, {1}), size).ExpectError(kInvalid, "must be larger than 0");
  }
  OpTester("PrependDim")
      .Input("X", Tensor::Of<float>({1}, {1}))
      .Outputs({"Y"})
      .ExpectError(kInvalid, "dim_size");
}

TEST(MergeDimTest, MakesOneDimensionOfTwo) {
  Merge(Tensor::Of<float>({2, 2, 1}, {1, 2, 3, 4}))
      .ExpectOutput(0, Tensor::Of<float>({4, 1}, {1, 2, 3, 4}));
  Merge(Tensor::Of<std::string>({1, 2}, {"a", "b"}))
      .ExpectOutput(0, Tensor::Of<std::string>({2}, {"a", "b"}));
}

TEST(MergeDimTest, RejectsVectors) {
  Merge(Tensor::Of<float>({1}, {1})).ExpectError(kInvalid, "two dimensions or more");
}

}  // namespace
}  // namespace doppio
