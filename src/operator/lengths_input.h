#ifndef DOPPIO_OPERATOR_LENGTHS_INPUT_H_
#define DOPPIO_OPERATOR_LENGTHS_INPUT_H_

// Lengths of segments, and other numbers that a net gives as a blob and that sizes are made of.

#include <limits>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "doppio/status.h"
#include "doppio/tensor.h"

namespace doppio {

// The sum of lengths; InvalidArgument, with `what` as their name, where one is negative, or they
// sum to more than int64 holds.
template <typename Length>
absl::StatusOr<int64_t> SumOfLengths(absl::Span<const Length> lengths, absl::string_view what) {
  int64_t sum = 0;
  for (size_t i = 0; i < lengths.size(); ++i) {
    const int64_t length = lengths[i];
    if (length < 0) {
      return absl::InvalidArgumentError(
          absl::StrCat(what, "[", i, "] is ", length, ", but a length is not negative"));
    }
    if (length > std::numeric_limits<int64_t>::max() - sum) {
      return absl::InvalidArgumentError(
          absl::StrCat(what, " sum to more than ", std::numeric_limits<int64_t>::max()));
    }
    sum += length;
  }
  return sum;
}

// InvalidArgument unless the lengths sum to `size`, which is that of `of`.
template <typename Length>
absl::Status CheckLengths(absl::Span<const Length> lengths, absl::string_view what, int64_t size,
                          absl::string_view of) {
  DOPPIO_ASSIGN_OR_RETURN(int64_t sum, SumOfLengths(lengths, what));
  if (sum == size) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(what, " sum to ", sum, ", but ", of, " has ", size));
}

// InvalidArgument unless `tensor`, called `what`, is a vector of that type.
template <typename T>
absl::Status CheckVector(DataType dtype, DimsView dims, absl::string_view what) {
  if (dtype == DataTypeOf<T>::value && dims.size() == 1) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(what, " must be a vector of ",
                                                 DataTypeName(DataTypeOf<T>::value), ", but is ",
                                                 DataTypeName(dtype), ShapeToString(dims)));
}
template <typename T>
absl::Status CheckVector(const Tensor& tensor, absl::string_view what) {
  return CheckVector<T>(tensor.dtype(), tensor.dims(), what);
}

// InvalidArgument unless there is one dimension.
inline absl::Status CheckIsVector(DimsView dims, absl::string_view what) {
  if (dims.size() == 1) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(what, " must be a vector, but has the shape ", ShapeToString(dims)));
}

// InvalidArgument where there is no dimension.
inline absl::Status CheckNotScalar(DimsView dims, absl::string_view what) {
  if (!dims.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(what, " must be at least a vector, but is a scalar"));
}

// The only element of a tensor of int32 or int64.
inline absl::StatusOr<int64_t> SingleInteger(const Tensor& tensor, absl::string_view what) {
  if (tensor.numel() == 1 && tensor.Is<int64_t>()) return *tensor.data<int64_t>();
  if (tensor.numel() == 1 && tensor.Is<int32_t>()) return *tensor.data<int32_t>();
  return absl::InvalidArgumentError(
      absl::StrCat(what, " must be a single int32 or int64, but is ", tensor.TypeAndShape()));
}

}  // namespace doppio

#endif  // DOPPIO_OPERATOR_LENGTHS_INPUT_H_
