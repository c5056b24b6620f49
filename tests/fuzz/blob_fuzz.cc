// BlobProto and TensorProto in every encoding, and what is made of them.

#include "doppio/blob.h"
#include "doppio/int8_tensor.h"
#include "doppio/serialize.h"
#include "gtest/gtest.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/fuzz/net_bytes.h"
#include "tests/fuzz/seed_tensors.h"
#include "tests/support/tensor_match.h"
#include "tests/support/tight_limits.h"

namespace doppio {
namespace {

std::vector<std::string> Seeds() {
  std::vector<std::string> seeds;
  for (const Tensor& tensor : SeedTensors()) {
    for (const bool small : {false, true}) {
      SerializeOptions options;
      options.floats_as_bfloat16 = options.small_types_as_bytes = small;
      const absl::StatusOr<TensorProto> proto = TensorToProto(tensor, "x", options);
      if (!proto.ok()) continue;
      BlobProto blob;
      blob.set_name("x");
      blob.set_type("Tensor");
      *blob.mutable_tensor() = *proto;
      seeds.push_back(proto->SerializeAsString());
      seeds.push_back(blob.SerializeAsString());
      for (const Encoding encoding : {Encoding::kText, Encoding::kJson}) {
        const absl::StatusOr<std::string> written = FormatProto(blob, encoding);
        if (written.ok()) seeds.push_back(*written);
      }
    }
  }
  BlobProto chunk;
  chunk.set_name("counter");
  chunk.set_type("std::string");
  chunk.set_content("text");
  chunk.set_content_num_chunks(1);
  seeds.push_back(chunk.SerializeAsString());
  for (const char* type : {"Int8TensorCPU", "std::unique_ptr<caffe2::Counter<long int>>",
                           "DBReader", "std::unique_ptr<caffe2::IndexBase>"}) {
    chunk.set_type(type);
    seeds.push_back(chunk.SerializeAsString());
  }
  Blob int8;
  Int8Tensor* quantized = int8.GetMutable<Int8Tensor>();
  quantized->scale = 0.5f;
  quantized->zero_point = 128;
  for (const Tensor& values :
       {*Tensor::Of<uint8_t>({2, 2}, {0, 1, 128, 255}), *Tensor::Of<int32_t>({2}, {-70000, 7})}) {
    quantized->values = values;
    seeds.push_back(BlobToProto(int8, "x")->SerializeAsString());
  }
  return seeds;
}

void ExpectReadAsWritten(const Tensor& tensor) {
  Touch(tensor);
  if (tensor.dtype() == DataType::kBFloat16) return;  // is read as float
  const absl::StatusOr<TensorProto> proto = TensorToProto(tensor, "x");
  if (!proto.ok()) return;
  const absl::StatusOr<Tensor> read = TensorFromProto(*proto);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_TRUE(TensorBitsEqual(*read, tensor));
}

void Try(absl::string_view bytes) {
  TensorProto tensor_proto;
  if (ParseProto(bytes, &tensor_proto, SmallLimits()).ok()) {
    const absl::StatusOr<Tensor> tensor = TensorFromProto(tensor_proto, SmallLimits());
    if (tensor.ok()) ExpectReadAsWritten(*tensor);
  }
  BlobProto blob_proto;
  if (!ParseProto(bytes, &blob_proto, SmallLimits()).ok()) return;
  for (const Encoding encoding : {Encoding::kBinary, Encoding::kText, Encoding::kJson}) {
    ExpectReadAsWritten(blob_proto, encoding);
  }
  Blob blob;
  if (!BlobFromProto(blob_proto, &blob, SmallLimits()).ok()) return;
  if (const Tensor* tensor = blob.Get<Tensor>(); tensor != nullptr) ExpectReadAsWritten(*tensor);
  (void)BlobToProto(blob, "x");
}

DOPPIO_FUZZ_TARGET(blob, Seeds, Try);

}  // namespace
}  // namespace doppio
