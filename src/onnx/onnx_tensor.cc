#include "src/onnx/onnx_tensor.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <limits>
#include <map>
#include <memory>
#include <type_traits>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "doppio/file_access.h"

namespace doppio {
namespace onnx {
namespace {

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "raw_data is copied as it is");

struct TypePair {
  TensorProto::DataType onnx;
  DataType ours;
};

constexpr TypePair kTypes[] = {
    {TensorProto::FLOAT, DataType::kFloat},   {TensorProto::UINT8, DataType::kUInt8},
    {TensorProto::INT8, DataType::kInt8},     {TensorProto::UINT16, DataType::kUInt16},
    {TensorProto::INT16, DataType::kInt16},   {TensorProto::INT32, DataType::kInt32},
    {TensorProto::INT64, DataType::kInt64},   {TensorProto::STRING, DataType::kString},
    {TensorProto::BOOL, DataType::kBool},     {TensorProto::FLOAT16, DataType::kFloat16},
    {TensorProto::DOUBLE, DataType::kDouble}, {TensorProto::BFLOAT16, DataType::kBFloat16},
};

// Nothing is allocated before there are known to be as many values.
absl::Status Allocate(const char* field, int64_t count, DataType dtype, DimsView dims,
                      int64_t numel, Tensor* tensor) {
  if (count != numel) {
    return absl::InvalidArgumentError(absl::StrCat(field, " holds ", count, " values, but shape ",
                                                   ShapeToString(dims), " needs ", numel));
  }
  DOPPIO_ASSIGN_OR_RETURN(*tensor, Tensor::Create(dtype, dims));
  return absl::OkStatus();
}

// Types of up to 16 bits stand in an int32 each.
template <typename T>
absl::Status Narrow(const google::protobuf::RepeatedField<int32_t>& values, T* out) {
  constexpr bool is_whole = std::is_integral_v<T>;
  int32_t low = 0, high = 0xffff;  // the bits of a half
  if constexpr (is_whole) {
    low = std::numeric_limits<T>::min();
    high = std::numeric_limits<T>::max();
  }
  for (int i = 0; i < values.size(); ++i) {
    const int32_t value = values[i];
    if (value < low || value > high) {
      return absl::InvalidArgumentError(absl::StrCat("int32_data[", i, "] is ", value, ", which ",
                                                     DataTypeName(DataTypeOf<T>::value),
                                                     " can not hold"));
    }
    if constexpr (is_whole) {
      out[i] = static_cast<T>(value);
    } else {
      out[i] = T::FromBits(static_cast<uint16_t>(value));
    }
  }
  return absl::OkStatus();
}

template <typename T>
absl::Status CopyTyped(const TensorProto& proto, DimsView dims, int64_t numel, Tensor* tensor) {
  const auto copy = [&](const char* field, const auto& values) -> absl::Status {
    DOPPIO_RETURN_IF_ERROR(
        Allocate(field, values.size(), DataTypeOf<T>::value, dims, numel, tensor));
    if constexpr (sizeof(T) < sizeof(int32_t)) {
      return Narrow(values, tensor->mutable_data<T>());
    } else {
      std::copy(values.begin(), values.end(), tensor->mutable_data<T>());
      return absl::OkStatus();
    }
  };
  if constexpr (std::is_same_v<T, float>) {
    return copy("float_data", proto.float_data());
  } else if constexpr (std::is_same_v<T, double>) {
    return copy("double_data", proto.double_data());
  } else if constexpr (std::is_same_v<T, int64_t>) {
    return copy("int64_data", proto.int64_data());
  } else if constexpr (std::is_same_v<T, std::string>) {
    return copy("string_data", proto.string_data());
  } else {
    return copy("int32_data", proto.int32_data());
  }
}

bool HasTypedData(const TensorProto& proto) {
  return proto.float_data_size() + proto.int32_data_size() + proto.string_data_size() +
             proto.int64_data_size() + proto.double_data_size() + proto.uint64_data_size() >
         0;
}

// Any byte but 0 is true.
void NormalizeBools(Tensor* tensor) {
  if (!tensor->Is<bool>()) return;
  auto* bytes = static_cast<uint8_t*>(tensor->raw_mutable_data());
  std::transform(bytes, bytes + tensor->numel(), bytes, [](uint8_t byte) { return byte != 0; });
}

absl::StatusOr<int64_t> NumberOf(const std::map<std::string, std::string>& entries,
                                 const std::string& key, int64_t fallback) {
  const auto found = entries.find(key);
  if (found == entries.end()) return fallback;
  int64_t value;
  if (absl::SimpleAtoi(found->second, &value) && value >= 0) return value;
  return absl::InvalidArgumentError(
      absl::StrCat("external data of ", key, " \"", found->second, "\""));
}

// Nothing is allocated before the file is known to be large enough.
absl::StatusOr<Tensor> ReadExternal(const TensorProto& proto, const std::string& folder,
                                    const FileAccess& access, DataType dtype, DimsView dims,
                                    int64_t bytes) {
  std::map<std::string, std::string> entries;
  for (const auto& entry : proto.external_data()) entries[entry.key()] = entry.value();
  const std::string& location = entries["location"];
  if (location.empty()) return absl::InvalidArgumentError("no location is given");
  const std::string path = location.front() == '/' ? location : folder + "/" + location;
  // Where files may be opened at all, those beside the model may.
  DOPPIO_RETURN_IF_ERROR(
      (access.folder().has_value() ? FileAccess::Within(folder) : access).Check(path));
  DOPPIO_ASSIGN_OR_RETURN(const int64_t offset, NumberOf(entries, "offset", 0));
  DOPPIO_ASSIGN_OR_RETURN(const int64_t length, NumberOf(entries, "length", bytes));
  if (length != bytes) {
    return absl::InvalidArgumentError(absl::StrCat(length, " bytes, but shape ",
                                                   ShapeToString(dims), " of ", DataTypeName(dtype),
                                                   " needs ", bytes));
  }
  struct stat info;
  if (stat(path.c_str(), &info) != 0) return absl::ErrnoToStatus(errno, path);
  if (!S_ISREG(info.st_mode)) return absl::InvalidArgumentError(absl::StrCat(path, " is no file"));
  if (offset > info.st_size || bytes > info.st_size - offset) {
    return absl::DataLossError(absl::StrCat(path, " has ", info.st_size, " bytes, which does not ",
                                            "suffice for ", bytes, " from ", offset, " on"));
  }
  DOPPIO_ASSIGN_OR_RETURN(Tensor tensor, Tensor::Create(dtype, dims));
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rbe"),
                                                             &std::fclose);
  const auto size = static_cast<size_t>(bytes);
  if (file == nullptr || fseeko(file.get(), offset, SEEK_SET) != 0 ||
      std::fread(tensor.raw_mutable_data(), 1, size, file.get()) != size) {
    return absl::ErrnoToStatus(errno, path);
  }
  return tensor;
}

}  // namespace

absl::StatusOr<DataType> DataTypeFromOnnx(int32_t number) {
  for (const TypePair& pair : kTypes) {
    if (pair.onnx == number) return pair.ours;
  }
  const std::string name =
      TensorProto::DataType_IsValid(number)
          ? TensorProto::DataType_Name(static_cast<TensorProto::DataType>(number))
          : absl::StrCat("number ", number);
  return absl::UnimplementedError(absl::StrCat("tensors of type ", name));
}

TensorProto::DataType DataTypeToOnnx(DataType type) {
  for (const TypePair& pair : kTypes) {
    if (pair.ours == type) return pair.onnx;
  }
  return TensorProto::UNDEFINED;
}

absl::StatusOr<Tensor> TensorFromOnnx(const TensorProto& proto, const std::string& folder,
                                      const Limits& limits) {
  DOPPIO_ASSIGN_OR_RETURN(const DataType dtype, DataTypeFromOnnx(proto.data_type()));
  if (proto.has_segment()) return absl::UnimplementedError("a segment of a tensor");
  const Dims dims(proto.dims().begin(), proto.dims().end());
  DOPPIO_ASSIGN_OR_RETURN(const int64_t numel, NumElements(dims));
  const absl::StatusOr<int64_t> bytes =
      CheckedProduct(numel, static_cast<int64_t>(DataTypeSize(dtype)));
  if (!bytes.ok() || *bytes > limits.max_tensor_bytes) {
    return absl::ResourceExhaustedError(absl::StrCat("shape ", ShapeToString(dims), " of ",
                                                     DataTypeName(dtype), " is above the limit of ",
                                                     limits.max_tensor_bytes, " bytes"));
  }
  const bool is_bytes = proto.has_raw_data() || proto.data_location() == TensorProto::EXTERNAL;
  if (is_bytes && dtype == DataType::kString) {
    return absl::InvalidArgumentError("strings stand in string_data alone");
  }
  if (is_bytes && HasTypedData(proto)) {
    return absl::InvalidArgumentError("its elements stand in two places");
  }
  Tensor tensor;
  if (proto.data_location() == TensorProto::EXTERNAL) {
    absl::StatusOr<Tensor> read =
        ReadExternal(proto, folder, limits.file_access, dtype, dims, *bytes);
    if (!read.ok()) return Annotate(read.status(), "external data");
    tensor = *std::move(read);
  } else if (proto.has_raw_data()) {
    const std::string& raw = proto.raw_data();
    if (static_cast<int64_t>(raw.size()) != *bytes) {
      return absl::InvalidArgumentError(
          absl::StrCat("raw_data holds ", raw.size(), " bytes, but shape ", ShapeToString(dims),
                       " of ", DataTypeName(dtype), " needs ", *bytes));
    }
    DOPPIO_ASSIGN_OR_RETURN(tensor, Tensor::Create(dtype, dims));
    if (!raw.empty()) std::memcpy(tensor.raw_mutable_data(), raw.data(), raw.size());
  } else {
    DOPPIO_RETURN_IF_ERROR(DispatchType(AllTypes(), dtype, [&](auto tag) {
      return CopyTyped<typename decltype(tag)::type>(proto, dims, numel, &tensor);
    }));
  }
  if (is_bytes) NormalizeBools(&tensor);
  return tensor;
}

TensorProto TensorToOnnx(const Tensor& tensor) {
  TensorProto proto;
  proto.set_data_type(DataTypeToOnnx(tensor.dtype()));
  for (int64_t dim : tensor.dims()) proto.add_dims(dim);
  if (tensor.Is<std::string>()) {
    for (const std::string& value : tensor.span<std::string>()) proto.add_string_data(value);
  } else {
    proto.set_raw_data(tensor.raw_data(), tensor.bytes());
  }
  return proto;
}

std::optional<std::vector<int64_t>> IntsOf(const Tensor* tensor) {
  if (tensor == nullptr) return std::nullopt;
  if (tensor->Is<int64_t>()) {
    const auto ints = tensor->span<int64_t>();
    return std::vector<int64_t>(ints.begin(), ints.end());
  }
  if (tensor->Is<int32_t>()) {
    const auto ints = tensor->span<int32_t>();
    return std::vector<int64_t>(ints.begin(), ints.end());
  }
  return std::nullopt;
}

}  // namespace onnx
}  // namespace doppio
