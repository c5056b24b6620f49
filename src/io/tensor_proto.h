#ifndef DOPPIO_IO_TENSOR_PROTO_H_
#define DOPPIO_IO_TENSOR_PROTO_H_

#include <cstdint>

#include "doppio/limits.h"
#include "doppio/net.pb.h"
#include "doppio/tensor.h"

namespace doppio {
namespace io {

// Whether a blob is a tensor. Writers put the device behind the type: TensorCPU, TensorCUDA.
bool IsTensorBlob(const BlobProto& proto);

// What a TensorProto says that it holds.
struct TensorSegment {
  DataType dtype;
  Dims dims;      // of the whole tensor
  int64_t numel;  // of the whole tensor
  int64_t begin;
  int64_t end;
};

// Checks everything but the values: type, shape, segment, and that there are as many values.
absl::StatusOr<TensorSegment> CheckTensorProto(const TensorProto& proto, const Limits& limits);

// Writes the values of a checked message into the whole tensor, which has its type and shape.
absl::Status DecodeSegment(const TensorProto& proto, const TensorSegment& segment, Tensor* whole);

}  // namespace io
}  // namespace doppio

#endif  // DOPPIO_IO_TENSOR_PROTO_H_
