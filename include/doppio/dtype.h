#ifndef DOPPIO_DTYPE_H_
#define DOPPIO_DTYPE_H_

// Element types of tensors. The numbers are those of TensorProto.DataType, so that they can stand
// in files; bfloat16 has no number there (see serialize.h) and lives above them.
//
// Threads: all functions may be called from many at once.

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>

#include "absl/strings/string_view.h"
#include "doppio/float16.h"
#include "doppio/status.h"

namespace doppio {

enum class DataType : int {
  kUndefined = 0,
  kFloat = 1,
  kInt32 = 2,
  kString = 4,
  kBool = 5,
  kUInt8 = 6,
  kInt8 = 7,
  kUInt16 = 8,
  kInt16 = 9,
  kInt64 = 10,
  kFloat16 = 12,
  kDouble = 13,
  kBFloat16 = 64,
};

// "float", "int64", "bfloat16", ...; "undefined" for anything else.
absl::string_view DataTypeName(DataType type);

// Accepts the name in any case, the names of NumPy ("float32", "float64") and those of TensorProto
// ("FLOAT", "BYTE").
absl::StatusOr<DataType> DataTypeFromName(absl::string_view name);

// Accepts a number of TensorProto.DataType; 3, the obsolete BYTE, is uint8.
absl::StatusOr<DataType> DataTypeFromNumber(int64_t number);

// Bytes of one element; sizeof(std::string) for strings and 0 for kUndefined.
size_t DataTypeSize(DataType type);

bool IsNumeric(DataType type);        // everything but strings and undefined
bool IsFloatingPoint(DataType type);  // float, double, float16, bfloat16

// DataTypeOf<T>::value is the DataType of the C++ type T; T must be one of those listed here.
template <typename T>
struct DataTypeOf;

#define DOPPIO_FOR_EACH_NUMERIC_TYPE(X) \
  X(float, kFloat)                      \
  X(double, kDouble)                    \
  X(bool, kBool)                        \
  X(int8_t, kInt8)                      \
  X(int16_t, kInt16)                    \
  X(int32_t, kInt32)                    \
  X(int64_t, kInt64)                    \
  X(uint8_t, kUInt8)                    \
  X(uint16_t, kUInt16)                  \
  X(float16, kFloat16)                  \
  X(bfloat16, kBFloat16)

#define DOPPIO_DATA_TYPE_OF_(type, name)              \
  template <>                                         \
  struct DataTypeOf<type> {                           \
    static constexpr DataType value = DataType::name; \
  };
DOPPIO_FOR_EACH_NUMERIC_TYPE(DOPPIO_DATA_TYPE_OF_)
DOPPIO_DATA_TYPE_OF_(std::string, kString)
#undef DOPPIO_DATA_TYPE_OF_

template <typename... Types>
struct TypeList {};

using AllNumericTypes = TypeList<float, double, bool, int8_t, int16_t, int32_t, int64_t, uint8_t,
                                 uint16_t, float16, bfloat16>;
using AllTypes = TypeList<float, double, bool, int8_t, int16_t, int32_t, int64_t, uint8_t, uint16_t,
                          float16, bfloat16, std::string>;

template <typename T>
struct TypeTag {
  using type = T;
};

// "element type string is not supported here; supported: float, double".
absl::Status UnsupportedTypeError(DataType type, std::initializer_list<DataType> supported);

// Calls f(TypeTag<T>()) for the T of the list whose DataType is `type`, and returns what it returns
// (an absl::Status). Any other type is an InvalidArgument that lists what is supported:
//
//   return DispatchType(TypeList<float, double>(), x.dtype(), [&](auto tag) {
//     using T = typename decltype(tag)::type;
//     return DoRunWithType<T>();
//   });
template <typename... Types, typename F>
absl::Status DispatchType(TypeList<Types...>, DataType type, F&& f) {
  absl::Status status;
  const bool found =
      ((type == DataTypeOf<Types>::value ? (status = f(TypeTag<Types>()), true) : false) || ...);
  if (found) return status;
  return UnsupportedTypeError(type, {DataTypeOf<Types>::value...});
}

}  // namespace doppio

#endif  // DOPPIO_DTYPE_H_
