#include "ops/loss/row_pairs.h"

namespace doppio {
namespace {

DOPPIO_ROW_PAIR_SCHEMA(SquaredL2Distance, R"DOC(
Half the squared distance of the rows of X and Y: Z[i] = sum((X[i] - Y[i])^2) / 2, the sum being over
all dimensions but the first.
)DOC");

DOPPIO_ROW_PAIR_GRADIENT_SCHEMA(
    SquaredL2DistanceGradient, "SquaredL2Distance",
    "The gradient of SquaredL2Distance: dX[i] = (X[i] - Y[i]) dZ[i] and dY = -dX.");

struct SquaredL2Function {
  template <typename T>
  static double Of(const T* x, const T* y, int64_t n) {
    double sum = 0;
    for (int64_t j = 0; j < n; ++j) {
      const double difference = static_cast<double>(x[j]) - y[j];
      sum += difference * difference;
    }
    return sum / 2;
  }

  template <typename T>
  static void Gradient(const T* x, const T* y, int64_t n, T dz, T* dx, T* dy) {
    for (int64_t j = 0; j < n; ++j) {
      dx[j] = (x[j] - y[j]) * dz;
      dy[j] = -dx[j];
    }
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(SquaredL2Distance, RowPairOp<CPUContext, SquaredL2Function>);
DOPPIO_REGISTER_CPU_OPERATOR(SquaredL2DistanceGradient,
                             RowPairGradientOp<CPUContext, SquaredL2Function>);
DOPPIO_ROW_PAIR_GRADIENT(SquaredL2Distance);

}  // namespace
}  // namespace doppio
