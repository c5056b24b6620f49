#include "doppio/arguments.h"

#include <cmath>
#include <limits>
#include <type_traits>

#include "doppio/op_def.h"
#include "doppio/schema.h"
#include "src/operator/argument_fields.h"

namespace doppio {
namespace {

template <typename T>
constexpr bool kIsWhole = std::is_integral_v<T>;

template <typename T>
absl::Status ReadSingle(const Argument& arg, T* value) {
  if constexpr (kIsWhole<T>) {
    if (!arg.has_i()) return WrongField(arg, "a whole number in `i`");
    const int64_t i = arg.i();
    if constexpr (std::is_same_v<T, bool>) {
      *value = i != 0;
    } else {
      if (i < std::numeric_limits<T>::min() || i > std::numeric_limits<T>::max()) {
        return absl::InvalidArgumentError(absl::StrCat("argument \"", arg.name(), "\" is ", i,
                                                       ", which does not fit into ", sizeof(T) * 8,
                                                       " bits"));
      }
      *value = static_cast<T>(i);
    }
  } else if constexpr (std::is_floating_point_v<T>) {
    if (!arg.has_f()) return WrongField(arg, "a number in `f`");
    *value = static_cast<T>(arg.f());
  } else {
    if (!arg.has_s()) return WrongField(arg, "a string in `s`");
    *value = arg.s();
  }
  return absl::OkStatus();
}

template <typename T>
absl::Status ReadRepeated(const Argument& arg, std::vector<T>* values) {
  if constexpr (kIsWhole<T>) {
    if (arg.ints_size() == 0 && !IsEmptyList(arg))
      return WrongField(arg, "whole numbers in `ints`");
    for (int64_t i : arg.ints()) {
      if (!std::is_same_v<T, bool> &&
          (i < std::numeric_limits<T>::min() || i > std::numeric_limits<T>::max())) {
        return absl::InvalidArgumentError(absl::StrCat("argument \"", arg.name(), "\" holds ", i,
                                                       ", which does not fit into ", sizeof(T) * 8,
                                                       " bits"));
      }
      values->push_back(static_cast<T>(i));
    }
  } else if constexpr (std::is_floating_point_v<T>) {
    if (arg.floats_size() == 0 && !IsEmptyList(arg)) return WrongField(arg, "numbers in `floats`");
    values->assign(arg.floats().begin(), arg.floats().end());
  } else {
    if (arg.strings_size() == 0 && !IsEmptyList(arg))
      return WrongField(arg, "strings in `strings`");
    values->assign(arg.strings().begin(), arg.strings().end());
  }
  return absl::OkStatus();
}

}  // namespace

const Argument* ArgumentReader::Find(absl::string_view name) {
  const Argument* found = nullptr;
  for (const Argument& arg : def_.arg()) {
    if (arg.name() != name) continue;
    if (found == nullptr) {
      found = &arg;
    } else if (!SameArgument(*found, arg)) {
      Fail(absl::InvalidArgumentError(
          absl::StrCat("argument \"", name, "\" is given twice with different values")));
    }
  }
  return found;
}

bool ArgumentReader::HasArgument(absl::string_view name) const {
  return FindArgument(def_, name) != nullptr;
}

template <typename T>
T ArgumentReader::GetSingleArgument(absl::string_view name) {
  const Argument* arg = Find(name);
  const OpSchema::ArgSpec* spec = schema_ == nullptr ? nullptr : schema_->FindArg(name);
  if (arg == nullptr && spec != nullptr && spec->fallback.has_value()) arg = &*spec->fallback;
  T value{};
  if (arg == nullptr) {
    Fail(absl::InvalidArgumentError(absl::StrCat("argument \"", name, "\" is missing")));
  } else {
    Fail(ReadSingle(*arg, &value));
  }
  return value;
}

template <typename T>
T ArgumentReader::GetSingleArgument(absl::string_view name, const T& fallback) {
  const Argument* arg = Find(name);
  T value = fallback;
  if (arg != nullptr) Fail(ReadSingle(*arg, &value));
  return value;
}

template <typename T>
std::vector<T> ArgumentReader::GetRepeatedArgument(absl::string_view name) {
  std::vector<T> values;
  const Argument* arg = Find(name);
  if (arg != nullptr) Fail(ReadRepeated(*arg, &values));
  return values;
}

DataType ArgumentReader::GetDataTypeArgument(absl::string_view name, DataType fallback) {
  const Argument* arg = FindArgument(def_, name);
  if (arg == nullptr) return fallback;
  if (!arg->has_i() && !arg->has_s()) {
    Fail(WrongField(*arg, "an element type, as a number in `i` or a name in `s`"));
    return fallback;
  }
  const absl::StatusOr<DataType> type =
      arg->has_s() ? DataTypeFromName(arg->s()) : DataTypeFromNumber(arg->i());
  if (!type.ok()) Fail(Annotate(type.status(), absl::StrCat("argument \"", name, "\"")));
  return type.value_or(fallback);
}

const NetDef* ArgumentReader::GetNetArgument(absl::string_view name) {
  const Argument* arg = Find(name);
  if (arg == nullptr) return nullptr;
  if (!arg->has_n()) {
    Fail(WrongField(*arg, "a net in `n`"));
    return nullptr;
  }
  return &arg->n();
}

#define DOPPIO_ARGUMENT_TYPE_(T)                                                              \
  template T ArgumentReader::GetSingleArgument<T>(absl::string_view name);                    \
  template T ArgumentReader::GetSingleArgument<T>(absl::string_view name, const T& fallback); \
  template std::vector<T> ArgumentReader::GetRepeatedArgument<T>(absl::string_view name);
DOPPIO_ARGUMENT_TYPE_(bool)
DOPPIO_ARGUMENT_TYPE_(int)
DOPPIO_ARGUMENT_TYPE_(int64_t)
DOPPIO_ARGUMENT_TYPE_(float)
DOPPIO_ARGUMENT_TYPE_(double)
DOPPIO_ARGUMENT_TYPE_(std::string)
#undef DOPPIO_ARGUMENT_TYPE_

}  // namespace doppio
