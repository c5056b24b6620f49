#include <limits>

#include "doppio/gradient_maker.h"
#include "gtest/gtest.h"
#include "tests/support/op_tester.h"

namespace doppio {
namespace {

OpTester Padding(absl::string_view type, const absl::StatusOr<Tensor>& data,
                 const absl::StatusOr<Tensor>& lengths) {
  OpTester tester(type);
  tester.Input("data_in", data).Input("lengths", lengths);
  return tester;
}

TEST(AddPaddingTest, PutsRowsAroundEachSegment) {
  const auto data = Tensor::Of<float>({3}, {1, 2, 3});
  const auto lengths = Tensor::Of<int32_t>({2}, {2, 1});
  Padding("AddPadding", data, lengths)
      .Arg("padding_width", 1)
      .Outputs({"Y", "lengths_out"})
      .ExpectOutput(0, Tensor::Of<float>({7}, {0, 1, 2, 0, 0, 3, 0}))
      .ExpectOutput(1, Tensor::Of<int32_t>({2}, {4, 3}));
  Padding("AddPadding", data, lengths)
      .Input("start_padding", Tensor::Scalar(8.0f))
      .Arg("end_padding_width", 2)
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<float>({9}, {8, 1, 2, 8, 8, 8, 3, 8, 8}));
  Padding("AddPadding", Tensor::Of<float>({2, 2}, {1, 2, 3, 4}), Tensor::Of<int32_t>({1}, {2}))
      .Input("start_padding", Tensor::Of<float>({2}, {5, 6}))
      .Input("end_padding", Tensor::Of<float>({2}, {7, 8}))
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<float>({4, 2}, {5, 6, 1, 2, 3, 4, 7, 8}));
}

TEST(AddPaddingTest, TakesAllRowsAsOneSegmentWithoutLengths) {
  OpTester("AddPadding")
      .Input("data_in", Tensor::Of<std::string>({2}, {"a", "b"}))
      .Arg("end_padding_width", 0)
      .Outputs({"Y", "lengths_out"})
      .ExpectOutput(0, Tensor::Of<std::string>({3}, {"", "a", "b"}))
      .ExpectOutput(1, Tensor::Of<int32_t>({1}, {3}));
  OpTester("AddPadding")
      .Input("data_in", Tensor::Of<int64_t>({2}, {5, 6}))
      .Arg("padding_width", 0)
      .Outputs({"Y", "lengths_out"})
      .ExpectOutput(0, Tensor::Of<int64_t>({2}, {5, 6}))
      .ExpectOutput(1, Tensor::Of<int32_t>({1}, {2}));
}

TEST(RemovePaddingTest, TakesRowsAwayFromAroundEachSegment) {
  Padding("RemovePadding", Tensor::Of<float>({7}, {0, 1, 2, 0, 0, 3, 0}),
          Tensor::Of<int32_t>({2}, {4, 3}))
      .Outputs({"Y", "lengths_out"})
      .ExpectOutput(0, Tensor::Of<float>({3}, {1, 2, 3}))
      .ExpectOutput(1, Tensor::Of<int32_t>({2}, {2, 1}));
  OpTester("RemovePadding")
      .Input("data_in", Tensor::Of<float>({3, 1}, {1, 2, 3}))
      .Arg("padding_width", 0)
      .Arg("end_padding_width", 2)
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<float>({1, 1}, {1}));
}

TEST(GatherPaddingTest, SumsPaddingsUp) {
  const auto data = Tensor::Of<float>({7}, {1, 2, 3, 4, 5, 6, 7});
  const auto lengths = Tensor::Of<int32_t>({2}, {4, 3});
  Padding("GatherPadding", data, lengths)
      .Outputs({"start", "end"})
      .ExpectOutput(0, Tensor::Scalar(6.0f))
      .ExpectOutput(1, Tensor::Scalar(11.0f));
  Padding("GatherPadding", data, lengths)
      .Arg("padding_width", 2)
      .Arg("end_padding_width", 1)
      .Outputs({"both"})
      .ExpectOutput(0, Tensor::Scalar(1.0f + 2 + 4 + 5 + 6 + 7));
  Padding("GatherPadding", Tensor::Of<int32_t>({2, 2}, {1, 2, 3, 4}), Tensor::Of<int32_t>({1}, {2}))
      .Arg("padding_width", 0)
      .Outputs({"start", "end"})
      .ExpectOutput(0, Tensor::Of<int32_t>({2}, {0, 0}))
      .ExpectOutput(1, Tensor::Of<int32_t>({2}, {0, 0}));
}

TEST(PaddingTest, RejectsLengthsThatDoNotFit) {
  const auto data = Tensor::Of<float>({3}, {1, 2, 3});
  for (const char* type : {"AddPadding", "RemovePadding", "GatherPadding"}) {
    Padding(type, data, Tensor::Of<int32_t>({1}, {2}))
        .Outputs({"Y"})
        .ExpectError(kInvalid, "lengths sum to 2, but data_in has 3 rows");
    Padding(type, data, Tensor::Of<int32_t>({1}, {4}))
        .Outputs({"Y"})
        .ExpectError(kInvalid, "lengths sum to 4, but data_in has 3 rows");
    Padding(type, data, Tensor::Of<int32_t>({2}, {-1, 4}))
        .Outputs({"Y"})
        .ExpectError(kInvalid, "lengths[0] is -1, but a length is not negative");
    Padding(type, data, Tensor::Of<int64_t>({1}, {3}))
        .Outputs({"Y"})
        .ExpectError(kInvalid, "lengths must be a vector of int32, but is int64[1]");
    Padding(type, Tensor::Scalar(1.0f), Tensor::Of<int32_t>({1}, {1}))
        .Outputs({"Y"})
        .ExpectError(kInvalid, "data_in must be at least a vector");
    Padding(type, data, Tensor::Of<int32_t>({1}, {3}))
        .Arg("padding_width", -1)
        .Outputs({"Y"})
        .ExpectError(kInvalid, "padding_width is -1, but a width is not negative");
  }
}

TEST(PaddingTest, RejectsSegmentsWithoutRoomForTheirPadding) {
  for (const char* type : {"RemovePadding", "GatherPadding"}) {
    Padding(type, Tensor::Of<float>({6}, {1, 2, 3, 4, 5, 6}), Tensor::Of<int32_t>({2}, {5, 1}))
        .Outputs({"Y"})
        .ExpectError(kInvalid, "segment 1 has 1 rows, but 2 rows of padding");
  }
}

TEST(AddPaddingTest, RejectsPaddingThatIsNoRow) {
  const auto data = Tensor::Of<float>({1, 2}, {1, 2});
  const auto lengths = Tensor::Of<int32_t>({1}, {1});
  Padding("AddPadding", data, lengths)
      .Input("start_padding", Tensor::Of<float>({1}, {1}))
      .Outputs({"Y"})
      .ExpectError(kInvalid,
                   "padding \"start_padding\" float[1] must be a row of \"data_in\" float[1,2]");
  Padding("AddPadding", data, lengths)
      .Input("start_padding", Tensor::Of<float>({2}, {1, 2}))
      .Input("end_padding", Tensor::Of<double>({2}, {1, 2}))
      .Outputs({"Y"})
      .ExpectError(kInvalid, "padding \"end_padding\" double[2] must be a row of");
}

TEST(AddPaddingTest, RejectsMoreRowsThanInt32OrMemoryHold) {
  const int32_t most = std::numeric_limits<int32_t>::max();
  Padding("AddPadding", Tensor::Of<float>({0}, {}), Tensor::Of<int32_t>({1}, {0}))
      .Arg("padding_width", most)
      .Outputs({"Y", "lengths_out"})
      .ExpectError(kInvalid, "a segment of 4294967294 rows is longer than int32 counts");
  Padding("AddPadding", Tensor::Create(DataType::kDouble, {0, 1 << 20}),
          Tensor::Of<int32_t>({1}, {0}))
      .Arg("padding_width", most)
      .Outputs({"Y"})
      .ExpectError(absl::StatusCode::kResourceExhausted, "");
  Padding("AddPadding", Tensor::Create(DataType::kDouble, {0, int64_t{1} << 40}),
          Tensor::Of<int32_t>({1}, {0}))
      .Arg("padding_width", most)
      .Outputs({"Y"})
      .ExpectError(kInvalid, "");
}

TEST(GatherPaddingTest, RejectsWhatCanNotBeSummed) {
  Padding("GatherPadding", Tensor::Of<bool>({2}, {true, true}), Tensor::Of<int32_t>({1}, {2}))
      .Outputs({"Y"})
      .ExpectError(kInvalid, "element type bool is not supported");
}

TEST(AddPaddingTest, HasAGradientForDataAndPaddings) {
  const auto gradient =
      GetGradientForOp(CreateOperatorDef("AddPadding", "", {"X", "L", "S", "E"}, {"Y", "M"},
                                         {MakeArgument("padding_width", 2)}),
                       {GradientWrapper::Dense("dY"), {}});
  ASSERT_TRUE(gradient.ok()) << gradient.status();
  ASSERT_EQ(gradient->ops.size(), 2u);
  EXPECT_EQ(OpToString(gradient->ops[0]), "RemovePadding(dY, M) -> X_grad");
  EXPECT_EQ(OpToString(gradient->ops[1]), "GatherPadding(dY, M) -> S_grad, E_grad");
  EXPECT_NE(FindArgument(gradient->ops[1], "padding_width"), nullptr);
  const auto one = GetGradientForOp(CreateOperatorDef("AddPadding", "", {"X"}, {"Y"}),
                                    {GradientWrapper::Dense("dY")});
  ASSERT_TRUE(one.ok()) << one.status();
  EXPECT_EQ(OpToString(one->ops[0]), "RemovePadding(dY) -> X_grad");
}

TEST(PaddingTest, HasNoGradientWithLengthsButWithoutThoseOfTheOutput) {
  for (const char* type : {"AddPadding", "RemovePadding"}) {
    const auto gradient = GetGradientForOp(CreateOperatorDef(type, "", {"X", "L"}, {"Y"}),
                                           {GradientWrapper::Dense("dY")});
    EXPECT_EQ(gradient.status().code(), kInvalid) << gradient.status();
  }
}

TEST(PadEmptySamplesTest, GivesEmptySamplesARow) {
  OpTester("PadEmptySamples")
      .Input("lengths", Tensor::Of<int32_t>({3}, {2, 0, 1}))
      .Input("f0", Tensor::Of<float>({3}, {5, 6, 7}))
      .Input("f1", Tensor::Of<std::string>({3, 1}, {"a", "b", "c"}))
      .Outputs({"out", "g0", "g1"})
      .ExpectOutput(0, Tensor::Of<int32_t>({3}, {2, 1, 1}))
      .ExpectOutput(1, Tensor::Of<float>({4}, {5, 6, 0, 7}))
      .ExpectOutput(2, Tensor::Of<std::string>({4, 1}, {"a", "b", "", "c"}));
}

TEST(PadEmptySamplesTest, RejectsWhatDoesNotFit) {
  const auto lengths = Tensor::Of<int32_t>({2}, {2, 0});
  OpTester("PadEmptySamples")
      .Input("lengths", lengths)
      .Input("f", Tensor::Of<float>({3}, {5, 6, 7}))
      .Outputs({"out", "g"})
      .ExpectError(kInvalid, "lengths sum to 2, but a tensor of features has 3 rows");
  OpTester("PadEmptySamples")
      .Input("lengths", lengths)
      .Input("f", Tensor::Of<float>({2}, {5, 6}))
      .Outputs({"out"})
      .ExpectError(kInvalid, "each of the 2 inputs needs its output, but there are 1");
  OpTester("PadEmptySamples")
      .Input("lengths", Tensor::Of<int32_t>({2}, {3, -3}))
      .Outputs({"out"})
      .ExpectError(kInvalid, "lengths[1] is -3");
  OpTester("PadEmptySamples")
      .Input("lengths", Tensor::Of<int64_t>({1}, {1}))
      .Outputs({"out"})
      .ExpectError(kInvalid, "lengths must be a vector of int32");
  OpTester("PadEmptySamples")
      .Input("lengths", Tensor::Of<int32_t>({1}, {1}))
      .Input("f", Tensor::Scalar(1.0f))
      .Outputs({"out", "g"})
      .ExpectError(kInvalid, "a tensor of features must be at least a vector");
}

}  // namespace
}  // namespace doppio
