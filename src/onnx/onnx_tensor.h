#ifndef DOPPIO_ONNX_ONNX_TENSOR_H_
#define DOPPIO_ONNX_ONNX_TENSOR_H_

#include <optional>
#include <string>
#include <vector>

#include "doppio/limits.h"
#include "doppio/onnx.pb.h"
#include "doppio/tensor.h"

namespace doppio {
namespace onnx {

// The element type of that number in ONNX's TensorProto. Unimplemented for those that tensors here
// can not have (uint32, uint64, complex numbers).
absl::StatusOr<DataType> DataTypeFromOnnx(int32_t number);
// Every type has a number there.
TensorProto::DataType DataTypeToOnnx(DataType type);

// External data is looked for in `folder` and below. Errors do not name the tensor.
absl::StatusOr<Tensor> TensorFromOnnx(const TensorProto& proto, const std::string& folder,
                                      const Limits& limits);
TensorProto TensorToOnnx(const Tensor& tensor);

// The elements of a tensor of int64 or int32; none of another one, nor of null.
std::optional<std::vector<int64_t>> IntsOf(const Tensor* tensor);

}  // namespace onnx
}  // namespace doppio

#endif  // DOPPIO_ONNX_ONNX_TENSOR_H_
