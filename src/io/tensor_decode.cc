#include <algorithm>
#include <cstring>
#include <limits>
#include <type_traits>

#include "absl/strings/match.h"
#include "doppio/serialize.h"
#include "src/io/tensor_proto.h"

namespace doppio {
namespace {

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "byte_data and raw_data are copied as they are");

bool IsBfloat16Data(const TensorProto& proto, DataType dtype) {
  return dtype == DataType::kFloat && proto.data_format() == TensorProto::FMT_BFLOAT16;
}

// How many elements a message holds, and in which field.
struct Holding {
  const char* field;
  int64_t elements;
  size_t odd_bytes;  // that are no whole element
};

Holding BytesHolding(const char* field, const std::string& bytes, size_t size) {
  return {field, static_cast<int64_t>(bytes.size() / size), bytes.size() % size};
}

Holding HoldingOf(const TensorProto& proto, DataType dtype) {
  switch (dtype) {
    case DataType::kFloat:
      if (IsBfloat16Data(proto, dtype)) return BytesHolding("raw_data", proto.raw_data(), 2);
      return {"float_data", proto.float_data_size(), 0};
    case DataType::kDouble:
      return {"double_data", proto.double_data_size(), 0};
    case DataType::kInt32:
      return {"int32_data", proto.int32_data_size(), 0};
    case DataType::kInt64:
      return {"int64_data", proto.int64_data_size(), 0};
    case DataType::kString:
      return {"string_data", proto.string_data_size(), 0};
    default:
      if (proto.has_byte_data()) {
        return BytesHolding("byte_data", proto.byte_data(), DataTypeSize(dtype));
      }
      return {"int32_data", proto.int32_data_size(), 0};
  }
}

template <typename T>
absl::Status DecodeInt32(const TensorProto& proto, T* out) {
  int64_t low = 0, high = 0xffff;
  if constexpr (std::is_same_v<T, float16>) {
    low = -0x8000;  // Some writers extend the sign of the 16 bits.
  } else if constexpr (!std::is_same_v<T, bool>) {
    low = std::numeric_limits<T>::min();
    high = std::numeric_limits<T>::max();
  } else {
    low = std::numeric_limits<int32_t>::min();
    high = std::numeric_limits<int32_t>::max();
  }
  for (int i = 0; i < proto.int32_data_size(); ++i) {
    const int32_t value = proto.int32_data(i);
    if (value < low || value > high) {
      return absl::InvalidArgumentError(absl::StrCat("int32_data[", i, "] is ", value, ", which ",
                                                     DataTypeName(DataTypeOf<T>::value),
                                                     " cannot hold"));
    }
    if constexpr (std::is_same_v<T, float16>) {
      out[i] = float16::FromBits(static_cast<uint16_t>(value));
    } else {
      out[i] = static_cast<T>(value);
    }
  }
  return absl::OkStatus();
}

template <typename T>
absl::Status DecodeValues(const TensorProto& proto, T* out) {
  if constexpr (std::is_same_v<T, float>) {
    if (IsBfloat16Data(proto, DataType::kFloat)) {
      const std::string& raw = proto.raw_data();
      for (size_t i = 0; i < raw.size() / 2; ++i) {
        uint16_t bits;
        std::memcpy(&bits, raw.data() + 2 * i, 2);
        out[i] = static_cast<float>(bfloat16::FromBits(bits));
      }
    } else {
      std::copy(proto.float_data().begin(), proto.float_data().end(), out);
    }
  } else if constexpr (std::is_same_v<T, double>) {
    std::copy(proto.double_data().begin(), proto.double_data().end(), out);
  } else if constexpr (std::is_same_v<T, int32_t>) {
    std::copy(proto.int32_data().begin(), proto.int32_data().end(), out);
  } else if constexpr (std::is_same_v<T, int64_t>) {
    std::copy(proto.int64_data().begin(), proto.int64_data().end(), out);
  } else if constexpr (std::is_same_v<T, std::string>) {
    std::copy(proto.string_data().begin(), proto.string_data().end(), out);
  } else if constexpr (std::is_same_v<T, bfloat16>) {
    return absl::InternalError("no message holds bfloat16");
  } else {
    if (!proto.has_byte_data()) return DecodeInt32(proto, out);
    const std::string& bytes = proto.byte_data();
    if constexpr (std::is_same_v<T, bool>) {
      std::transform(bytes.begin(), bytes.end(), out, [](char byte) { return byte != 0; });
    } else if (!bytes.empty()) {
      std::memcpy(out, bytes.data(), bytes.size());
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<DataType> TypeOf(const TensorProto& proto, int64_t numel) {
  // protobuf puts numbers that DataType does not name among the unknown fields.
  const google::protobuf::UnknownFieldSet& unknown = proto.unknown_fields();
  for (int i = 0; i < unknown.field_count(); ++i) {
    const google::protobuf::UnknownField& field = unknown.field(i);
    if (field.number() == TensorProto::kDataTypeFieldNumber &&
        field.type() == google::protobuf::UnknownField::TYPE_VARINT) {
      return absl::InvalidArgumentError(
          absl::StrCat("data_type is ", field.varint(), ", which is no type of elements"));
    }
  }
  if (proto.data_type() != TensorProto::UNDEFINED) {
    return DataTypeFromNumber(proto.data_type());
  }
  // What was never filled has been written like this.
  if (numel == 0 && proto.string_data_size() == 0) return DataType::kFloat;
  return absl::UnimplementedError("a tensor whose elements are blobs (data_type UNDEFINED)");
}

std::string Describe(const TensorProto& proto, const absl::Status& status) {
  return absl::StrCat("tensor", proto.name().empty() ? "" : " \"", proto.name(),
                      proto.name().empty() ? ": " : "\": ", status.message());
}

absl::StatusOr<io::TensorSegment> Check(const TensorProto& proto, const Limits& limits) {
  io::TensorSegment segment;
  segment.dims.assign(proto.dims().begin(), proto.dims().end());
  DOPPIO_ASSIGN_OR_RETURN(segment.numel, NumElements(segment.dims));
  DOPPIO_ASSIGN_OR_RETURN(segment.dtype, TypeOf(proto, segment.numel));
  const std::string shape = ShapeToString(segment.dims);
  const absl::StatusOr<int64_t> bytes =
      CheckedProduct(segment.numel, static_cast<int64_t>(DataTypeSize(segment.dtype)));
  if (!bytes.ok() || *bytes > limits.max_tensor_bytes) {
    return absl::ResourceExhaustedError(
        absl::StrCat("shape ", shape, " of ", DataTypeName(segment.dtype),
                     " is above the limit of ", limits.max_tensor_bytes, " bytes"));
  }
  segment.begin = proto.has_segment() ? proto.segment().begin() : 0;
  segment.end = proto.has_segment() ? proto.segment().end() : segment.numel;
  if (segment.begin < 0 || segment.begin > segment.end || segment.end > segment.numel) {
    return absl::InvalidArgumentError(absl::StrCat("segment [", segment.begin, ",", segment.end,
                                                   ") is not within the ", segment.numel,
                                                   " elements of shape ", shape));
  }
  if (proto.data_format() > TensorProto::FMT_BFLOAT16) {
    return absl::UnimplementedError(absl::StrCat("data_format ", proto.data_format()));
  }
  const Holding holding = HoldingOf(proto, segment.dtype);
  const int64_t count = segment.end - segment.begin;
  if (holding.elements != count || holding.odd_bytes != 0) {
    return absl::InvalidArgumentError(absl::StrCat(
        holding.field, " holds ", holding.elements, " values",
        holding.odd_bytes != 0 ? absl::StrCat(" and ", holding.odd_bytes, " bytes") : "", ", but ",
        proto.has_segment() ? absl::StrCat("segment [", segment.begin, ",", segment.end, ") of ")
                            : "",
        "shape ", shape, " of ", DataTypeName(segment.dtype), " needs ", count));
  }
  return segment;
}

}  // namespace

bool io::IsTensorBlob(const BlobProto& proto) {
  return proto.has_tensor() && (proto.type().empty() || absl::StartsWith(proto.type(), "Tensor"));
}

absl::StatusOr<io::TensorSegment> io::CheckTensorProto(const TensorProto& proto,
                                                       const Limits& limits) {
  absl::StatusOr<TensorSegment> segment = Check(proto, limits);
  if (segment.ok()) return segment;
  return absl::Status(segment.status().code(), Describe(proto, segment.status()));
}

absl::Status io::DecodeSegment(const TensorProto& proto, const TensorSegment& segment,
                               Tensor* whole) {
  const absl::Status status = DispatchType(AllTypes(), segment.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    return DecodeValues<T>(proto, whole->mutable_data<T>() + segment.begin);
  });
  return status.ok() ? status : absl::Status(status.code(), Describe(proto, status));
}

absl::StatusOr<Tensor> TensorFromProto(const TensorProto& proto, const Limits& limits) {
  DOPPIO_ASSIGN_OR_RETURN(const io::TensorSegment segment, io::CheckTensorProto(proto, limits));
  if (segment.end - segment.begin != segment.numel) {
    return absl::InvalidArgumentError(Describe(
        proto, absl::InvalidArgumentError(
                   absl::StrCat("only elements [", segment.begin, ",", segment.end, ") of ",
                                ShapeToString(segment.dims), " are in this message"))));
  }
  DOPPIO_ASSIGN_OR_RETURN(Tensor tensor, Tensor::Create(segment.dtype, segment.dims));
  DOPPIO_RETURN_IF_ERROR(io::DecodeSegment(proto, segment, &tensor));
  return tensor;
}

}  // namespace doppio
