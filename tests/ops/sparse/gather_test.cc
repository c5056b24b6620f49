#include <limits>

#include "doppio/gradient_maker.h"
#include "gtest/gtest.h"
#include "tests/support/op_tester.h"

namespace doppio {
namespace {

const absl::StatusOr<Tensor> kData = Tensor::Of<float>({3, 2}, {1, 2, 3, 4, 5, 6});

TEST(GatherTest, PicksRows) {
  OpTester("Gather")
      .Input("data", kData)
      .Input("indices", Tensor::Of<int32_t>({2, 2}, {0, 2, 2, 1}))
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<float>({2, 2, 2}, {1, 2, 5, 6, 5, 6, 3, 4}));
}

TEST(GatherTest, PicksOneRowByAScalar) {
  OpTester("Gather")
      .Input("data", kData)
      .Input("indices", Tensor::Scalar<int64_t>(1))
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<float>({2}, {3, 4}));
}

TEST(GatherTest, CountsNegativeIndicesFromTheEndAlongTheFirstAxis) {
  OpTester("Gather")
      .Input("data", kData)
      .Input("indices", Tensor::Of<int64_t>({1}, {-1}))
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<float>({1, 2}, {5, 6}));
}

TEST(GatherTest, PicksAlongAnotherAxis) {
  OpTester("Gather")
      .Input("data", kData)
      .Input("indices", Tensor::Of<int32_t>({1}, {1}))
      .Arg("axis", -1)
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<float>({3, 1}, {2, 4, 6}));
}

TEST(GatherTest, PicksByIndicesOfEachOuterRow) {
  OpTester("Gather")
      .Input("data", kData)
      .Input("indices", Tensor::Of<int32_t>({3, 1}, {1, 0, 1}))
      .Arg("axis", 1)
      .Arg("match_outer", 1)
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<float>({3, 1}, {2, 3, 6}));
}

TEST(GatherTest, PicksStrings) {
  OpTester("Gather")
      .Input("data", Tensor::Of<std::string>({2}, {"a", "b"}))
      .Input("indices", Tensor::Of<int32_t>({3}, {1, 0, 1}))
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<std::string>({3}, {"b", "a", "b"}));
}

TEST(GatherTest, PicksNothingFromNothing) {
  OpTester("Gather")
      .Input("data", Tensor::Of<float>({0, 2}, {}))
      .Input("indices", Tensor::Of<int32_t>({1}, {4}))
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<float>({0, 2}, {}));
}

TEST(GatherTest, RejectsIndicesOutOfRange) {
  for (int64_t index : {int64_t{3}, int64_t{-4}, std::numeric_limits<int64_t>::max(),
                        std::numeric_limits<int64_t>::min()}) {
    OpTester("Gather")
        .Input("data", kData)
        .Input("indices", Tensor::Of<int64_t>({2}, {0, index}))
        .Outputs({"Y"})
        .ExpectError(kInvalid, absl::StrCat("index 1 is ", index, ", but must be in [-3, 3)"));
  }
}

TEST(GatherTest, RejectsNegativeIndicesAlongOtherAxes) {
  OpTester("Gather")
      .Input("data", kData)
      .Input("indices", Tensor::Of<int32_t>({1}, {-1}))
      .Arg("axis", 1)
      .Outputs({"Y"})
      .ExpectError(kInvalid, "index 0 is -1, but must be in [0, 2)");
}

TEST(GatherTest, RejectsIndicesOfFloat) {
  OpTester("Gather")
      .Input("data", kData)
      .Input("indices", Tensor::Of<float>({1}, {0}))
      .Outputs({"Y"})
      .ExpectError(kInvalid, "float is not supported here; supported: int32, int64");
}

TEST(GatherTest, RejectsScalarData) {
  OpTester("Gather")
      .Input("data", Tensor::Scalar<float>(1))
      .Input("indices", Tensor::Of<int32_t>({1}, {0}))
      .Outputs({"Y"})
      .ExpectError(kInvalid, "axis 0 is out of range for a tensor of rank 0");
}

TEST(GatherTest, RejectsIndicesThatDoNotMatchTheOuterDimensions) {
  OpTester("Gather")
      .Input("data", kData)
      .Input("indices", Tensor::Of<int32_t>({2, 1}, {0, 0}))
      .Arg("axis", 1)
      .Arg("match_outer", 1)
      .Outputs({"Y"})
      .ExpectError(kInvalid, "the indices [2,1] must begin with the dimensions [3]");
}

absl::StatusOr<GradientOpsMeta> Gradient(const std::vector<Argument>& args) {
  return GetGradientForOp(CreateOperatorDef("Gather", "", {"data", "ids"}, {"Y"}, args),
                          {GradientWrapper::Dense("dY")});
}

TEST(GatherGradientTest, IsTheSliceOfIndicesAndOutputGradient) {
  const auto meta = Gradient({});
  ASSERT_TRUE(meta.ok()) << meta.status();
  EXPECT_TRUE(meta->ops.empty());
  EXPECT_EQ(meta->g_input[0], GradientWrapper::Sparse("ids", "dY"));
  EXPECT_TRUE(meta->g_input[1].IsEmpty());
}

TEST(GatherGradientTest, IsDenseWhereItIsAskedTo) {
  const auto meta = Gradient({MakeArgument("dense_gradient", 1)});
  ASSERT_TRUE(meta.ok()) << meta.status();
  ASSERT_EQ(meta->ops.size(), 1u);
  EXPECT_EQ(OpToString(meta->ops[0]), "SparseToDense(ids, dY, data) -> data_grad");
}

TEST(GatherGradientTest, IsAnOperatorOfItsOwnAlongOtherAxes) {
  const auto meta = Gradient({MakeArgument("axis", 1)});
  ASSERT_TRUE(meta.ok()) << meta.status();
  ASSERT_EQ(meta->ops.size(), 1u);
  EXPECT_EQ(OpToString(meta->ops[0]), "BatchGatherGradient(data, ids, dY) -> data_grad");
}

TEST(GatherGradientTest, RejectsASparseOneAlongOtherAxes) {
  const auto meta = Gradient({MakeArgument("axis", 1), MakeArgument("dense_gradient", 0)});
  EXPECT_EQ(meta.status().code(), kInvalid) << meta.status();
}

TEST(BatchGatherTest, PicksFromEachElementOfABatch) {
  OpTester("BatchGather")
      .Input("data", Tensor::Of<float>({2, 4}, {1, 2, 3, 4, 5, 6, 7, 8}))
      .Input("indices", Tensor::Of<int32_t>({2}, {0, 2}))
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<float>({2, 2}, {1, 3, 5, 7}));
}

TEST(BatchGatherTest, PicksByIndicesOfEachElement) {
  OpTester("BatchGather")
      .Input("data", kData)
      .Input("indices", Tensor::Of<int64_t>({3, 1}, {1, 0, 1}))
      .Arg("match_outer", 1)
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<float>({3, 1}, {2, 3, 6}));
}

TEST(BatchGatherTest, RejectsIndicesOutOfRangeAndVectors) {
  for (int32_t index : {-1, 2}) {
    OpTester("BatchGather")
        .Input("data", kData)
        .Input("indices", Tensor::Of<int32_t>({1}, {index}))
        .Outputs({"Y"})
        .ExpectError(kInvalid, absl::StrCat("index 0 is ", index, ", but must be in [0, 2)"));
  }
  OpTester("BatchGather")
      .Input("data", Tensor::Of<float>({2}, {1, 2}))
      .Input("indices", Tensor::Of<int32_t>({1}, {0}))
      .Outputs({"Y"})
      .ExpectError(kInvalid, "axis 1 is out of range for a tensor of rank 1");
}

OpTester GatherGradient(absl::StatusOr<Tensor> indices, absl::StatusOr<Tensor> gradient) {
  return OpTester("BatchGatherGradient")
      .Input("data", Tensor::Of<float>({1, 3}, {1, 2, 3}))
      .Input("indices", indices)
      .Input("dY", gradient)
      .Outputs({"dX"});
}

TEST(BatchGatherGradientTest, AddsUpWhatWasPickedTwice) {
  GatherGradient(Tensor::Of<int32_t>({3}, {2, 0, 2}), Tensor::Of<float>({1, 3}, {4, 5, 6}))
      .ExpectOutput(0, Tensor::Of<float>({1, 3}, {5, 0, 10}));
}

TEST(BatchGatherGradientTest, CountsFromTheEndAsGatherDoes) {
  GatherGradient(Tensor::Of<int32_t>({1}, {-1}), Tensor::Of<float>({1, 1}, {4}))
      .Arg("wrap_indices", 1)
      .ExpectOutput(0, Tensor::Of<float>({1, 3}, {0, 0, 4}));
}

TEST(BatchGatherGradientTest, RejectsWhatDoesNotGoTogether) {
  GatherGradient(Tensor::Of<int32_t>({1}, {-1}), Tensor::Of<float>({1, 1}, {4}))
      .ExpectError(kInvalid, "index 0 is -1, but must be in [0, 3)");
  GatherGradient(Tensor::Of<int32_t>({1}, {1}), Tensor::Of<float>({1, 2}, {4, 5}))
      .ExpectError(kInvalid, "must be of DATA's type and have the output's shape [1,1]");
  GatherGradient(Tensor::Of<int32_t>({1}, {1}), Tensor::Of<double>({1, 1}, {4}))
      .ExpectError(kInvalid, "must be of DATA's type");
}

}  // namespace
}  // namespace doppio
