#include <limits>

#include "doppio/gradient_maker.h"
#include "gtest/gtest.h"
#include "tests/support/op_tester.h"

namespace doppio {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

OpTester PackSegments(std::initializer_list<int32_t> lengths, const absl::StatusOr<Tensor>& data) {
  OpTester tester("PackSegments");
  tester
      .Input("LENGTHS", Tensor::FromSpan<int32_t>({static_cast<int64_t>(lengths.size())},
                                                  {lengths.begin(), lengths.size()}))
      .Input("DATA", data);
  return tester;
}
OpTester UnpackSegments(std::initializer_list<int32_t> lengths,
                        const absl::StatusOr<Tensor>& data) {
  OpTester tester("UnpackSegments");
  tester
      .Input("LENGTHS", Tensor::FromSpan<int32_t>({static_cast<int64_t>(lengths.size())},
                                                  {lengths.begin(), lengths.size()}))
      .Input("DATA", data);
  return tester;
}

// The gradient operator of `def`, where output 0 alone has a gradient.
OperatorDef GradientOf(const OperatorDef& def) {
  std::vector<GradientWrapper> g_output(static_cast<size_t>(def.output_size()));
  g_output[0] = GradientWrapper::Dense("dY");
  const auto gradient = GetGradientForOp(def, g_output);
  EXPECT_TRUE(gradient.ok()) << gradient.status();
  return gradient.ok() && gradient->ops.size() == 1 ? gradient->ops[0] : OperatorDef();
}

TEST(PackSegmentsTest, GivesSegmentsAsManyPlacesAsTheLongestHas) {
  PackSegments({1, 2}, Tensor::Of<float>({3}, {1, 2, 3}))
      .Outputs({"PACKED", "PRESENCE"})
      .ExpectOutput(0, Tensor::Of<float>({2, 2}, {1, 0, 2, 3}))
      .ExpectOutput(1, Tensor::Of<bool>({2, 2}, {true, false, true, true}));
  OpTester("PackSegments")
      .Input("LENGTHS", Tensor::Of<int64_t>({3}, {2, 0, 1}))
      .Input("DATA", Tensor::Of<std::string>({3, 1}, {"a", "b", "c"}))
      .Outputs({"PACKED"})
      .ExpectOutput(0, Tensor::Of<std::string>({3, 2, 1}, {"a", "b", "", "", "c", ""}));
}

TEST(PackSegmentsTest, MaxLengthAddsPlacesOrDropsRows) {
  PackSegments({1, 2}, Tensor::Of<int32_t>({3}, {1, 2, 3}))
      .Arg("max_length", 3)
      .Outputs({"PACKED"})
      .ExpectOutput(0, Tensor::Of<int32_t>({2, 3}, {1, 0, 0, 2, 3, 0}));
  PackSegments({1, 2}, Tensor::Of<int32_t>({3}, {1, 2, 3}))
      .Arg("max_length", 1)
      .Arg("return_presence_mask", true)
      .Outputs({"PACKED", "PRESENCE"})
      .ExpectOutput(0, Tensor::Of<int32_t>({2, 1}, {1, 2}))
      .ExpectOutput(1, Tensor::Of<bool>({2, 1}, {true, true}));
}

TEST(PackSegmentsTest, FillsFloatingPointUpWithMinusInfinityWhereAsked) {
  PackSegments({1, 2}, Tensor::Of<float>({3}, {1, 2, 3}))
      .Arg("pad_minf", true)
      .Outputs({"PACKED"})
      .ExpectOutput(0, Tensor::Of<float>({2, 2}, {1, -kInfinity, 2, 3}));
  PackSegments({1, 2}, Tensor::Of<double>({3}, {1, 2, 3}))
      .Arg("pad_minf", true)
      .Outputs({"PACKED"})
      .ExpectOutput(0, Tensor::Of<double>({2, 2}, {1, -kInfinity, 2, 3}));
  PackSegments({1, 2}, Tensor::Of<int64_t>({3}, {1, 2, 3}))
      .Arg("pad_minf", true)
      .Outputs({"PACKED"})
      .ExpectOutput(0, Tensor::Of<int64_t>({2, 2}, {1, 0, 2, 3}));
}

TEST(PackSegmentsTest, FillsUpWhereThereAreNoRowsAtAll) {
  PackSegments({0}, Tensor::Of<float>({0}, {}))
      .Arg("max_length", 2)
      .Arg("pad_minf", true)
      .Outputs({"PACKED", "PRESENCE"})
      .ExpectOutput(0, Tensor::Of<float>({1, 2}, {-kInfinity, -kInfinity}))
      .ExpectOutput(1, Tensor::Of<bool>({1, 2}, {false, false}));
  PackSegments({}, Tensor::Of<float>({0, 3}, {}))
      .Outputs({"PACKED"})
      .ExpectOutput(0, Tensor::Of<float>({0, 0, 3}, {}));
}

TEST(PackSegmentsTest, RejectsLengthsThatDoNotFit) {
  const auto data = Tensor::Of<float>({3}, {1, 2, 3});
  PackSegments({1, 1}, data)
      .Outputs({"Y"})
      .ExpectError(kInvalid, "LENGTHS sum to 2, but DATA has 3 rows");
  PackSegments({4, -1}, data)
      .Outputs({"Y"})
      .ExpectError(kInvalid, "LENGTHS[1] is -1, but a length is not negative");
  OpTester("PackSegments")
      .Input("LENGTHS", Tensor::Of<int64_t>({2}, {INT64_MAX, 4}))
      .Input("DATA", data)
      .Outputs({"Y"})
      .ExpectError(kInvalid, "LENGTHS sum to more than");
  OpTester("PackSegments")
      .Input("LENGTHS", Tensor::Of<int32_t>({1, 1}, {3}))
      .Input("DATA", data)
      .Outputs({"Y"})
      .ExpectError(kInvalid, "LENGTHS must be a vector");
  OpTester("PackSegments")
      .Input("LENGTHS", Tensor::Of<float>({1}, {3}))
      .Input("DATA", data)
      .Outputs({"Y"})
      .ExpectError(kInvalid, "LENGTHS must be a vector of int32 or int64, but is float[1]");
  PackSegments({1}, Tensor::Scalar(1.0f))
      .Outputs({"Y"})
      .ExpectError(kInvalid, "DATA must be at least a vector, but is a scalar");
}

TEST(PackSegmentsTest, RejectsArgumentsThatMakeNoSense) {
  PackSegments({1}, Tensor::Of<float>({1}, {1}))
      .Arg("max_length", -2)
      .Outputs({"Y"})
      .ExpectError(kInvalid, "max_length is -2");
  PackSegments({1}, Tensor::Of<float>({1}, {1}))
      .Arg("return_presence_mask", true)
      .Outputs({"Y"})
      .ExpectError(kInvalid, "there is no second output for the mask");
}

TEST(PackSegmentsTest, RejectsMorePlacesThanInt64OrMemoryHold) {
  const int32_t most = std::numeric_limits<int32_t>::max();
  PackSegments({0, 0}, Tensor::Create(DataType::kFloat, {0, int64_t{1} << 40}))
      .Arg("max_length", most)
      .Outputs({"Y"})
      .ExpectError(kInvalid, "");
  PackSegments({0, 0, 1}, Tensor::Create(DataType::kDouble, {1, 1 << 20}))
      .Arg("max_length", most)
      .Outputs({"Y"})
      .ExpectError(absl::StatusCode::kResourceExhausted, "");
}

TEST(UnpackSegmentsTest, GivesTheRowsWithoutWhatFilledThemUp) {
  UnpackSegments({1, 2}, Tensor::Of<float>({2, 2}, {1, 0, 2, 3}))
      .Outputs({"ROWS"})
      .ExpectOutput(0, Tensor::Of<float>({3}, {1, 2, 3}));
  UnpackSegments({1, 2}, Tensor::Of<std::string>({2, 3, 1}, {"a", "", "", "b", "c", ""}))
      .Arg("max_length", 3)
      .Outputs({"ROWS"})
      .ExpectOutput(0, Tensor::Of<std::string>({3, 1}, {"a", "b", "c"}));
}

TEST(UnpackSegmentsTest, CountsMaxLengthOfWhatIsLonger) {
  UnpackSegments({1, 2}, Tensor::Of<float>({2, 1}, {1, 2}))
      .Arg("max_length", 1)
      .Outputs({"ROWS"})
      .ExpectOutput(0, Tensor::Of<float>({2}, {1, 2}));
}

TEST(UnpackSegmentsTest, RejectsDataOfAnotherShape) {
  UnpackSegments({1, 2}, Tensor::Of<float>({2, 3}, {1, 0, 0, 2, 3, 0}))
      .Outputs({"ROWS"})
      .ExpectError(kInvalid,
                   "DATA [2,3] has 3 places for each segment, but the longest of LENGTHS is 2; "
                   "where there are more places, give max_length");
  UnpackSegments({1, 3}, Tensor::Of<float>({2, 2}, {1, 0, 2, 3}))
      .Outputs({"ROWS"})
      .ExpectError(kInvalid, "the longest of LENGTHS is 3");
  UnpackSegments({1, 2}, Tensor::Of<float>({2, 2}, {1, 0, 2, 3}))
      .Arg("max_length", 3)
      .Outputs({"ROWS"})
      .ExpectError(kInvalid, "has 2 places for each segment, but max_length is 3");
  UnpackSegments({2}, Tensor::Of<float>({2, 2}, {1, 0, 2, 3}))
      .Outputs({"ROWS"})
      .ExpectError(kInvalid, "DATA [2,2] must have a row of places for each of 1 LENGTHS");
  UnpackSegments({1}, Tensor::Of<float>({1}, {1}))
      .Outputs({"ROWS"})
      .ExpectError(kInvalid, "DATA [1] must have a row of places");
  UnpackSegments({-1}, Tensor::Of<float>({1, 0}, {}))
      .Outputs({"ROWS"})
      .ExpectError(kInvalid, "LENGTHS[0] is -1");
}

TEST(UnpackSegmentsTest, AsAGradientGivesZerosForWhatWasDropped) {
  const OperatorDef pack = CreateOperatorDef("PackSegments", "", {"L", "X"}, {"Y", "mask"},
                                             {MakeArgument("max_length", 1)});
  OpTester(GradientOf(pack))
      .Feed("L", Tensor::Of<int32_t>({2}, {1, 2}))
      .Feed("dY", Tensor::Of<float>({2, 1}, {5, 6}))
      .ExpectOutput(0, Tensor::Of<float>({3}, {5, 6, 0}));
}

TEST(PackSegmentsTest, AsAGradientTakesTheRowsThatWereLeft) {
  const OperatorDef unpack =
      CreateOperatorDef("UnpackSegments", "", {"L", "X"}, {"Y"}, {MakeArgument("max_length", 1)});
  OpTester(GradientOf(unpack))
      .Feed("L", Tensor::Of<int32_t>({2}, {1, 2}))
      .Feed("dY", Tensor::Of<float>({2}, {5, 6}))
      .ExpectOutput(0, Tensor::Of<float>({2, 1}, {5, 6}));
}

TEST(PackSegmentsTest, TheGradientOfItsGradientIsFilledUpWithZeros) {
  const OperatorDef pack =
      CreateOperatorDef("PackSegments", "", {"L", "X"}, {"Y"}, {MakeArgument("pad_minf", true)});
  const OperatorDef second = GradientOf(GradientOf(pack));
  EXPECT_EQ(second.type(), "PackSegments");
  EXPECT_EQ(FindArgument(second, "pad_minf"), nullptr);
  const OperatorDef cut =
      CreateOperatorDef("PackSegments", "", {"L", "X"}, {"Y"}, {MakeArgument("max_length", 3)});
  const auto refused = GetGradientForOp(GradientOf(cut), {GradientWrapper::Dense("ddX")});
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kUnimplemented) << refused.status();
}

OpTester Sequences(absl::string_view type, const absl::StatusOr<Tensor>& values,
                   const absl::StatusOr<Tensor>& lengths) {
  OpTester tester(type);
  tester.Input("values", values).Input("lengths", lengths).Outputs({"output"});
  return tester;
}

TEST(PackRNNSequenceTest, PutsSequencesSideBySide) {
  const auto values = Tensor::Of<int64_t>({8}, {1, 2, 3, 4, 5, 6, 7, 8});
  const auto packed = Tensor::Of<int64_t>({3, 4}, {1, 3, 6, 7, 2, 4, 0, 8, 0, 5, 0, 0});
  const auto lengths = Tensor::Of<int32_t>({4}, {2, 3, 1, 2});
  Sequences("PackRNNSequence", values, lengths).ExpectOutput(0, packed);
  Sequences("UnpackRNNSequence", packed, lengths).ExpectOutput(0, values);
}

TEST(PackRNNSequenceTest, TakesNoSequencesAndEmptyOnes) {
  Sequences("PackRNNSequence", Tensor::Of<float>({0, 2}, {}), Tensor::Of<int32_t>({0}, {}))
      .ExpectOutput(0, Tensor::Of<float>({0, 0, 2}, {}));
  Sequences("PackRNNSequence", Tensor::Of<float>({1, 2}, {3, 4}), Tensor::Of<int32_t>({2}, {0, 1}))
      .ExpectOutput(0, Tensor::Of<float>({1, 2, 2}, {0, 0, 3, 4}));
  Sequences("UnpackRNNSequence", Tensor::Of<float>({0, 2, 2}, {}), Tensor::Of<int32_t>({2}, {0, 0}))
      .ExpectOutput(0, Tensor::Of<float>({0, 2}, {}));
}

TEST(PackRNNSequenceTest, RejectsLengthsThatDoNotFit) {
  const auto values = Tensor::Of<float>({3}, {1, 2, 3});
  Sequences("PackRNNSequence", values, Tensor::Of<int32_t>({2}, {1, 1}))
      .ExpectError(kInvalid, "lengths sum to 2, but values has 3 rows");
  Sequences("PackRNNSequence", values, Tensor::Of<int32_t>({2}, {5, -2}))
      .ExpectError(kInvalid, "lengths[1] is -2, but a length is not negative");
  Sequences("PackRNNSequence", values, Tensor::Of<int64_t>({1}, {3}))
      .ExpectError(kInvalid, "lengths must be a vector of int32, but is int64[1]");
  Sequences("PackRNNSequence", Tensor::Scalar(1.0f), Tensor::Of<int32_t>({1}, {1}))
      .ExpectError(kInvalid, "values must be at least a vector");
}

TEST(UnpackRNNSequenceTest, RejectsValuesOfAnotherShape) {
  const auto lengths = Tensor::Of<int32_t>({2}, {1, 2});
  for (const Dims& dims : {Dims{3, 2}, Dims{1, 2}, Dims{2, 3}, Dims{2}, Dims{}}) {
    Sequences("UnpackRNNSequence", Tensor::Create(DataType::kInt32, dims), lengths)
        .ExpectError(kInvalid, "must begin with [2,2]: the longest length, and how many");
  }
}

TEST(PackRNNSequenceTest, IsTheGradientOfItsReverse) {
  for (const auto& [type, gradient] : {std::pair("PackRNNSequence", "UnpackRNNSequence"),
                                       std::pair("UnpackRNNSequence", "PackRNNSequence"),
                                       std::pair("ReversePackedSegs", "ReversePackedSegs")}) {
    const OperatorDef def = GradientOf(CreateOperatorDef(type, "", {"X", "L"}, {"Y"}));
    EXPECT_EQ(OpToString(def), absl::StrCat(gradient, "(dY, L) -> X_grad"));
  }
}

TEST(ReversePackedSegsTest, TurnsEachSegmentRoundWithinItsLength) {
  const auto data = Tensor::Of<float>({3, 2, 1}, {1, 4, 2, 5, 3, 0});
  const auto reversed = Tensor::Of<float>({3, 2, 1}, {3, 5, 2, 4, 1, 0});
  Sequences("ReversePackedSegs", data, Tensor::Of<int32_t>({2}, {3, 2})).ExpectOutput(0, reversed);
  Sequences("ReversePackedSegs", data, Tensor::Of<int64_t>({2}, {3, 2})).ExpectOutput(0, reversed);
  Sequences("ReversePackedSegs", data, Tensor::Of<int64_t>({2}, {0, 1})).ExpectOutput(0, data);
}

TEST(ReversePackedSegsTest, RejectsLengthsThatDoNotFit) {
  const auto data = Tensor::Of<float>({3, 2, 1}, {1, 4, 2, 5, 3, 0});
  Sequences("ReversePackedSegs", data, Tensor::Of<int32_t>({2}, {1, 4}))
      .ExpectError(kInvalid, "the longest of lengths is 4, but data has 3 places");
  Sequences("ReversePackedSegs", data, Tensor::Of<int32_t>({2}, {-1, 1}))
      .ExpectError(kInvalid, "lengths[0] is -1");
  Sequences("ReversePackedSegs", data, Tensor::Of<int32_t>({3}, {1, 1, 1}))
      .ExpectError(kInvalid,
                   "data must be [places, segments, width] and lengths [segments], but "
                   "they are [3,2,1] and [3]");
  Sequences("ReversePackedSegs", Tensor::Of<float>({3, 2}, {1, 4, 2, 5, 3, 0}),
            Tensor::Of<int32_t>({2}, {1, 1}))
      .ExpectError(kInvalid, "but they are [3,2] and [2]");
  Sequences("ReversePackedSegs", data, Tensor::Of<float>({2}, {1, 1}))
      .ExpectError(kInvalid, "lengths must be a vector of int32 or int64");
}

TEST(VariableLengthSequencePaddingTest, SetsToZeroWhatIsBehindTheEnd) {
  const auto input = Tensor::Of<float>({3, 2, 1}, {1, 4, 2, 5, 3, 6});
  Sequences("VariableLengthSequencePadding", input, Tensor::Of<int32_t>({2}, {3, 1}))
      .ExpectOutput(0, Tensor::Of<float>({3, 2, 1}, {1, 4, 2, 0, 3, 0}));
  Sequences("VariableLengthSequencePadding", input, Tensor::Of<int32_t>({2}, {0, 9}))
      .ExpectOutput(0, Tensor::Of<float>({3, 2, 1}, {0, 4, 0, 5, 0, 6}));
  OpTester("VariableLengthSequencePadding")
      .Input("X", input)
      .Input("LENS", Tensor::Of<int32_t>({2}, {2, 3}))
      .Outputs({"X"})
      .ExpectOutput(0, Tensor::Of<float>({3, 2, 1}, {1, 4, 2, 5, 0, 6}));
}

TEST(VariableLengthSequencePaddingTest, RejectsLengthsThatDoNotFit) {
  const auto input = Tensor::Of<float>({3, 2, 1}, {1, 4, 2, 5, 3, 6});
  Sequences("VariableLengthSequencePadding", input, Tensor::Of<int32_t>({2}, {3, -1}))
      .ExpectError(kInvalid, "LENS[1] is -1, but a length is not negative");
  Sequences("VariableLengthSequencePadding", input, Tensor::Of<int64_t>({2}, {3, 1}))
      .ExpectError(kInvalid, "LENS must be a vector of int32");
  Sequences("VariableLengthSequencePadding", input, Tensor::Of<int32_t>({3}, {1, 1, 1}))
      .ExpectError(kInvalid, "they are [3,2,1] and [3]");
}

}  // namespace
}  // namespace doppio
