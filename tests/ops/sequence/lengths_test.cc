#include <limits>

#include "doppio/gradient_maker.h"
#include "gtest/gtest.h"
#include "tests/support/op_tester.h"

namespace doppio {
namespace {

const absl::StatusOr<Tensor> kLengths = Tensor::Of<int32_t>({4}, {1, 3, 0, 2});

TEST(LengthsTest, BecomeIdsPlacesRangesAndOffsets) {
  OpTester("LengthsToSegmentIds")
      .Input("L", kLengths)
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<int32_t>({6}, {0, 1, 1, 1, 3, 3}));
  OpTester("LengthsRangeFill")
      .Input("L", kLengths)
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<int32_t>({6}, {0, 0, 1, 2, 0, 1}));
  OpTester("LengthsToRanges")
      .Input("L", kLengths)
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<int32_t>({4, 2}, {0, 1, 1, 3, 4, 0, 4, 2}));
  OpTester("LengthsToOffsets")
      .Input("L", kLengths)
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<int32_t>({4}, {0, 1, 4, 4}));
  OpTester("LengthsToOffsets")
      .Input("L", kLengths)
      .Arg("include_last_offset", 1)
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<int32_t>({5}, {0, 1, 4, 4, 6}));
}

TEST(LengthsTest, BecomeWeights) {
  OpTester("LengthsToWeights")
      .Input("L", Tensor::Of<int64_t>({3}, {1, 4, 0}))
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<float>({5}, {1, 0.5f, 0.5f, 0.5f, 0.5f}));
  OpTester("LengthsToWeights")
      .Input("L", Tensor::Of<int32_t>({1}, {2}))
      .Arg("power", 2.0f)
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<float>({2}, {0.25f, 0.25f}));
}

TEST(LengthsTest, NegativeOnesAreRejected) {
  for (const char* type : {"LengthsToSegmentIds", "LengthsRangeFill", "LengthsToRanges",
                           "LengthsToOffsets", "LengthsToWeights"}) {
    OpTester(type)
        .Input("lengths", Tensor::Of<int32_t>({2}, {3, -1}))
        .Outputs({"Y"})
        .ExpectError(kInvalid, "lengths[1] is -1, but a length is not negative");
  }
}

TEST(LengthsTest, WhatInt32CanNotCountIsRejected) {
  const int32_t most = std::numeric_limits<int32_t>::max();
  for (const char* type :
       {"LengthsToSegmentIds", "LengthsRangeFill", "LengthsToRanges", "LengthsToOffsets"}) {
    OpTester(type)
        .Input("lengths", Tensor::Of<int32_t>({2}, {most, 1}))
        .Outputs({"Y"})
        .ExpectError(kInvalid, "2 lengths that sum to 2147483648 are more than int32 holds");
  }
}

TEST(LengthsTest, ThatNoMemoryHoldsAreAnError) {
  const int64_t most = std::numeric_limits<int64_t>::max();
  OpTester("LengthsToWeights")
      .Input("lengths", Tensor::Of<int64_t>({2}, {most, 1}))
      .Outputs({"Y"})
      .ExpectError(kInvalid, "lengths sum to more than");
  OpTester("LengthsToWeights")
      .Input("lengths", Tensor::Of<int64_t>({1}, {int64_t{1} << 50}))
      .Outputs({"Y"})
      .ExpectError(absl::StatusCode::kResourceExhausted, "");
}

TEST(LengthsTest, ThatAreNoVectorOfInt32AreRejected) {
  OpTester("LengthsToRanges")
      .Input("lengths", Tensor::Of<int64_t>({1}, {1}))
      .Outputs({"Y"})
      .ExpectError(kInvalid, "lengths must be a vector of int32, but is int64[1]");
  OpTester("LengthsToSegmentIds")
      .Input("lengths", Tensor::Of<int32_t>({1, 1}, {1}))
      .Outputs({"Y"})
      .ExpectError(kInvalid, "lengths must be a vector of int32, but is int32[1,1]");
}

TEST(SegmentIdsTest, BecomeLengthsAndRanges) {
  const auto ids = Tensor::Of<int64_t>({5}, {0, 0, 2, 2, 2});
  OpTester("SegmentIdsToLengths")
      .Input("I", ids)
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<int32_t>({3}, {2, 0, 3}));
  OpTester("SegmentIdsToRanges")
      .Input("I", ids)
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<int32_t>({3, 2}, {0, 2, 2, 0, 2, 3}));
}

TEST(SegmentIdsTest, DataSaysHowManySegmentsThereAre) {
  const auto ids = Tensor::Of<int32_t>({2}, {1, 1});
  OpTester("SegmentIdsToLengths")
      .Input("I", ids)
      .Input("data", Tensor::Of<std::string>({3}, {"a", "b", "c"}))
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<int32_t>({3}, {0, 2, 0}));
  OpTester("SegmentIdsToLengths")
      .Input("I", ids)
      .Input("data", Tensor::Of<float>({1}, {0}))
      .Outputs({"Y"})
      .ExpectError(kInvalid, "the last segment id is 1, but data has 1 rows");
}

TEST(SegmentIdsTest, OutOfOrderOrNegativeAreRejected) {
  for (const char* type : {"SegmentIdsToLengths", "SegmentIdsToRanges"}) {
    OpTester(type)
        .Input("I", Tensor::Of<int32_t>({2}, {1, 0}))
        .Outputs({"Y"})
        .ExpectError(kInvalid, "segment id 1 is 0, but ids ascend from 0");
    OpTester(type)
        .Input("I", Tensor::Of<int32_t>({1}, {-2}))
        .Outputs({"Y"})
        .ExpectError(kInvalid, "segment id 0 is -2");
    OpTester(type)
        .Input("I", Tensor::Of<int64_t>({1}, {std::numeric_limits<int64_t>::max()}))
        .Outputs({"Y"})
        .ExpectError(kInvalid, "is too large");
    OpTester(type)
        .Input("I", Tensor::Of<int64_t>({1}, {int64_t{1} << 50}))
        .Outputs({"Y"})
        .ExpectError(absl::StatusCode::kResourceExhausted, "");
  }
}

TEST(LengthsTileTest, RepeatsRows) {
  OpTester("LengthsTile")
      .Input("DATA", Tensor::Of<float>({3, 2}, {1, 2, 3, 4, 5, 6}))
      .Input("LENGTHS", Tensor::Of<int32_t>({3}, {0, 1, 2}))
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<float>({3, 2}, {3, 4, 5, 6, 5, 6}));
}

TEST(LengthsTileTest, ItsGradientIsLengthsSum) {
  const OperatorDef def = CreateOperatorDef("LengthsTile", "", {"X", "L"}, {"Y"});
  const auto gradient = GetGradientForOp(def, {GradientWrapper::Dense("dY")});
  ASSERT_TRUE(gradient.ok()) << gradient.status();
  ASSERT_EQ(gradient->ops.size(), 1u);
  EXPECT_EQ(gradient->ops[0].type(), "LengthsSum");
  EXPECT_EQ(gradient->ops[0].input(0), "dY");
  EXPECT_EQ(gradient->ops[0].input(1), "L");
}

TEST(LengthsTileTest, RejectsLengthsThatDoNotFit) {
  OpTester("LengthsTile")
      .Input("DATA", Tensor::Of<float>({2}, {1, 2}))
      .Input("LENGTHS", Tensor::Of<int32_t>({1}, {1}))
      .Outputs({"Y"})
      .ExpectError(kInvalid, "LENGTHS has 1 elements, but DATA [2] has 2 rows");
  OpTester("LengthsTile")
      .Input("DATA", Tensor::Of<float>({1}, {1}))
      .Input("LENGTHS", Tensor::Of<int32_t>({1}, {-1}))
      .Outputs({"Y"})
      .ExpectError(kInvalid, "LENGTHS[0] is -1");
}

TEST(LengthsSplitTest, SplitsWithLargerPartsFirst) {
  OpTester("LengthsSplit")
      .Input("L", Tensor::Of<int32_t>({3}, {9, 4, 5}))
      .Arg("n_split", 3)
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<int32_t>({9}, {3, 3, 3, 2, 1, 1, 2, 2, 1}));
  OpTester("LengthsSplit")
      .Input("L", Tensor::Of<int32_t>({2}, {2, 1}))
      .Input("n", Tensor::Of<int32_t>({1}, {3}))
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<int32_t>({6}, {1, 1, 0, 1, 0, 0}));
}

TEST(LengthsSplitTest, RejectsSplitsThatAreNone) {
  const auto lengths = Tensor::Of<int32_t>({1}, {2});
  OpTester("LengthsSplit")
      .Input("L", lengths)
      .Outputs({"Y"})
      .ExpectError(kInvalid, "\"n_split\" is given neither as an argument nor as an input");
  OpTester("LengthsSplit")
      .Input("L", lengths)
      .Arg("n_split", 0)
      .Outputs({"Y"})
      .ExpectError(kInvalid, "n_split is 0, but must be at least 1");
  OpTester("LengthsSplit")
      .Input("L", Tensor::Of<int32_t>({3}, {1, 1, 1}))
      .Input("n", Tensor::Of<int64_t>({1}, {std::numeric_limits<int64_t>::max()}))
      .Outputs({"Y"})
      .ExpectError(absl::StatusCode::kOutOfRange, "");
}

TEST(LengthsTopKTest, TakesTheLargestOfEachSegment) {
  OpTester("LengthsTopK")
      .Input("DATA", Tensor::Of<float>({4}, {1, 3, 2, 5}))
      .Input("LENGTHS", Tensor::Of<int32_t>({2}, {3, 1}))
      .Arg("k", 2)
      .Outputs({"V", "I"})
      .ExpectOutput(0, Tensor::Of<float>({2, 2}, {3, 2, 5, 0}))
      .ExpectOutput(1, Tensor::Of<int32_t>({2, 2}, {1, 2, 0, -1}));
}

TEST(LengthsTopKTest, RejectsLengthsThatDoNotAddUp) {
  OpTester("LengthsTopK")
      .Input("DATA", Tensor::Of<float>({4}, {1, 3, 2, 5}))
      .Input("LENGTHS", Tensor::Of<int32_t>({2}, {3, 2}))
      .Arg("k", 2)
      .Outputs({"V", "I"})
      .ExpectError(kInvalid, "LENGTHS sum to 5, but DATA has 4");
}

TEST(LengthsTopKGradientTest, RejectsIndicesOutsideTheirSegment) {
  OpTester("LengthsTopKGradient")
      .Input("L", Tensor::Of<int32_t>({2}, {1, 2}))
      .Input("I", Tensor::Of<int32_t>({2, 1}, {1, 0}))
      .Input("dV", Tensor::Of<float>({2, 1}, {1, 2}))
      .Arg("k", 1)
      .Outputs({"dX"})
      .ExpectError(kInvalid, "TopKIndices[0,0] is 1, but must be in [0, 1)");
}

TEST(LengthsPadTest, FillsSegmentsUp) {
  OpTester("LengthsPad")
      .Input("DATA", Tensor::Of<int32_t>({3, 1}, {2, 4, 6}))
      .Input("LENGTHS", Tensor::Of<int32_t>({3}, {0, 2, 1}))
      .Arg("target_length", 2)
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<int32_t>({6, 1}, {-1, -1, 2, 4, 6, -1}));
}

TEST(LengthsPadTest, RejectsLongerSegmentsAndPaddingThatTheTypeLacks) {
  OpTester("LengthsPad")
      .Input("DATA", Tensor::Of<float>({3}, {2, 4, 6}))
      .Input("LENGTHS", Tensor::Of<int32_t>({1}, {3}))
      .Arg("target_length", 2)
      .Outputs({"Y"})
      .ExpectError(kInvalid, "LENGTHS[0] is 3, above target_length 2");
  OpTester("LengthsPad")
      .Input("DATA", Tensor::Of<int32_t>({1}, {2}))
      .Input("LENGTHS", Tensor::Of<int32_t>({1}, {1}))
      .Arg("target_length", 2)
      .Arg("padding_value", 3e9f)
      .Outputs({"Y"})
      .ExpectError(kInvalid, "which is no int32");
  OpTester("LengthsPad")
      .Input("DATA", Tensor::Of<float>({0}, {}))
      .Input("LENGTHS", Tensor::Of<int32_t>({0}, {}))
      .Arg("target_length", 0)
      .Outputs({"Y"})
      .ExpectError(kInvalid, "target_length is 0, but must be at least 1");
}

}  // namespace
}  // namespace doppio
