#include "doppio/dtype.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace doppio {
namespace {

using testing::HasSubstr;

constexpr DataType kAll[] = {DataType::kFloat,   DataType::kInt32,  DataType::kString,
                             DataType::kBool,    DataType::kUInt8,  DataType::kInt8,
                             DataType::kUInt16,  DataType::kInt16,  DataType::kInt64,
                             DataType::kFloat16, DataType::kDouble, DataType::kBFloat16};

TEST(DataTypeTest, NamesAndNumbersComeBack) {
  for (DataType type : kAll) {
    EXPECT_EQ(*DataTypeFromName(DataTypeName(type)), type) << DataTypeName(type);
    EXPECT_EQ(*DataTypeFromNumber(static_cast<int64_t>(type)), type) << DataTypeName(type);
  }
  EXPECT_EQ(DataTypeName(DataType::kUndefined), "undefined");
}

TEST(DataTypeTest, AcceptsNamesOfNumPyAndTensorProto) {
  EXPECT_EQ(*DataTypeFromName("float32"), DataType::kFloat);
  EXPECT_EQ(*DataTypeFromName("float64"), DataType::kDouble);
  EXPECT_EQ(*DataTypeFromName("FLOAT"), DataType::kFloat);
  EXPECT_EQ(*DataTypeFromName("BYTE"), DataType::kUInt8);
  EXPECT_EQ(*DataTypeFromName("Int64"), DataType::kInt64);
}

TEST(DataTypeTest, RefusesUnknownNames) {
  const absl::Status status = DataTypeFromName("complex64").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("\"complex64\" is no element type"));
  EXPECT_FALSE(DataTypeFromName("").ok());
  EXPECT_FALSE(DataTypeFromName("undefined").ok());
}

TEST(DataTypeTest, RefusesUnknownNumbers) {
  for (int64_t number : {int64_t{0}, int64_t{-1}, int64_t{11}, int64_t{14}, int64_t{1} << 33}) {
    EXPECT_EQ(DataTypeFromNumber(number).status().code(), absl::StatusCode::kInvalidArgument)
        << number;
  }
  EXPECT_EQ(*DataTypeFromNumber(3), DataType::kUInt8);  // BYTE
}

TEST(DataTypeTest, KnowsSizesAndKinds) {
  EXPECT_EQ(DataTypeSize(DataType::kDouble), 8u);
  EXPECT_EQ(DataTypeSize(DataType::kBFloat16), 2u);
  EXPECT_EQ(DataTypeSize(DataType::kString), sizeof(std::string));
  EXPECT_EQ(DataTypeSize(DataType::kUndefined), 0u);
  EXPECT_FALSE(IsNumeric(DataType::kString));
  EXPECT_FALSE(IsNumeric(DataType::kUndefined));
  EXPECT_TRUE(IsNumeric(DataType::kBool));
  EXPECT_TRUE(IsFloatingPoint(DataType::kFloat16));
  EXPECT_FALSE(IsFloatingPoint(DataType::kInt64));
}

TEST(DispatchTypeTest, CallsWithTheTypeAndReturnsItsStatus) {
  size_t size = 0;
  const auto f = [&](auto tag) {
    size = sizeof(typename decltype(tag)::type);
    return absl::CancelledError("seen");
  };
  EXPECT_EQ(DispatchType(AllTypes(), DataType::kInt16, f), absl::CancelledError("seen"));
  EXPECT_EQ(size, 2u);
}

TEST(DispatchTypeTest, ListsWhatIsSupported) {
  const absl::Status status = DispatchType(TypeList<float, double>(), DataType::kString, [](auto) {
    return absl::InternalError("must not be called");
  });
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(status.message(),
            "element type string is not supported here; supported: float, double");
}

}  // namespace
}  // namespace doppio
