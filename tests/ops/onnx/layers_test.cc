// Layers of ONNX: examples, ends of their domains, and what they reject.

#include <cmath>
#include <limits>

#include "gtest/gtest.h"
#include "tests/support/op_tester.h"

namespace doppio {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

TEST(LogSoftmaxTest, NeitherOverflowsNorTakesTheLogarithmOfZero) {
  OpTester("LogSoftmax")
      .Input("X", Tensor::Of<float>({2}, {10000, 0}))
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<float>({2}, {0, -10000}));
}

TEST(LogSoftmaxTest, RejectsAnAxisThatXDoesNotHave) {
  OpTester("LogSoftmax")
      .Input("X", Tensor::Of<float>({2}, {1, 0}))
      .Arg("axis", 1)
      .Outputs({"Y"})
      .ExpectError(kInvalid, "axis 1");
  OpTester("OnnxSoftmax")
      .Input("X", Tensor::Of<int32_t>({2}, {1, 0}))
      .Outputs({"Y"})
      .ExpectError(kInvalid, "int32");
}

TEST(HardmaxTest, TakesTheFirstOfEqualOnesAndNan) {
  OpTester("Hardmax")
      .Input("X", Tensor::Of<float>({2, 3}, {1, 5, 5, kNan, 9, kNan}))
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<float>({2, 3}, {0, 1, 0, 1, 0, 0}));
}

TEST(ShrinkTest, MovesWhatIsFarFromZero) {
  OpTester("Shrink")
      .Input("X", Tensor::Of<float>({4}, {-2, -1, kNan, 2}))
      .Arg("lambd", 1.5f)
      .Arg("bias", 0.5f)
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<float>({4}, {-1.5f, 0, 0, 1.5f}));
}

TEST(OnnxMaxPoolTest, CountsPlacesThroughAllImages) {
  OpTester("OnnxMaxPool")
      .Input("X", Tensor::Of<float>({2, 1, 2, 2}, {1, 2, 4, 3, 9, 1, 1, 1}))
      .Arg("kernels", std::vector<int64_t>{2, 2})
      .Arg("storage_order", 1)
      .Outputs({"Y", "Indices"})
      .ExpectOutput(0, Tensor::Of<float>({2, 1, 1, 1}, {4, 9}))
      .ExpectOutput(1, Tensor::Of<int64_t>({2, 1, 1, 1}, {1, 4}));
}

TEST(OnnxMaxPoolTest, GivesTheLowestNumberWhereThereIsNone) {
  OpTester("OnnxMaxPool")
      .Input("X", Tensor::Of<int8_t>({1, 1, 1}, {5}))
      .Arg("kernels", std::vector<int64_t>{1})
      .Arg("pads", std::vector<int64_t>{1, 0})
      .Outputs({"Y", "Indices"})
      .ExpectOutput(0, Tensor::Of<int8_t>({1, 1, 2}, {-128, 5}))
      .ExpectOutput(1, Tensor::Of<int64_t>({1, 1, 2}, {-1, 0}));
}

TEST(OnnxMaxPoolTest, RejectsWindowsThatDoNotFit) {
  const auto pool = [](std::vector<int64_t> kernels) {
    OpTester tester("OnnxMaxPool");
    tester.Input("X", Tensor::Of<float>({1, 1, 1}, {5})).Arg("kernels", kernels).Outputs({"Y"});
    return tester;
  };
  pool({2}).ExpectError(kInvalid, "larger than the image");
  pool({1, 1}).ExpectError(kInvalid, "has 2 dimensions");
  pool({1}).Arg("storage_order", 2).ExpectError(kInvalid, "storage_order is 2");
}

TEST(MaxUnpoolTest, KeepsCoordinatesInALargerOutput) {
  OpTester("MaxUnpool")
      .Input("X", Tensor::Of<float>({1, 1, 1, 1}, {7}))
      .Input("I", Tensor::Of<int64_t>({1, 1, 1, 1}, {3}))
      .Input("shape", Tensor::Of<int64_t>({4}, {1, 1, 3, 3}))
      .Arg("kernels", std::vector<int64_t>{2, 2})
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<float>({1, 1, 3, 3}, {0, 0, 0, 0, 7, 0, 0, 0, 0}));
}

TEST(MaxUnpoolTest, RejectsPlacesThatAreNotThere) {
  const auto unpool = [](int64_t place) {
    OpTester tester("MaxUnpool");
    tester.Input("X", Tensor::Of<float>({1, 1, 1}, {7}))
        .Input("I", Tensor::Of<int64_t>({1, 1, 1}, {place}))
        .Arg("kernels", std::vector<int64_t>{2})
        .Outputs({"Y"});
    return tester;
  };
  unpool(2).ExpectError(kInvalid, "I has 2, but there are 2 places");
  unpool(-1).ExpectError(kInvalid, "I has -1");
  OpTester smaller = unpool(1);
  smaller.Input("shape", Tensor::Of<int64_t>({3}, {1, 1, 1}))
      .ExpectError(kInvalid, "that [1,1,1] has not");
}

TEST(DepthToSpaceTest, RejectsChannelsThatMakeNoBlocks) {
  OpTester("DepthToSpace")
      .Input("X", Tensor::Create(DataType::kFloat, {1, 3, 1, 1}))
      .Arg("blocksize", 2)
      .Outputs({"Y"})
      .ExpectError(kInvalid, "3 channels, which blocks of 2 by 2 do not divide");
  OpTester("SpaceToDepth")
      .Input("X", Tensor::Create(DataType::kFloat, {1, 1, 3, 2}))
      .Arg("blocksize", 2)
      .Outputs({"Y"})
      .ExpectError(kInvalid, "can not be cut into blocks of 2");
  OpTester("SpaceToDepth")
      .Input("X", Tensor::Create(DataType::kFloat, {1, 1, 2, 2}))
      .Arg("blocksize", 0)
      .Outputs({"Y"})
      .ExpectError(kInvalid, "blocksize is 0");
}

OpTester Resize(const absl::StatusOr<Tensor>& scales) {
  OpTester tester("Resize");
  tester.Input("X", Tensor::Of<float>({1, 1, 1, 2}, {1, 2})).Input("scales", scales).Outputs({"Y"});
  return tester;
}

TEST(ResizeTest, InterpolatesBetweenPixels) {
  Resize(Tensor::Of<int64_t>({4}, {1, 1, 1, 4}))
      .Arg("mode", "linear")
      .ExpectOutput(0, Tensor::Of<float>({1, 1, 1, 4}, {1, 1.25f, 1.75f, 2}));
}

TEST(ResizeTest, RejectsWhatMakesNoShape) {
  Resize(Tensor::Of<float>({3}, {1, 1, 1})).ExpectError(kInvalid, "each of the 4 dimensions");
  Resize(Tensor::Of<float>({4}, {1, 1, 1, -1})).ExpectError(kInvalid, "scale -1");
  Resize(Tensor::Of<float>({4}, {1, 1, 1, kNan})).ExpectError(kInvalid, "scale nan");
  Resize(Tensor::Of<int64_t>({4}, {1, 1, 1, -2})).ExpectError(kInvalid, "can not have -2");
  Resize(Tensor::Of<float>({4}, {1, 1, 1, 2}))
      .Arg("mode", "area")
      .ExpectError(kInvalid, "\"area\"");
  Resize(Tensor::Of<float>({4}, {1, 1, 1, 2}))
      .Arg("coordinate_transformation_mode", "tf_crop_and_resize")
      .ExpectError(kInvalid, "needs a roi of 8 floats");
}

OpTester GridSample(float x, float y) {
  OpTester tester("GridSample");
  tester.Input("X", Tensor::Of<float>({1, 1, 1, 2}, {1, 3}))
      .Input("grid", Tensor::Of<float>({1, 1, 1, 2}, {x, y}))
      .Outputs({"Y"});
  return tester;
}

TEST(GridSampleTest, IsSafeFarBesideTheImage) {
  const float infinity = std::numeric_limits<float>::infinity();
  for (float far : {1e30f, -1e30f, infinity, kNan}) {
    GridSample(far, 0).ExpectOutput(0, Tensor::Of<float>({1, 1, 1, 1}, {0}));
    EXPECT_TRUE(GridSample(far, 0).Arg("padding_mode", "reflection").Run().ok());
    EXPECT_TRUE(GridSample(far, 0).Arg("mode", "bicubic").Run().ok());
  }
  GridSample(1e30f, 0)
      .Arg("padding_mode", "border")
      .ExpectOutput(0, Tensor::Of<float>({1, 1, 1, 1}, {3}));
}

TEST(GridSampleTest, RejectsGridsOfOtherImages) {
  OpTester("GridSample")
      .Input("X", Tensor::Create(DataType::kFloat, {1, 1, 1, 2}))
      .Input("grid", Tensor::Create(DataType::kFloat, {2, 1, 1, 2}))
      .Outputs({"Y"})
      .ExpectError(kInvalid, "must be [N,C,H,W]");
  GridSample(0, 0).Arg("padding_mode", "wrap").ExpectError(kInvalid, "\"wrap\"");
}

OpTester Loss(int64_t target) {
  OpTester tester("NegativeLogLikelihoodLoss");
  tester.Input("X", Tensor::Of<float>({1, 2}, {-1, -2}))
      .Input("target", Tensor::Of<int64_t>({1}, {target}))
      .Outputs({"loss"});
  return tester;
}

TEST(NegativeLogLikelihoodLossTest, CountsNothingForWhatIsIgnored) {
  Loss(-7)
      .Arg("ignore_index", -7)
      .Arg("reduction", "sum")
      .ExpectOutput(0, Tensor::Scalar<float>(0));
  Loss(1).ExpectOutput(0, Tensor::Scalar<float>(2));
}

TEST(NegativeLogLikelihoodLossTest, RejectsClassesThatAreNotThere) {
  Loss(2).ExpectError(kInvalid, "target has 2, but there are 2 classes");
  Loss(-1).ExpectError(kInvalid, "target has -1");
  Loss(0).Arg("reduction", "most").ExpectError(kInvalid, "\"most\"");
  OpTester weighted = Loss(0);
  weighted.Input("w", Tensor::Of<float>({1}, {1})).ExpectError(kInvalid, "vector of the 2 classes");
}

TEST(QuantizeLinearTest, SaturatesAndRoundsToEven) {
  OpTester("QuantizeLinear")
      .Input("X", Tensor::Of<float>({6}, {0.5f, 1.5f, 1e30f, -1e30f, kNan, -0.4f}))
      .Input("scale", Tensor::Scalar<float>(1))
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<uint8_t>({6}, {0, 2, 255, 0, 0, 0}));
}

TEST(QuantizeLinearTest, RejectsScalesThatDoNotFit) {
  OpTester("QuantizeLinear")
      .Input("X", Tensor::Create(DataType::kFloat, {2, 3}))
      .Input("scale", Tensor::Of<float>({2}, {1, 1}))
      .Outputs({"Y"})
      .ExpectError(kInvalid, "one for each of 3 in dimension 1");
  OpTester("DequantizeLinear")
      .Input("X", Tensor::Of<uint8_t>({1}, {1}))
      .Input("scale", Tensor::Of<float>({1}, {1}))
      .Input("zero", Tensor::Of<int8_t>({1}, {1}))
      .Outputs({"Y"})
      .ExpectError(kInvalid, "of X's type");
}

TEST(DynamicQuantizeLinearTest, HasNothingToScaleInZeros) {
  OpTester("DynamicQuantizeLinear")
      .Input("X", Tensor::Of<float>({2}, {0, 0}))
      .Outputs({"Y", "scale", "zero"})
      .ExpectOutput(0, Tensor::Of<uint8_t>({2}, {0, 0}))
      .ExpectOutput(1, Tensor::Scalar<float>(0));
}

OpTester Suppression(const std::vector<std::string>& given) {
  OpTester tester("NonMaxSuppression");
  tester.Input("boxes", Tensor::Of<float>({1, 3, 4}, {0, 0, 1, 1, 0, 0, 1, 1, 5, 5, 5, 5}))
      .Input("scores", Tensor::Of<float>({1, 1, 3}, {0.5f, 0.5f, kNan}))
      .Input("most", Tensor::Scalar<int64_t>(5))
      .Arg("given", given)
      .Outputs({"selected"});
  return tester;
}

TEST(NonMaxSuppressionTest, TakesTheFirstOfEqualBoxesAndNoNan) {
  Suppression({"max_output_boxes_per_class"})
      .ExpectOutput(0, Tensor::Of<int64_t>({1, 3}, {0, 0, 0}));
}

TEST(NonMaxSuppressionTest, RejectsInputsThatAreNotWhatIsGiven) {
  Suppression({}).ExpectError(kInvalid, "there are 3 inputs");
  Suppression({"most"}).ExpectError(kInvalid, "\"most\"");
  Suppression({"iou_threshold"}).ExpectError(kInvalid, "must be a single float");
}

TEST(OnnxDropoutTest, RejectsARatioThatLeavesNothing) {
  OpTester("OnnxDropout")
      .Input("X", Tensor::Of<float>({1}, {1}))
      .Input("ratio", Tensor::Scalar<float>(1))
      .Input("mode", Tensor::Scalar<bool>(true))
      .Outputs({"Y"})
      .ExpectError(kInvalid, "ratio must be in [0, 1)");
}

TEST(OnnxDropoutTest, DrawsTheSameForASeed) {
  const auto drop = [] {
    OpTester tester("OnnxDropout");
    tester.Input("X", Tensor::Create(DataType::kFloat, {1000}))
        .Input("ratio", Tensor::Scalar<float>(0.25f))
        .Input("mode", Tensor::Scalar<bool>(true))
        .Outputs({"Y", "mask"})
        .RandomSeed(3);
    return tester;
  };
  OpTester first = drop();
  OpTester second = drop();
  EXPECT_TRUE(TensorNear(first.Output(1), second.Output(1), 0));
  int64_t kept = 0;
  for (bool is_kept : first.Output(1).span<bool>()) kept += is_kept ? 1 : 0;
  EXPECT_NEAR(static_cast<double>(kept), 750, 60);
}

}  // namespace
}  // namespace doppio
