// Products, normalisations, activations and the rest: what the published tests do not have.

#include <cmath>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/onnx/one_node_model.h"
#include "tests/support/tensor_match.h"

namespace doppio {
namespace {

using testing::HasSubstr;

Tensor Ones(std::initializer_list<int64_t> dims) {
  Tensor ones = *Tensor::Create(DataType::kFloat, DimsView(dims.begin(), dims.size()));
  std::fill_n(ones.mutable_data<float>(), ones.numel(), 1.0f);
  return ones;
}

TEST(OnnxGemmTest, IsAFullyConnectedLayerWhereItIsOne) {
  EXPECT_EQ(OneNodeModel("Gemm", 11)
                .Image("A", {-1, 3})
                .Weight("B", Ones({4, 3}))
                .Weight("C", Ones({4}))
                .Int("transB", 1)
                .Net(),
            "FC(A, B, C) -> Y0");
  EXPECT_EQ(OneNodeModel("Gemm", 11)
                .Image("A", {-1, 3})
                .Weight("B", Ones({3, 4}))
                .Weight("C", Ones({4}))
                .Net(),
            "FC(A, Y0_w, C) -> Y0");
}

TEST(OnnxGemmTest, IsAProductAndASumWhereItIsNot) {
  EXPECT_EQ(OneNodeModel("Gemm", 11)
                .Image("A", {2, 3})
                .Image("B", {3, 4})
                .Image("C", {2, 1})
                .Float("alpha", 0.5f)
                .Net(),
            "MatMul(A, B) -> Y0_product\nScale(Y0_product) -> Y0_scaled\nAdd(Y0_scaled, C) -> Y0");
  EXPECT_EQ(OneNodeModel("Gemm", 6)
                .Image("A", {2, 3})
                .Image("B", {3, 4})
                .Image("C", {4})
                .Int("broadcast", 1)
                .Net(),
            "MatMul(A, B) -> Y0_product\nAdd(Y0_product, C) -> Y0");
  EXPECT_THAT(OneNodeModel("Gemm", 11)
                  .Input("A", DataType::kInt32, {2, 3})
                  .Input("B", DataType::kInt32, {3, 4})
                  .Net(),
              HasSubstr("input 0 is int32"));
}

TEST(OnnxMatMulTest, MultipliesVectorsToAScalar) {
  const auto outputs = OneNodeModel("MatMul", 13)
                           .Image("A", {2})
                           .Image("B", {2})
                           .Run({*Tensor::Of<float>({2}, {1, 2}), *Tensor::Of<float>({2}, {3, 4})});
  ASSERT_TRUE(outputs.ok()) << outputs.status();
  EXPECT_TRUE(TensorNear((*outputs)[0], *Tensor::Scalar<float>(11), 0));
}

TEST(OnnxSoftmaxTest, SumsOverAllDimensionsUntilVersion12) {
  const auto model = [](const char* type, int64_t opset) {
    return OneNodeModel(type, opset).Image("X", {2, 3, 4}).Int("axis", 1);
  };
  EXPECT_EQ(model("Softmax", 12).Net(), "Softmax(X) -> Y0");
  EXPECT_EQ(model("Softmax", 13).Net(), "OnnxSoftmax(X) -> Y0");
  EXPECT_EQ(model("LogSoftmax", 12).Net(),
            "Flatten(X) -> Y0_matrix\nLogSoftmax(Y0_matrix) -> Y0_rows\n"
            "ResizeLike(Y0_rows, X) -> Y0");
  EXPECT_EQ(model("Hardmax", 13).Net(), "Hardmax(X) -> Y0");
  EXPECT_THAT(OneNodeModel("Softmax", 13).Image("X", {2}).Int("axis", 1).Net(),
              HasSubstr("axis is 1"));
}

OneNodeModel BatchNorm(int64_t opset, int outputs = 1) {
  OneNodeModel model("BatchNormalization", opset, outputs);
  model.Image("X", {2, 2, 3});
  for (const char* name : {"scale", "B", "mean", "var"}) model.Weight(name, Ones({2}));
  return model;
}

TEST(OnnxBatchNormTest, IsSpatialBnWhereItDoesNotTrain) {
  EXPECT_EQ(BatchNorm(6).Int("is_test", 1).Net(), "SpatialBN(X, scale, B, mean, var) -> Y0");
  EXPECT_EQ(BatchNorm(9).Float("momentum", 0.5f).Net(), "SpatialBN(X, scale, B, mean, var) -> Y0");
}

TEST(OnnxBatchNormTest, RefusesOldFormsThatTrain) {
  EXPECT_THAT(BatchNorm(6).Net(), HasSubstr("trains (is_test = 0)"));
  EXPECT_THAT(BatchNorm(9, 5).Net(), HasSubstr("outputs that only training has"));
  EXPECT_THAT(BatchNorm(7).Int("spatial", 0).Net(), HasSubstr("spatial = 0"));
}

TEST(OnnxLayerNormTest, BroadcastsItsScale) {
  const auto outputs = OneNodeModel("LayerNormalization", 17)
                           .Image("X", {1, 2})
                           .Weight("Scale", *Tensor::Of<float>({1}, {2}))
                           .Run({*Tensor::Of<float>({1, 2}, {-1, 1})});
  ASSERT_TRUE(outputs.ok()) << outputs.status();
  EXPECT_TRUE(TensorNear((*outputs)[0], *Tensor::Of<float>({1, 2}, {-2, 2}), 1e-4));
}

TEST(OnnxLpNormalizationTest, DividesByTheNorm) {
  const auto outputs = OneNodeModel("LpNormalization", 6)
                           .Image("X", {1, 2})
                           .Int("p", 1)
                           .Run({*Tensor::Of<float>({1, 2}, {-1, 3})});
  ASSERT_TRUE(outputs.ok()) << outputs.status();
  EXPECT_TRUE(TensorNear((*outputs)[0], *Tensor::Of<float>({1, 2}, {-0.25f, 0.75f}), 1e-6));
  EXPECT_THAT(OneNodeModel("LpNormalization", 6).Image("X", {1, 2}).Int("p", 3).Net(),
              HasSubstr("p is 3"));
}

TEST(OnnxPReluTest, HasASlopeForEachChannelWhereTheShapeSaysSo) {
  EXPECT_EQ(OneNodeModel("PRelu", 9).Image("X", {1, 2, 3}).Weight("S", Ones({2, 1})).Net(),
            "PRelu(X, Y0_slope) -> Y0");
  EXPECT_EQ(OneNodeModel("PRelu", 6).Image("X", {1, 2, 3}).Weight("S", Ones({2})).Net(),
            "PRelu(X, S) -> Y0");
  // Along the last dimension.
  const auto outputs = OneNodeModel("PRelu", 9)
                           .Image("X", {1, 2, 2})
                           .Weight("S", *Tensor::Of<float>({2}, {0.5f, 2}))
                           .Run({*Tensor::Of<float>({1, 2, 2}, {-1, -1, 1, -2})});
  ASSERT_TRUE(outputs.ok()) << outputs.status();
  EXPECT_TRUE(TensorNear((*outputs)[0], *Tensor::Of<float>({1, 2, 2}, {-0.5f, -2, 1, -4}), 0));
}

TEST(OnnxDropoutTest, KeepsEverythingUnlessItTrains) {
  EXPECT_EQ(OneNodeModel("Dropout", 6).Image("X", {2}).Int("is_test", 1).Net(), "Dropout(X) -> Y0");
  EXPECT_THAT(OneNodeModel("Dropout", 6).Image("X", {2}).Net(), HasSubstr("is_test = 0"));
  EXPECT_EQ(OneNodeModel("Dropout", 12)
                .Image("X", {2})
                .NoInput()
                .Weight("training", *Tensor::Scalar<bool>(false))
                .Net(),
            "Dropout(X) -> Y0");
  EXPECT_EQ(OneNodeModel("Dropout", 13)
                .Image("X", {2})
                .NoInput()
                .Weight("training", *Tensor::Scalar<bool>(true))
                .Net(),
            "OnnxDropout(X, Y0_ratio, training) -> Y0");
}

TEST(OnnxUpsampleTest, RepeatsPixelsWhereTheScaleIsWhole) {
  EXPECT_EQ(
      OneNodeModel("Upsample", 7).Image("X", {1, 1, 2, 2}).Floats("scales", {1, 1, 2, 2}).Net(),
      "UpsampleNearest(X) -> Y0");
  EXPECT_EQ(OneNodeModel("Resize", 13)
                .Image("X", {1, 1, 2, 2})
                .NoInput()
                .Weight("scales", *Tensor::Of<float>({4}, {1, 1, 3, 3}))
                .Net(),
            "UpsampleNearest(X) -> Y0");
  EXPECT_EQ(OneNodeModel("Resize", 13)
                .Image("X", {1, 1, 2, 2})
                .NoInput()
                .Weight("scales", *Tensor::Of<float>({4}, {1, 1, 3, 2}))
                .Net(),
            "Resize(X, scales) -> Y0");
  EXPECT_EQ(OneNodeModel("Resize", 10)
                .Image("X", {1, 1, 2, 2})
                .Weight("scales", *Tensor::Of<float>({4}, {1, 1, 0.5f, 0.5f}))
                .Text("mode", "linear")
                .ArgumentOf("Resize", "coordinate_transformation_mode"),
            "s: \"asymmetric\"");
  EXPECT_THAT(OneNodeModel("Resize", 13).Image("X", {1, 1, 2, 2}).Net(),
              HasSubstr("neither scales nor sizes"));
}

TEST(OnnxRandomTest, DrawsWhatItIsAskedFor) {
  OneNodeModel model("RandomUniform", 6);
  model.Ints("shape", {100}).Float("low", 2).Float("high", 3).Float("seed", 7).Int("dtype", 11);
  const auto outputs = model.Run({});
  ASSERT_TRUE(outputs.ok()) << outputs.status();
  ASSERT_TRUE((*outputs)[0].Is<double>());
  for (double x : (*outputs)[0].span<double>()) {
    EXPECT_GE(x, 2);
    EXPECT_LE(x, 3);
  }
  EXPECT_TRUE(TensorNear((*model.Run({}))[0], (*outputs)[0], 0)) << "the seed is not taken";
  EXPECT_THAT(OneNodeModel("RandomNormal", 6).Net(), HasSubstr("shape is missing"));
}

TEST(OnnxBernoulliTest, DrawsOnesAsOftenAsItIsAskedTo) {
  const auto outputs = OneNodeModel("Bernoulli", 15)
                           .Image("X", {4})
                           .Int("dtype", 6)
                           .Run({*Tensor::Of<float>({4}, {0, 1, 0, 1})});
  ASSERT_TRUE(outputs.ok()) << outputs.status();
  EXPECT_TRUE(TensorNear((*outputs)[0], *Tensor::Of<int32_t>({4}, {0, 1, 0, 1}), 0));
}

TEST(OnnxMaxRoiPoolTest, IsRoIPool) {
  EXPECT_EQ(OneNodeModel("MaxRoiPool", 6)
                .Image("X", {1, 1, 4, 4})
                .Image("rois", {1, 5})
                .Ints("pooled_shape", {2, 2})
                .Net(),
            "RoIPool(X, rois) -> Y0");
  EXPECT_THAT(OneNodeModel("RoiAlign", 10)
                  .Image("X", {1, 1, 4, 4})
                  .Image("rois", {1, 4})
                  .Input("images", DataType::kInt64, {1})
                  .Text("mode", "max")
                  .Net(),
              HasSubstr("mode \"max\""));
}

TEST(OnnxQuantizedTest, MultipliesRowsByTheirOwnZeroPoints) {
  const auto outputs = OneNodeModel("MatMulInteger", 10)
                           .Input("A", DataType::kUInt8, {2, 2})
                           .Input("B", DataType::kUInt8, {2, 1})
                           .Weight("a_zero", *Tensor::Of<uint8_t>({2}, {1, 10}))
                           .Run({*Tensor::Of<uint8_t>({2, 2}, {1, 2, 11, 12}),
                                 *Tensor::Of<uint8_t>({2, 1}, {3, 5})});
  ASSERT_TRUE(outputs.ok()) << outputs.status();
  EXPECT_TRUE(TensorNear((*outputs)[0], *Tensor::Of<int32_t>({2, 1}, {5, 13}), 0));
}

}  // namespace
}  // namespace doppio
