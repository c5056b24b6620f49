#include "ops/reduce/front_back.h"

#include <algorithm>

#include "doppio/parallel.h"
#include "src/kernel/reduce.h"
#include "src/operator/shape_input.h"

namespace doppio {
namespace {

using Types = TypeList<float, double, int32_t, int64_t>;
constexpr int64_t kGrain = 32768;  // elements that are worth a thread

OpSchema& StateArguments(OpSchema& schema, bool front) {
  return schema.Arg<int>("num_reduce_dim",
                         front ? "how many of the first dimensions are reduced"
                               : "how many of the last dimensions are reduced",
                         1);
}

// Old nets give the shape of X in its place, a vector of int64. A gradient has the type of X: where
// it is int64 too, the vector is X.
bool IsShape(DataType dy, DataType type, DimsView x) {
  return type == DataType::kInt64 && x.size() == 1 && dy != DataType::kInt64;
}

// The shape of X for the gradient `dy`: that of `x`, unless it is the shape itself.
absl::StatusOr<Dims> ShapeOfReduced(DataType dy, DataType type, DimsView x, const Tensor* value) {
  if (!IsShape(dy, type, x)) return Dims(x.begin(), x.end());
  DOPPIO_ASSIGN_OR_RETURN(Dims dims, ShapeFromTensor(*value, "the shape of X"));
  DOPPIO_RETURN_IF_ERROR(NumElements(dims).status());
  return dims;
}

}  // namespace

absl::StatusOr<FrontBackReduction::Shape> FrontBackReduction::Of(DimsView x) const {
  const int rank = static_cast<int>(x.size());
  if (count_ < 0 || count_ > rank) {
    return absl::InvalidArgumentError(absl::StrCat("num_reduce_dim is ", count_, ", but X ",
                                                   ShapeToString(x), " has ", rank, " dimensions"));
  }
  const int split = static_cast<int>(front_ ? count_ : rank - count_);
  Shape shape;
  shape.rows = SizeToDim(x, split);
  shape.columns = SizeFromDim(x, split);
  shape.output = front_ ? Dims(x.begin() + split, x.end()) : Dims(x.begin(), x.begin() + split);
  shape.vectors = front_ ? shape.columns : shape.rows;
  shape.length = front_ ? shape.rows : shape.columns;
  shape.stride = front_ ? 1 : shape.columns;
  shape.step = front_ ? shape.columns : 1;
  return shape;
}

absl::Status FrontBackReduction::CheckLengthsShape(DataType type, DimsView lengths,
                                                   const Shape& shape) const {
  if (type != DataType::kInt32 || SizeFromDim(lengths, 0) != shape.vectors) {
    return absl::InvalidArgumentError(absl::StrCat("lengths ", DataTypeName(type),
                                                   ShapeToString(lengths), " must be ",
                                                   shape.vectors, " elements of int32"));
  }
  if (count_ == 1) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("lengths are for one reduced dimension, but num_reduce_dim is ", count_));
}

absl::Status FrontBackReduction::CheckLengths(const Tensor& lengths, const Shape& shape) const {
  DOPPIO_RETURN_IF_ERROR(CheckLengthsShape(lengths.dtype(), lengths.dims(), shape));
  for (const int32_t length : lengths.span<int32_t>()) {
    if (length >= 0 && length <= shape.length) continue;
    return absl::InvalidArgumentError(
        absl::StrCat("length ", length, " is not between 0 and ", shape.length));
  }
  return absl::OkStatus();
}

void StateFrontBackReduction(OpSchema& schema, bool front) {
  StateArguments(schema, front)
      .NumInputs(1, 2)
      .NumOutputs(1)
      .Input(0, "X", "tensor of float, double, int32 or int64")
      .Input(1, "lengths",
             front ? "int32: how many of the first elements of each column count"
                   : "int32: how many of the first elements of each row count")
      .Output(0, "Y", "tensor of X's type without the reduced dimensions")
      .Flops([](const OperatorDef&, const std::vector<TensorInfo>& inputs, const auto&) {
        return SizeFromDim(*inputs[0].dims, 0);
      })
      .TensorInference([front](InferenceContext* context) -> absl::Status {
        const FrontBackReduction reduction(front, context);
        DOPPIO_ASSIGN_OR_RETURN(const auto shape, reduction.Of(context->dims(0)));
        if (context->InputSize() > 1) {
          DOPPIO_RETURN_IF_ERROR(
              reduction.CheckLengthsShape(context->dtype(1), context->dims(1), shape));
        }
        context->SetOutput(0, context->dtype(0), shape.output);
        return absl::OkStatus();
      });
}

void StateFrontBackGradient(OpSchema& schema, bool front) {
  StateArguments(schema, front)
      .NumInputs(2, 3)
      .NumOutputs(1)
      .Input(0, "dY", "gradient of the forward operator's output")
      .Input(1, "X",
             "its input, of which only the shape is used; a vector of int64 is the shape itself, "
             "unless dY is int64 too")
      .Input(2, "lengths", "its lengths")
      .Output(0, "dX", "gradient of X, of its shape and dY's type; 0 for what did not count")
      .TensorInference([](InferenceContext* context) -> absl::Status {
        const DataType dy = context->dtype(0);
        if (IsShape(dy, context->dtype(1), context->dims(1)) && context->value(1) == nullptr) {
          return absl::OkStatus();
        }
        DOPPIO_ASSIGN_OR_RETURN(const Dims x, ShapeOfReduced(dy, context->dtype(1),
                                                             context->dims(1), context->value(1)));
        context->SetOutput(0, context->dtype(0), x);
        return absl::OkStatus();
      });
}

template <class Context, bool kFront, FrontBackKind kKind>
absl::Status FrontBackOp<Context, kFront, kKind>::RunOnDevice() {
  const Tensor& x = Input(0);
  DOPPIO_ASSIGN_OR_RETURN(const FrontBackReduction::Shape shape, reduction_.Of(x.dims()));
  const int32_t* lengths = nullptr;
  if (InputSize() > 1) {
    DOPPIO_RETURN_IF_ERROR(reduction_.CheckLengths(Input(1), shape));
    lengths = Input(1).template data<int32_t>();
  }
  return DispatchType(Types(), x.dtype(), [&](auto tag) -> absl::Status {
    using T = typename decltype(tag)::type;
    DOPPIO_ASSIGN_OR_RETURN(Tensor * y, Output(0, x.dtype(), shape.output));
    const T* from = x.data<T>();
    T* to = y->mutable_data<T>();
    if (x.numel() == 0) {
      std::fill_n(to, y->numel(), T(0));
      return absl::OkStatus();
    }
    if (lengths == nullptr) {
      const Dims whole = {shape.rows, shape.columns};
      const Dims kept = kFront ? Dims{1, shape.columns} : Dims{shape.rows, 1};
      if (kKind == FrontBackKind::kSum) {
        DOPPIO_RETURN_IF_ERROR(ReduceSumTo(from, whole, to, kept, &context_));
      } else {
        DOPPIO_RETURN_IF_ERROR(ReduceMeanTo(from, whole, to, kept, &context_));
      }
      return absl::OkStatus();
    }
    ParallelFor(shape.vectors, kGrain / shape.length + 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        T sum = 0;
        for (int64_t j = 0; j < lengths[i]; ++j) {
          sum = static_cast<T>(sum + from[i * shape.stride + j * shape.step]);
        }
        if (kKind == FrontBackKind::kMean && lengths[i] > 0) sum /= static_cast<T>(lengths[i]);
        to[i] = sum;
      }
    });
    return absl::OkStatus();
  });
}

template <class Context, bool kFront, FrontBackKind kKind>
absl::Status FrontBackGradientOp<Context, kFront, kKind>::RunOnDevice() {
  const Tensor& dy = Input(0);
  DOPPIO_ASSIGN_OR_RETURN(const Dims x,
                          ShapeOfReduced(dy.dtype(), Input(1).dtype(), Input(1).dims(), &Input(1)));
  DOPPIO_ASSIGN_OR_RETURN(const FrontBackReduction::Shape shape, reduction_.Of(x));
  if (dy.numel() != shape.vectors) {
    return absl::InvalidArgumentError(absl::StrCat("dY ", DescribeInput(0), " must be ",
                                                   ShapeToString(shape.output), " for X ",
                                                   ShapeToString(x)));
  }
  const int32_t* lengths = nullptr;
  if (InputSize() > 2) {
    DOPPIO_RETURN_IF_ERROR(reduction_.CheckLengths(Input(2), shape));
    lengths = Input(2).template data<int32_t>();
  }
  return DispatchType(Types(), dy.dtype(), [&](auto tag) -> absl::Status {
    using T = typename decltype(tag)::type;
    DOPPIO_ASSIGN_OR_RETURN(Tensor * dx, Output(0, dy.dtype(), x));
    if (dx->numel() == 0) return absl::OkStatus();
    const T* from = dy.data<T>();
    T* to = dx->mutable_data<T>();
    ParallelFor(shape.rows, kGrain / shape.columns + 1, [&](int64_t begin, int64_t end) {
      for (int64_t row = begin; row < end; ++row) {
        for (int64_t column = 0; column < shape.columns; ++column) {
          const int64_t vector = kFront ? column : row;
          const int64_t place = kFront ? row : column;
          const int64_t length = lengths == nullptr ? shape.length : lengths[vector];
          const T share = kKind == FrontBackKind::kMean
                              ? from[vector] / static_cast<T>(std::max<int64_t>(length, 1))
                              : from[vector];
          to[row * shape.columns + column] = place < length ? share : T(0);
        }
      }
    });
    return absl::OkStatus();
  });
}

#define DOPPIO_FRONT_BACK(front, kind)                 \
  template class FrontBackOp<CPUContext, front, kind>; \
  template class FrontBackGradientOp<CPUContext, front, kind>
DOPPIO_FRONT_BACK(true, FrontBackKind::kSum);
DOPPIO_FRONT_BACK(true, FrontBackKind::kMean);
DOPPIO_FRONT_BACK(false, FrontBackKind::kSum);
DOPPIO_FRONT_BACK(false, FrontBackKind::kMean);
#undef DOPPIO_FRONT_BACK

}  // namespace doppio
