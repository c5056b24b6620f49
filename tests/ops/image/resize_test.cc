#include <limits>

#include "doppio/gradient_maker.h"
#include "gtest/gtest.h"
#include "tests/support/op_tester.h"

namespace doppio {
namespace {

OpTester Resize(const char* type, absl::StatusOr<Tensor> x, float height, float width) {
  OpTester tester(type);
  tester.Input("X", std::move(x))
      .Outputs({"Y"})
      .Arg("height_scale", height)
      .Arg("width_scale", width);
  return tester;
}

TEST(ResizeNearestTest, RepeatsAndSkipsPixels) {
  const auto row = Tensor::Of<float>({1, 1, 1, 3}, {1, 2, 3});
  Resize("ResizeNearest", row, 1, 2)
      .ExpectOutput(0, Tensor::Of<float>({1, 1, 1, 6}, {1, 1, 2, 2, 3, 3}));
  Resize("ResizeNearest", row, 2, 0.67f)
      .ExpectOutput(0, Tensor::Of<float>({1, 1, 2, 2}, {1, 2, 1, 2}));
}

TEST(ResizeNearestTest, TakesScalesOfHeightAndWidthAsAnInput) {
  OpTester("ResizeNearest")
      .Input("X", Tensor::Of<int32_t>({1, 1, 2, 1}, {1, 2}))
      .Input("scales", Tensor::Of<float>({2}, {2, 1}))
      .Arg("order", "NHWC")
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<int32_t>({1, 2, 2, 1}, {1, 2, 1, 2}));
}

TEST(ResizeNearestTest, MakesNothingWhereTheScaleLeavesLessThanAPixel) {
  Resize("ResizeNearest", Tensor::Of<float>({1, 1, 1, 1}, {1}), 0.5f, 1)
      .ExpectOutput(0, Tensor::Create(DataType::kFloat, {1, 1, 0, 1}));
}

TEST(ResizeNearestTest, HasGradientsWithAndWithoutScales) {
  const std::vector<GradientWrapper> dy = {GradientWrapper::Dense("dY")};
  OperatorDef def = CreateOperatorDef("ResizeNearest", "", {"X"}, {"Y"});
  EXPECT_EQ(OpToString(GetGradientForOp(def, dy)->ops[0]),
            "ResizeNearestGradient(dY, X) -> X_grad");
  def.add_input("scales");
  EXPECT_EQ(OpToString(GetGradientForOp(def, dy)->ops[0]),
            "ResizeNearestGradient(dY, X, scales) -> X_grad");
}

TEST(ResizeNearestTest, RejectsScalesThatAreNone) {
  const auto pixel = Tensor::Of<float>({1, 1, 1, 1}, {1});
  for (float scale : {0.0f, -1.0f, 1e30f, std::numeric_limits<float>::infinity(),
                      std::numeric_limits<float>::quiet_NaN()}) {
    Resize("ResizeNearest", pixel, scale, 1).ExpectError(kInvalid, "cannot scale 1 pixels by");
  }
  OpTester("ResizeNearest")
      .Input("X", pixel)
      .Input("scales", Tensor::Of<float>({3}, {1, 2, 3}))
      .Outputs({"Y"})
      .ExpectError(kInvalid, "scales must be two floats");
}

TEST(ResizeNearestTest, RejectsAGradientOfAnotherShape) {
  OpTester("ResizeNearestGradient")
      .Input("dY", Tensor::Of<float>({1, 1, 1, 3}, {1, 2, 3}))
      .Input("X", Tensor::Of<float>({1, 1, 1, 1}, {1}))
      .Arg("width_scale", 2.0f)
      .Outputs({"dX"})
      .ExpectError(kInvalid, "is resized to: [1,1,1,2]");
}

TEST(ResizeBilinearTest, KeepsTheCornersAndInterpolatesBetween) {
  for (const char* type : {"ResizeBilinear", "UpsampleBilinear"}) {
    Resize(type, Tensor::Of<double>({1, 1, 2, 2}, {0, 2, 4, 6}), 1.5f, 1.5f)
        .ExpectOutput(0, Tensor::Of<double>({1, 1, 3, 3}, {0, 1, 2, 2, 3, 4, 4, 5, 6}));
  }
}

TEST(ResizeBilinearTest, TakesTheFirstPixelWhereOneIsLeft) {
  Resize("ResizeBilinear", Tensor::Of<float>({1, 1, 1, 3}, {5, 6, 7}), 1, 0.34f)
      .ExpectOutput(0, Tensor::Of<float>({1, 1, 1, 1}, {5}));
}

TEST(ResizeBilinearTest, HasTheGradientOfItsOwnName) {
  const auto meta = GetGradientForOp(CreateOperatorDef("UpsampleBilinear", "", {"X"}, {"Y"}),
                                     {GradientWrapper::Dense("dY")});
  EXPECT_EQ(OpToString(meta->ops[0]), "UpsampleBilinearGradient(dY, X) -> X_grad");
}

TEST(ResizeBilinearTest, RejectsWholeNumbersAndOtherRanks) {
  Resize("ResizeBilinear", Tensor::Of<int32_t>({1, 1, 1, 1}, {1}), 1, 1)
      .ExpectError(kInvalid, "int32 is not supported");
  Resize("ResizeBilinear", Tensor::Of<float>({1, 1}, {1}), 1, 1)
      .ExpectError(kInvalid, "4 dimensions");
}

TEST(UpsampleNearestTest, MakesSquaresOfPixels) {
  OpTester("UpsampleNearest")
      .Input("X", Tensor::Of<uint8_t>({1, 1, 2}, {1, 2}))
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<uint8_t>({1, 2, 4}, {1, 1, 2, 2, 1, 1, 2, 2}));
}

TEST(UpsampleNearestTest, SumsUpSquaresInTheGradient) {
  OpTester("UpsampleNearestGradient")
      .Input("X", Tensor::Of<float>({1, 1, 1, 2}, {0, 0}))
      .Input("dY", Tensor::Of<float>({1, 1, 2, 4}, {1, 2, 3, 4, 5, 6, 7, 8}))
      .Outputs({"dX"})
      .ExpectOutput(0, Tensor::Of<float>({1, 1, 1, 2}, {14, 22}));
}

TEST(UpsampleNearestTest, RejectsScalesBelowOneAndHugeOnes) {
  for (int64_t scale : {int64_t{0}, int64_t{-1}, int64_t{1} << 30, int64_t{1} << 62}) {
    OpTester tester("UpsampleNearest");
    tester.Input("X", Tensor::Of<float>({1, 2, 2}, {1, 2, 3, 4})).Arg("scale", scale);
    const absl::Status status = tester.Outputs({"Y"}).Run();
    EXPECT_FALSE(status.ok()) << scale;
  }
}

TEST(UpsampleNearestTest, RejectsAMatrix) {
  OpTester("UpsampleNearest")
      .Input("X", Tensor::Of<float>({1, 1}, {1}))
      .Outputs({"Y"})
      .ExpectError(kInvalid, "X must be [N, C, H, W] or [C, H, W]");
}

}  // namespace
}  // namespace doppio
