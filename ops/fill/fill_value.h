#ifndef DOPPIO_OPS_FILL_FILL_VALUE_H_
#define DOPPIO_OPS_FILL_FILL_VALUE_H_

// The arguments `value` and `dtype` of operators that fill a tensor with one value.

#include <limits>
#include <optional>
#include <string>

#include "doppio/schema.h"
#include "doppio/tensor.h"

namespace doppio {

inline void StateFillValue(OpSchema& schema) {
  schema
      .AnyArg("value",
              "the value, in `f`, `i` or `s` as its type asks; default: 0 or the empty string")
      .AnyArg("dtype",
              "the type, a number of TensorProto.DataType or a name; default: float, int64 or "
              "string, as `value` is given");
}

// With `dtype_of_input`, the type of the input, once it is known; else the argument `dtype`;
// without it, the type of the argument `value`.
inline DataType FillValueType(ArgumentReader* reader, std::optional<DataType> input) {
  if (input.has_value() && reader->GetSingleArgument<bool>("dtype_of_input")) return *input;
  const Argument* value = reader->Find("value");
  if (reader->HasArgument("dtype") || value == nullptr) {
    return reader->GetDataTypeArgument("dtype", DataType::kFloat);
  }
  if (value->has_f()) return DataType::kFloat;
  if (value->has_i()) return DataType::kInt64;
  if (value->has_s()) return DataType::kString;
  reader->Fail(absl::InvalidArgumentError("argument \"value\" holds no single value"));
  return DataType::kFloat;
}

template <typename T>
T ReadFillValue(ArgumentReader* reader) {
  if constexpr (std::is_same_v<T, std::string> || std::is_same_v<T, bool>) {
    return reader->GetSingleArgument<T>("value", T());
  } else if constexpr (std::is_integral_v<T>) {
    const int64_t value = reader->GetSingleArgument<int64_t>("value", 0);
    if (value < std::numeric_limits<T>::min() || value > std::numeric_limits<T>::max()) {
      reader->Fail(absl::InvalidArgumentError(absl::StrCat("value ", value, " does not fit into ",
                                                           DataTypeName(DataTypeOf<T>::value))));
    }
    return static_cast<T>(value);
  } else {
    return static_cast<T>(reader->GetSingleArgument<float>("value", 0.0f));
  }
}

// The argument `value` as a scalar of the type that is wanted.
inline absl::StatusOr<Tensor> ReadFillScalar(ArgumentReader* reader,
                                             std::optional<DataType> input) {
  const DataType dtype = FillValueType(reader, input);
  Tensor scalar;
  DOPPIO_RETURN_IF_ERROR(reader->status());
  DOPPIO_RETURN_IF_ERROR(DispatchType(AllTypes(), dtype, [&](auto tag) -> absl::Status {
    using T = typename decltype(tag)::type;
    DOPPIO_ASSIGN_OR_RETURN(scalar, Tensor::Scalar<T>(ReadFillValue<T>(reader)));
    return reader->status();
  }));
  return scalar;
}

}  // namespace doppio

#endif  // DOPPIO_OPS_FILL_FILL_VALUE_H_
