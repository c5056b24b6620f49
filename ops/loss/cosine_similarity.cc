#include <algorithm>
#include <cmath>

#include "ops/loss/row_pairs.h"

namespace doppio {
namespace {

// Squared norms below this count as this much.
constexpr double kLeastSquare = 1e-12;

struct CosineParts {
  template <typename T>
  CosineParts(const T* x, const T* y, int64_t n) {
    double xx = 0;
    double yy = 0;
    for (int64_t j = 0; j < n; ++j) {
      const double a = static_cast<double>(x[j]);
      const double b = static_cast<double>(y[j]);
      xx += a * a;
      yy += b * b;
      dot += a * b;
    }
    x_is_short = xx < kLeastSquare;
    y_is_short = yy < kLeastSquare;
    x_norm = std::sqrt(std::max(xx, kLeastSquare));
    y_norm = std::sqrt(std::max(yy, kLeastSquare));
  }

  double cosine() const { return dot / x_norm / y_norm; }

  double dot = 0;
  double x_norm;
  double y_norm;
  bool x_is_short;
  bool y_is_short;
};

DOPPIO_ROW_PAIR_SCHEMA(CosineSimilarity, R"DOC(
The cosine of the angle between the rows of X and Y: Z[i] = sum(X[i] * Y[i]) / (|X[i]| |Y[i]|), where
|X[i]| = sqrt(max(sum(X[i]^2), 1e-12)), over all dimensions but the first.

Example: X [2,2] = [[3,4],[1,0]] and Y [2,2] = [[4,3],[0,2]] give Z [2] = [0.96,0].
)DOC");

DOPPIO_ROW_PAIR_GRADIENT_SCHEMA(CosineSimilarityGradient, "CosineSimilarity", R"DOC(
The gradient of CosineSimilarity: dX[i] = dZ[i] / |X[i]| * (Y[i] / |Y[i]| - Z[i] * X[i] / |X[i]|), and
dY likewise. Where a norm is kept at its least value it is constant and the second term is 0, which
Caffe2 subtracts all the same.
)DOC");

struct CosineFunction {
  template <typename T>
  static double Of(const T* x, const T* y, int64_t n) {
    return CosineParts(x, y, n).cosine();
  }

  template <typename T>
  static void Gradient(const T* x, const T* y, int64_t n, T dz, T* dx, T* dy) {
    const CosineParts parts(x, y, n);
    const double x_share = parts.x_is_short ? 0 : parts.cosine() / parts.x_norm;
    const double y_share = parts.y_is_short ? 0 : parts.cosine() / parts.y_norm;
    for (int64_t j = 0; j < n; ++j) {
      const double a = static_cast<double>(x[j]);
      const double b = static_cast<double>(y[j]);
      dx[j] = static_cast<T>(dz / parts.x_norm * (b / parts.y_norm - x_share * a));
      dy[j] = static_cast<T>(dz / parts.y_norm * (a / parts.x_norm - y_share * b));
    }
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(CosineSimilarity, RowPairOp<CPUContext, CosineFunction>);
DOPPIO_REGISTER_CPU_OPERATOR(CosineSimilarityGradient,
                             RowPairGradientOp<CPUContext, CosineFunction>);
DOPPIO_ROW_PAIR_GRADIENT(CosineSimilarity);

}  // namespace
}  // namespace doppio
