#ifndef DOPPIO_OPS_ONNX_PLACES_ALONG_H_
#define DOPPIO_OPS_ONNX_PLACES_ALONG_H_

// Indices of elements along one dimension: what GatherElements and ScatterElements have in common.

#include <cstdint>
#include <vector>

#include "absl/strings/str_cat.h"
#include "doppio/shape.h"
#include "doppio/status.h"

namespace doppio {

// Indices have as many dimensions as data, none larger but for the axis.
inline absl::Status CheckIndexDims(DimsView data, DimsView indices, int axis) {
  bool fits = indices.size() == data.size();
  for (size_t d = 0; fits && d < data.size(); ++d) {
    fits = static_cast<int>(d) == axis || indices[d] <= data[d];
  }
  if (fits) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("indices ", ShapeToString(indices), " must have as many dimensions as data ",
                   ShapeToString(data), ", none larger but for axis ", axis));
}

// Turns each of the indices of shape `dims` into the place in data of the element that has its
// position, but for that it stands at the index along the axis.
inline void PlacesAlong(DimsView data, DimsView dims, int axis, std::vector<int64_t>* indices) {
  Dims strides = ContiguousStrides(data);
  const int64_t stride = strides[axis];
  strides[axis] = 0;
  Dims position(dims.size(), 0);
  int64_t base = 0;
  for (int64_t& index : *indices) {
    index = base + index * stride;
    for (size_t d = dims.size(); d-- > 0;) {
      base += strides[d];
      if (++position[d] < dims[d]) break;
      base -= strides[d] * dims[d];
      position[d] = 0;
    }
  }
}

}  // namespace doppio

#endif  // DOPPIO_OPS_ONNX_PLACES_ALONG_H_
