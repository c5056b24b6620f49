#include "doppio/dtype.h"

#include "absl/strings/ascii.h"

namespace doppio {
namespace {

struct TypeRow {
  DataType type;
  absl::string_view name;
  size_t size;
  absl::string_view numpy_name;
};

constexpr TypeRow kTypes[] = {
    {DataType::kFloat, "float", 4, "float32"},
    {DataType::kInt32, "int32", 4, "int"},
    {DataType::kString, "string", sizeof(std::string), "bytes"},
    {DataType::kBool, "bool", 1, "bool_"},
    {DataType::kUInt8, "uint8", 1, "byte"},
    {DataType::kInt8, "int8", 1, "char"},
    {DataType::kUInt16, "uint16", 2, "ushort"},
    {DataType::kInt16, "int16", 2, "short"},
    {DataType::kInt64, "int64", 8, "long"},
    {DataType::kFloat16, "float16", 2, "half"},
    {DataType::kDouble, "double", 8, "float64"},
    {DataType::kBFloat16, "bfloat16", 2, "bf16"},
};

const TypeRow* FindRow(DataType type) {
  for (const TypeRow& row : kTypes) {
    if (row.type == type) return &row;
  }
  return nullptr;
}

}  // namespace

absl::string_view DataTypeName(DataType type) {
  const TypeRow* row = FindRow(type);
  return row == nullptr ? "undefined" : row->name;
}

absl::StatusOr<DataType> DataTypeFromName(absl::string_view name) {
  const std::string lower = absl::AsciiStrToLower(name);
  for (const TypeRow& row : kTypes) {
    if (lower == row.name || lower == row.numpy_name) return row.type;
  }
  return absl::InvalidArgumentError(absl::StrCat("\"", name,
                                                 "\" is no element type; there are float, double, "
                                                 "float16, bfloat16, bool, int8, int16, int32, "
                                                 "int64, uint8, uint16 and string"));
}

absl::StatusOr<DataType> DataTypeFromNumber(int64_t number) {
  constexpr int64_t kObsoleteByte = 3;
  if (number == kObsoleteByte) return DataType::kUInt8;
  for (const TypeRow& row : kTypes) {
    if (number == static_cast<int64_t>(row.type)) return row.type;
  }
  return absl::InvalidArgumentError(
      absl::StrCat(number, " is no element type (TensorProto.DataType)"));
}

size_t DataTypeSize(DataType type) {
  const TypeRow* row = FindRow(type);
  return row == nullptr ? 0 : row->size;
}

bool IsNumeric(DataType type) { return type != DataType::kString && FindRow(type) != nullptr; }

bool IsFloatingPoint(DataType type) {
  return type == DataType::kFloat || type == DataType::kDouble || type == DataType::kFloat16 ||
         type == DataType::kBFloat16;
}

absl::Status UnsupportedTypeError(DataType type, std::initializer_list<DataType> supported) {
  std::string names;
  for (DataType one : supported) {
    absl::StrAppend(&names, names.empty() ? "" : ", ", DataTypeName(one));
  }
  return absl::InvalidArgumentError(absl::StrCat("element type ", DataTypeName(type),
                                                 " is not supported here; supported: ", names));
}

}  // namespace doppio
