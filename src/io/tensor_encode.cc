#include <algorithm>
#include <cstring>
#include <limits>
#include <type_traits>

#include "doppio/serialize.h"

namespace doppio {
namespace {

template <typename T, typename Field>
void AppendAll(absl::Span<const T> values, Field* field) {
  field->Reserve(static_cast<int>(values.size()));
  field->Add(values.begin(), values.end());
}

void EncodeAsBfloat16(absl::Span<const float> values, TensorProto* proto) {
  std::string* raw = proto->mutable_raw_data();
  raw->resize(2 * values.size());
  for (size_t i = 0; i < values.size(); ++i) {
    const uint16_t bits = bfloat16(values[i]).bits;
    std::memcpy(&(*raw)[2 * i], &bits, 2);
  }
  proto->set_data_format(TensorProto::FMT_BFLOAT16);
}

template <typename T>
void EncodeSmall(absl::Span<const T> values, bool as_bytes, TensorProto* proto) {
  if (as_bytes) {
    proto->set_byte_data(values.data(), values.size() * sizeof(T));
    return;
  }
  proto->mutable_int32_data()->Reserve(static_cast<int>(values.size()));
  for (const T value : values) {
    if constexpr (std::is_same_v<T, float16>) {
      proto->add_int32_data(value.bits);
    } else {
      proto->add_int32_data(static_cast<int32_t>(value));
    }
  }
}

template <typename T>
void Encode(absl::Span<const T> values, const SerializeOptions& options, TensorProto* proto) {
  if constexpr (std::is_same_v<T, float>) {
    if (options.floats_as_bfloat16) return EncodeAsBfloat16(values, proto);
    AppendAll(values, proto->mutable_float_data());
  } else if constexpr (std::is_same_v<T, double>) {
    AppendAll(values, proto->mutable_double_data());
  } else if constexpr (std::is_same_v<T, int32_t>) {
    AppendAll(values, proto->mutable_int32_data());
  } else if constexpr (std::is_same_v<T, int64_t>) {
    AppendAll(values, proto->mutable_int64_data());
  } else if constexpr (std::is_same_v<T, std::string>) {
    for (const std::string& value : values) proto->add_string_data(value);
  } else if constexpr (std::is_same_v<T, bfloat16>) {
    proto->set_data_type(TensorProto::FLOAT);
    proto->set_raw_data(values.data(), 2 * values.size());
    proto->set_data_format(TensorProto::FMT_BFLOAT16);
  } else {
    EncodeSmall(values, options.small_types_as_bytes, proto);
  }
}

}  // namespace

absl::StatusOr<TensorProto> TensorSegmentToProto(const Tensor& tensor, absl::string_view name,
                                                 int64_t begin, int64_t end,
                                                 const SerializeOptions& options) {
  if (begin < 0 || begin > end || end > tensor.numel()) {
    return absl::InvalidArgumentError(absl::StrCat("segment [", begin, ",", end,
                                                   ") is not within ", tensor.TypeAndShape()));
  }
  if (end - begin > std::numeric_limits<int>::max()) {
    return absl::ResourceExhaustedError(
        absl::StrCat(end - begin, " elements do not fit into one message; write chunks"));
  }
  TensorProto proto;
  for (int64_t dim : tensor.dims()) proto.add_dims(dim);
  if (!name.empty()) proto.set_name(std::string(name));
  proto.mutable_device_detail()->set_device_type(PROTO_CPU);
  proto.mutable_segment()->set_begin(begin);
  proto.mutable_segment()->set_end(end);
  if (tensor.dtype() == DataType::kUndefined) {
    proto.set_data_type(TensorProto::FLOAT);
    return proto;
  }
  const absl::Status status = DispatchType(AllTypes(), tensor.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    if constexpr (!std::is_same_v<T, bfloat16>) {
      proto.set_data_type(static_cast<TensorProto::DataType>(tensor.dtype()));
    }
    Encode(tensor.span<T>().subspan(static_cast<size_t>(begin), static_cast<size_t>(end - begin)),
           options, &proto);
    return absl::OkStatus();
  });
  if (!status.ok()) return status;
  return proto;
}

absl::StatusOr<TensorProto> TensorToProto(const Tensor& tensor, absl::string_view name,
                                          const SerializeOptions& options) {
  return TensorSegmentToProto(tensor, name, 0, tensor.numel(), options);
}

}  // namespace doppio
