#include "doppio/int8_tensor.h"

#include "doppio/serialize.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace doppio {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

Blob* Quantised(Blob* blob) {
  Int8Tensor* tensor = blob->GetMutable<Int8Tensor>();
  tensor->values = *Tensor::Of<uint8_t>({2, 2}, {0, 1, 128, 255});
  tensor->scale = 0.25f;
  tensor->zero_point = 128;
  return blob;
}

BlobProto Message() {
  Blob blob;
  return *BlobToProto(*Quantised(&blob), "q");
}

std::string ErrorOf(const BlobProto& proto) {
  Blob blob;
  return std::string(BlobFromProto(proto, &blob).message());
}

TEST(Int8TensorTest, IsWrittenAsCaffe2DoesIt) {
  const BlobProto proto = Message();
  EXPECT_EQ(proto.type(), "Int8TensorCPU");
  EXPECT_EQ(proto.qtensor().precision(), 8);
  EXPECT_EQ(proto.qtensor().bias(), 128);
  EXPECT_EQ(proto.qtensor().scale(), 0.25);
  EXPECT_EQ(proto.qtensor().data_type(), TensorProto::UINT8);
  EXPECT_THAT(proto.qtensor().data(), ElementsAre(0, 1, 128, 255));
}

TEST(Int8TensorTest, ComesBack) {
  Blob blob;
  const absl::Status status = BlobFromProto(Message(), &blob);
  ASSERT_TRUE(status.ok()) << status;
  const Int8Tensor* tensor = blob.Get<Int8Tensor>();
  ASSERT_NE(tensor, nullptr);
  EXPECT_THAT(tensor->values.span<uint8_t>(), ElementsAre(0, 1, 128, 255));
  EXPECT_EQ(ShapeToString(tensor->values.dims()), "[2,2]");
  EXPECT_EQ(tensor->scale, 0.25f);
  EXPECT_EQ(tensor->zero_point, 128);
  EXPECT_EQ(blob.TypeName(), "Int8TensorCPU");
}

TEST(Int8TensorTest, BiasesAreInt32) {
  BlobProto proto = Message();
  proto.mutable_qtensor()->set_data_type(TensorProto::INT32);
  proto.mutable_qtensor()->set_data(0, -70000);
  Blob blob;
  ASSERT_TRUE(BlobFromProto(proto, &blob).ok());
  EXPECT_EQ(blob.Get<Int8Tensor>()->values.data<int32_t>()[0], -70000);
}

TEST(Int8TensorTest, RefusesValuesThatAreNone) {
  BlobProto proto = Message();
  proto.mutable_qtensor()->set_data(1, 256);
  EXPECT_THAT(ErrorOf(proto), HasSubstr("holds the value 256"));
}

TEST(Int8TensorTest, RefusesAShapeThatDoesNotFitTheData) {
  BlobProto proto = Message();
  proto.mutable_qtensor()->set_dims(0, int64_t{1} << 50);
  EXPECT_THAT(ErrorOf(proto), HasSubstr("holds 4 values instead of"));
  proto.mutable_qtensor()->set_dims(0, -1);
  EXPECT_THAT(ErrorOf(proto), HasSubstr("negative size"));
}

TEST(Int8TensorTest, RefusesWhatItDoesNotKnow) {
  BlobProto proto = Message();
  proto.mutable_qtensor()->set_is_signed(true);
  EXPECT_THAT(ErrorOf(proto), HasSubstr("signed"));
  proto = Message();
  proto.mutable_qtensor()->set_bias(0.5);
  EXPECT_THAT(ErrorOf(proto), HasSubstr("a whole number"));
  proto = Message();
  proto.mutable_qtensor()->set_data_type(TensorProto::FLOAT);
  EXPECT_THAT(ErrorOf(proto), HasSubstr("float is not supported"));
  proto = Message();
  proto.clear_qtensor();
  EXPECT_THAT(ErrorOf(proto), HasSubstr("must be one message with a qtensor"));
}

}  // namespace
}  // namespace doppio
