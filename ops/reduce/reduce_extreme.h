#ifndef DOPPIO_OPS_REDUCE_REDUCE_EXTREME_H_
#define DOPPIO_OPS_REDUCE_REDUCE_EXTREME_H_

// What ReduceMax and ReduceMin have in common.

#include <algorithm>

#include "ops/reduce/reduce_gradient.h"
#include "src/kernel/broadcast.h"
#include "src/kernel/reduce_extreme.h"

namespace doppio {

inline absl::Status CheckHasExtremes(DimsView x, const ReduceAxes::Shapes& shapes) {
  if (SizeFromDim(x, 0) > 0 || SizeFromDim(shapes.kept, 0) == 0) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("X ", ShapeToString(x), " has no elements to choose from"));
}

inline absl::Status InferReduceExtreme(InferenceContext* context) {
  const ReduceAxes axes(context);
  DOPPIO_RETURN_IF_ERROR(context->status());
  DOPPIO_ASSIGN_OR_RETURN(const ReduceAxes::Shapes shapes, axes.Of(context->dims(0)));
  DOPPIO_RETURN_IF_ERROR(CheckHasExtremes(context->dims(0), shapes));
  context->SetOutput(0, context->dtype(0), axes.OutputDims(shapes));
  return absl::OkStatus();
}

template <class Context, bool kLargest>
class ReduceExtremeOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit ReduceExtremeOp(OperatorInit* init) : Operator<Context>(init), axes_(init) {}

  absl::Status RunOnDevice() override {
    using Types = TypeList<float, double, int32_t, int64_t, float16, bfloat16>;
    const auto x = InputOperand(0);
    const DataType type = x.elements.dtype();
    const DimsView element_dims = x.elements.dims();
    DOPPIO_ASSIGN_OR_RETURN(const ReduceAxes::Shapes shapes, axes_.Of(x.dims));
    DOPPIO_RETURN_IF_ERROR(CheckHasExtremes(x.dims, shapes));
    return DispatchType(Types(), type, [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      DOPPIO_ASSIGN_OR_RETURN(Tensor * y, Output(0, type, axes_.OutputDims(shapes)));
      T* const to = y->mutable_data<T>();
      const T* const from = x.elements.template data<T>();
      // An element that is repeated is looked at once.
      Dims kept = shapes.kept;
      for (size_t d = 0; d < kept.size(); ++d) kept[d] = std::min(kept[d], element_dims[d]);
      if (kept == shapes.kept) {
        return ReduceExtremeTo<kLargest>(from, element_dims, to, kept);
      }
      DOPPIO_RETURN_IF_ERROR(room_.Resize(type, kept));
      DOPPIO_RETURN_IF_ERROR(
          ReduceExtremeTo<kLargest>(from, element_dims, room_.mutable_data<T>(), kept));
      Broadcast(sizeof(T), room_.raw_data(), kept, to, shapes.kept, &context_);
      return absl::OkStatus();
    });
  }

 private:
  const ReduceAxes axes_;
  Tensor room_;  // of the extremes, where these are repeated too
};

// dX = dY where X is the extreme, else 0.
struct ExtremeGradient {
  template <typename T>
  static T Of(T x, T extreme, T dy) {
    return x == extreme ? dy : T(0);
  }
};

template <class Context>
using ReduceExtremeGradientOp = ReduceGradientOp<Context, ExtremeGradient>;

}  // namespace doppio

#endif  // DOPPIO_OPS_REDUCE_REDUCE_EXTREME_H_
