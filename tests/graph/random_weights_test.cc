#include "doppio/random_weights.h"

#include <algorithm>

#include "gtest/gtest.h"

namespace doppio {
namespace {

WeightShape Weight(const std::string& blob, Dims dims, WeightRole role, int64_t fan_in = 0) {
  WeightShape weight;
  weight.blob = blob;
  weight.info = {DataType::kFloat, std::move(dims), std::nullopt};
  weight.role = role;
  weight.fan_in = fan_in;
  return weight;
}

std::vector<float> Values(const absl::StatusOr<Tensor>& tensor) {
  const absl::Span<const float> span = tensor.value().span<float>();
  return {span.begin(), span.end()};
}

TEST(RandomWeightsTest, DependOnTheSeedAndTheNameOnly) {
  const WeightShape w = Weight("w", {4, 6}, WeightRole::kFactors, 6);
  EXPECT_EQ(Values(RandomWeight(w, 1)), Values(RandomWeight(w, 1)));
  EXPECT_NE(Values(RandomWeight(w, 1)), Values(RandomWeight(w, 2)));
  EXPECT_NE(Values(RandomWeight(w, 1)),
            Values(RandomWeight(Weight("v", {4, 6}, WeightRole::kFactors, 6), 1)));
}

// By an evaluation of the formula elsewhere: who documents a formula must keep to it.
TEST(RandomWeightsTest, AreThoseOfTheFormula) {
  const std::vector<float> values = Values(RandomWeight(Weight("w", {3}, WeightRole::kBias), 7));
  ASSERT_EQ(values.size(), 3);
  const float expected[] = {-0.0193288445f, -0.020958066f, 0.010551405f};
  for (int i = 0; i < 3; ++i) EXPECT_FLOAT_EQ(values[i], expected[i]);
}

TEST(RandomWeightsTest, KeepTheVarianceThroughARelu) {
  const std::vector<float> values =
      Values(RandomWeight(Weight("w", {100, 600}, WeightRole::kFactors, 600), 3));
  double sum = 0;
  double squares = 0;
  for (const float v : values) {
    sum += v;
    squares += double{v} * v;
  }
  EXPECT_NEAR(sum / 60000, 0, 1e-3);
  EXPECT_NEAR(squares / 60000, 2.0 / 600, 1e-4);
}

TEST(RandomWeightsTest, VariancesArePositive) {
  for (const float v : Values(RandomWeight(Weight("v", {1000}, WeightRole::kVariance), 5))) {
    EXPECT_GE(v, 0.5f);
    EXPECT_LE(v, 1.5f);
  }
}

TEST(RandomWeightsTest, AnchorsAreBoxes) {
  const std::vector<float> boxes =
      Values(RandomWeight(Weight("anchor", {15, 4}, WeightRole::kAnchors), 1));
  for (size_t i = 0; i < boxes.size(); i += 4) {
    EXPECT_LT(boxes[i], boxes[i + 2]);
    EXPECT_LT(boxes[i + 1], boxes[i + 3]);
  }
  EXPECT_FLOAT_EQ(boxes[4], -16);
  EXPECT_FLOAT_EQ(boxes[7], 16);
}

TEST(RandomDataTest, FitsItsType) {
  const absl::StatusOr<Tensor> bytes = RandomData("x", DataType::kUInt8, {1000}, 1);
  EXPECT_GT(*std::max_element(bytes->data<uint8_t>(), bytes->data<uint8_t>() + 1000), 250);
  const absl::StatusOr<Tensor> indices = RandomData("x", DataType::kInt64, {100}, 1);
  EXPECT_EQ(*std::max_element(indices->data<int64_t>(), indices->data<int64_t>() + 100), 1);
  EXPECT_FALSE(RandomData("x", DataType::kString, {100}, 1).ok());
}

TEST(RandomWeightsTest, RefusesWhatHasNoSuchValues) {
  WeightShape weight = Weight("w", {3}, WeightRole::kBias);
  weight.info.dtype = DataType::kInt32;
  EXPECT_FALSE(RandomWeight(weight, 1).ok());
  weight.info = TensorInfo();
  EXPECT_FALSE(RandomWeight(weight, 1).ok());
  EXPECT_FALSE(RandomWeight(Weight("w", {1 << 30, 1 << 30}, WeightRole::kBias), 1).ok());
}

}  // namespace
}  // namespace doppio
