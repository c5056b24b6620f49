#include "src/tensor/grow.h"

#include <limits>
#include <string>

#include "gtest/gtest.h"
#include "tests/support/tensor_match.h"

namespace doppio {
namespace {

using internal::GrowRows;

TEST(GrowRowsTest, KeepsTheRowsThatAreThere) {
  Tensor tensor = *Tensor::Of<int32_t>({2, 2}, {1, 2, 3, 4});
  ASSERT_TRUE(GrowRows(1, &tensor).ok());
  EXPECT_EQ(tensor.TypeAndShape(), "int32[3,2]");
  for (int i = 0; i < 4; ++i) EXPECT_EQ(tensor.data<int32_t>()[i], i + 1);
}

TEST(GrowRowsTest, TakesNoStorageWhereThereIsRoom) {
  Tensor tensor = *Tensor::Of<float>({1}, {0});
  ASSERT_TRUE(GrowRows(99, &tensor).ok());
  const void* storage = tensor.storage_id();
  for (int i = 0; i < 40; ++i) {
    tensor.mutable_data<float>()[tensor.dim(0) - 1] = static_cast<float>(i);
    ASSERT_TRUE(GrowRows(1, &tensor).ok());
  }
  EXPECT_EQ(tensor.storage_id(), storage);
  for (int i = 0; i < 40; ++i) EXPECT_EQ(tensor.data<float>()[99 + i], static_cast<float>(i));
}

TEST(GrowRowsTest, LeavesTensorsThatShareItsStorageAlone) {
  Tensor tensor = *Tensor::Of<float>({1}, {1});
  ASSERT_TRUE(GrowRows(9, &tensor).ok());
  ASSERT_TRUE(tensor.Resize(DataType::kFloat, {1}).ok());
  const Tensor other = tensor;
  ASSERT_TRUE(GrowRows(1, &tensor).ok());
  EXPECT_FALSE(tensor.SharesStorageWith(other));
  EXPECT_EQ(other.TypeAndShape(), "float[1]");
}

TEST(GrowRowsTest, KeepsStrings) {
  const std::string word = "a word longer than any buffer";
  Tensor tensor = *Tensor::Of<std::string>({2}, {word, "b"});
  const Tensor other = tensor;
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(GrowRows(1, &tensor).ok());
  EXPECT_TRUE(TensorEquals(tensor, Tensor::Of<std::string>({5}, {word, "b", "", "", ""})));
  EXPECT_TRUE(TensorEquals(other, Tensor::Of<std::string>({2}, {word, "b"})));
}

TEST(GrowRowsTest, RowsOfNothingCostNothing) {
  Tensor tensor = *Tensor::Create(DataType::kFloat, {3, 0});
  ASSERT_TRUE(GrowRows(5, &tensor).ok());
  EXPECT_EQ(tensor.TypeAndShape(), "float[8,0]");
}

TEST(GrowRowsTest, RejectsMoreThanThereCanBeAndChangesNothing) {
  Tensor tensor = *Tensor::Of<float>({1}, {7});
  EXPECT_FALSE(GrowRows(std::numeric_limits<int64_t>::max(), &tensor).ok());
  EXPECT_FALSE(GrowRows(int64_t{1} << 61, &tensor).ok());
  EXPECT_TRUE(TensorEquals(tensor, Tensor::Of<float>({1}, {7})));
}

}  // namespace
}  // namespace doppio
