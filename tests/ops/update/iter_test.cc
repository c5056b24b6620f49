#include <limits>

#include "doppio/workspace.h"
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

TEST(IterTest, MakesAnInt64OfAnInt32) {
  for (const Dims& dims : {Dims{1}, Dims{}}) {
    OpTester("Iter")
        .Input("iter", Tensor::FromSpan<int32_t>(dims, {41}))
        .Outputs({"iter"})
        .ExpectOutput(0, Tensor::FromSpan<int64_t>(dims, {42}));
  }
}

TEST(IterTest, OfAnInt32CountsOnInALaterRun) {
  Workspace workspace;
  ASSERT_TRUE(workspace.Feed("iter", Tensor::Of<int32_t>({1}, {0})).ok());
  const OperatorDef def = CreateOperatorDef("Iter", "", {"iter"}, {"iter"});
  for (int64_t run = 1; run <= 2; ++run) {
    const absl::Status status = workspace.RunOperatorOnce(def);
    ASSERT_TRUE(status.ok()) << status;
    EXPECT_TRUE(TensorEquals(*workspace.Fetch("iter"), Tensor::Of<int64_t>({1}, {run})));
  }
}

TEST(IterTest, RejectsOtherTypes) {
  OpTester("Iter")
      .Input("iter", Tensor::Of<float>({1}, {1}))
      .Outputs({"iter"})
      .ExpectError(absl::StatusCode::kInvalidArgument,
                   "must be one int64 (or int32), but is float");
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
