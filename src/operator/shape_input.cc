#include "src/operator/shape_input.h"

#include <algorithm>

#include "doppio/dtype.h"

namespace doppio {

absl::StatusOr<Dims> ShapeFromTensor(const Tensor& tensor, absl::string_view what) {
  const bool is_whole = tensor.Is<int32_t>() || tensor.Is<int64_t>();
  if (!is_whole || tensor.rank() != 1) {
    return absl::InvalidArgumentError(
        absl::StrCat(what, " must be a vector of int32 or int64, but is ", tensor.TypeAndShape()));
  }
  if (tensor.numel() > kMaxRank) {
    return absl::InvalidArgumentError(absl::StrCat(
        what, " has ", tensor.numel(), " elements, but no tensor has a rank above ", kMaxRank));
  }
  Dims values(tensor.numel());
  if (tensor.Is<int32_t>()) {
    const absl::Span<const int32_t> source = tensor.span<int32_t>();
    std::copy(source.begin(), source.end(), values.begin());
  } else {
    const absl::Span<const int64_t> source = tensor.span<int64_t>();
    std::copy(source.begin(), source.end(), values.begin());
  }
  return values;
}

}  // namespace doppio
