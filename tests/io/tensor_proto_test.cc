#include <algorithm>
#include <cmath>
#include <limits>

#include "doppio/proto_io.h"
#include "doppio/serialize.h"
#include "tests/io/test_files.h"

namespace doppio {
namespace {

using absl::StatusCode;

TensorProto FromText(const std::string& text) {
  TensorProto proto;
  const absl::Status status = ParseProto(text, &proto);
  EXPECT_TRUE(status.ok()) << status;
  return proto;
}

void ExpectSame(const Tensor& a, const Tensor& b) {
  ASSERT_EQ(a.TypeAndShape(), b.TypeAndShape());
  if (a.Is<std::string>()) {
    EXPECT_EQ(a.span<std::string>(), b.span<std::string>());
  } else if (a.numel() > 0) {
    EXPECT_EQ(std::memcmp(a.raw_data(), b.raw_data(), a.bytes()), 0);
  }
}

// A tensor of every shape of interest, with the extremes of its type.
template <typename T>
std::vector<Tensor> TensorsOf() {
  std::vector<T> values;
  if constexpr (std::is_same_v<T, std::string>) {
    values = {"", "a", std::string("\0\xff", 2), std::string(1000, 'x'), "b", "c"};
  } else if constexpr (std::is_same_v<T, float16>) {
    for (int bits : {0, 0x8000, 0x3c00, 0x7c00, 0xfbff, 1}) {
      values.push_back(T::FromBits(static_cast<uint16_t>(bits)));
    }
  } else {
    using Limit = std::numeric_limits<T>;
    values = {T(0), T(1), Limit::max(), Limit::lowest(), Limit::min(), T(7)};
  }
  std::vector<Tensor> tensors;
  for (const Dims& dims : {Dims{}, Dims{6}, Dims{2, 3}, Dims{0}, Dims{3, 0, 2}, Dims{1, 1, 6, 1}}) {
    Tensor tensor = *Tensor::Create(DataTypeOf<T>::value, dims);
    std::copy_n(values.begin(), tensor.numel(), tensor.mutable_data<T>());
    tensors.push_back(tensor);
  }
  return tensors;
}

template <typename T>
class TensorProtoTypeTest : public testing::Test {};
using Types = testing::Types<float, double, int8_t, int16_t, int32_t, int64_t, uint8_t, uint16_t,
                             float16, std::string>;
TYPED_TEST_SUITE(TensorProtoTypeTest, Types, ElementTypeNames);

TYPED_TEST(TensorProtoTypeTest, ComesBackFromEveryLayout) {
  for (const Tensor& tensor : TensorsOf<TypeParam>()) {
    for (bool as_bytes : {false, true}) {
      SerializeOptions options;
      options.small_types_as_bytes = as_bytes;
      absl::StatusOr<TensorProto> proto = TensorToProto(tensor, "X", options);
      ASSERT_TRUE(proto.ok()) << proto.status();
      EXPECT_EQ(proto->data_type(), static_cast<int>(tensor.dtype()));
      EXPECT_EQ(proto->segment().end(), tensor.numel());
      for (Encoding encoding : {Encoding::kBinary, Encoding::kText, Encoding::kJson}) {
        TensorProto copy;
        ASSERT_TRUE(ParseProto(*FormatProto(*proto, encoding), &copy).ok());
        absl::StatusOr<Tensor> back = TensorFromProto(copy);
        ASSERT_TRUE(back.ok()) << back.status();
        ExpectSame(*back, tensor);
      }
    }
  }
}

TEST(TensorProtoTest, BoolsComeBackAsZeroAndOne) {
  const Tensor tensor = *Tensor::Of<bool>({3}, {true, false, true});
  for (bool as_bytes : {false, true}) {
    SerializeOptions options;
    options.small_types_as_bytes = as_bytes;
    ExpectSame(*TensorFromProto(*TensorToProto(tensor, "", options)), tensor);
  }
  ExpectSame(*TensorFromProto(FromText("dims: 3 data_type: BOOL int32_data: [2, 0, -1]")), tensor);
  ExpectSame(*TensorFromProto(FromText("dims: 3 data_type: BOOL byte_data: '\\007\\000\\377'")),
             tensor);
}

TEST(TensorProtoTest, WritesTheFieldsThatCaffe2Writes) {
  EXPECT_EQ(TensorToProto(*Tensor::Of<float>({2}, {1.0f, 2.5f}), "X")->ShortDebugString(),
            "dims: 2 data_type: FLOAT float_data: 1 float_data: 2.5 name: \"X\" "
            "device_detail { device_type: 0 } segment { begin: 0 end: 2 }");
  EXPECT_EQ(TensorToProto(*Tensor::Of<int8_t>({2}, {-1, 2}))->int32_data(0), -1);
  EXPECT_EQ(TensorToProto(*Tensor::Of<float16>({1}, {float16(-1.0f)}))->int32_data(0), 0xbc00);
  SerializeOptions options;
  options.small_types_as_bytes = true;
  EXPECT_EQ(TensorToProto(*Tensor::Of<uint16_t>({1}, {0x0102}), "", options)->byte_data(),
            "\x02\x01");
}

TEST(TensorProtoTest, ATensorThatWasNeverFilledIsAnEmptyFloatTensor) {
  absl::StatusOr<TensorProto> proto = TensorToProto(Tensor());
  ASSERT_TRUE(proto.ok()) << proto.status();
  EXPECT_EQ(TensorFromProto(*proto)->TypeAndShape(), "float[0]");
  EXPECT_EQ(TensorFromProto(FromText("dims: 0 data_type: UNDEFINED"))->TypeAndShape(), "float[0]");
}

TEST(TensorProtoTest, AFloatTensorIsWhatHasNoType) {
  EXPECT_EQ(TensorFromProto(FromText("dims: 1 float_data: 3"))->data<float>()[0], 3);
}

TEST(TensorProtoTest, ObsoleteBytesAreUint8) {
  const Tensor tensor = *TensorFromProto(FromText("dims: 2 data_type: BYTE byte_data: 'A\\377'"));
  ExpectSame(tensor, *Tensor::Of<uint8_t>({2}, {65, 255}));
}

TEST(TensorProtoTest, Bfloat16IsWrittenAsFloatAndComesBackAsFloat) {
  const Tensor tensor = *Tensor::Of<bfloat16>({2}, {bfloat16(1.5f), bfloat16(-3.0f)});
  absl::StatusOr<TensorProto> proto = TensorToProto(tensor);
  ASSERT_TRUE(proto.ok()) << proto.status();
  EXPECT_EQ(proto->data_type(), TensorProto::FLOAT);
  EXPECT_EQ(proto->data_format(), 1u);
  EXPECT_EQ(proto->raw_data(), std::string("\xc0\x3f\x40\xc0", 4));
  ExpectSame(*TensorFromProto(*proto), *Tensor::Of<float>({2}, {1.5f, -3.0f}));
}

TEST(TensorProtoTest, FloatsCanBeWrittenAsBfloat16) {
  SerializeOptions options;
  options.floats_as_bfloat16 = true;
  const Tensor tensor = *Tensor::Of<float>({3}, {1.0f, 1.00390625f, INFINITY});
  absl::StatusOr<TensorProto> proto = TensorToProto(tensor, "", options);
  EXPECT_EQ(proto->raw_data().size(), 6u);
  ExpectSame(*TensorFromProto(*proto), *Tensor::Of<float>({3}, {1.0f, 1.0f, INFINITY}));
}

TEST(TensorProtoTest, HalvesMayHaveTheirSignExtended) {
  EXPECT_EQ(TensorFromProto(FromText("dims: 1 data_type: FLOAT16 int32_data: -17408"))
                ->data<float16>()[0]
                .bits,
            0xbc00);
}

struct BadTensor {
  const char* text;
  StatusCode code;
  const char* message;
};

TEST(TensorProtoTest, WhatDoesNotFitIsRefused) {
  const BadTensor cases[] = {
      {"dims: 2 dims: 3 float_data: [1, 2, 3]", StatusCode::kInvalidArgument,
       "tensor: float_data holds 3 values, but shape [2,3] of float needs 6"},
      {"name: 'W' dims: 1 data_type: INT64 int64_data: [1, 2]", StatusCode::kInvalidArgument,
       "tensor \"W\": int64_data holds 2 values, but shape [1] of int64 needs 1"},
      {"dims: 1 data_type: DOUBLE float_data: 1", StatusCode::kInvalidArgument,
       "double_data holds 0 values"},
      {"dims: 1 data_type: STRING", StatusCode::kInvalidArgument, "string_data holds 0 values"},
      {"dims: 2 data_type: INT16 byte_data: 'abc'", StatusCode::kInvalidArgument,
       "byte_data holds 1 values and 1 bytes"},
      {"dims: 2 data_format: 1 raw_data: 'abc'", StatusCode::kInvalidArgument, "raw_data holds 1"},
      {"dims: 2 raw_data: 'abcdefgh'", StatusCode::kInvalidArgument, "float_data holds 0 values"},
      {"dims: 1 data_format: 9 float_data: 1", StatusCode::kUnimplemented, "data_format 9"},
      {"dims: -1", StatusCode::kInvalidArgument, "shape [-1] has a negative size"},
      {"dims: [4294967296, 4294967296]", StatusCode::kInvalidArgument, "fit into 64 bits"},
      {"dims: 4611686018427387904", StatusCode::kResourceExhausted, "above the limit"},
      {"dims: 4611686018427387904 data_type: DOUBLE", StatusCode::kResourceExhausted, "limit"},
      {"dims: 1000000000", StatusCode::kInvalidArgument, "needs 1000000000"},
      {"dims: 1000000000 data_type: STRING", StatusCode::kInvalidArgument, "needs 1000000000"},
      {"dims: 2 data_type: UINT8 int32_data: [1, 256]", StatusCode::kInvalidArgument,
       "int32_data[1] is 256, which uint8 cannot hold"},
      {"dims: 1 data_type: INT8 int32_data: -129", StatusCode::kInvalidArgument, "int8 cannot"},
      {"dims: 1 data_type: FLOAT16 int32_data: 65536", StatusCode::kInvalidArgument, "float16"},
      {"dims: 1 data_type: UNDEFINED string_data: 'x'", StatusCode::kUnimplemented, "are blobs"},
      {"dims: 1 data_type: ZERO_COLLISION_HASH", StatusCode::kInvalidArgument, "14"},
      {"dims: 4 float_data: [1, 2] segment { begin: 0 end: 2 }", StatusCode::kInvalidArgument,
       "only elements [0,2) of [4] are in this message"},
      {"dims: 4 float_data: 1 segment { begin: 0 end: 2 }", StatusCode::kInvalidArgument,
       "float_data holds 1 values, but segment [0,2) of shape [4] of float needs 2"},
      {"dims: 4 segment { begin: 3 end: 5 }", StatusCode::kInvalidArgument, "segment [3,5) is not"},
      {"dims: 4 segment { begin: -1 end: 3 }", StatusCode::kInvalidArgument, "segment [-1,3)"},
      {"dims: 4 segment { begin: 3 end: 1 }", StatusCode::kInvalidArgument, "segment [3,1)"},
  };
  for (const BadTensor& bad : cases) {
    EXPECT_THAT(TensorFromProto(FromText(bad.text)).status(), FailsWith(bad.code, bad.message))
        << bad.text;
  }
}

TEST(TensorProtoTest, RefusesRank33AndTypesOfNoKnownNumber) {
  TensorProto proto;
  for (int i = 0; i < 33; ++i) proto.add_dims(1);
  proto.add_float_data(1);
  EXPECT_THAT(TensorFromProto(proto).status(),
              FailsWith(StatusCode::kInvalidArgument, "rank 33 is above the limit of 32"));
  TensorProto future;
  ASSERT_TRUE(ParseProto(std::string("\x08\x00\x10\x11", 4), &future).ok());
  EXPECT_THAT(TensorFromProto(future).status(),
              FailsWith(StatusCode::kInvalidArgument, "data_type is 17"));
}

TEST(TensorProtoTest, TheLimitOfBytesHolds) {
  Limits limits;
  limits.max_tensor_bytes = 8;
  EXPECT_TRUE(TensorFromProto(FromText("dims: 2 float_data: [1, 2]"), limits).ok());
  EXPECT_THAT(TensorFromProto(FromText("dims: 3 float_data: [1, 2, 3]"), limits).status(),
              FailsWith(StatusCode::kResourceExhausted, "limit of 8 bytes"));
}

}  // namespace
}  // namespace doppio
