// Numbers that become buckets, and ids that become hashes.

#include <cmath>
#include <limits>

#include "gtest/gtest.h"
#include "tests/support/op_tester.h"

namespace doppio {
namespace {

TEST(BucketizeTest, IsTheNumberOfBoundariesBelow) {
  OpTester("Bucketize")
      .Input("X", Tensor::Of<float>({3}, {2, 4, 1}))
      .Arg("boundaries", std::vector<float>{0.1f, 2.5f})
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<int32_t>({3}, {1, 2, 1}));
}

TEST(BucketizeTest, CountsABoundaryToTheBucketBelow) {
  OpTester("Bucketize")
      .Input("X", Tensor::Of<float>({2, 2}, {1, 1.5f, -1, NAN}))
      .Arg("boundaries", std::vector<float>{1, 1, 2})
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<int32_t>({2, 2}, {0, 2, 0, 0}));
}

TEST(BucketizeTest, RejectsBoundariesOutOfOrder) {
  for (const std::vector<float>& boundaries :
       {std::vector<float>{2, 1}, std::vector<float>{NAN}, std::vector<float>{1, NAN}}) {
    OpTester("Bucketize")
        .Input("X", Tensor::Of<float>({1}, {2}))
        .Arg("boundaries", boundaries)
        .Outputs({"Y"})
        .ExpectError(kInvalid, "the boundaries must be in ascending order");
  }
}

TEST(BucketizeTest, RejectsOtherTypes) {
  OpTester("Bucketize")
      .Input("X", Tensor::Of<int32_t>({1}, {2}))
      .Arg("boundaries", std::vector<float>{2})
      .Outputs({"Y"})
      .ExpectError(kInvalid, "data must be float");
}

OpTester Batch(absl::StatusOr<Tensor> indices, absl::StatusOr<Tensor> boundaries,
               absl::StatusOr<Tensor> lengths) {
  OpTester tester("BatchBucketize");
  tester.Input("feature", Tensor::Of<float>({2, 3}, {1.42f, 2.07f, 3.19f, 4.57f, 2.30f, 0.84f}))
      .Input("indices", indices)
      .Input("boundaries", boundaries)
      .Input("lengths", lengths)
      .Outputs({"Y"});
  return tester;
}

TEST(BatchBucketizeTest, HasBoundariesForEachColumn) {
  Batch(Tensor::Of<int32_t>({2}, {0, 2}), Tensor::Of<float>({3}, {0.5f, 1, 2.5f}),
        Tensor::Of<int32_t>({2}, {2, 1}))
      .ExpectOutput(0, Tensor::Of<int32_t>({2, 2}, {2, 1, 2, 0}));
}

TEST(BatchBucketizeTest, PutsNanIntoTheLastBucket) {
  OpTester("BatchBucketize")
      .Input("feature", Tensor::Of<float>({1, 1}, {NAN}))
      .Input("indices", Tensor::Of<int32_t>({2}, {0, 0}))
      .Input("boundaries", Tensor::Of<float>({2}, {0, 1}))
      .Input("lengths", Tensor::Of<int32_t>({2}, {2, 0}))
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<int32_t>({1, 2}, {2, 0}));
}

TEST(BatchBucketizeTest, RejectsWhatDoesNotGoTogether) {
  const auto edges = Tensor::Of<float>({3}, {0.5f, 1, 2.5f});
  Batch(Tensor::Of<int32_t>({2}, {0, 3}), edges, Tensor::Of<int32_t>({2}, {2, 1}))
      .ExpectError(kInvalid, "index 1 is 3, but must be in [0, 3)");
  Batch(Tensor::Of<int32_t>({2}, {0, 2}), edges, Tensor::Of<int32_t>({2}, {2, 2}))
      .ExpectError(kInvalid, "LENGTHS sum to 4, but BOUNDARIES has 3");
  Batch(Tensor::Of<int32_t>({2}, {0, 2}), edges, Tensor::Of<int32_t>({2}, {4, -1}))
      .ExpectError(kInvalid, "LENGTHS[1] is -1");
  Batch(Tensor::Of<int32_t>({2}, {0, 2}), edges, Tensor::Of<int32_t>({1}, {3}))
      .ExpectError(kInvalid, "must be as many as INDICES");
  Batch(Tensor::Of<int32_t>({1}, {0}), Tensor::Of<float>({2}, {2, 1}),
        Tensor::Of<int32_t>({1}, {2}))
      .ExpectError(kInvalid, "the boundaries of INDICES[0] must be in ascending order");
  Batch(Tensor::Of<int64_t>({2}, {0, 2}), edges, Tensor::Of<int32_t>({2}, {2, 1}))
      .ExpectError(kInvalid, "INDICES must be a vector of int32");
}

TEST(IndexHashTest, HashesIds) {
  OpTester("IndexHash")
      .Input("X", Tensor::Of<int32_t>({3}, {1, 2, 258}))
      .Arg("modulo", 100)
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<int32_t>({3}, {9, 18, 91}));
}

TEST(IndexHashTest, HashesNegativeIdsToWhatIsNot) {
  OpTester("IndexHash")
      .Input("X", Tensor::Of<int64_t>({2}, {5, -7}))
      .Arg("modulo", 1000)
      .Arg("seed", 1)
      .Outputs({"X"})
      .ExpectOutput(0, Tensor::Of<int64_t>({2}, {476, 745}));
  OpTester("IndexHash")
      .Input("X", Tensor::Of<int32_t>({2}, {5, -7}))
      .Arg("modulo", 100)
      .Arg("seed", 1)
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<int32_t>({2}, {96, 77}));
}

TEST(IndexHashTest, RejectsModulosThatAreNone) {
  OpTester("IndexHash")
      .Input("X", Tensor::Of<int32_t>({1}, {1}))
      .Arg("modulo", 0)
      .Outputs({"Y"})
      .ExpectError(kInvalid, "modulo is 0, but must be at least 1");
  OpTester("IndexHash")
      .Input("X", Tensor::Of<int32_t>({1}, {1}))
      .Arg("modulo", int64_t{1} << 31)
      .Outputs({"Y"})
      .ExpectError(kInvalid, "modulo is 2147483648, which the ids");
  OpTester("IndexHash")
      .Input("X", Tensor::Of<float>({1}, {1}))
      .Arg("modulo", 5)
      .Outputs({"Y"})
      .ExpectError(kInvalid, "float is not supported here");
}

}  // namespace
}  // namespace doppio
