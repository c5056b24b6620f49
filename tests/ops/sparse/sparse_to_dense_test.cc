#include <limits>

#include "doppio/gradient_maker.h"
#include "gtest/gtest.h"
#include "tests/support/op_tester.h"

namespace doppio {
namespace {

TEST(SparseToDenseTest, AddsUpTheRowsOfAnIndex) {
  OpTester("SparseToDense")
      .Input("indices", Tensor::Of<int32_t>({3}, {2, 0, 2}))
      .Input("values", Tensor::Of<float>({3}, {1, 2, 3}))
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<float>({3}, {2, 0, 4}));
}

TEST(SparseToDenseTest, HasTheRowsOfAnotherTensorOrOfTheArgument) {
  OpTester("SparseToDense")
      .Input("indices", Tensor::Of<int64_t>({1}, {1}))
      .Input("values", Tensor::Of<int64_t>({1, 2}, {5, 6}))
      .Input("like", Tensor::Of<std::string>({3, 1}, {"a", "b", "c"}))
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<int64_t>({3, 2}, {0, 0, 5, 6, 0, 0}));
  OpTester("SparseToDense")
      .Input("indices", Tensor::Of<int64_t>({0}, {}))
      .Input("values", Tensor::Of<float>({0, 2}, {}))
      .Arg("output_first_dim", 2)
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<float>({2, 2}, {0, 0, 0, 0}));
}

TEST(SparseToDenseTest, TakesIndicesOfTheShapeThatValuesBeginWith) {
  OpTester("SparseToDense")
      .Input("indices", Tensor::Of<int32_t>({2, 2}, {1, 0, 1, 1}))
      .Input("values", Tensor::Of<double>({2, 2, 1}, {1, 2, 3, 4}))
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<double>({2, 1}, {2, 8}));
  OpTester("SparseToDense")
      .Input("indices", Tensor::Scalar<int32_t>(1))
      .Input("values", Tensor::Of<float>({1}, {7}))
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<float>({2, 1}, {0, 7}));
}

TEST(SparseToDenseTest, IsNothingForATableWithoutRows) {
  OpTester("SparseToDense")
      .Input("indices", Tensor::Of<int32_t>({2}, {4, 5}))
      .Input("values", Tensor::Of<float>({0, 3}, {}))
      .Input("like", Tensor::Of<float>({0, 3}, {}))
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<float>({0, 3}, {}));
}

TEST(SparseToDenseTest, WrapsIntegers) {
  constexpr int32_t kMost = std::numeric_limits<int32_t>::max();
  OpTester("SparseToDense")
      .Input("indices", Tensor::Of<int32_t>({2}, {0, 0}))
      .Input("values", Tensor::Of<int32_t>({2}, {kMost, 1}))
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<int32_t>({1}, {std::numeric_limits<int32_t>::min()}));
}

TEST(SparseToDenseTest, RejectsIndicesOutOfRange) {
  OpTester("SparseToDense")
      .Input("indices", Tensor::Of<int32_t>({2}, {0, -1}))
      .Input("values", Tensor::Of<float>({2}, {1, 2}))
      .Outputs({"Y"})
      .ExpectError(kInvalid, "index 1 is -1, but must be in [0, 1)");
  OpTester("SparseToDense")
      .Input("indices", Tensor::Of<int32_t>({2}, {0, 3}))
      .Input("values", Tensor::Of<float>({2}, {1, 2}))
      .Arg("output_first_dim", 3)
      .Outputs({"Y"})
      .ExpectError(kInvalid, "index 1 is 3, but must be in [0, 3)");
}

TEST(SparseToDenseTest, RejectsIndicesThatNoTensorCanHave) {
  OpTester("SparseToDense")
      .Input("indices", Tensor::Of<int64_t>({1}, {std::numeric_limits<int64_t>::max()}))
      .Input("values", Tensor::Of<float>({1}, {1}))
      .Outputs({"Y"})
      .ExpectError(kInvalid, "which no tensor has a row for");
  OpTester("SparseToDense")
      .Input("indices", Tensor::Of<int64_t>({1}, {int64_t{1} << 62}))
      .Input("values", Tensor::Of<float>({1, 4}, {1, 2, 3, 4}))
      .Outputs({"Y"})
      .ExpectError(kInvalid, "4611686018427387905,4");
}

TEST(SparseToDenseTest, RejectsWhatDoesNotGoTogether) {
  OpTester("SparseToDense")
      .Input("indices", Tensor::Of<int32_t>({2}, {0, 1}))
      .Input("values", Tensor::Of<float>({3}, {1, 2, 3}))
      .Outputs({"Y"})
      .ExpectError(kInvalid, "values [3] must begin with the shape of indices [2]");
  OpTester("SparseToDense")
      .Input("indices", Tensor::Of<int32_t>({0, 2}, {}))
      .Input("values", Tensor::Of<float>({0, 2}, {}))
      .Outputs({"Y"})
      .ExpectError(kInvalid, "indices must be a vector where the output has no row");
  OpTester("SparseToDense")
      .Input("indices", Tensor::Of<int32_t>({1}, {0}))
      .Input("values", Tensor::Of<float>({1}, {1}))
      .Input("like", Tensor::Scalar<float>(1))
      .Outputs({"Y"})
      .ExpectError(kInvalid, "data_to_infer_dim must be at least a vector");
  OpTester("SparseToDense")
      .Input("indices", Tensor::Of<int32_t>({1}, {0}))
      .Input("values", Tensor::Of<float>({1}, {1}))
      .Input("like", Tensor::Of<float>({1}, {1}))
      .Arg("output_first_dim", 3)
      .Outputs({"Y"})
      .ExpectError(kInvalid, "both say how many rows there are");
}

TEST(SparseToDenseTest, RejectsOtherTypes) {
  OpTester("SparseToDense")
      .Input("indices", Tensor::Of<int32_t>({1}, {0}))
      .Input("values", Tensor::Of<std::string>({1}, {"a"}))
      .Outputs({"Y"})
      .ExpectError(kInvalid, "string is not supported here");
  OpTester("SparseToDense")
      .Input("indices", Tensor::Of<float>({1}, {0}))
      .Input("values", Tensor::Of<float>({1}, {1}))
      .Outputs({"Y"})
      .ExpectError(kInvalid, "float is not supported here");
}

TEST(SparseToDenseGradientTest, GathersTheRowsOfTheIndices) {
  const auto meta =
      GetGradientForOp(CreateOperatorDef("SparseToDense", "", {"ids", "values", "like"}, {"Y"}),
                       {GradientWrapper::Dense("dY")});
  ASSERT_TRUE(meta.ok()) << meta.status();
  ASSERT_EQ(meta->ops.size(), 1u);
  EXPECT_EQ(OpToString(meta->ops[0]), "Gather(dY, ids) -> values_grad");
}

OpTester Mask(absl::StatusOr<Tensor> indices, const std::vector<int64_t>& mask) {
  return OpTester("SparseToDenseMask")
      .Input("indices", indices)
      .Input("values", Tensor::Of<float>({3}, {1, 2, 3}))
      .Input("default", Tensor::Scalar<float>(0))
      .Arg("mask", mask);
}

TEST(SparseToDenseMaskTest, PutsValuesIntoTheColumnsOfTheirIds) {
  Mask(Tensor::Of<int64_t>({3}, {4, 7, 9}), {9, 5, 4})
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<float>({3}, {3, 0, 1}));
}

TEST(SparseToDenseMaskTest, HasARowForEachLength) {
  OpTester("SparseToDenseMask")
      .Input("indices", Tensor::Of<int32_t>({3}, {1, 1, 0}))
      .Input("values", Tensor::Of<std::string>({3}, {"a", "b", "c"}))
      .Input("default", Tensor::Scalar<std::string>("-"))
      .Input("lengths", Tensor::Of<int32_t>({3}, {2, 0, 1}))
      .Arg("mask", std::vector<int64_t>{0, 1})
      .Arg("return_presence_mask", 1)
      .Outputs({"Y", "presence"})
      .ExpectOutput(0, Tensor::Of<std::string>({3, 2}, {"-", "b", "-", "-", "c", "-"}))
      .ExpectOutput(1, Tensor::Of<bool>({3, 2}, {false, true, false, false, true, false}));
}

TEST(SparseToDenseMaskTest, LeavesOutWhatIsNoId) {
  Mask(Tensor::Of<int32_t>({3}, {-1, 7, std::numeric_limits<int32_t>::max()}),
       {7, std::numeric_limits<int32_t>::max()})
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<float>({2}, {2, 0}));
}

TEST(SparseToDenseMaskTest, RejectsTooManyRowsWithWhatIsNoId) {
  for (const int most : {2, 3}) {
    OpTester tester("SparseToDenseMask");
    tester.Input("indices", Tensor::Of<int64_t>({4}, {-1, -2, 7, -3}))
        .Input("values", Tensor::Of<float>({4}, {1, 2, 3, 4}))
        .Input("default", Tensor::Scalar<float>(0))
        .Input("lengths", Tensor::Of<int32_t>({2}, {2, 2}))
        .Arg("mask", std::vector<int64_t>{7})
        .Arg("max_skipped_indices", most)
        .Outputs({"Y"});
    if (most == 2) {
      tester.ExpectError(kInvalid,
                         "index 3 is -3, which is no id, and with row 1 there are 2 rows");
    } else {
      tester.ExpectOutput(0, Tensor::Of<float>({2, 1}, {0, 3}));
    }
  }
}

TEST(SparseToDenseMaskTest, RejectsMasksThatAreNone) {
  const auto indices = Tensor::Of<int64_t>({3}, {4, 7, 9});
  Mask(indices, {}).Outputs({"Y"}).ExpectError(kInvalid, "mask must name an id at least");
  Mask(indices, {3, -4}).Outputs({"Y"}).ExpectError(kInvalid, "mask has the id -4");
  Mask(indices, {3, 5, 3}).Outputs({"Y"}).ExpectError(kInvalid, "mask has the id 3 twice");
  Mask(indices, {3})
      .Arg("return_presence_mask", 1)
      .Outputs({"Y"})
      .ExpectError(kInvalid, "return_presence_mask needs a second output");
}

TEST(SparseToDenseMaskTest, RejectsWhatDoesNotGoTogether) {
  Mask(Tensor::Of<int64_t>({2}, {4, 7}), {3})
      .Outputs({"Y"})
      .ExpectError(kInvalid, "must have a row for each of indices");
  Mask(Tensor::Of<int64_t>({3, 1}, {4, 7, 9}), {3})
      .Outputs({"Y"})
      .ExpectError(kInvalid, "indices must be a vector");
  Mask(Tensor::Of<int64_t>({3}, {4, 7, 9}), {3})
      .Input("lengths", Tensor::Of<int32_t>({2}, {4, -1}))
      .Outputs({"Y"})
      .ExpectError(kInvalid, "lengths[1] is -1");
  Mask(Tensor::Of<int64_t>({3}, {4, 7, 9}), {3})
      .Input("lengths", Tensor::Of<int32_t>({1}, {2}))
      .Outputs({"Y"})
      .ExpectError(kInvalid, "lengths sum to 2, but indices has 3");
  OpTester("SparseToDenseMask")
      .Input("indices", Tensor::Of<int32_t>({1}, {0}))
      .Input("values", Tensor::Of<float>({1, 2}, {1, 2}))
      .Input("default", Tensor::Of<float>({3}, {1, 2, 3}))
      .Arg("mask", std::vector<int64_t>{0})
      .Outputs({"Y"})
      .ExpectError(kInvalid, "must have the type and the shape of a row of values");
}

TEST(SparseToDenseMaskGradientTest, IsThatOfTheValuesThatStandThere) {
  OpTester("SparseToDenseMaskGradient")
      .Input("indices", Tensor::Of<int64_t>({3}, {4, 7, 9}))
      .Input("dY", Tensor::Of<float>({3}, {6, 7, 8}))
      .Arg("mask", std::vector<int64_t>{9, 5, 4})
      .Outputs({"dX"})
      .ExpectOutput(0, Tensor::Of<float>({3}, {8, 0, 6}));
  OpTester("SparseToDenseMaskGradient")
      .Input("indices", Tensor::Of<int32_t>({3}, {1, 1, 1}))
      .Input("dY", Tensor::Of<float>({2, 1, 2}, {1, 2, 3, 4}))
      .Input("lengths", Tensor::Of<int32_t>({2}, {2, 1}))
      .Arg("mask", std::vector<int64_t>{1})
      .Outputs({"dX"})
      .ExpectOutput(0, Tensor::Of<float>({3, 2}, {0, 0, 1, 2, 3, 4}));
}

TEST(SparseToDenseMaskGradientTest, RejectsGradientsOfAnotherShape) {
  OpTester("SparseToDenseMaskGradient")
      .Input("indices", Tensor::Of<int64_t>({1}, {4}))
      .Input("dY", Tensor::Of<float>({2}, {6, 7}))
      .Arg("mask", std::vector<int64_t>{9})
      .Outputs({"dX"})
      .ExpectError(kInvalid, "must begin with the dimensions [1]");
}

}  // namespace
}  // namespace doppio
