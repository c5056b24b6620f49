#include "doppio/shape.h"

#include <algorithm>

#include "absl/strings/str_join.h"

namespace doppio {

std::string ShapeToString(DimsView dims) {
  return absl::StrCat("[", absl::StrJoin(dims, ","), "]");
}

absl::StatusOr<int64_t> CheckedProduct(int64_t a, int64_t b) {
  int64_t product;
  if (__builtin_mul_overflow(a, b, &product)) {
    return absl::OutOfRangeError(absl::StrCat(a, " x ", b, " does not fit into 64 bits"));
  }
  return product;
}

absl::StatusOr<int64_t> NumElements(DimsView dims) {
  if (dims.size() > static_cast<size_t>(kMaxRank)) {
    return absl::InvalidArgumentError(
        absl::StrCat("a shape of rank ", dims.size(), " is above the limit of ", kMaxRank));
  }
  int64_t count = 1;
  bool overflow = false;
  bool empty = false;
  for (int64_t dim : dims) {
    if (dim < 0) {
      return absl::InvalidArgumentError(
          absl::StrCat("shape ", ShapeToString(dims), " has a negative size"));
    }
    empty = empty || dim == 0;
    // Sizes of 0 are left out, so that the product of any part of the shape fits too.
    overflow = overflow || (dim != 0 && __builtin_mul_overflow(count, dim, &count));
  }
  if (overflow) {
    return absl::InvalidArgumentError(
        absl::StrCat("shape ", ShapeToString(dims), " has more elements than fit into 64 bits"));
  }
  return empty ? 0 : count;
}

int64_t SizeBetween(DimsView dims, int begin, int end) {
  int64_t size = 1;
  for (int i = begin; i < end; ++i) size *= dims[i];
  return size;
}

absl::StatusOr<int> CanonicalAxis(int64_t axis, int rank) {
  if (axis < -rank || axis >= rank) {
    return absl::InvalidArgumentError(
        absl::StrCat("axis ", axis, " is out of range for a tensor of rank ", rank));
  }
  return static_cast<int>(axis < 0 ? axis + rank : axis);
}

absl::StatusOr<Dims> BroadcastShapes(DimsView a, DimsView b) {
  const size_t rank = std::max(a.size(), b.size());
  Dims result(rank);
  for (size_t i = 0; i < rank; ++i) {
    const int64_t x = i < a.size() ? a[a.size() - 1 - i] : 1;
    const int64_t y = i < b.size() ? b[b.size() - 1 - i] : 1;
    if (x != y && x != 1 && y != 1) {
      return absl::InvalidArgumentError(absl::StrCat(
          "cannot broadcast ", ShapeToString(a), " with ", ShapeToString(b), ": dimension ",
          rank - 1 - i, " of the result is ", x, " and ", y, ", which must be equal or 1"));
    }
    result[rank - 1 - i] = x == 1 ? y : x;
  }
  return result;
}

Dims ContiguousStrides(DimsView dims) {
  Dims strides(dims.size());
  int64_t stride = 1;
  for (size_t i = dims.size(); i-- > 0;) {
    strides[i] = stride;
    stride *= std::max<int64_t>(dims[i], 1);
  }
  return strides;
}

}  // namespace doppio
