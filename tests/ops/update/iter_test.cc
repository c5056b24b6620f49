#include <limits>

#include "gtest/gtest.h"
#include "tests/support/op_tester.h"

namespace doppio {
namespace {

TEST(IterTest, AddsOneInPlace) {
  OpTester("Iter")
      .Input("iter", Tensor::Of<int64_t>({1}, {41}))
      .Outputs({"iter"})
      .ExpectOutput(0, Tensor::Of<int64_t>({1}, {42}));
}

TEST(IterTest, CountsFromZeroWithoutAnInput) {
  MapScope scope;
  const auto op = CreateOperator(CreateOperatorDef("Iter", "", {}, {"iter"}), &scope);
  ASSERT_TRUE(op.ok()) << op.status();
  for (int64_t run = 1; run <= 3; ++run) {
    ASSERT_TRUE((*op)->Run().ok());
    EXPECT_TRUE(TensorEquals(*scope.Fetch("iter"), Tensor::Of<int64_t>({1}, {run})));
  }
}

TEST(IterTest, RejectsOtherTypes) {
  OpTester("Iter")
      .Input("iter", Tensor::Of<int32_t>({1}, {1}))
      .Outputs({"iter"})
      .ExpectError(absl::StatusCode::kInvalidArgument, "must be one int64, but is int32[1]");
}

TEST(IterTest, RejectsMoreThanOneCounter) {
  OpTester("Iter")
      .Input("iter", Tensor::Of<int64_t>({2}, {1, 2}))
      .Outputs({"iter"})
      .ExpectError(absl::StatusCode::kInvalidArgument, "must be one int64");
}

TEST(IterTest, RejectsCountersThatOverflowOrAreNegative) {
  for (int64_t count : {int64_t{-1}, std::numeric_limits<int64_t>::max()}) {
    OpTester("Iter")
        .Input("iter", Tensor::Of<int64_t>({1}, {count}))
        .Outputs({"iter"})
        .ExpectError(absl::StatusCode::kOutOfRange, absl::StrCat("the counter is ", count));
  }
}

TEST(IterTest, RejectsAnotherOutput) {
  OpTester("Iter")
      .Input("iter", Tensor::Of<int64_t>({1}, {1}))
      .Outputs({"next"})
      .ExpectError(absl::StatusCode::kInvalidArgument, "must be the same blob");
}

}  // namespace
}  // namespace doppio
