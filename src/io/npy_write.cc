#include <algorithm>
#include <cstring>

#include "doppio/npy.h"
#include "src/io/npy.h"
#include "src/io/npy_header.h"

namespace doppio {
namespace {

absl::string_view DescrOf(DataType dtype) {
  switch (dtype) {
    case DataType::kBool:
      return "|b1";
    case DataType::kInt8:
      return "|i1";
    case DataType::kInt16:
      return "<i2";
    case DataType::kInt32:
      return "<i4";
    case DataType::kInt64:
      return "<i8";
    case DataType::kUInt8:
      return "|u1";
    case DataType::kUInt16:
      return "<u2";
    case DataType::kFloat16:
      return "<f2";
    case DataType::kDouble:
      return "<f8";
    default:
      return "<f4";  // float; bfloat16, converted; what has no type is an empty float array
  }
}

// The strings one after the other, each padded to the longest one's length.
absl::StatusOr<std::string> PaddedStrings(absl::Span<const std::string> strings, size_t* width) {
  *width = 1;  // NumPy has no S0 arrays with elements
  for (size_t i = 0; i < strings.size(); ++i) {
    if (!strings[i].empty() && strings[i].back() == '\0') {
      return absl::InvalidArgumentError(absl::StrCat(
          "string ", i, " ends with a zero byte, which npy cannot keep; write a BlobProto"));
    }
    *width = std::max(*width, strings[i].size());
  }
  DOPPIO_ASSIGN_OR_RETURN(const int64_t bytes, CheckedProduct(static_cast<int64_t>(strings.size()),
                                                              static_cast<int64_t>(*width)));
  std::string padded(static_cast<size_t>(bytes), '\0');
  for (size_t i = 0; i < strings.size(); ++i) {
    std::copy(strings[i].begin(), strings[i].end(), padded.begin() + static_cast<int64_t>(i * *width));
  }
  return padded;
}

std::string AsFloats(absl::Span<const bfloat16> values) {
  std::string bytes(values.size() * sizeof(float), '\0');
  for (size_t i = 0; i < values.size(); ++i) {
    const float value = static_cast<float>(values[i]);
    std::memcpy(&bytes[i * sizeof(float)], &value, sizeof(float));
  }
  return bytes;
}

}  // namespace

absl::StatusOr<io::NpyContent> io::NpyContent::Of(const Tensor& tensor) {
  NpyContent content;
  std::string descr(DescrOf(tensor.dtype()));
  if (tensor.Is<std::string>()) {
    size_t width;
    DOPPIO_ASSIGN_OR_RETURN(content.converted_, PaddedStrings(tensor.span<std::string>(), &width));
    descr = absl::StrCat("|S", width);
  } else if (tensor.Is<bfloat16>()) {
    content.converted_ = AsFloats(tensor.span<bfloat16>());
  } else {
    content.tensor_ = tensor;
    content.bytes_ = tensor.bytes();
  }
  content.header_ = FormatNpyHeader(descr, tensor.dims());
  return content;
}

absl::StatusOr<std::string> FormatNpy(const Tensor& tensor) {
  DOPPIO_ASSIGN_OR_RETURN(const io::NpyContent content, io::NpyContent::Of(tensor));
  return absl::StrCat(content.header(), content.elements());
}

}  // namespace doppio
