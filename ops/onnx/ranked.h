#ifndef DOPPIO_OPS_ONNX_RANKED_H_
#define DOPPIO_OPS_ONNX_RANKED_H_

#include <string>
#include <type_traits>

namespace doppio {

// Whether a comes before b in ascending order: NaN is above all else, and no NaN before another.
template <typename T>
bool Below(const T& a, const T& b) {
  if constexpr (std::is_integral_v<T> || std::is_same_v<T, std::string>) {
    return a < b;
  } else {
    // 16-bit types are compared as floats.
    using Number = std::conditional_t<std::is_same_v<T, double>, double, float>;
    const auto x = static_cast<Number>(a);
    const auto y = static_cast<Number>(b);
    return x < y || (y != y && x == x);
  }
}

}  // namespace doppio

#endif  // DOPPIO_OPS_ONNX_RANKED_H_
