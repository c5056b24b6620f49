#include "tests/support/tensor_match.h"

#include <cmath>
#include <cstring>

#include "absl/strings/escaping.h"

namespace doppio {
namespace {

constexpr int64_t kElementsShown = 16;
constexpr int kDifferencesShown = 5;

template <typename T>
std::string ValueToString(const T& value) {
  if constexpr (std::is_same_v<T, std::string>) {
    return absl::StrCat("\"", absl::CEscape(value), "\"");
  } else if constexpr (std::is_same_v<T, float16> || std::is_same_v<T, bfloat16>) {
    return absl::StrCat(static_cast<float>(value));
  } else if constexpr (std::is_floating_point_v<T>) {
    char text[40];
    std::snprintf(text, sizeof(text), "%.*g", std::is_same_v<T, float> ? 9 : 17,
                  static_cast<double>(value));
    return text;
  } else {
    return absl::StrCat(static_cast<int64_t>(value));
  }
}

template <typename T>
double ToDouble(const T& value) {
  if constexpr (std::is_arithmetic_v<T>) {
    return static_cast<double>(value);
  } else {
    return static_cast<double>(static_cast<float>(value));
  }
}

template <typename T>
bool ValuesNear(const T& actual, const T& expected, double tolerance) {
  if constexpr (std::is_same_v<T, std::string>) {
    return actual == expected;
  } else if constexpr (std::is_integral_v<T>) {
    if (actual == expected) return true;
    return tolerance > 0 && std::abs(static_cast<double>(actual) - static_cast<double>(expected)) <=
                                tolerance + tolerance * std::abs(static_cast<double>(expected));
  } else {
    const double x = ToDouble(actual);
    const double y = ToDouble(expected);
    if (x == y || (std::isnan(x) && std::isnan(y))) return true;
    if (!std::isfinite(x) || !std::isfinite(y)) return false;
    return std::abs(x - y) <= tolerance + tolerance * std::abs(y);
  }
}

// Where element i stands: "[1,0,2]".
std::string IndexToString(DimsView dims, int64_t i) {
  Dims index(dims.begin(), dims.end());
  for (size_t axis = dims.size(); axis-- > 0;) {
    index[axis] = i % dims[axis];
    i /= dims[axis];
  }
  return ShapeToString(index);
}

testing::AssertionResult Compare(const Tensor& actual, const Tensor& expected, double tolerance) {
  if (actual.dtype() != expected.dtype() || actual.dims() != expected.dims()) {
    return testing::AssertionFailure()
           << "got " << TensorToString(actual) << "\nexpected " << TensorToString(expected);
  }
  if (actual.dtype() == DataType::kUndefined) return testing::AssertionSuccess();
  int64_t differing = 0;
  std::string differences;
  const absl::Status status = DispatchType(AllTypes(), actual.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    const T* a = actual.data<T>();
    const T* e = expected.data<T>();
    for (int64_t i = 0; i < actual.numel(); ++i) {
      if (ValuesNear(a[i], e[i], tolerance)) continue;
      if (++differing > kDifferencesShown) continue;
      absl::StrAppend(&differences, "\n  at ", IndexToString(actual.dims(), i), ": got ",
                      ValueToString(a[i]), ", expected ", ValueToString(e[i]));
    }
    return absl::OkStatus();
  });
  if (!status.ok()) return testing::AssertionFailure() << status;
  if (differing == 0) return testing::AssertionSuccess();
  testing::AssertionResult result = testing::AssertionFailure();
  result << differing << " of " << actual.numel() << " elements of " << actual.TypeAndShape()
         << " differ";
  if (tolerance > 0) result << " by more than " << tolerance;
  result << ":" << differences;
  if (differing > kDifferencesShown) result << "\n  ...";
  return result;
}

}  // namespace

testing::AssertionResult TensorEquals(const Tensor& actual, const Tensor& expected) {
  return Compare(actual, expected, 0);
}

testing::AssertionResult TensorNear(const Tensor& actual, const Tensor& expected,
                                    double tolerance) {
  return Compare(actual, expected, tolerance);
}

testing::AssertionResult TensorEquals(const Tensor& actual,
                                      const absl::StatusOr<Tensor>& expected) {
  return TensorNear(actual, expected, 0);
}

testing::AssertionResult TensorNear(const Tensor& actual, const absl::StatusOr<Tensor>& expected,
                                    double tolerance) {
  if (!expected.ok()) {
    return testing::AssertionFailure() << "the expected tensor is none: " << expected.status();
  }
  return Compare(actual, *expected, tolerance);
}

testing::AssertionResult TensorBitsEqual(const Tensor& actual, const Tensor& expected) {
  if (actual.dtype() == expected.dtype() && actual.dims() == expected.dims()) {
    if (actual.numel() == 0 || actual.dtype() == DataType::kUndefined) {
      return testing::AssertionSuccess();
    }
    if (IsNumeric(actual.dtype()) &&
        std::memcmp(actual.raw_data(), expected.raw_data(), actual.bytes()) == 0) {
      return testing::AssertionSuccess();
    }
  }
  testing::AssertionResult equal = TensorEquals(actual, expected);
  if (!equal || actual.Is<std::string>()) return equal;
  return testing::AssertionFailure()
         << "equal values with different bits (the sign of a zero, or of a NaN): got "
         << TensorToString(actual) << ", expected " << TensorToString(expected);
}

std::string TensorToString(const Tensor& tensor) {
  std::string text = absl::StrCat(tensor.TypeAndShape(), " {");
  (void)DispatchType(AllTypes(), tensor.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    const T* values = tensor.data<T>();
    for (int64_t i = 0; i < std::min(tensor.numel(), kElementsShown); ++i) {
      absl::StrAppend(&text, i == 0 ? "" : ", ", ValueToString(values[i]));
    }
    return absl::OkStatus();
  });
  if (tensor.numel() > kElementsShown) text += ", ...";
  return text + "}";
}

double ElementAsDouble(const Tensor& tensor, int64_t i) {
  double result = std::nan("");
  (void)DispatchType(AllNumericTypes(), tensor.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    result = ToDouble(tensor.data<T>()[i]);
    return absl::OkStatus();
  });
  return result;
}

absl::StatusOr<Tensor> ConvertTensor(const Tensor& tensor, DataType dtype) {
  DOPPIO_ASSIGN_OR_RETURN(Tensor result, Tensor::Create(dtype, tensor.dims()));
  DOPPIO_RETURN_IF_ERROR(DispatchType(AllNumericTypes(), tensor.dtype(), [&](auto from) {
    return DispatchType(AllNumericTypes(), dtype, [&](auto to) {
      using From = typename decltype(from)::type;
      using To = typename decltype(to)::type;
      const From* in = tensor.data<From>();
      To* out = result.mutable_data<To>();
      for (int64_t i = 0; i < tensor.numel(); ++i) {
        if constexpr (std::is_arithmetic_v<From> && std::is_arithmetic_v<To>) {
          out[i] = static_cast<To>(in[i]);
        } else if constexpr (std::is_arithmetic_v<To>) {
          out[i] = static_cast<To>(static_cast<float>(in[i]));
        } else {
          out[i] = To(static_cast<float>(in[i]));
        }
      }
      return absl::OkStatus();
    });
  }));
  return result;
}

Tensor DeepCopy(const Tensor& tensor) {
  Tensor copy;
  const absl::Status status = copy.CopyFrom(tensor);
  EXPECT_TRUE(status.ok()) << status;
  return copy;
}

}  // namespace doppio
