#include <limits>

#include "doppio/gradient_maker.h"
#include "gtest/gtest.h"
#include "tests/support/op_tester.h"

namespace doppio {
namespace {

absl::StatusOr<Tensor> Floats(std::initializer_list<float> values) {
  return Tensor::Of<float>({static_cast<int64_t>(values.size())}, values);
}
absl::StatusOr<Tensor> Ints(std::initializer_list<int32_t> values) {
  return Tensor::Of<int32_t>({static_cast<int64_t>(values.size())}, values);
}

OpTester Segment(absl::string_view type, const absl::StatusOr<Tensor>& data,
                 const absl::StatusOr<Tensor>& ids) {
  OpTester tester(type);
  tester.Input("data", data).Input("ids", ids).Outputs({"Y"});
  return tester;
}

OpTester Sparse(absl::string_view type, const absl::StatusOr<Tensor>& indices,
                const absl::StatusOr<Tensor>& ids) {
  OpTester tester(type);
  tester.Input("data", Floats({1, 2, 3}))
      .Input("indices", indices)
      .Input("ids", ids)
      .Outputs({"Y"});
  return tester;
}

TEST(SortedSegmentTest, ReducesTheExamplesOfItsDocs) {
  Segment("SortedSegmentSum", Floats({1, 2, 3, 4}), Ints({0, 0, 1, 1}))
      .ExpectOutput(0, Floats({3, 7}));
  Segment("SortedSegmentMean", Floats({1, 2, 3, 5}), Ints({0, 0, 1, 1}))
      .ExpectOutput(0, Floats({1.5, 4}));
  Segment("SortedSegmentRangeMax", Floats({1, 2, 4, 3}), Ints({0, 0, 1, 1}))
      .ExpectOutput(0, Floats({2, 4}));
  Segment("SortedSegmentRangeLogSumExp", Floats({0, 0, 7}), Ints({0, 0, 1}))
      .ExpectOutput(0, Floats({0.693147F, 7}), 1e-6);
  Segment("SortedSegmentRangeLogMeanExp", Floats({2, 2, 7}), Ints({0, 0, 1}))
      .ExpectOutput(0, Floats({2, 7}));
  Sparse("SparseSortedSegmentSum", Ints({2, 0, 2}), Ints({0, 0, 1}))
      .ExpectOutput(0, Floats({4, 3}));
  OpTester("SparseSortedSegmentWeightedSum")
      .Input("data", Floats({1, 2, 3}))
      .Input("scalars", Floats({1, 10, 2}))
      .Input("indices", Ints({2, 0, 2}))
      .Input("ids", Ints({0, 0, 1}))
      .Outputs({"Y"})
      .ExpectOutput(0, Floats({13, 6}));
}

TEST(SortedSegmentTest, OfNoRowsHasNoSegments) {
  Segment("SortedSegmentSum", Tensor::Of<float>({0, 3}, {}), Ints({}))
      .ExpectOutput(0, Tensor::Of<float>({0, 3}, {}));
}

TEST(SortedSegmentTest, RejectsIdsThatAreNotSortedOrHaveGaps) {
  Segment("SortedSegmentSum", Floats({1, 2}), Ints({1, 1}))
      .ExpectError(kInvalid, "segment id 0 is 1, but sorted ids begin at 0");
  Segment("SortedSegmentMean", Floats({1, 2}), Ints({0, 2}))
      .ExpectError(kInvalid,
                   "segment id 1 is 2, but sorted ids begin at 0 and have no gaps: 0 or 1");
  Segment("SortedSegmentRangeSum", Floats({1, 2, 3}), Ints({0, 1, 0}))
      .ExpectError(kInvalid, "segment id 2 is 0");
  Segment("SortedSegmentSum", Floats({1}), Ints({-1})).ExpectError(kInvalid, "segment id 0 is -1");
  Segment("SortedSegmentSum", Floats({1, 2}), Ints({0, std::numeric_limits<int32_t>::max()}))
      .ExpectError(kInvalid, "segment id 1 is 2147483647");
}

TEST(SortedSegmentTest, RejectsIdsThatAreNotOneForEachRow) {
  Segment("SortedSegmentSum", Floats({1, 2}), Ints({0}))
      .ExpectError(kInvalid, "SEGMENT_IDS has 1 elements, but there are 2 rows of DATA");
  Sparse("SparseUnsortedSegmentMean", Ints({0}), Ints({0, 1}))
      .ExpectError(kInvalid, "SEGMENT_IDS has 2 elements, but there are 1 INDICES");
}

TEST(SortedSegmentRangeLogSumExpTest, DoesNotOverflow) {
  const float infinity = std::numeric_limits<float>::infinity();
  Segment("SortedSegmentRangeLogSumExp", Floats({1000, 1000, infinity, 1, -infinity, -infinity}),
          Ints({0, 0, 1, 1, 2, 2}))
      .ExpectOutput(0, Floats({1000.6931F, infinity, -infinity}), 1e-6);
}

TEST(UnsortedSegmentTest, ReducesTheExamplesOfItsDocs) {
  Segment("UnsortedSegmentSum", Floats({1, 2, 3, 4}), Ints({2, 0, 2, 0}))
      .ExpectOutput(0, Floats({6, 0, 4}));
  Segment("UnsortedSegmentMean", Floats({1, 2, 3, 4}), Ints({2, 0, 2, 0}))
      .ExpectOutput(0, Floats({3, 0, 2}));
  OpTester("UnsortedSegmentWeightedSum")
      .Input("data", Floats({1, 2, 3, 4}))
      .Input("scalars", Floats({1, 10, 2, 1}))
      .Input("ids", Ints({2, 0, 2, 0}))
      .Outputs({"Y"})
      .ExpectOutput(0, Floats({24, 0, 7}));
  Sparse("SparseUnsortedSegmentSum", Tensor::Of<int64_t>({3}, {2, 0, 2}), Ints({1, 0, 1}))
      .ExpectOutput(0, Floats({1, 6}));
  Sparse("SparseUnsortedSegmentMean", Ints({2, 0, 2}), Ints({1, 0, 1}))
      .ExpectOutput(0, Floats({1, 3}));
}

TEST(UnsortedSegmentTest, HasAsManySegmentsAsItIsTold) {
  Segment("UnsortedSegmentSum", Floats({1, 2}), Ints({1, 1}))
      .Arg("num_segments", 3)
      .ExpectOutput(0, Floats({0, 3, 0}));
  Segment("UnsortedSegmentSum", Floats({}), Ints({}))
      .Arg("num_segments", 2)
      .ExpectOutput(0, Floats({0, 0}));
  Segment("UnsortedSegmentSum", Floats({}), Ints({}))
      .Arg("num_segments", 0)
      .ExpectOutput(0, Floats({}));
}

TEST(UnsortedSegmentTest, HasManyMoreSegmentsThanRows) {
  constexpr int64_t kSegments = 100000;
  const int32_t last = kSegments - 1;
  std::vector<float> expected(kSegments, 0);
  expected[7] = 2;
  expected[last] = 1 + 10 * 3 + 100 * 4;
  OpTester("UnsortedSegmentWeightedSum")
      .Input("data", Floats({1, 2, 3, 4}))
      .Input("scalars", Floats({1, 1, 10, 100}))
      .Input("ids", Ints({last, 7, last, last}))
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::FromSpan<float>({kSegments}, absl::MakeConstSpan(expected)));
  Segment("UnsortedSegmentSum", Floats({}), Ints({}))
      .Arg("num_segments", kSegments)
      .ExpectOutput(0, Tensor::FromSpan<float>(
                           {kSegments}, absl::MakeConstSpan(std::vector<float>(kSegments, 0))));
}

TEST(UnsortedSegmentTest, RejectsIdsOutsideOfTheSegments) {
  Segment("UnsortedSegmentSum", Floats({1, 2}), Ints({0, 3}))
      .Arg("num_segments", 3)
      .ExpectError(kInvalid, "segment id 1 is 3, but must be in [0, 3)");
  Segment("UnsortedSegmentMean", Floats({1, 2}), Ints({0, -1}))
      .ExpectError(kInvalid, "segment id 1 is -1, which is negative");
  Segment("UnsortedSegmentSum", Floats({1}), Ints({0}))
      .Arg("num_segments", -2)
      .ExpectError(kInvalid, "num_segments is -2, but must not be negative");
}

TEST(UnsortedSegmentTest, RejectsAnIdThatMemoryDoesNotReachTo) {
  Segment("UnsortedSegmentSum", Tensor::Create(DataType::kFloat, {1, 1 << 20}),
          Ints({std::numeric_limits<int32_t>::max() - 1}))
      .ExpectError(absl::StatusCode::kResourceExhausted, "");
}

TEST(UnsortedSegmentTest, RejectsAnOutputOfMoreThan63Bits) {
  Segment("UnsortedSegmentSum", Tensor::Create(DataType::kFloat, {0, int64_t{1} << 40}), Ints({}))
      .Arg("num_segments", int64_t{1} << 40)
      .ExpectError(kInvalid, "more elements than fit into 64 bits");
}

TEST(SegmentTest, RejectsIndicesOutsideOfTheTable) {
  for (const char* type : {"SparseSortedSegmentSum", "SparseUnsortedSegmentSum"}) {
    Sparse(type, Ints({0, 3}), Ints({0, 0}))
        .ExpectError(kInvalid, "index 1 is 3, but must be in [0, 3)");
  }
}

std::string GradientOp(absl::string_view type, const std::vector<std::string>& inputs) {
  const auto meta =
      GetGradientForOp(CreateOperatorDef(type, "", inputs, {"Y"}), {GradientWrapper::Dense("dY")});
  return meta.ok() && meta->ops.size() == 1 ? OpToString(meta->ops[0]) : meta.status().ToString();
}

TEST(SegmentGradientTest, IsCaffe2sOperator) {
  EXPECT_EQ(GradientOp("SortedSegmentMean", {"x", "k"}),
            "SortedSegmentMeanGradient(dY, k) -> x_grad");
  EXPECT_EQ(GradientOp("UnsortedSegmentWeightedSum", {"x", "w", "k"}),
            "UnsortedSegmentWeightedSumGradient(w, dY, k) -> x_grad");
  EXPECT_EQ(GradientOp("SparseSortedSegmentSum", {"x", "i", "k"}),
            "SortedSegmentSumGradient(dY, k) -> x_grad_values");
  EXPECT_EQ(GradientOp("SortedSegmentRangeMax", {"x", "k"}),
            "SortedSegmentRangeMaxGradient(x, Y, dY, k) -> x_grad");
}

TEST(SegmentGradientTest, OfScalarsIsRefusedWhereIdsTellTheSegments) {
  const auto meta =
      GetGradientForOp(CreateOperatorDef("SortedSegmentWeightedSum", "", {"x", "w", "k"}, {"Y"},
                                         {MakeArgument("grad_on_weights", 1)}),
                       {GradientWrapper::Dense("dY")});
  EXPECT_EQ(meta.status().code(), absl::StatusCode::kUnimplemented);
}

TEST(SegmentGradientTest, RejectsGradientsThatAreNotOneForEachSegment) {
  OpTester("SortedSegmentSumGradient")
      .Input("dY", Floats({1, 2, 3}))
      .Input("ids", Ints({0, 0, 1}))
      .Outputs({"dX"})
      .ExpectError(kInvalid, "3 rows, but there are 2 segments");
  OpTester("UnsortedSegmentSumGradient")
      .Input("dY", Floats({1, 2}))
      .Input("ids", Ints({0, 2}))
      .Outputs({"dX"})
      .ExpectError(kInvalid, "segment id 1 is 2, but must be in [0, 2)");
}

TEST(ReduceFrontWeightedSumTest, SumsScaledRows) {
  OpTester("ReduceFrontWeightedSum")
      .Input("data", Tensor::Of<float>({3, 2}, {1, 2, 3, 4, 5, 6}))
      .Input("scalars", Floats({1, 10, 2}))
      .Outputs({"Y"})
      .ExpectOutput(0, Floats({41, 54}));
}

TEST(ReduceFrontWeightedSumTest, RejectsScalarsOfAnotherShape) {
  OpTester("ReduceFrontWeightedSum")
      .Input("data", Tensor::Of<float>({3, 2}, {1, 2, 3, 4, 5, 6}))
      .Input("scalars", Floats({1, 10}))
      .Outputs({"Y"})
      .ExpectError(kInvalid, "SCALARS float[2] must be float[3] for DATA [3,2]");
  OpTester("ReduceFrontWeightedSum")
      .Input("data", Floats({1}))
      .Input("scalars", Floats({1}))
      .Arg("num_reduce_dim", 2)
      .Outputs({"Y"})
      .ExpectError(kInvalid, "num_reduce_dim is 2, but DATA [1] has 1 dimensions");
}

TEST(ReduceFrontWeightedSumGradientTest, RejectsAShapeThatIsNotTheData) {
  OpTester("ReduceFrontWeightedSumGradient")
      .Input("scalars", Floats({1}))
      .Input("dY", Floats({1, 2}))
      .Input("shape", Tensor::Of<int64_t>({2}, {1, 3}))
      .Outputs({"dX"})
      .ExpectError(kInvalid, "the gradient [2] must be [3] for DATA [1,3]");
}

}  // namespace
}  // namespace doppio
