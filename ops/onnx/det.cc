#include <algorithm>
#include <cmath>

#include "doppio/gradient_maker.h"
#include "doppio/registry.h"

namespace doppio {
namespace {

absl::Status CheckIsSquare(DimsView x) {
  if (x.size() >= 2 && x[x.size() - 1] == x[x.size() - 2]) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("the last two dimensions of X ", ShapeToString(x), " are no square"));
}

DOPPIO_OPERATOR_SCHEMA(Det)
    .NumInputs(1)
    .NumOutputs(1)
    .Doc(R"DOC(
ONNX's Det: the determinant of a matrix, or of many: X [a,b,n,n] gives Y [a,b]. That of a matrix without
elements is 1.

Example: X = [[1,2],[3,4]] gives -2.
)DOC")
    .Input(0, "X", "tensor of float or double, whose last two dimensions are equal")
    .Output(0, "Y", "tensor of X's type, without the last two dimensions")
    .TensorInference([](InferenceContext* context) -> absl::Status {
      DOPPIO_RETURN_IF_ERROR(CheckIsSquare(context->dims(0)));
      DimsView dims = context->dims(0);
      dims.remove_suffix(2);
      context->SetOutput(0, context->dtype(0), dims);
      return absl::OkStatus();
    });

// Gaussian elimination with the largest pivot of each column; the matrix is overwritten.
double Determinant(double* matrix, int64_t n) {
  double product = 1;
  for (int64_t column = 0; column < n; ++column) {
    int64_t pivot = column;
    for (int64_t row = column + 1; row < n; ++row) {
      if (std::abs(matrix[row * n + column]) > std::abs(matrix[pivot * n + column])) pivot = row;
    }
    double* const first = matrix + column * n;
    if (pivot != column) {
      std::swap_ranges(first, first + n, matrix + pivot * n);
      product = -product;
    }
    product *= first[column];
    if (first[column] == 0) return product;
    for (int64_t row = column + 1; row < n; ++row) {
      double* const other = matrix + row * n;
      const double factor = other[column] / first[column];
      for (int64_t k = column; k < n; ++k) other[k] -= factor * first[k];
    }
  }
  return product;
}

template <class Context>
class DetOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit DetOp(OperatorInit* init) : Operator<Context>(init) {}

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(0);
    DOPPIO_RETURN_IF_ERROR(CheckIsSquare(x.dims()));
    return DispatchType(TypeList<float, double>(), x.dtype(), [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      DimsView dims = x.dims();
      dims.remove_suffix(2);
      DOPPIO_ASSIGN_OR_RETURN(Tensor * y, Output(0, x.dtype(), dims));
      const int64_t n = x.dim(x.rank() - 1);
      const int64_t size = SizeFromDim(x.dims(), x.rank() - 2);
      DOPPIO_RETURN_IF_ERROR(matrix_.Resize(DataType::kDouble, {n, n}));
      double* const matrix = matrix_.mutable_data<double>();
      T* const to = y->template mutable_data<T>();
      for (int64_t i = 0; i < y->numel(); ++i) {
        std::copy_n(x.data<T>() + i * size, size, matrix);
        to[i] = static_cast<T>(Determinant(matrix, n));
      }
      return absl::OkStatus();
    });
  }

 private:
  Tensor matrix_;
};

DOPPIO_REGISTER_CPU_OPERATOR(Det, DetOp<CPUContext>);
DOPPIO_GRADIENT_NOT_IMPLEMENTED_YET(Det);

}  // namespace
}  // namespace doppio
