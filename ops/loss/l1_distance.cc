#include <cmath>

#include "ops/loss/row_pairs.h"

namespace doppio {
namespace {

DOPPIO_ROW_PAIR_SCHEMA(L1Distance, R"DOC(
The sum of the absolute differences of the rows of X and Y: Z[i] = sum(|X[i] - Y[i]|), over all
dimensions but the first.

Example: X [1,4] = [[5,5,5,5]] and Y [1,4] = [[1,1,1,9]] give Z [1] = [16].
)DOC");

DOPPIO_ROW_PAIR_GRADIENT_SCHEMA(
    L1DistanceGradient, "L1Distance",
    "The gradient of L1Distance: dX[i] = sign(X[i] - Y[i]) dZ[i], which is 0 where both are equal, "
    "and dY = -dX.");

struct L1Function {
  template <typename T>
  static double Of(const T* x, const T* y, int64_t n) {
    double sum = 0;
    for (int64_t j = 0; j < n; ++j) sum += std::abs(static_cast<double>(x[j]) - y[j]);
    return sum;
  }

  template <typename T>
  static void Gradient(const T* x, const T* y, int64_t n, T dz, T* dx, T* dy) {
    for (int64_t j = 0; j < n; ++j) {
      dx[j] = x[j] > y[j] ? dz : x[j] < y[j] ? -dz : T(0);
      dy[j] = -dx[j];
    }
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(L1Distance, RowPairOp<CPUContext, L1Function>);
DOPPIO_REGISTER_CPU_OPERATOR(L1DistanceGradient, RowPairGradientOp<CPUContext, L1Function>);
DOPPIO_ROW_PAIR_GRADIENT(L1Distance);

}  // namespace
}  // namespace doppio
