#include <cmath>
#include <limits>

#include "gtest/gtest.h"
#include "tests/support/op_tester.h"

namespace doppio {
namespace {

TEST(OneHotTest, IsOneAtEachIndex) {
  OpTester("OneHot")
      .Input("indices", Tensor::Of<int64_t>({2}, {2, 0}))
      .Input("size", Tensor::Scalar<int64_t>(3))
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<float>({2, 3}, {0, 0, 1, 1, 0, 0}));
}

TEST(OneHotTest, RejectsIndicesOutOfRange) {
  for (int64_t index : {int64_t{-1}, int64_t{3}}) {
    OpTester("OneHot")
        .Input("indices", Tensor::Of<int64_t>({1}, {index}))
        .Input("size", Tensor::Scalar<int64_t>(3))
        .Outputs({"Y"})
        .ExpectError(kInvalid, absl::StrCat("index 0 is ", index, ", but must be in [0, 3)"));
  }
}

TEST(OneHotTest, RejectsSizesThatAreNone) {
  OpTester("OneHot")
      .Input("indices", Tensor::Of<int64_t>({1}, {0}))
      .Input("size", Tensor::Scalar<int64_t>(-2))
      .Outputs({"Y"})
      .ExpectError(kInvalid, "index_size_tensor is -2");
  OpTester("OneHot")
      .Input("indices", Tensor::Of<int64_t>({1}, {0}))
      .Input("size", Tensor::Of<int64_t>({2}, {1, 2}))
      .Outputs({"Y"})
      .ExpectError(kInvalid, "must be a single int32 or int64, but is int64[2]");
}

TEST(OneHotTest, SaysThatThereIsNoMemoryForHugeRows) {
  OpTester("OneHot")
      .Input("indices", Tensor::Of<int64_t>({1}, {0}))
      .Input("size", Tensor::Scalar<int64_t>(int64_t{1} << 50))
      .Outputs({"Y"})
      .ExpectError(absl::StatusCode::kResourceExhausted, "");
  OpTester("OneHot")
      .Input("indices", Tensor::Of<int64_t>({3}, {0, 0, 0}))
      .Input("size", Tensor::Scalar<int64_t>(std::numeric_limits<int64_t>::max()))
      .Outputs({"Y"})
      .ExpectError(kInvalid, "");
}

TEST(SegmentOneHotTest, IsOneAtTheIndicesOfEachLength) {
  OpTester("SegmentOneHot")
      .Input("lengths", Tensor::Of<int32_t>({3}, {2, 0, 1}))
      .Input("indices", Tensor::Of<int64_t>({3}, {0, 2, 1}))
      .Input("size", Tensor::Of<int64_t>({1}, {3}))
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<float>({3, 3}, {1, 0, 1, 0, 0, 0, 0, 1, 0}));
}

TEST(SegmentOneHotTest, RejectsLengthsThatDoNotAddUpOrAreNegative) {
  OpTester("SegmentOneHot")
      .Input("lengths", Tensor::Of<int32_t>({2}, {2, 0}))
      .Input("indices", Tensor::Of<int64_t>({3}, {0, 2, 1}))
      .Input("size", Tensor::Scalar<int64_t>(3))
      .Outputs({"Y"})
      .ExpectError(kInvalid, "lengths sum to 2, but indices has 3");
  OpTester("SegmentOneHot")
      .Input("lengths", Tensor::Of<int32_t>({2}, {4, -1}))
      .Input("indices", Tensor::Of<int64_t>({3}, {0, 2, 1}))
      .Input("size", Tensor::Scalar<int64_t>(3))
      .Outputs({"Y"})
      .ExpectError(kInvalid, "lengths[1] is -1, but a length is not negative");
}

TEST(BatchOneHotTest, ExpandsEachColumnByItsValues) {
  OpTester("BatchOneHot")
      .Input("data", Tensor::Of<int32_t>({3, 2}, {2, 3, 4, 1, 2, 5}))
      .Input("lengths", Tensor::Of<int32_t>({2}, {2, 3}))
      .Input("values", Tensor::Of<int32_t>({5}, {2, 4, 1, 3, 5}))
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<int32_t>({3, 5}, {1, 0, 0, 1, 0, 0, 1, 1, 0, 0, 1, 0, 0, 0, 1}));
}

TEST(BatchOneHotTest, RejectsLengthsOfOtherColumns) {
  OpTester("BatchOneHot")
      .Input("data", Tensor::Of<int64_t>({1, 2}, {2, 3}))
      .Input("lengths", Tensor::Of<int32_t>({1}, {2}))
      .Input("values", Tensor::Of<int64_t>({2}, {2, 4}))
      .Outputs({"Y"})
      .ExpectError(kInvalid, "for each of the 2 columns of data");
}

TEST(BatchOneHotTest, RejectsValuesOfAnotherType) {
  OpTester("BatchOneHot")
      .Input("data", Tensor::Of<int64_t>({1, 1}, {2}))
      .Input("lengths", Tensor::Of<int32_t>({1}, {1}))
      .Input("values", Tensor::Of<int32_t>({1}, {2}))
      .Outputs({"Y"})
      .ExpectError(kInvalid, "must be of the type of data");
}

TEST(BatchBucketOneHotTest, MarksTheBucketOfEachElement) {
  OpTester("BatchBucketOneHot")
      .Input("data", Tensor::Of<float>({3, 2}, {2, 3, 4, 1, 2, 5}))
      .Input("lengths", Tensor::Of<int32_t>({2}, {2, 3}))
      .Input("boundaries", Tensor::Of<float>({5}, {0.1f, 2.5f, 1, 3.1f, 4.5f}))
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<float>({3, 7}, {0, 1, 0, 0, 1, 0, 0, 0, 0, 1, 1,
                                                  0, 0, 0, 0, 1, 0, 0, 0, 0, 1}));
}

TEST(BatchBucketOneHotTest, MarksTheMiddleBucketWhereBoundariesAreTheSame) {
  OpTester("BatchBucketOneHot")
      .Input("data", Tensor::Of<float>({3, 1}, {0, -1, NAN}))
      .Input("lengths", Tensor::Of<int32_t>({1}, {3}))
      .Input("boundaries", Tensor::Of<float>({3}, {-0.5, 0, 0}))
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<float>({3, 4}, {0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0, 1}));
}

TEST(BatchBucketOneHotTest, RejectsBoundariesOutOfOrderAndColumnsWithout) {
  OpTester("BatchBucketOneHot")
      .Input("data", Tensor::Of<float>({1, 1}, {2}))
      .Input("lengths", Tensor::Of<int32_t>({1}, {2}))
      .Input("boundaries", Tensor::Of<float>({2}, {2, 1}))
      .Outputs({"Y"})
      .ExpectError(kInvalid, "boundaries of column 0 are not in ascending order");
  OpTester("BatchBucketOneHot")
      .Input("data", Tensor::Of<float>({1, 1}, {2}))
      .Input("lengths", Tensor::Of<int32_t>({1}, {0}))
      .Input("boundaries", Tensor::Of<float>({0}, {}))
      .Outputs({"Y"})
      .ExpectError(kInvalid, "lengths[0] is 0, but a column needs a boundary");
}

}  // namespace
}  // namespace doppio
