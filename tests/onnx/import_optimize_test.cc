// Nets that come from ONNX are rewritten as those of Caffe2 are.

#include <algorithm>

#include "doppio/optimize.h"
#include "doppio/workspace.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/onnx/small_model.h"
#include "tests/support/tensor_match.h"

namespace doppio {
namespace {

using testing::ElementsAre;

Tensor Numbers(std::initializer_list<int64_t> dims) {
  Tensor numbers = *Tensor::Create(DataType::kFloat, DimsView(dims.begin(), dims.size()));
  for (int64_t i = 0; i < numbers.numel(); ++i) {
    numbers.mutable_data<float>()[i] = 0.1f * static_cast<float>(1 + i % 7);
  }
  return numbers;
}

// Without those that look at inputs.
std::vector<std::string> OptimizedTypes(const Model& model) {
  Workspace weights;
  for (const auto& [name, tensor] : model.weights) EXPECT_TRUE(weights.Feed(name, tensor).ok());
  const auto optimized = OptimizeNet(model.predict, {model.inputs, model.outputs}, &weights);
  EXPECT_TRUE(optimized.ok()) << optimized.status();
  std::vector<std::string> types;
  if (!optimized.ok()) return types;
  for (const OperatorDef& op : optimized->net.op()) {
    if (op.type() != "EnforceShape") types.push_back(op.type());
  }
  return types;
}

void AddBatchNorm(SmallModel* model, int64_t channels) {
  model->Then("BatchNormalization");
  for (const char* name : {"scale", "bias", "mean", "variance"}) {
    model->Weight(name, Numbers({channels}));
  }
}

TEST(OnnxOptimizeTest, FoldsAndFusesWhatFollowsAConvolution) {
  SmallModel model("Conv", 11);
  model.Image("X", {1, 3, 8, 8}).Weight("W", Numbers({16, 3, 3, 3})).Text("auto_pad", "SAME_UPPER");
  AddBatchNorm(&model, 16);
  model.Then("Relu").Then("MaxPool").Ints("kernel_shape", {2, 2}).Ints("strides", {2, 2});
  model.Int("ceil_mode", 1);
  const absl::StatusOr<Model> imported = model.Import();
  ASSERT_TRUE(imported.ok()) << imported.status();
  EXPECT_THAT(OptimizedTypes(*imported),
              ElementsAre("BlockedConv", "BlockedMaxPool", "FromBlocked"));
}

TEST(OnnxOptimizeTest, PacksFullyConnectedLayersAndDropsDropout) {
  SmallModel model("Gemm", 11);
  model.Image("X", {-1, 3}).Weight("W", Numbers({3, 4})).Weight("b", Numbers({4}));
  model.Then("Relu").Then("Dropout").Then("Softmax").Int("axis", -1);
  const absl::StatusOr<Model> imported = model.Import();
  ASSERT_TRUE(imported.ok()) << imported.status();
  EXPECT_THAT(OptimizedTypes(*imported), ElementsAre("PackedFC", "Softmax"));
}

TEST(OnnxOptimizeTest, GivesTheSameNumbers) {
  SmallModel model("Conv", 11);
  model.Image("X", {1, 3, 8, 8}).Weight("W", Numbers({16, 3, 3, 3})).Ints("pads", {1, 1, 1, 1});
  AddBatchNorm(&model, 16);
  model.Then("PRelu").Weight("slope", Numbers({16, 1, 1})).Then("GlobalAveragePool");
  const absl::StatusOr<Model> imported = model.Import();
  ASSERT_TRUE(imported.ok()) << imported.status();
  Workspace workspace;
  for (const auto& [name, tensor] : imported->weights) {
    ASSERT_TRUE(workspace.Feed(name, tensor).ok());
  }
  ASSERT_TRUE(workspace.Feed("X", Numbers({1, 3, 8, 8})).ok());
  ASSERT_TRUE(workspace.RunNetOnce(imported->predict).ok());
  const auto predicted = model.Run({Numbers({1, 3, 8, 8})});
  ASSERT_TRUE(predicted.ok()) << predicted.status();
  EXPECT_TRUE(TensorNear((*predicted)[0], *workspace.Fetch("Y0"), 1e-4));
}

}  // namespace
}  // namespace doppio
