// Convolutions and pools: into which form of Caffe2's they come, and what is refused.

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/onnx/one_node_model.h"

namespace doppio {
namespace {

using testing::HasSubstr;

Tensor Filter(std::initializer_list<int64_t> dims) {
  return *Tensor::Create(DataType::kFloat, DimsView(dims.begin(), dims.size()));
}

OneNodeModel Conv(const std::vector<int64_t>& x) {
  return OneNodeModel("Conv", 11).Image("X", x).Weight("W", Filter({8, 3, 3, 3}));
}

TEST(OnnxConvTest, IsPlainConvWithTheKernelOfItsWeights) {
  EXPECT_EQ(Conv({1, 3, 8, 8}).Net(), "Conv(X, W) -> Y0");
  EXPECT_EQ(Conv({1, 3, 8, 8}).ArgumentOf("Conv", "kernels"), "ints: 3 ints: 3");
  EXPECT_EQ(Conv({1, 3, 8, 8}).ArgumentOf("Conv", "pads"), "");
}

TEST(OnnxConvTest, FindsThePadsOfAutoPad) {
  EXPECT_EQ(Conv({1, 3, 8, 8}).Text("auto_pad", "SAME_UPPER").ArgumentOf("Conv", "pads"),
            "ints: 1 ints: 1 ints: 1 ints: 1");
  EXPECT_EQ(Conv({1, 3, 8, 8})
                .Text("auto_pad", "SAME_UPPER")
                .Ints("strides", {2, 2})
                .ArgumentOf("Conv", "pads"),
            "ints: 0 ints: 0 ints: 1 ints: 1");
  EXPECT_EQ(Conv({1, 3, 8, 8})
                .Text("auto_pad", "SAME_LOWER")
                .Ints("strides", {2, 2})
                .ArgumentOf("Conv", "pads"),
            "ints: 1 ints: 1 ints: 0 ints: 0");
}

TEST(OnnxConvTest, LeavesPadsToLegacyPadWhereTheSizeIsNotKnown) {
  const auto strided = [] { return Conv({-1, 3, -1, -1}).Ints("strides", {2, 2}); };
  EXPECT_EQ(strided().Text("auto_pad", "SAME_UPPER").ArgumentOf("Conv", "legacy_pad"), "i: 2");
  EXPECT_THAT(strided().Text("auto_pad", "SAME_LOWER").Net(),
              HasSubstr("SAME_LOWER of an image whose size is not known"));
  EXPECT_EQ(Conv({-1, 3, -1, -1}).Text("auto_pad", "SAME_LOWER").ArgumentOf("Conv", "pads"),
            "ints: 1 ints: 1 ints: 1 ints: 1");
}

TEST(OnnxConvTest, RefusesWhatMakesNoWindow) {
  EXPECT_THAT(Conv({1, 3, 8, 8}).Ints("strides", {1}).Net(), HasSubstr("strides has 1 numbers"));
  EXPECT_THAT(Conv({1, 3, 8, 8}).Ints("pads", {-1, 0, 0, 0}).Net(), HasSubstr("pads has -1"));
  EXPECT_THAT(Conv({1, 3, 8, 8}).Text("auto_pad", "SAME").Net(), HasSubstr("auto_pad is \"SAME\""));
  EXPECT_THAT(Conv({1, 3, 8, 8}).Text("auto_pad", "VALID").Ints("pads", {1, 1, 1, 1}).Net(),
              HasSubstr("none may be given"));
  EXPECT_THAT(Conv({1, 3, 8, 8}).Int("mystery", 1).Net(), HasSubstr("\"mystery\""));
  EXPECT_THAT(OneNodeModel("Conv", 11)
                  .Input("X", DataType::kFloat16, {1, 3, 8, 8})
                  .Weight("W", Filter({8, 3, 3, 3}))
                  .Net(),
              HasSubstr("is float16"));
}

OneNodeModel ConvTranspose(int64_t opset) {
  return OneNodeModel("ConvTranspose", opset)
      .Image("X", {1, 1, 4})
      .Weight("W", Filter({1, 1, 4}))
      .Ints("strides", {2});
}

TEST(OnnxConvTransposeTest, GivesTheOddPadToTheSideThatTheVersionSays) {
  EXPECT_EQ(ConvTranspose(10).Ints("output_shape", {9}).ArgumentOf("ConvTranspose", "pads"),
            "ints: 0 ints: 1");
  EXPECT_EQ(ConvTranspose(11).Ints("output_shape", {9}).ArgumentOf("ConvTranspose", "pads"),
            "ints: 1 ints: 0");
  EXPECT_EQ(ConvTranspose(11).Ints("output_shape", {1, 1, 9}).ArgumentOf("ConvTranspose", "pads"),
            "ints: 1 ints: 0");
}

TEST(OnnxConvTransposeTest, AddsWhatTheKernelDoesNotReachAtTheEnd) {
  EXPECT_EQ(ConvTranspose(11).Ints("output_shape", {11}).ArgumentOf("ConvTranspose", "adjs"),
            "ints: 1");
}

TEST(OnnxConvTransposeTest, TakesDilations) {
  EXPECT_EQ(ConvTranspose(11).Ints("dilations", {2}).ArgumentOf("ConvTranspose", "dilations"),
            "ints: 2");
}

OneNodeModel MaxPool(const std::vector<int64_t>& x, int outputs = 1) {
  return OneNodeModel("MaxPool", 12, outputs).Image("X", x).Ints("kernel_shape", {3, 3});
}

TEST(OnnxPoolTest, RoundsUpAsCaffeWhereThatIsTheSame) {
  const auto rounds = [](const std::vector<int64_t>& x) {
    return MaxPool(x).Ints("strides", {2, 2}).Int("ceil_mode", 1);
  };
  EXPECT_EQ(rounds({1, 1, 6, 6}).ArgumentOf("MaxPool", "legacy_pad"), "i: 3");
  EXPECT_EQ(rounds({1, 1, -1, -1}).ArgumentOf("MaxPool", "legacy_pad"), "i: 3");
  EXPECT_EQ(rounds({1, 1, 7, 7}).ArgumentOf("MaxPool", "legacy_pad"), "");
}

TEST(OnnxPoolTest, PadsBehindTheImageWhereCaffeRoundsOtherwise) {
  const auto rounds = [](const std::vector<int64_t>& x) {
    return MaxPool(x).Ints("strides", {2, 2}).Ints("pads", {1, 1, 0, 0}).Int("ceil_mode", 1);
  };
  EXPECT_EQ(rounds({1, 1, 7, 7}).ArgumentOf("MaxPool", "pads"), "ints: 1 ints: 1 ints: 1 ints: 1");
  EXPECT_THAT(rounds({1, 1, -1, -1}).Net(), HasSubstr("ceil_mode over an image of unknown size"));
}

TEST(OnnxPoolTest, RefusesWhatVersionsSayDifferently) {
  EXPECT_THAT(OneNodeModel("MaxPool", 12)
                  .Image("X", {1, 1, 4})
                  .Ints("kernel_shape", {1})
                  .Ints("strides", {5})
                  .Int("ceil_mode", 1)
                  .Net(),
              HasSubstr("sees nothing of the image"));
  EXPECT_THAT(OneNodeModel("AveragePool", 11)
                  .Image("X", {1, 1, 6, 6})
                  .Ints("kernel_shape", {3, 3})
                  .Ints("strides", {2, 2})
                  .Int("ceil_mode", 1)
                  .Int("count_include_pad", 1)
                  .Net(),
              HasSubstr("count_include_pad with ceil_mode"));
}

TEST(OnnxPoolTest, IsAnOperatorOfItsOwnForWhatCaffe2DoesNotHave) {
  EXPECT_EQ(MaxPool({1, 1, 6, 6}).Net(), "MaxPool(X) -> Y0");
  EXPECT_EQ(MaxPool({1, 1, 6, 6}, 2).Net(), "OnnxMaxPool(X) -> Y0, Y1");
  EXPECT_EQ(MaxPool({1, 1, 6, 6}).Ints("dilations", {2, 2}).Net(), "OnnxMaxPool(X) -> Y0");
}

TEST(OnnxPoolTest, ComputesLpPoolsOfTheOldVersions) {
  const auto outputs = OneNodeModel("LpPool", 6)
                           .Image("X", {1, 1, 4})
                           .Ints("kernel_shape", {2})
                           .Ints("strides", {2})
                           .Int("p", 3)
                           .Run({*Tensor::Of<float>({1, 1, 4}, {1, -2, 0, -3})});
  ASSERT_TRUE(outputs.ok()) << outputs.status();
  EXPECT_NEAR((*outputs)[0].data<float>()[0], std::cbrt(9.0f), 1e-5);
  EXPECT_NEAR((*outputs)[0].data<float>()[1], 3, 1e-5);
}

}  // namespace
}  // namespace doppio
