#include "gtest/gtest.h"
#include "tests/support/op_tester.h"

namespace doppio {
namespace {

// The row 1 2 3, padded at the left and right.
OpTester PadRow(const char* mode, int64_t left, int64_t right) {
  OpTester tester("PadImage");
  tester.Input("X", Tensor::Of<float>({1, 1, 1, 3}, {1, 2, 3}))
      .Outputs({"Y"})
      .Arg("mode", mode)
      .Arg("pads", std::vector<int64_t>{0, left, 0, right});
  return tester;
}

TEST(PadImageTest, AddsPixelsAsTheModeSays) {
  PadRow("constant", 2, 1).ExpectOutput(0, Tensor::Of<float>({1, 1, 1, 6}, {0, 0, 1, 2, 3, 0}));
  PadRow("reflect", 2, 1).ExpectOutput(0, Tensor::Of<float>({1, 1, 1, 6}, {3, 2, 1, 2, 3, 2}));
  PadRow("edge", 2, 1).ExpectOutput(0, Tensor::Of<float>({1, 1, 1, 6}, {1, 1, 1, 2, 3, 3}));
}

TEST(PadImageTest, CutsOffWhereAPaddingIsNegative) {
  PadRow("constant", -1, 1).ExpectOutput(0, Tensor::Of<float>({1, 1, 1, 3}, {2, 3, 0}));
  PadRow("reflect", -1, 2).ExpectOutput(0, Tensor::Of<float>({1, 1, 1, 4}, {2, 3, 2, 1}));
  PadRow("edge", -1, -1).ExpectOutput(0, Tensor::Of<float>({1, 1, 1, 1}, {2}));
}

TEST(PadImageTest, ReadsTheFourSidesAsStyleNetsGiveThem) {
  OpTester("PadImage")
      .Input("X", Tensor::Of<uint8_t>({1, 1, 2, 1}, {1, 2}))
      .Arg("pad_t", 1)
      .Arg("pad_l", 0)
      .Arg("pad_b", 0)
      .Arg("pad_r", 2)
      .Arg("order", "NHWC")
      .Arg("value", 9.0f)
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<uint8_t>({1, 2, 4, 1}, {9, 9, 9, 9, 1, 2, 9, 9}));
}

TEST(PadImageTest, MakesAnImageOfNothingOnlyWithAConstant) {
  const auto nothing = Tensor::Create(DataType::kFloat, {1, 1, 0, 1});
  OpTester("PadImage")
      .Input("X", nothing)
      .Arg("pad", 1)
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<float>({1, 1, 2, 3}, {0, 0, 0, 0, 0, 0}));
  OpTester("PadImage")
      .Input("X", nothing)
      .Arg("pad", 1)
      .Arg("mode", "edge")
      .Outputs({"Y"})
      .ExpectError(kInvalid, "a height of 0 has no edge");
}

TEST(PadImageTest, SumsUpReflectionsInTheGradient) {
  OpTester("PadImageGradient")
      .Input("dY", Tensor::Of<double>({1, 1, 1, 6}, {1, 2, 3, 4, 5, 6}))
      .Arg("mode", "reflect")
      .Arg("pads", std::vector<int64_t>{0, 2, 0, 1})
      .Outputs({"dX"})
      .ExpectOutput(0, Tensor::Of<double>({1, 1, 1, 3}, {3, 12, 6}));
}

TEST(PadImageTest, RejectsReflectionsOfMoreThanThereIs) {
  PadRow("reflect", 3, 0).ExpectError(kInvalid, "a width of 3 can be reflected by at most 2");
  PadRow("reflect", 0, 3).ExpectError(kInvalid, "at most 2");
}

TEST(PadImageTest, RejectsCuttingOffMoreThanThereIs) {
  PadRow("constant", -2, -2).ExpectError(kInvalid, "leave nothing of a width of 3");
  OpTester("PadImageGradient")
      .Input("dY", Tensor::Of<float>({1, 1, 1, 1}, {1}))
      .Arg("pad", 1)
      .Outputs({"dX"})
      .ExpectError(kInvalid, "is smaller than the padding");
}

TEST(PadImageTest, RejectsPaddingsThatAreHuge) {
  PadRow("constant", int64_t{1} << 40, 0).ExpectError(kInvalid, "is too large");
  PadRow("constant", 1 << 25, 0).ExpectError(kInvalid, "pixels that are allowed");
}

TEST(PadImageTest, RejectsAModeThatIsNone) {
  PadRow("wrap", 1, 1).ExpectError(kInvalid, "constant, reflect or edge, but is \"wrap\"");
}

TEST(PadImageTest, RejectsPaddingGivenInTwoWaysOrInPart) {
  PadRow("edge", 1, 1).Arg("pad", 1).ExpectError(kInvalid, "padding must be given as");
  OpTester("PadImage")
      .Input("X", Tensor::Of<float>({1, 1, 1, 1}, {1}))
      .Arg("pad_t", 1)
      .Outputs({"Y"})
      .ExpectError(kInvalid, "all of pad_t, pad_l, pad_b and pad_r");
}

TEST(PadImageTest, RejectsStridesAndAValueThatDoesNotFit) {
  PadRow("constant", 1, 1).Arg("stride", 2).ExpectError(kInvalid, "stride must be 1");
  OpTester("PadImage")
      .Input("X", Tensor::Of<uint8_t>({1, 1, 1, 1}, {1}))
      .Arg("value", 256.0f)
      .Outputs({"Y"})
      .ExpectError(kInvalid, "does not fit into uint8");
}

TEST(PadImageTest, RejectsWhatIsNoBatchOfImages) {
  OpTester("PadImage")
      .Input("X", Tensor::Of<float>({2}, {1, 2}))
      .Outputs({"Y"})
      .ExpectError(kInvalid, "images have 4 dimensions, but the input is [2]");
}

}  // namespace
}  // namespace doppio
