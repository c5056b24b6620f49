#ifndef DOPPIO_OPS_ONNX_MOVED_ELEMENTS_H_
#define DOPPIO_OPS_ONNX_MOVED_ELEMENTS_H_

// What operators have in common that only move elements, of whatever type.

#include <string>

#include "doppio/schema.h"
#include "doppio/tensor.h"

namespace doppio {

// Calls f(TypeTag<T>()) for the T that elements of a type are moved as: a number of their size, or
// a string.
template <typename F>
absl::Status DispatchMoved(DataType type, F&& f) {
  if (type == DataType::kString) return f(TypeTag<std::string>());
  switch (DataTypeSize(type)) {
    case 1:
      return f(TypeTag<uint8_t>());
    case 2:
      return f(TypeTag<uint16_t>());
    case 4:
      return f(TypeTag<uint32_t>());
    default:
      return f(TypeTag<uint64_t>());
  }
}

template <typename T>
const T* MovedElements(const Tensor& tensor) {
  return static_cast<const T*>(tensor.raw_data());
}
template <typename T>
T* MovedElements(Tensor* tensor) {
  return static_cast<T*>(tensor->raw_mutable_data());
}

// The cost of an operator that computes nothing.
inline int64_t NoOperations(const OperatorDef& /*def*/, const std::vector<TensorInfo>& /*inputs*/,
                            const std::vector<TensorInfo>& /*outputs*/) {
  return 0;
}

}  // namespace doppio

#endif  // DOPPIO_OPS_ONNX_MOVED_ELEMENTS_H_
