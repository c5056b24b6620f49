#include <algorithm>
#include <cstring>

#include "absl/strings/numbers.h"
#include "doppio/npy.h"
#include "src/io/npy_header.h"
#include "src/io/pickled_strings.h"

namespace doppio {
namespace {

struct ElementType {
  DataType dtype;
  size_t size;      // in the file
  bool is_swapped;  // big-endian
  bool is_text;     // strings of 32-bit code points
};

struct TypeRow {
  absl::string_view code;
  DataType dtype;
};

constexpr TypeRow kTypes[] = {
    {"b1", DataType::kBool},   {"i1", DataType::kInt8},    {"i2", DataType::kInt16},
    {"i4", DataType::kInt32},  {"i8", DataType::kInt64},   {"u1", DataType::kUInt8},
    {"u2", DataType::kUInt16}, {"f2", DataType::kFloat16}, {"f4", DataType::kFloat},
    {"f8", DataType::kDouble},
};

absl::Status Unsupported(absl::string_view descr) {
  return absl::InvalidArgumentError(
      absl::StrCat("npy element type \"", descr.substr(0, 20), "\" is not supported"));
}

absl::StatusOr<ElementType> ElementTypeOf(absl::string_view descr) {
  if (descr.size() < 3 || absl::string_view("<>|=").find(descr[0]) == absl::string_view::npos) {
    return Unsupported(descr);
  }
  const absl::string_view code = descr.substr(1);
  const bool is_swapped = descr[0] == '>';
  for (const TypeRow& row : kTypes) {
    if (row.code == code) return ElementType{row.dtype, DataTypeSize(row.dtype), is_swapped, false};
  }
  uint32_t size;
  if (code[0] == 'S' && absl::SimpleAtoi(code.substr(1), &size)) {
    return ElementType{DataType::kString, size, false, false};
  }
  if (code[0] == 'U' && absl::SimpleAtoi(code.substr(1), &size)) {
    return ElementType{DataType::kString, size_t{size} * 4, is_swapped, true};
  }
  return Unsupported(descr);
}

// Elements in Fortran order go to their places in C order: the first index runs fastest in the
// file.
template <typename Copy>
void ForEachInFortranOrder(DimsView dims, int64_t numel, Copy copy) {
  const Dims strides = ContiguousStrides(dims);
  Dims index(dims.size(), 0);
  int64_t target = 0;
  for (int64_t source = 0; source < numel; ++source) {
    copy(source, target);
    for (size_t axis = 0; axis < dims.size(); ++axis) {
      target += strides[axis];
      if (++index[axis] < dims[axis]) break;
      target -= strides[axis] * dims[axis];
      index[axis] = 0;
    }
  }
}

void CopyElement(const char* from, size_t size, bool is_swapped, char* to) {
  if (is_swapped) {
    std::reverse_copy(from, from + size, to);
  } else {
    std::memcpy(to, from, size);
  }
}

absl::string_view WithoutTrailingZeros(absl::string_view text) {
  while (!text.empty() && text.back() == '\0') text.remove_suffix(1);
  return text;
}

uint32_t CodePoint(absl::string_view four_bytes, bool is_swapped) {
  uint32_t code;
  std::memcpy(&code, four_bytes.data(), 4);
  return is_swapped ? __builtin_bswap32(code) : code;
}

// False when one of the numbers is no character.
bool AppendUtf8(uint32_t code, std::string* out) {
  if (code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) return false;
  const auto tail = [&](int shift) {
    out->push_back(static_cast<char>(0x80 | (code >> shift & 0x3f)));
  };
  if (code < 0x80) {
    out->push_back(static_cast<char>(code));
  } else if (code < 0x800) {
    out->push_back(static_cast<char>(0xc0 | code >> 6));
    tail(0);
  } else if (code < 0x10000) {
    out->push_back(static_cast<char>(0xe0 | code >> 12));
    tail(6);
    tail(0);
  } else {
    out->push_back(static_cast<char>(0xf0 | code >> 18));
    tail(12);
    tail(6);
    tail(0);
  }
  return true;
}

// An element of a string array without the zeros that pad it.
absl::StatusOr<std::string> StringOf(absl::string_view element, const ElementType& type) {
  if (!type.is_text) return std::string(WithoutTrailingZeros(element));
  std::string text;
  for (; !element.empty(); element.remove_prefix(4)) {
    if (!AppendUtf8(CodePoint(element, type.is_swapped), &text)) {
      return absl::InvalidArgumentError("npy text holds a number that is no character");
    }
  }
  return std::string(WithoutTrailingZeros(text));
}

absl::Status CopyElements(absl::string_view data, const io::NpyHeader& header,
                          const ElementType& type, Tensor* tensor) {
  const auto each = [&](auto copy) {
    if (header.fortran_order) return ForEachInFortranOrder(tensor->dims(), tensor->numel(), copy);
    for (int64_t i = 0; i < tensor->numel(); ++i) copy(i, i);
  };
  const size_t size = type.size;
  if (type.dtype == DataType::kString) {
    std::string* out = tensor->mutable_data<std::string>();
    absl::Status status;
    each([&](int64_t source, int64_t target) {
      absl::StatusOr<std::string> text =
          StringOf(data.substr(static_cast<size_t>(source) * size, size), type);
      if (text.ok()) {
        out[target] = *std::move(text);
      } else {
        status = text.status();
      }
    });
    return status;
  }
  if (type.dtype == DataType::kBool) {
    bool* out = tensor->mutable_data<bool>();
    each([&](int64_t source, int64_t target) {
      out[target] = data[static_cast<size_t>(source)] != 0;
    });
  } else if (header.fortran_order || type.is_swapped) {
    char* out = static_cast<char*>(tensor->raw_mutable_data());
    each([&](int64_t source, int64_t target) {
      CopyElement(data.data() + static_cast<size_t>(source) * size, size, type.is_swapped,
                  out + static_cast<size_t>(target) * size);
    });
  } else if (!data.empty()) {
    std::memcpy(tensor->raw_mutable_data(), data.data(), data.size());
  }
  return absl::OkStatus();
}

// An array of Python objects, which are pickled behind the header.
absl::StatusOr<Tensor> ParseObjects(absl::string_view data, DimsView shape, const Limits& limits) {
  DOPPIO_ASSIGN_OR_RETURN(const int64_t numel, NumElements(shape));
  const absl::StatusOr<int64_t> in_memory =
      CheckedProduct(numel, static_cast<int64_t>(sizeof(std::string)));
  // Each element takes a byte of the pickle, if not more.
  if (static_cast<uint64_t>(numel) > data.size()) {
    return absl::DataLossError(absl::StrCat("npy array ", ShapeToString(shape),
                                            " of objects has only ", data.size(), " bytes"));
  }
  if (!in_memory.ok() || *in_memory > limits.max_tensor_bytes) {
    return absl::ResourceExhaustedError(absl::StrCat("npy array ", ShapeToString(shape),
                                                     " of objects is above the limit of ",
                                                     limits.max_tensor_bytes, " bytes"));
  }
  DOPPIO_ASSIGN_OR_RETURN(Tensor tensor, Tensor::Create(DataType::kString, shape));
  const absl::Span<std::string> strings(tensor.mutable_data<std::string>(),
                                        static_cast<size_t>(numel));
  DOPPIO_RETURN_IF_ERROR(io::ReadPickledStrings(data, limits.max_tensor_bytes, strings));
  return tensor;
}

}  // namespace

absl::StatusOr<Tensor> ParseNpy(absl::string_view bytes, const Limits& limits) {
  DOPPIO_ASSIGN_OR_RETURN(const io::NpyHeader header, io::ParseNpyHeader(bytes));
  if (header.descr == "|O") {
    return ParseObjects(bytes.substr(header.data_offset), header.shape, limits);
  }
  DOPPIO_ASSIGN_OR_RETURN(const ElementType type, ElementTypeOf(header.descr));
  DOPPIO_ASSIGN_OR_RETURN(const int64_t numel, NumElements(header.shape));
  const absl::string_view data = bytes.substr(header.data_offset);
  const absl::StatusOr<int64_t> needed = CheckedProduct(numel, static_cast<int64_t>(type.size));
  const absl::StatusOr<int64_t> in_memory =
      CheckedProduct(numel, static_cast<int64_t>(DataTypeSize(type.dtype)));
  const std::string shape = ShapeToString(header.shape);
  if (!needed.ok() || !in_memory.ok() || *in_memory > limits.max_tensor_bytes) {
    return absl::ResourceExhaustedError(absl::StrCat("npy array ", shape, " of ", header.descr,
                                                     " is above the limit of ",
                                                     limits.max_tensor_bytes, " bytes"));
  }
  if (static_cast<uint64_t>(*needed) != data.size()) {
    const bool is_cut = static_cast<uint64_t>(*needed) > data.size();
    return absl::Status(is_cut ? absl::StatusCode::kDataLoss : absl::StatusCode::kInvalidArgument,
                        absl::StrCat("npy array ", shape, " of ", header.descr, " needs ", *needed,
                                     " bytes, but ", data.size(), " are there"));
  }
  // Strings without bytes cost memory all the same.
  if (type.size == 0 && static_cast<uint64_t>(numel) > bytes.size()) {
    return absl::ResourceExhaustedError(
        absl::StrCat("npy array ", shape, " of empty strings is larger than its file"));
  }
  DOPPIO_ASSIGN_OR_RETURN(Tensor tensor, Tensor::Create(type.dtype, header.shape));
  DOPPIO_RETURN_IF_ERROR(CopyElements(data, header, type, &tensor));
  return tensor;
}

}  // namespace doppio
