// Summarize and AccumulateHistogram.

#include <limits>

#include "gtest/gtest.h"
#include "tests/support/op_tester.h"

namespace doppio {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

OpTester Summary(absl::StatusOr<Tensor> x) {
  return OpTester("Summarize").Input("X", std::move(x)).Outputs({"Y"});
}

TEST(SummarizeTest, TellsLeastLargestMeanAndDeviation) {
  Summary(Tensor::Of<float>({4}, {1, 2, 3, 6}))
      .ExpectOutput(0, Tensor::Of<float>({4}, {1, 6, 3, 2.160247f}), 1e-6);
  Summary(Tensor::Scalar<float>(-5)).ExpectOutput(0, Tensor::Of<float>({4}, {-5, -5, -5, 0}));
}

TEST(SummarizeTest, IsNanWhereAnElementIs) {
  for (const float other : {-1.0f, 1.0f}) {
    Summary(Tensor::Of<float>({3}, {0, kNan, other}))
        .ExpectOutput(0, Tensor::Of<float>({4}, {kNan, kNan, kNan, kNan}));
  }
}

TEST(SummarizeTest, WritesALine) {
  testing::internal::CaptureStderr();
  EXPECT_TRUE(OpTester("Summarize")
                  .Input("X", Tensor::Of<float>({2}, {1, 3}))
                  .Arg("to_file", 1)
                  .Run()
                  .ok());
  EXPECT_NE(testing::internal::GetCapturedStderr().find("X: 1 3 2 1.41421\n"), std::string::npos);
}

TEST(SummarizeTest, RejectsNothingAndOtherTypes) {
  Summary(Tensor::Of<float>({0, 2}, {})).ExpectError(kInvalid, "has no elements");
  Summary(Tensor::Of<double>({1}, {1})).ExpectError(kInvalid, "double");
}

OpTester Histogram(absl::StatusOr<Tensor> x) {
  return OpTester("AccumulateHistogram")
      .Input("X", std::move(x))
      .Arg("num_buckets", 2)
      .Outputs({"CurHist", "AccHist"});
}

TEST(AccumulateHistogramTest, CountsWithinBelowAndAbove) {
  Histogram(Tensor::Of<float>({4}, {-1, 0, 0.75, 9}))
      .ExpectOutput(0, Tensor::Of<int64_t>({4}, {1, 1, 1, 1}))
      .ExpectOutput(1, Tensor::Of<int64_t>({4}, {1, 1, 1, 1}));
}

TEST(AccumulateHistogramTest, CountsAnUpperBoundAbove) {
  Histogram(Tensor::Of<float>({6}, {0.5, 1, kInfinity, -kInfinity, kNan, 0.99999994f}))
      .ExpectOutput(0, Tensor::Of<int64_t>({4}, {1, 0, 2, 2}));
}

TEST(AccumulateHistogramTest, AddsUpItsRuns) {
  MapScope scope;
  *scope.CreateBlob("X")->GetMutable<Tensor>() = *Tensor::Of<float>({1}, {0.25});
  OperatorDef def = CreateOperatorDef("AccumulateHistogram", "", {"X"}, {"cur", "acc"});
  const auto op = CreateOperator(def, &scope);
  ASSERT_TRUE(op.ok()) << op.status();
  ASSERT_TRUE((*op)->Run().ok());
  ASSERT_TRUE((*op)->Run().ok());
  EXPECT_TRUE(
      TensorEquals(*(*op)->OutputBlob(0)->Get<Tensor>(), Tensor::Of<int64_t>({3}, {0, 1, 0})));
  EXPECT_TRUE(
      TensorEquals(*(*op)->OutputBlob(1)->Get<Tensor>(), Tensor::Of<int64_t>({3}, {0, 2, 0})));
}

TEST(AccumulateHistogramTest, RejectsBoundsThatDoNotRise) {
  for (const float upper : {0.0f, -1.0f, kNan, kInfinity}) {
    Histogram(Tensor::Of<float>({1}, {0})).Arg("upper_bound", upper).ExpectError(kInvalid, "rise");
  }
}

TEST(AccumulateHistogramTest, RejectsNoBucketsAndOtherTypes) {
  for (const int count : {0, -3}) {
    OpTester("AccumulateHistogram")
        .Input("X", Tensor::Of<float>({1}, {0}))
        .Arg("num_buckets", count)
        .Outputs({"CurHist", "AccHist"})
        .ExpectError(kInvalid, "must be at least 1");
  }
  Histogram(Tensor::Of<int32_t>({1}, {0})).ExpectError(kInvalid, "int32");
}

}  // namespace
}  // namespace doppio
