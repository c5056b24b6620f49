#include "doppio/npy.h"

#include "tests/io/test_files.h"

namespace doppio {
namespace {

using absl::StatusCode;
using testing::ElementsAre;

// An .npy file of version 1 with this header and these bytes.
std::string Npy(const std::string& header, const std::string& data = "") {
  std::string bytes = std::string("\x93NUMPY\x01\x00", 8);
  bytes += static_cast<char>(header.size() & 0xff);
  bytes += static_cast<char>(header.size() >> 8);
  return bytes + header + data;
}

std::string Header(const std::string& descr, const std::string& shape, bool fortran = false) {
  return absl::StrCat("{'descr': '", descr, "', 'fortran_order': ", fortran ? "True" : "False",
                      ", 'shape': ", shape, ", }\n");
}

template <typename T>
std::string BytesOf(std::vector<T> values) {
  return std::string(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
}

template <typename T>
class NpyTypeTest : public testing::Test {};
using Types = testing::Types<bool, int8_t, int16_t, int32_t, int64_t, uint8_t, uint16_t, float16,
                             float, double>;
TYPED_TEST_SUITE(NpyTypeTest, Types, ElementTypeNames);

TYPED_TEST(NpyTypeTest, ComesBackInEveryShape) {
  using T = TypeParam;
  for (const Dims& dims : {Dims{}, Dims{1}, Dims{5}, Dims{2, 3}, Dims{0}, Dims{2, 0, 3}}) {
    Tensor tensor = *Tensor::Create(DataTypeOf<T>::value, dims);
    for (int64_t i = 0; i < tensor.numel(); ++i) {
      tensor.mutable_data<T>()[i] = static_cast<T>(static_cast<float>(i * 3));
    }
    absl::StatusOr<std::string> bytes = FormatNpy(tensor);
    ASSERT_TRUE(bytes.ok()) << bytes.status();
    absl::StatusOr<Tensor> copy = ParseNpy(*bytes);
    ASSERT_TRUE(copy.ok()) << copy.status();
    ASSERT_EQ(copy->TypeAndShape(), tensor.TypeAndShape());
    if (tensor.numel() > 0) {
      EXPECT_EQ(std::memcmp(copy->raw_data(), tensor.raw_data(), tensor.bytes()), 0);
    }
  }
}

TEST(NpyTest, WritesWhatNumpyWrites) {
  const std::string bytes = *FormatNpy(*Tensor::Of<float>({2, 1}, {1, 2}));
  std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 1), }";
  header.resize(117, ' ');
  EXPECT_EQ(bytes, Npy(header + "\n", BytesOf<float>({1, 2})));
  EXPECT_EQ((bytes.size() - 8) % 64, 0u) << "elements are not aligned";
  EXPECT_NE(
      FormatNpy(*Tensor::Scalar<int64_t>(3))->find("'<i8', 'fortran_order': False, 'shape': ()"),
      std::string::npos);
  EXPECT_NE(FormatNpy(*Tensor::Of<bool>({1}, {true}))->find("'shape': (1,)"), std::string::npos);
}

TEST(NpyTest, FortranOrderIsPutIntoCOrder) {
  // [[1, 2, 3], [4, 5, 6]]
  absl::StatusOr<Tensor> tensor =
      ParseNpy(Npy(Header("<i4", "(2, 3)", true), BytesOf<int32_t>({1, 4, 2, 5, 3, 6})));
  ASSERT_TRUE(tensor.ok()) << tensor.status();
  EXPECT_THAT(tensor->span<int32_t>(), ElementsAre(1, 2, 3, 4, 5, 6));
  tensor = ParseNpy(
      Npy(Header("|b1", "(2, 2, 2)", true), std::string("\x01\x01\x00\x00\x00\x00\x00\x01", 8)));
  ASSERT_TRUE(tensor.ok()) << tensor.status();
  EXPECT_THAT(tensor->span<bool>(),
              ElementsAre(true, false, false, false, true, false, false, true));
  EXPECT_TRUE(ParseNpy(Npy(Header("<i4", "(0, 3)", true))).ok());
}

TEST(NpyTest, BigEndianNumbersAreTurnedAround) {
  absl::StatusOr<Tensor> tensor =
      ParseNpy(Npy(Header(">i2", "(2,)"), std::string("\x01\x02\xff\xfe", 4)));
  ASSERT_TRUE(tensor.ok()) << tensor.status();
  EXPECT_THAT(tensor->span<int16_t>(), ElementsAre(0x0102, -2));
  tensor = ParseNpy(Npy(Header(">f8", "()"), std::string("\x3f\xf8\0\0\0\0\0\0", 8)));
  ASSERT_TRUE(tensor.ok()) << tensor.status();
  EXPECT_THAT(tensor->span<double>(), ElementsAre(1.5));
}

TEST(NpyTest, BoolsAreZeroOrOne) {
  absl::StatusOr<Tensor> tensor =
      ParseNpy(Npy(Header("|b1", "(3,)"), std::string("\x02\x00\xff", 3)));
  ASSERT_TRUE(tensor.ok()) << tensor.status();
  EXPECT_EQ(BytesOf<uint8_t>({1, 0, 1}),
            std::string(static_cast<const char*>(tensor->raw_data()), 3));
}

TEST(NpyTest, ByteStringsBecomeStrings) {
  absl::StatusOr<Tensor> tensor =
      ParseNpy(Npy(Header("|S3", "(3,)"), std::string("abcd\0\0\0\0\0", 9)));
  ASSERT_TRUE(tensor.ok()) << tensor.status();
  EXPECT_THAT(tensor->span<std::string>(), ElementsAre("abc", "d", ""));
  EXPECT_TRUE(ParseNpy(Npy(Header("|S0", "(2,)"))).ok());
}

TEST(NpyTest, TextBecomesUtf8) {
  const std::string big_endian("\0\0\0A\0\0\0\xe9\0\0\x56\xfe\0\x01\xf6\0", 16);
  absl::StatusOr<Tensor> tensor = ParseNpy(Npy(Header(">U2", "(2,)"), big_endian));
  ASSERT_TRUE(tensor.ok()) << tensor.status();
  EXPECT_THAT(tensor->span<std::string>(),
              ElementsAre("A\xc3\xa9", "\xe5\x9b\xbe\xf0\x9f\x98\x80"));
  tensor = ParseNpy(Npy(Header("<U3", "()"), std::string("a\0\0\0\0\0\0\0\0\0\0\0", 12)));
  ASSERT_TRUE(tensor.ok()) << tensor.status();
  EXPECT_THAT(tensor->span<std::string>(), ElementsAre("a"));
  EXPECT_FALSE(ParseNpy(Npy(Header("<U1", "()"), std::string("\0\xd8\0\0", 4))).ok());
}

TEST(NpyTest, StringsComeBack) {
  const Tensor tensor = *Tensor::Of<std::string>({2, 2}, {"", "a", std::string("\0b", 2), "xyz"});
  absl::StatusOr<Tensor> copy = ParseNpy(*FormatNpy(tensor));
  ASSERT_TRUE(copy.ok()) << copy.status();
  EXPECT_EQ(copy->TypeAndShape(), "string[2,2]");
  EXPECT_EQ(copy->span<std::string>(), tensor.span<std::string>());
  EXPECT_TRUE(ParseNpy(*FormatNpy(*Tensor::Of<std::string>({0}, {}))).ok());
}

TEST(NpyTest, Bfloat16IsWrittenAsFloat) {
  absl::StatusOr<Tensor> copy =
      ParseNpy(*FormatNpy(*Tensor::Of<bfloat16>({2}, {bfloat16(1.5f), bfloat16(-2.0f)})));
  ASSERT_TRUE(copy.ok()) << copy.status();
  EXPECT_THAT(copy->span<float>(), ElementsAre(1.5f, -2.0f));
}

TEST(NpyTest, ATensorWithoutTypeIsAnEmptyFloatArray) {
  EXPECT_EQ(ParseNpy(*FormatNpy(Tensor()))->TypeAndShape(), "float[0]");
}

TEST(NpyTest, HeadersMayBeWrittenInOtherWays) {
  const std::string data = BytesOf<int32_t>({1, 2});
  for (const char* header :
       {"{\"shape\":(2L,1),\"fortran_order\":False,\"descr\":\"<i4\"}",
        "  { 'shape' : ( 2 , 1 , ) , 'descr':'=i4','fortran_order':   False }  \n"}) {
    absl::StatusOr<Tensor> tensor = ParseNpy(Npy(header, data));
    ASSERT_TRUE(tensor.ok()) << tensor.status();
    EXPECT_EQ(tensor->TypeAndShape(), "int32[2,1]");
  }
  std::string version_3 = Npy(Header("<i4", "(2,)"), data);
  version_3[6] = 3;
  version_3.insert(10, 2, '\0');
  EXPECT_TRUE(ParseNpy(version_3).ok());
}

TEST(NpyTest, ElementTypesThatNoTensorHasAreRefused) {
  for (const char* descr : {"<u4", "<u8", "<c8", "<M8[ns]", "|V2", "<f16", "", "<", "<f", "f4",
                            "!f4", "<f4x", "<S-1", "<S99999999999", "<S", "|i0"}) {
    EXPECT_THAT(ParseNpy(Npy(Header(descr, "(1,)"), "12345678")).status(),
                FailsWith(StatusCode::kInvalidArgument, "is not supported"))
        << descr;
  }
  EXPECT_THAT(ParseNpy(Npy(Header("<U2", "(1,)"), "12345678")).status(),
              FailsWith(StatusCode::kInvalidArgument, "no character"));
  EXPECT_THAT(
      ParseNpy(Npy("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}")).status(),
      FailsWith(StatusCode::kInvalidArgument, "records"));
}

TEST(NpyTest, HostileHeadersAreRefused) {
  const std::string rest = "'descr': '<f4', 'fortran_order': False";
  for (const std::string& header : {
           std::string(),
           std::string("{}"),
           std::string("__import__('os').system('true')"),
           "{" + rest + "}",
           "{" + rest + ", 'shape': (-1,)}",
           "{" + rest + ", 'shape': (2)}",
           "{" + rest + ", 'shape': (2 3)}",
           "{" + rest + ", 'shape': 2}",
           "{" + rest + ", 'shape': (1.5,)}",
           "{" + rest + ", 'shape': (99999999999999999999,)}",
           "{" + rest + ", 'shape': (1,), 'shape': (1,)}",
           "{" + rest + ", 'shape': (1,), 'more': 1}",
           "{" + rest + ", 'shape': (1,)} 1",
           "{" + rest + ", 'shape': (1,)",
           "{" + rest + ", 'shape': (1",
           std::string("{'descr': '<f4"),
           std::string("{'descr': '<f4', 'fortran_order': 0, 'shape': (1,)}"),
           "{" + rest + ", 'shape': (" + std::string(60'000, '(') + "}",
       }) {
    EXPECT_THAT(ParseNpy(Npy(header, "1234")).status(),
                FailsWith(StatusCode::kInvalidArgument, "npy header, character "))
        << header.substr(0, 100);
  }
}

TEST(NpyTest, ShapesThatTheFileDoesNotHoldAreRefusedBeforeTheyAreAllocated) {
  EXPECT_THAT(ParseNpy(Npy(Header("<f4", "(3,)"), "12345678")).status(),
              FailsWith(StatusCode::kDataLoss, "npy array [3] of <f4 needs 12 bytes, but 8 are"));
  EXPECT_THAT(ParseNpy(Npy(Header("<f4", "(1,)"), "12345678")).status(),
              FailsWith(StatusCode::kInvalidArgument, "needs 4 bytes, but 8 are there"));
  EXPECT_THAT(ParseNpy(Npy(Header("<f4", "(1000000000, 10)"), "1")).status(),
              FailsWith(StatusCode::kDataLoss, "needs 40000000000 bytes"));
  EXPECT_THAT(ParseNpy(Npy(Header("<f4", "(4611686018427387904,)"), "1")).status(),
              FailsWith(StatusCode::kResourceExhausted, "above the limit"));
  EXPECT_THAT(ParseNpy(Npy(Header("<f4", "(4294967296, 4294967296)"), "1")).status(),
              FailsWith(StatusCode::kInvalidArgument, "fit into 64 bits"));
  EXPECT_THAT(ParseNpy(Npy(Header("|S0", "(1000000000,)"))).status(),
              FailsWith(StatusCode::kResourceExhausted, "larger than its file"));
  std::string rank_33 = "(";
  for (int i = 0; i < 33; ++i) rank_33 += "1,";
  EXPECT_THAT(ParseNpy(Npy(Header("<f4", rank_33 + ")"), "1234")).status(),
              FailsWith(StatusCode::kInvalidArgument, "more than 32 dimensions"));
}

TEST(NpyTest, TheLimitOfBytesHolds) {
  Limits limits;
  limits.max_tensor_bytes = 7;
  EXPECT_THAT(ParseNpy(Npy(Header("<f4", "(2,)"), "12345678"), limits).status(),
              FailsWith(StatusCode::kResourceExhausted, "limit of 7 bytes"));
}

TEST(NpyTest, StringsThatNpyCannotKeepAreRefused) {
  EXPECT_THAT(FormatNpy(*Tensor::Of<std::string>({2}, {"a", std::string("b\0", 2)})).status(),
              FailsWith(StatusCode::kInvalidArgument, "string 1 ends with a zero byte"));
}

TEST(NpyTest, OtherVersionsAndFilesAreRefused) {
  std::string bytes = Npy(Header("<f4", "(2,)"), "12345678");
  bytes[6] = 4;
  EXPECT_THAT(ParseNpy(bytes).status(), FailsWith(StatusCode::kUnimplemented, "npy version 4"));
  EXPECT_THAT(ParseNpy("hello, world").status(),
              FailsWith(StatusCode::kInvalidArgument, "not an npy file"));
  EXPECT_FALSE(ParseNpy("").ok());
}

TEST(NpyTest, DamagedFilesAreStatusesOrTensors) {
  for (const Tensor& tensor : {*Tensor::Of<float>({2, 3}, {1, 2, 3, 4, 5, 6}),
                               *Tensor::Of<std::string>({3}, {"a", "", "long string"})}) {
    ForEachDamage(*FormatNpy(tensor), 1000, 3000,
                  [](const std::string& bytes) { ParseNpy(bytes).status().IgnoreError(); });
  }
}

TEST(NpyTest, ReadsWhatNumpyWrote) {
  DOPPIO_SKIP_WITHOUT_SHARED();
  const std::string bytes = ReadWholeFile(SharedDir() + "/models/style/golden/input.npy");
  absl::StatusOr<Tensor> tensor = ParseNpy(bytes);
  ASSERT_TRUE(tensor.ok()) << tensor.status();
  EXPECT_EQ(tensor->dtype(), DataType::kUInt8);
  EXPECT_EQ(*FormatNpy(*tensor), bytes);
}

}  // namespace
}  // namespace doppio
