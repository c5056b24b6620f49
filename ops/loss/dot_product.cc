#include "ops/loss/row_pairs.h"

namespace doppio {
namespace {

DOPPIO_ROW_PAIR_SCHEMA(DotProduct, R"DOC(
The dot product of each row of X with the same row of Y, a row being all that belongs to one index
of the first dimension.

Example: X [2,2] = [[1,2],[3,4]] and Y [2,2] = [[5,6],[7,8]] give Z [2] = [17,53].
)DOC")
    .Flops([](const OperatorDef&, const std::vector<TensorInfo>& inputs, const auto&) {
      return 2 * SizeFromDim(*inputs[0].dims, 0);
    });

DOPPIO_ROW_PAIR_GRADIENT_SCHEMA(
    DotProductGradient, "DotProduct",
    "The gradient of DotProduct: dX = dZ * Y and dY = dZ * X, row by row.");

struct DotFunction {
  template <typename T>
  static double Of(const T* x, const T* y, int64_t n) {
    double sum = 0;
    for (int64_t j = 0; j < n; ++j) sum += static_cast<double>(x[j]) * static_cast<double>(y[j]);
    return sum;
  }

  template <typename T>
  static void Gradient(const T* x, const T* y, int64_t n, T dz, T* dx, T* dy) {
    for (int64_t j = 0; j < n; ++j) {
      dx[j] = dz * y[j];
      dy[j] = dz * x[j];
    }
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(DotProduct, RowPairOp<CPUContext, DotFunction>);
DOPPIO_REGISTER_CPU_OPERATOR(DotProductGradient, RowPairGradientOp<CPUContext, DotFunction>);
DOPPIO_ROW_PAIR_GRADIENT(DotProduct);

}  // namespace
}  // namespace doppio
