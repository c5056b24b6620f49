#include "doppio/blob.h"

#include "gtest/gtest.h"
#include "tests/support/tensor_match.h"

namespace doppio {

struct TestCounter {
  int count = 0;
};
DOPPIO_REGISTER_BLOB_TYPE(TestCounter);

namespace {

struct Unnamed {
  int value = 0;
};

TEST(BlobTest, StartsEmpty) {
  const Blob blob;
  EXPECT_TRUE(blob.IsEmpty());
  EXPECT_FALSE(blob.IsTensor());
  EXPECT_EQ(blob.TypeName(), "nothing");
  EXPECT_EQ(blob.Get<Tensor>(), nullptr);
  EXPECT_EQ(blob.Get<std::string>(), nullptr);
}

TEST(BlobTest, HoldsATensor) {
  Blob blob;
  *blob.GetMutable<Tensor>() = *Tensor::Scalar<float>(2);
  EXPECT_TRUE(blob.IsTensor());
  EXPECT_TRUE(blob.Is<Tensor>());
  EXPECT_EQ(blob.TypeName(), "Tensor");
  EXPECT_TRUE(TensorEquals(*blob.Get<Tensor>(), Tensor::Scalar<float>(2)));
  EXPECT_EQ(blob.Get<std::string>(), nullptr);
}

TEST(BlobTest, HoldsOtherTypes) {
  Blob blob;
  *blob.GetMutable<std::string>() = "word";
  EXPECT_EQ(*blob.Get<std::string>(), "word");
  EXPECT_EQ(blob.GetMutable<std::string>(), blob.Get<std::string>());
  EXPECT_FALSE(blob.IsTensor());
  EXPECT_EQ(blob.Get<Tensor>(), nullptr);
}

TEST(BlobTest, AnotherTypeReplacesTheValue) {
  Blob blob;
  *blob.GetMutable<Tensor>() = *Tensor::Scalar<float>(2);
  blob.GetMutable<TestCounter>()->count = 3;
  EXPECT_FALSE(blob.IsTensor());
  EXPECT_EQ(blob.GetMutable<Tensor>()->dtype(), DataType::kUndefined);
  EXPECT_EQ(blob.GetMutable<TestCounter>()->count, 0);
  blob.Reset();
  EXPECT_TRUE(blob.IsEmpty());
}

TEST(BlobTest, NamesTypesAsRegisteredOrAsTheCompilerDoes) {
  Blob blob;
  blob.GetMutable<TestCounter>();
  EXPECT_EQ(blob.TypeName(), "TestCounter");
  blob.GetMutable<Unnamed>();
  EXPECT_NE(blob.TypeName().find("Unnamed"), std::string::npos) << blob.TypeName();
  EXPECT_FALSE(RegisterBlobTypeName(typeid(TestCounter), "Other"));
  blob.GetMutable<TestCounter>();
  EXPECT_EQ(blob.TypeName(), "TestCounter");
}

}  // namespace
}  // namespace doppio
