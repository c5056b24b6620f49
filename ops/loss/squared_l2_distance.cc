#include "doppio/gradient_maker.h"
#include "doppio/parallel.h"
#include "doppio/registry.h"

namespace doppio {
namespace {

using Types = TypeList<float, double>;

constexpr int64_t kGrain = 1 << 14;  // elements that are worth a thread

// X and Y are read as matrices, a row for each index of the first dimension.
struct RowSizes {
  int64_t rows;
  int64_t columns;
};

absl::StatusOr<RowSizes> SizesOf(DimsView x, DimsView y) {
  if (x != y) {
    return absl::InvalidArgumentError(absl::StrCat("X ", ShapeToString(x), " and Y ",
                                                   ShapeToString(y), " must have the same shape"));
  }
  return RowSizes{x.empty() ? 1 : x[0], x.empty() ? 1 : SizeFromDim(x, 1)};
}

absl::Status CheckTypes(const OperatorBase& op, const Tensor& x, const Tensor& y) {
  if (x.dtype() == y.dtype()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("X ", op.DescribeInput(0), " and Y ",
                                                 op.DescribeInput(1), " must have the same type"));
}

DOPPIO_OPERATOR_SCHEMA(SquaredL2Distance)
    .NumInputs(2)
    .NumOutputs(1)
    .Doc(R"DOC(
Half the squared distance of the rows of X and Y: Z[i] = sum((X[i] - Y[i])^2) / 2, the sum being over
all dimensions but the first.
)DOC")
    .Input(0, "X", "tensor of float or double; a scalar counts as a vector of 1")
    .Input(1, "Y", "tensor of X's type and shape")
    .Output(0, "Z", "vector as long as X's first dimension, of X's type")
    .Flops([](const OperatorDef&, const std::vector<TensorInfo>& inputs, const auto&) {
      return 3 * SizeFromDim(*inputs[0].dims, 0);
    })
    .TensorInference([](InferenceContext* context) -> absl::Status {
      DOPPIO_ASSIGN_OR_RETURN(RowSizes sizes, SizesOf(context->dims(0), context->dims(1)));
      context->SetOutput(0, context->dtype(0), {sizes.rows});
      return absl::OkStatus();
    });

template <class Context>
class SquaredL2DistanceOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit SquaredL2DistanceOp(OperatorInit* init) : Operator<Context>(init) {}

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(0);
    const Tensor& y = Input(1);
    DOPPIO_RETURN_IF_ERROR(CheckTypes(*this, x, y));
    DOPPIO_ASSIGN_OR_RETURN(RowSizes sizes, SizesOf(x.dims(), y.dims()));
    return DispatchType(Types(), x.dtype(), [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      DOPPIO_ASSIGN_OR_RETURN(Tensor * z, Output(0, x.dtype(), {sizes.rows}));
      Distances(x.data<T>(), y.data<T>(), sizes, z->mutable_data<T>());
      return absl::OkStatus();
    });
  }

 private:
  template <typename T>
  static void Distances(const T* x, const T* y, RowSizes sizes, T* z) {
    const int64_t d = sizes.columns;
    ParallelFor(sizes.rows, kGrain / std::max<int64_t>(d, 1) + 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        double sum = 0;
        for (int64_t j = 0; j < d; ++j) {
          const double difference = static_cast<double>(x[i * d + j]) - y[i * d + j];
          sum += difference * difference;
        }
        z[i] = static_cast<T>(sum / 2);
      }
    });
  }
};

DOPPIO_OPERATOR_SCHEMA(SquaredL2DistanceGradient)
    .NumInputs(3)
    .NumOutputs(2)
    .Doc("The gradient of SquaredL2Distance: dX[i] = (X[i] - Y[i]) dZ[i] and dY = -dX.")
    .Input(0, "X", "the first input of SquaredL2Distance")
    .Input(1, "Y", "its second input")
    .Input(2, "dZ", "gradient of its output: a vector as long as X's first dimension")
    .Output(0, "dX", "gradient of X")
    .Output(1, "dY", "gradient of Y")
    .TensorInference([](InferenceContext* context) -> absl::Status {
      DOPPIO_RETURN_IF_ERROR(SizesOf(context->dims(0), context->dims(1)).status());
      context->SetOutput(0, context->dtype(0), context->dims(0));
      context->SetOutput(1, context->dtype(1), context->dims(1));
      return absl::OkStatus();
    });

template <class Context>
class SquaredL2DistanceGradientOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit SquaredL2DistanceGradientOp(OperatorInit* init) : Operator<Context>(init) {}

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(0);
    const Tensor& y = Input(1);
    const Tensor& dz = Input(2);
    DOPPIO_RETURN_IF_ERROR(CheckTypes(*this, x, y));
    DOPPIO_ASSIGN_OR_RETURN(RowSizes sizes, SizesOf(x.dims(), y.dims()));
    if (dz.dtype() != x.dtype() || dz.rank() != 1 || dz.dim(0) != sizes.rows) {
      return absl::InvalidArgumentError(absl::StrCat(
          "dZ ", DescribeInput(2), " must be a vector of ", sizes.rows, " of X's type"));
    }
    return DispatchType(Types(), x.dtype(), [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      DOPPIO_ASSIGN_OR_RETURN(Tensor * dx, Output(0, x.dtype(), x.dims()));
      DOPPIO_ASSIGN_OR_RETURN(Tensor * dy, Output(1, x.dtype(), x.dims()));
      Gradients(x.data<T>(), y.data<T>(), dz.data<T>(), sizes, dx->mutable_data<T>(),
                dy->mutable_data<T>());
      return absl::OkStatus();
    });
  }

 private:
  template <typename T>
  static void Gradients(const T* x, const T* y, const T* dz, RowSizes sizes, T* dx, T* dy) {
    const int64_t d = sizes.columns;
    ParallelFor(sizes.rows, kGrain / std::max<int64_t>(d, 1) + 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        for (int64_t j = i * d; j < (i + 1) * d; ++j) {
          dx[j] = (x[j] - y[j]) * dz[i];
          dy[j] = -dx[j];
        }
      }
    });
  }
};

class GetSquaredL2DistanceGradient final : public GradientMakerBase {
  using GradientMakerBase::GradientMakerBase;
  std::vector<OperatorDef> GetGradientDefs() override {
    return SingleGradientDef("SquaredL2DistanceGradient", "", {I(0), I(1), GO(0)}, {GI(0), GI(1)});
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(SquaredL2Distance, SquaredL2DistanceOp<CPUContext>);
DOPPIO_REGISTER_CPU_OPERATOR(SquaredL2DistanceGradient, SquaredL2DistanceGradientOp<CPUContext>);
DOPPIO_REGISTER_GRADIENT(SquaredL2Distance, GetSquaredL2DistanceGradient);

}  // namespace
}  // namespace doppio
