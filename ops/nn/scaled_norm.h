#ifndef DOPPIO_OPS_NN_SCALED_NORM_H_
#define DOPPIO_OPS_NN_SCALED_NORM_H_

#include <cmath>
#include <cstdint>

namespace doppio {

// A norm, as scale * norm: that product alone may be too large for a double. A number is divided by
// both, one after the other.
struct ScaledNorm {
  double scale;
  double norm;

  double product() const { return scale * norm; }
};

// Power: what is summed, and what becomes of the sum.
struct SumOfSquares {
  static double Term(double v) { return v * v; }
  static double Norm(double sum) { return std::sqrt(sum); }
};
struct SumOfMagnitudes {
  static double Term(double v) { return std::abs(v); }
  static double Norm(double sum) { return sum; }
};

// The norm of n numbers, `stride` apart. The sum for doubles may overflow, or vanish, where the
// norm does not: then the numbers are divided by the largest of them first.
template <class Power, typename T>
ScaledNorm NormOf(const T* x, int64_t n, int64_t stride) {
  constexpr double kLeastSum = 1e-280;
  double sum = 0;
  for (int64_t i = 0; i < n; ++i) sum += Power::Term(static_cast<double>(x[i * stride]));
  if (std::isnan(sum) || (sum > kLeastSum && !std::isinf(sum))) return {1, Power::Norm(sum)};
  double largest = 0;
  for (int64_t i = 0; i < n; ++i) {
    const double v = std::abs(static_cast<double>(x[i * stride]));
    if (v > largest) largest = v;
  }
  if (largest == 0 || std::isinf(largest)) return {1, largest};
  sum = 0;
  for (int64_t i = 0; i < n; ++i) {
    sum += Power::Term(static_cast<double>(x[i * stride]) / largest);
  }
  return {largest, Power::Norm(sum)};
}

}  // namespace doppio

#endif  // DOPPIO_OPS_NN_SCALED_NORM_H_
