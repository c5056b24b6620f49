#include "ops/fill/given_tensor.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "doppio/parallel.h"

namespace doppio {
namespace {

// Elements that are worth a thread of their own: most of the time goes into touching new pages.
constexpr int64_t kGrain = 1 << 18;

template <typename Source, typename T>
absl::Status ConvertValues(const Source* source, int64_t count, T* target) {
  if constexpr (std::is_same_v<Source, int64_t> && !std::is_same_v<T, bool>) {
    for (int64_t i = 0; i < count; ++i) {
      if (source[i] < std::numeric_limits<T>::min() || source[i] > std::numeric_limits<T>::max()) {
        return absl::InvalidArgumentError(absl::StrCat("value ", i, " is ", source[i],
                                                       ", which does not fit into ",
                                                       DataTypeName(DataTypeOf<T>::value)));
      }
    }
  }
  ParallelFor(count, kGrain, [&](int64_t begin, int64_t end) {
    if constexpr (std::is_same_v<Source, T>) {
      std::memcpy(target + begin, source + begin, (end - begin) * sizeof(T));
    } else {
      for (int64_t i = begin; i < end; ++i) target[i] = static_cast<T>(source[i]);
    }
  });
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Tensor> ReadGivenValues(ArgumentReader* reader, DataType dtype) {
  DOPPIO_RETURN_IF_ERROR(reader->status());
  const Argument* found = reader->Find("values");
  const Argument& values = found == nullptr ? Argument::default_instance() : *found;
  const int floats = values.floats_size();
  const int ints = values.ints_size();
  const int strings = values.strings_size();
  const char* const field = dtype == DataType::kString ? "strings"
                            : IsFloatingPoint(dtype)   ? "floats"
                                                       : "ints";
  const int count = dtype == DataType::kString ? strings : IsFloatingPoint(dtype) ? floats : ints;
  if (count != std::max({floats, ints, strings})) {
    return absl::InvalidArgumentError(absl::StrCat(
        "values of type ", DataTypeName(dtype), " must stand in `", field, "`, but there are ",
        floats, " floats, ", ints, " ints and ", strings, " strings"));
  }
  DOPPIO_ASSIGN_OR_RETURN(Tensor tensor, Tensor::Create(dtype, {count}));
  if (count == 0) return tensor;
  if (dtype == DataType::kString) {
    std::copy(values.strings().begin(), values.strings().end(), tensor.mutable_data<std::string>());
    return tensor;
  }
  DOPPIO_RETURN_IF_ERROR(DispatchType(AllNumericTypes(), dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    if constexpr (std::is_integral_v<T>) {
      return ConvertValues(values.ints().data(), count, tensor.mutable_data<T>());
    } else {
      return ConvertValues(values.floats().data(), count, tensor.mutable_data<T>());
    }
  }));
  return tensor;
}

absl::StatusOr<Tensor> ShapeValues(Tensor values, DimsView dims) {
  DOPPIO_ASSIGN_OR_RETURN(const int64_t numel, NumElements(dims));
  if (numel != values.numel()) {
    return absl::InvalidArgumentError(absl::StrCat("shape ", ShapeToString(dims), " has ", numel,
                                                   " elements, but ", values.numel(),
                                                   " values are given", ShapeHint(dims)));
  }
  DOPPIO_RETURN_IF_ERROR(values.Reshape(dims));
  return values;
}

}  // namespace doppio
