#include <algorithm>
#include <cmath>

#include "doppio/gradient_maker.h"
#include "doppio/parallel.h"
#include "doppio/registry.h"
#include "ops/nn/same_types.h"
#include "ops/nn/scaled_norm.h"

namespace doppio {
namespace {

// X as a matrix: its dimensions before `axis` are the rows.
struct Matrix {
  int axis;
  int64_t rows;
  int64_t columns;

  int64_t grain() const { return (1 << 14) / std::max<int64_t>(columns, 1) + 1; }
};

absl::StatusOr<Matrix> MatrixOf(int axis_argument, DimsView x) {
  if (x.size() < 2) {
    return absl::InvalidArgumentError(
        absl::StrCat("X ", ShapeToString(x), " must have two dimensions or more"));
  }
  DOPPIO_ASSIGN_OR_RETURN(const int axis, CanonicalAxis(axis_argument, static_cast<int>(x.size())));
  return Matrix{axis, SizeToDim(x, axis), SizeFromDim(x, axis)};
}

absl::Status CheckSize(absl::string_view name, DimsView dims, int64_t wanted, DimsView x) {
  if (SizeFromDim(dims, 0) == wanted) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(name, " ", ShapeToString(dims), " must have ",
                                                 wanted, " elements for X ", ShapeToString(x)));
}

void StateAxis(OpSchema& schema) {
  schema.Arg<int>("axis", "the first dimension that is normalised over", 1);
}

DOPPIO_OPERATOR_SCHEMA(RMSNorm)
    .NumInputs(3)
    .NumOutputs(2)
    .Doc(R"DOC(
Divides every row of X, which is read as a matrix whose columns begin at `axis`, by its root mean
square: Y = X * rrms * gamma + beta, where rrms = 1 / sqrt(mean(X^2) + eps). Without `eps` a row of
zeros gives NaN, as the formula does.

Example: X [1,2] = [[1,7]], gamma [2] = [1,10] and beta [2] = [0,1] give Y [1,2] = [[0.2,15]] and
rrms [1] = [0.2].
)DOC")
    .FillUsing(StateAxis)
    .Arg<float>("eps", "added to the mean square, at least 0 (Caffe2 documents it as epsilon)",
                0.0f)
    .Input(0, "X", "tensor of float or double of at least two dimensions")
    .Input(1, "gamma", "tensor of X's type, with as many elements as a row")
    .Input(2, "beta", "likewise")
    .Output(0, "Y", "tensor of X's type and shape")
    .Output(1, "rrms", "tensor of X's type, of X's dimensions before `axis`")
    .Flops([](const OperatorDef&, const std::vector<TensorInfo>& inputs, const auto&) {
      return 5 * SizeFromDim(*inputs[0].dims, 0);
    })
    .TensorInference([](InferenceContext* context) -> absl::Status {
      DOPPIO_RETURN_IF_ERROR(CheckSameTypes(*context));
      const DimsView x = context->dims(0);
      DOPPIO_ASSIGN_OR_RETURN(const Matrix matrix,
                              MatrixOf(context->GetSingleArgument<int>("axis"), x));
      DOPPIO_RETURN_IF_ERROR(CheckSize("gamma", context->dims(1), matrix.columns, x));
      DOPPIO_RETURN_IF_ERROR(CheckSize("beta", context->dims(2), matrix.columns, x));
      context->SetOutput(0, context->dtype(0), x);
      context->SetOutput(1, context->dtype(0), x.subspan(0, matrix.axis));
      return absl::OkStatus();
    });

template <class Context>
class RMSNormOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit RMSNormOp(OperatorInit* init)
      : Operator<Context>(init),
        axis_(init->GetSingleArgument<int>("axis")),
        eps_(init->GetSingleArgument<float>("eps")) {
    if (!(eps_ >= 0)) {
      init->Fail(absl::InvalidArgumentError(absl::StrCat("eps is ", eps_, ", must be >= 0")));
    }
  }

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(0);
    DOPPIO_RETURN_IF_ERROR(CheckSameTypes(*this));
    DOPPIO_ASSIGN_OR_RETURN(const Matrix matrix, MatrixOf(axis_, x.dims()));
    DOPPIO_RETURN_IF_ERROR(CheckSize("gamma", Input(1).dims(), matrix.columns, x.dims()));
    DOPPIO_RETURN_IF_ERROR(CheckSize("beta", Input(2).dims(), matrix.columns, x.dims()));
    return DispatchType(TypeList<float, double>(), x.dtype(), [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      DOPPIO_ASSIGN_OR_RETURN(Tensor * y, Output(0, x.dtype(), x.dims()));
      DOPPIO_ASSIGN_OR_RETURN(Tensor * rrms,
                              Output(1, x.dtype(), x.dims().subspan(0, matrix.axis)));
      const T* in = x.data<T>();
      const T* gamma = Input(1).template data<T>();
      const T* beta = Input(2).template data<T>();
      T* out = y->mutable_data<T>();
      T* inverse = rrms->mutable_data<T>();
      const int64_t n = matrix.columns;
      ParallelFor(matrix.rows, matrix.grain(), [=](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) {
          const double rms = RootMeanSquare(in + i * n, n);
          inverse[i] = static_cast<T>(1 / rms);
          for (int64_t j = 0; j < n; ++j) {
            const double normal = static_cast<double>(in[i * n + j]) / rms;
            out[i * n + j] = static_cast<T>(normal * gamma[j] + beta[j]);
          }
        }
      });
      return absl::OkStatus();
    });
  }

 private:
  // sqrt(mean(x^2) + eps), also where squares are too large or too small for a double.
  template <typename T>
  double RootMeanSquare(const T* x, int64_t n) const {
    const ScaledNorm norm = NormOf<SumOfSquares>(x, n, 1);
    const double rms = norm.norm / std::sqrt(static_cast<double>(std::max<int64_t>(n, 1)));
    return eps_ == 0 ? norm.scale * rms : std::hypot(norm.scale * rms, std::sqrt(eps_));
  }

  const int axis_;
  const double eps_;
};

DOPPIO_OPERATOR_SCHEMA(RMSNormGradient)
    .NumInputs(4)
    .NumOutputs(3)
    .Doc(R"DOC(
The gradient of RMSNorm: with N = X * rrms and D = dY * gamma, dX = rrms * (D - N * mean(D * N)), the
mean being over a row; dgamma and dbeta are the sums of dY * N and of dY over the rows.
)DOC")
    .FillUsing(StateAxis)
    .Input(0, "dY", "gradient of RMSNorm's first output, of X's shape: float or double")
    .Input(1, "X", "its first input")
    .Input(2, "gamma", "its second input")
    .Input(3, "rrms", "its second output")
    .Output(0, "dX", "gradient of X")
    .Output(1, "dgamma", "gradient of gamma, of its shape")
    .Output(2, "dbeta", "gradient of beta, of gamma's shape")
    .Flops([](const OperatorDef&, const std::vector<TensorInfo>& inputs, const auto&) {
      return 10 * SizeFromDim(*inputs[0].dims, 0);
    })
    .TensorInference([](InferenceContext* context) -> absl::Status {
      DOPPIO_RETURN_IF_ERROR(CheckSameTypes(*context));
      context->SetOutput(0, context->dtype(0), context->dims(1));
      context->SetOutput(1, context->dtype(0), context->dims(2));
      context->SetOutput(2, context->dtype(0), context->dims(2));
      return absl::OkStatus();
    });

template <class Context>
class RMSNormGradientOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit RMSNormGradientOp(OperatorInit* init)
      : Operator<Context>(init), axis_(init->GetSingleArgument<int>("axis")) {}

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(1);
    DOPPIO_RETURN_IF_ERROR(CheckSameTypes(*this));
    DOPPIO_ASSIGN_OR_RETURN(const Matrix matrix, MatrixOf(axis_, x.dims()));
    if (Input(0).dims() != x.dims()) {
      return absl::InvalidArgumentError(
          absl::StrCat("dY ", DescribeInput(0), " must have the shape of X ", DescribeInput(1)));
    }
    DOPPIO_RETURN_IF_ERROR(CheckSize("gamma", Input(2).dims(), matrix.columns, x.dims()));
    DOPPIO_RETURN_IF_ERROR(CheckSize("rrms", Input(3).dims(), matrix.rows, x.dims()));
    return DispatchType(TypeList<float, double>(), x.dtype(), [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      DOPPIO_RETURN_IF_ERROR(DifferentiateRows<T>(matrix));
      return DifferentiateColumns<T>(matrix);
    });
  }

 private:
  template <typename T>
  absl::Status DifferentiateRows(const Matrix& matrix) {
    DOPPIO_ASSIGN_OR_RETURN(Tensor * output, Output(0, DataTypeOf<T>::value, Input(1).dims()));
    const T* dy = Input(0).template data<T>();
    const T* x = Input(1).template data<T>();
    const T* gamma = Input(2).template data<T>();
    const T* rrms = Input(3).template data<T>();
    T* dx = output->mutable_data<T>();
    const int64_t n = matrix.columns;
    ParallelFor(matrix.rows, matrix.grain(), [=](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const double r = static_cast<double>(rrms[i]);
        const int64_t at = i * n;
        double dot = 0;
        for (int64_t j = 0; j < n; ++j) {
          dot += static_cast<double>(dy[at + j]) * gamma[j] * (x[at + j] * r);
        }
        const double mean = dot / static_cast<double>(std::max<int64_t>(n, 1));
        for (int64_t j = 0; j < n; ++j) {
          const double d = static_cast<double>(dy[at + j]) * gamma[j];
          dx[at + j] = static_cast<T>(r * (d - x[at + j] * r * mean));
        }
      }
    });
    return absl::OkStatus();
  }

  // Threads share the columns out, so that each is summed in one order.
  template <typename T>
  absl::Status DifferentiateColumns(const Matrix& matrix) {
    const DimsView dims = Input(2).dims();
    DOPPIO_ASSIGN_OR_RETURN(Tensor * dgamma_output, Output(1, DataTypeOf<T>::value, dims));
    DOPPIO_ASSIGN_OR_RETURN(Tensor * dbeta_output, Output(2, DataTypeOf<T>::value, dims));
    const int64_t n = matrix.columns;
    const int64_t rows = matrix.rows;
    DOPPIO_RETURN_IF_ERROR(sums_.Resize(DataType::kDouble, {2, n}));
    const T* dy = Input(0).template data<T>();
    const T* x = Input(1).template data<T>();
    const T* rrms = Input(3).template data<T>();
    T* dgamma = dgamma_output->mutable_data<T>();
    T* dbeta = dbeta_output->mutable_data<T>();
    double* gamma_sums = sums_.mutable_data<double>();
    double* beta_sums = gamma_sums + n;
    ParallelFor(n, (1 << 14) / std::max<int64_t>(rows, 1) + 1, [=](int64_t begin, int64_t end) {
      std::fill(gamma_sums + begin, gamma_sums + end, 0);
      std::fill(beta_sums + begin, beta_sums + end, 0);
      for (int64_t i = 0; i < rows; ++i) {
        const double r = static_cast<double>(rrms[i]);
        for (int64_t j = begin; j < end; ++j) {
          const double d = static_cast<double>(dy[i * n + j]);
          gamma_sums[j] += d * (x[i * n + j] * r);
          beta_sums[j] += d;
        }
      }
      std::copy(gamma_sums + begin, gamma_sums + end, dgamma + begin);
      std::copy(beta_sums + begin, beta_sums + end, dbeta + begin);
    });
    return absl::OkStatus();
  }

  const int axis_;
  Tensor sums_;  // of the columns
};

class GetRMSNormGradient final : public GradientMakerBase {
  using GradientMakerBase::GradientMakerBase;
  std::vector<OperatorDef> GetGradientDefs() override {
    return SingleGradientDef("RMSNormGradient", "", {GO(0), I(0), I(1), O(1)},
                             {GI(0), GI(1), GI(2)});
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(RMSNorm, RMSNormOp<CPUContext>);
DOPPIO_REGISTER_CPU_OPERATOR(RMSNormGradient, RMSNormGradientOp<CPUContext>);
DOPPIO_REGISTER_GRADIENT(RMSNorm, GetRMSNormGradient);

}  // namespace
}  // namespace doppio
