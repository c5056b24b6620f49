// Int8Tensor as QTensorProto: precision 8, scale, and the zero point as `bias`.

#include <cmath>

#include "doppio/int8_tensor.h"
#include "src/io/blob_serializers.h"

namespace doppio {
namespace io {
namespace {

constexpr int kPrecision = 8;

absl::Status Serialize(const Blob& blob, absl::string_view name, const SerializeOptions&,
                       const BlobSink& sink) {
  const Int8Tensor& tensor = *blob.Get<Int8Tensor>();
  BlobProto proto;
  proto.set_name(std::string(name));
  proto.set_type(kInt8TensorType);
  QTensorProto* q = proto.mutable_qtensor();
  for (int64_t dim : tensor.values.dims()) q->add_dims(dim);
  q->set_precision(kPrecision);
  q->set_scale(tensor.scale);
  q->set_bias(tensor.zero_point);
  q->set_is_signed(false);
  DOPPIO_RETURN_IF_ERROR(
      DispatchType(TypeList<uint8_t, int32_t>(), tensor.values.dtype(), [&](auto tag) {
        using T = typename decltype(tag)::type;
        q->set_data_type(static_cast<TensorProto::DataType>(DataTypeOf<T>::value));
        for (T value : tensor.values.span<T>()) q->add_data(value);
        return absl::OkStatus();
      }));
  return sink(std::string(name), std::move(proto));
}

absl::Status CheckHeader(const QTensorProto& q) {
  if (q.precision() != kPrecision || q.is_signed() || q.is_multiparam()) {
    return absl::InvalidArgumentError(
        absl::StrCat("a qtensor of precision ", q.precision(), q.is_signed() ? ", signed" : "",
                     q.is_multiparam() ? ", of several scales" : "",
                     "; only unsigned ones of 8 bits and one scale are known"));
  }
  const double zero_point = q.bias();
  if (zero_point != std::trunc(zero_point) || std::fabs(zero_point) > 0x7fffffff) {
    return absl::InvalidArgumentError(absl::StrCat(
        "the bias of a qtensor is its zero point, a whole number, but is ", zero_point));
  }
  return absl::OkStatus();
}

absl::Status Deserialize(absl::Span<const BlobProto> chunks, const Limits& limits, Blob* blob) {
  const QTensorProto& q = chunks[0].qtensor();
  if (chunks.size() != 1 || !chunks[0].has_qtensor()) {
    return absl::InvalidArgumentError("a quantised tensor must be one message with a qtensor");
  }
  DOPPIO_RETURN_IF_ERROR(CheckHeader(q));
  const Dims dims(q.dims().begin(), q.dims().end());
  DOPPIO_ASSIGN_OR_RETURN(const int64_t numel, NumElements(dims));
  if (numel != q.data_size()) {
    return absl::InvalidArgumentError(absl::StrCat("a qtensor of shape ", ShapeToString(dims),
                                                   " holds ", q.data_size(), " values instead of ",
                                                   numel));
  }
  DOPPIO_ASSIGN_OR_RETURN(const DataType dtype, DataTypeFromNumber(q.data_type()));
  Int8Tensor tensor;
  tensor.scale = static_cast<float>(q.scale());
  tensor.zero_point = static_cast<int32_t>(q.bias());
  DOPPIO_RETURN_IF_ERROR(
      DispatchType(TypeList<uint8_t, int32_t>(), dtype, [&](auto tag) -> absl::Status {
        using T = typename decltype(tag)::type;
        if (numel > limits.max_tensor_bytes / static_cast<int64_t>(sizeof(T))) {
          return absl::ResourceExhaustedError("a qtensor is larger than the limit");
        }
        DOPPIO_RETURN_IF_ERROR(tensor.values.Resize(dtype, dims));
        T* out = tensor.values.mutable_data<T>();
        for (int32_t value : q.data()) {
          *out = static_cast<T>(value);
          if (*out++ != value) {
            return absl::InvalidArgumentError(absl::StrCat(
                "a qtensor of type ", DataTypeName(dtype), " holds the value ", value));
          }
        }
        return absl::OkStatus();
      }));
  *blob->GetMutable<Int8Tensor>() = std::move(tensor);
  return absl::OkStatus();
}

}  // namespace

BlobSerializer Int8TensorSerializer() { return {kInt8TensorType, Serialize, Deserialize}; }

}  // namespace io
}  // namespace doppio
