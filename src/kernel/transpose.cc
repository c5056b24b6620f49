#include "src/kernel/transpose.h"

#include <cstdint>

#include "src/kernel/coalesce.h"

namespace doppio {
namespace {

template <typename T>
const T* Next(DimsView dims, const Dims& strides, size_t depth, const T* x, T** y) {
  if (depth == dims.size()) {
    *(*y)++ = *x;
    return x;
  }
  for (int64_t i = 0; i < dims[depth]; ++i) Next(dims, strides, depth + 1, x + i * strides[depth], y);
  return x;
}

template <typename T>
void TransposeTyped(const void* x, DimsView x_dims, absl::Span<const int> axes, void* y) {
  if (CountElements(x_dims) == 0) return;
  const Dims x_strides = ContiguousStrides(x_dims);
  Dims dims;
  Dims strides;
  for (int axis : axes) {
    dims.push_back(x_dims[axis]);
    strides.push_back(x_strides[axis]);
  }
  T* out = static_cast<T*>(y);
  Next(DimsView(dims), strides, 0, static_cast<const T*>(x), &out);
}

}  // namespace

void Transpose(size_t element_size, const void* x, DimsView x_dims, absl::Span<const int> axes,
               void* y, CPUContext*) {
  switch (element_size) {
    case 1:
      return TransposeTyped<uint8_t>(x, x_dims, axes, y);
    case 2:
      return TransposeTyped<uint16_t>(x, x_dims, axes, y);
    case 4:
      return TransposeTyped<uint32_t>(x, x_dims, axes, y);
    default:
      return TransposeTyped<uint64_t>(x, x_dims, axes, y);
  }
}

void Transpose(const std::string* x, DimsView x_dims, absl::Span<const int> axes, std::string* y,
               CPUContext*) {
  TransposeTyped<std::string>(x, x_dims, axes, y);
}

}  // namespace doppio
