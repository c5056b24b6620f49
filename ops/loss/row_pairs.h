#ifndef DOPPIO_OPS_LOSS_ROW_PAIRS_H_
#define DOPPIO_OPS_LOSS_ROW_PAIRS_H_

// What distances and similarities of the rows of X and Y have in common: a number for each pair of
// rows, and the gradient of both rows.

#include <algorithm>

#include "doppio/gradient_maker.h"
#include "doppio/parallel.h"
#include "doppio/registry.h"

namespace doppio {

// X and Y are read as matrices, a row for each index of the first dimension.
struct RowSizes {
  int64_t rows;
  int64_t columns;

  // How many rows are worth a thread.
  int64_t grain() const { return (1 << 14) / std::max<int64_t>(columns, 1) + 1; }
};

inline absl::StatusOr<RowSizes> RowSizesOf(DimsView x, DimsView y) {
  if (x != y) {
    return absl::InvalidArgumentError(absl::StrCat("X ", ShapeToString(x), " and Y ",
                                                   ShapeToString(y), " must have the same shape"));
  }
  return RowSizes{x.empty() ? 1 : x[0], x.empty() ? 1 : SizeFromDim(x, 1)};
}

inline absl::Status CheckRowTypes(const OperatorBase& op, const Tensor& x, const Tensor& y) {
  if (x.dtype() == y.dtype()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("X ", op.DescribeInput(0), " and Y ",
                                                 op.DescribeInput(1), " must have the same type"));
}

inline absl::Status InferRowPair(InferenceContext* context) {
  if (context->dtype(0) != context->dtype(1)) {
    return absl::InvalidArgumentError(absl::StrCat("X is ", DataTypeName(context->dtype(0)),
                                                   " and Y is ", DataTypeName(context->dtype(1)),
                                                   "; they must have the same type"));
  }
  DOPPIO_ASSIGN_OR_RETURN(RowSizes sizes, RowSizesOf(context->dims(0), context->dims(1)));
  context->SetOutput(0, context->dtype(0), {sizes.rows});
  return absl::OkStatus();
}

// Z[i] = f(X[i], Y[i]). Function: <T> static double Of(const T* x, const T* y, int64_t n).
template <class Context, class Function>
class RowPairOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit RowPairOp(OperatorInit* init) : Operator<Context>(init) {}

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(0);
    const Tensor& y = Input(1);
    DOPPIO_RETURN_IF_ERROR(CheckRowTypes(*this, x, y));
    DOPPIO_ASSIGN_OR_RETURN(const RowSizes sizes, RowSizesOf(x.dims(), y.dims()));
    return DispatchType(TypeList<float, double>(), x.dtype(), [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      DOPPIO_ASSIGN_OR_RETURN(Tensor * z, Output(0, x.dtype(), {sizes.rows}));
      const T* a = x.data<T>();
      const T* b = y.data<T>();
      T* to = z->mutable_data<T>();
      const int64_t n = sizes.columns;
      ParallelFor(sizes.rows, sizes.grain(), [=](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) {
          to[i] = static_cast<T>(Function::Of(a + i * n, b + i * n, n));
        }
      });
      return absl::OkStatus();
    });
  }
};

// dX and dY from X, Y and dZ. Function: <T> static void Gradient(const T* x, const T* y, int64_t n,
// T dz, T* dx, T* dy), of one row.
template <class Context, class Function>
class RowPairGradientOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit RowPairGradientOp(OperatorInit* init) : Operator<Context>(init) {}

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(0);
    const Tensor& y = Input(1);
    const Tensor& dz = Input(2);
    DOPPIO_RETURN_IF_ERROR(CheckRowTypes(*this, x, y));
    DOPPIO_ASSIGN_OR_RETURN(const RowSizes sizes, RowSizesOf(x.dims(), y.dims()));
    if (dz.dtype() != x.dtype() || dz.rank() != 1 || dz.dim(0) != sizes.rows) {
      return absl::InvalidArgumentError(absl::StrCat(
          "dZ ", DescribeInput(2), " must be a vector of ", sizes.rows, " of X's type"));
    }
    return DispatchType(TypeList<float, double>(), x.dtype(), [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      DOPPIO_ASSIGN_OR_RETURN(Tensor * dx, Output(0, x.dtype(), x.dims()));
      DOPPIO_ASSIGN_OR_RETURN(Tensor * dy, Output(1, x.dtype(), x.dims()));
      const T* a = x.data<T>();
      const T* b = y.data<T>();
      const T* dc = dz.data<T>();
      T* da = dx->mutable_data<T>();
      T* db = dy->mutable_data<T>();
      const int64_t n = sizes.columns;
      ParallelFor(sizes.rows, sizes.grain(), [=](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) {
          const int64_t at = i * n;
          Function::Gradient(a + at, b + at, n, dc[i], da + at, db + at);
        }
      });
      return absl::OkStatus();
    });
  }
};

#define DOPPIO_ROW_PAIR_SCHEMA(Type, doc)                                                 \
  DOPPIO_OPERATOR_SCHEMA(Type)                                                            \
      .NumInputs(2)                                                                       \
      .NumOutputs(1)                                                                      \
      .Doc(doc)                                                                           \
      .Input(0, "X", "tensor of float or double; a scalar counts as a vector of 1")       \
      .Input(1, "Y", "tensor of X's type and shape")                                      \
      .Output(0, "Z", "vector as long as X's first dimension, of X's type")               \
      .Flops([](const OperatorDef&, const std::vector<TensorInfo>& inputs, const auto&) { \
        return 3 * SizeFromDim(*inputs[0].dims, 0);                                       \
      })                                                                                  \
      .TensorInference(InferRowPair)

#define DOPPIO_ROW_PAIR_GRADIENT_SCHEMA(Type, forward, doc)                              \
  DOPPIO_OPERATOR_SCHEMA(Type)                                                           \
      .NumInputs(3)                                                                      \
      .NumOutputs(2)                                                                     \
      .Doc(doc)                                                                          \
      .Input(0, "X", "the first input of " forward)                                      \
      .Input(1, "Y", "its second input")                                                 \
      .Input(2, "dZ", "gradient of its output: a vector as long as X's first dimension") \
      .Output(0, "dX", "gradient of X")                                                  \
      .Output(1, "dY", "gradient of Y")                                                  \
      .TensorInference([](InferenceContext* context) -> absl::Status {                   \
        DOPPIO_RETURN_IF_ERROR(RowSizesOf(context->dims(0), context->dims(1)).status()); \
        context->SetOutput(0, context->dtype(0), context->dims(0));                      \
        context->SetOutput(1, context->dtype(1), context->dims(1));                      \
        return absl::OkStatus();                                                         \
      })

// The maker of <Type>Gradient(X, Y, dZ) -> dX, dY.
#define DOPPIO_ROW_PAIR_GRADIENT(Type)                                                     \
  class Get##Type##Gradient final : public GradientMakerBase {                             \
    using GradientMakerBase::GradientMakerBase;                                            \
    std::vector<OperatorDef> GetGradientDefs() override {                                  \
      return SingleGradientDef(#Type "Gradient", "", {I(0), I(1), GO(0)}, {GI(0), GI(1)}); \
    }                                                                                      \
  };                                                                                       \
  DOPPIO_REGISTER_GRADIENT(Type, Get##Type##Gradient)

}  // namespace doppio

#endif  // DOPPIO_OPS_LOSS_ROW_PAIRS_H_
