#include "gtest/gtest.h"
#include "tests/support/op_tester.h"

namespace doppio {
namespace {

const absl::StatusOr<Tensor> kItems = Tensor::Of<float>({6}, {2, 2, 1, 4, 3, 1});
const absl::StatusOr<Tensor> kLengths = Tensor::Of<int32_t>({4}, {1, 3, 0, 2});

TEST(LengthsGatherTest, PicksSegments) {
  OpTester("LengthsGather")
      .Input("ITEMS", kItems)
      .Input("LENGTHS", kLengths)
      .Input("INDICES", Tensor::Of<int64_t>({3}, {0, 3, 0}))
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<float>({4}, {2, 3, 1, 2}));
}

TEST(LengthsGatherTest, RejectsSegmentsThatAreNotThere) {
  for (int32_t index : {-1, 4}) {
    OpTester("LengthsGather")
        .Input("ITEMS", kItems)
        .Input("LENGTHS", kLengths)
        .Input("INDICES", Tensor::Of<int32_t>({1}, {index}))
        .Outputs({"Y"})
        .ExpectError(kInvalid, absl::StrCat("index 0 is ", index, ", but must be in [0, 4)"));
  }
}

TEST(LengthsGatherTest, RejectsLengthsThatDoNotAddUp) {
  OpTester("LengthsGather")
      .Input("ITEMS", kItems)
      .Input("LENGTHS", Tensor::Of<int32_t>({1}, {5}))
      .Input("INDICES", Tensor::Of<int32_t>({1}, {0}))
      .Outputs({"Y"})
      .ExpectError(kInvalid, "LENGTHS sum to 5, but ITEMS has 6");
}

}  // namespace
}  // namespace doppio
