#include <type_traits>

#include "doppio/gradient_maker.h"
#include "doppio/parallel.h"
#include "doppio/registry.h"

namespace doppio {
namespace {

absl::StatusOr<int> AxisOf(const Tensor& axis, int rank) {
  if (axis.numel() == 1 && axis.Is<int64_t>()) return CanonicalAxis(*axis.data<int64_t>(), rank);
  if (axis.numel() == 1 && axis.Is<int32_t>()) return CanonicalAxis(*axis.data<int32_t>(), rank);
  return absl::InvalidArgumentError(
      absl::StrCat("axis must be one int32 or int64, but is ", axis.TypeAndShape()));
}

DOPPIO_OPERATOR_SCHEMA(CumSum)
    .NumInputs(2)
    .NumOutputs(1)
    .Doc(R"DOC(
ONNX's CumSum: the sums along a dimension of the elements up to each one, this one included. Sums of
whole numbers wrap.

Example: x = [1,2,3] gives [1,3,6], with exclusive = 1 [0,1,3], and with reverse = 1 [6,5,3].
)DOC")
    .Arg<bool>("exclusive", "1: without the element itself", false)
    .Arg<bool>("reverse", "1: from the end of the dimension on", false)
    .Input(0, "x", "tensor of float, double, int32 or int64, at least a vector")
    .Input(1, "axis", "one int32 or int64: the dimension, from the back if negative")
    .Output(0, "y", "tensor of the same type and shape")
    .TensorInference([](InferenceContext* context) -> absl::Status {
      if (context->value(1) != nullptr) {
        const auto rank = static_cast<int>(context->dims(0).size());
        DOPPIO_RETURN_IF_ERROR(AxisOf(*context->value(1), rank).status());
      }
      context->SetOutput(0, context->dtype(0), context->dims(0));
      return absl::OkStatus();
    });

template <class Context>
class CumSumOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit CumSumOp(OperatorInit* init)
      : Operator<Context>(init),
        is_exclusive_(init->GetSingleArgument<bool>("exclusive")),
        is_reverse_(init->GetSingleArgument<bool>("reverse")) {}

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(0);
    DOPPIO_ASSIGN_OR_RETURN(const int axis, AxisOf(Input(1), x.rank()));
    using Types = TypeList<float, double, int32_t, int64_t>;
    return DispatchType(Types(), x.dtype(), [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      DOPPIO_ASSIGN_OR_RETURN(Tensor * y, Output(0, x.dtype(), x.dims()));
      const int64_t size = x.dim(axis);
      const int64_t inner = SizeFromDim(x.dims(), axis + 1);
      const int64_t lines = SizeToDim(x.dims(), axis) * inner;
      const T* from = x.data<T>();
      T* to = y->template mutable_data<T>();
      constexpr int64_t kGrain = 1 << 14;
      ParallelFor(lines, kGrain / (size + 1) + 1, [&](int64_t begin, int64_t end) {
        for (int64_t line = begin; line < end; ++line) {
          const int64_t first = line / inner * size * inner + line % inner;
          SumLine(from + first, to + first, size, inner);
        }
      });
      return absl::OkStatus();
    });
  }

 private:
  template <typename T>
  void SumLine(const T* x, T* y, int64_t size, int64_t step) const {
    // Integers wrap as the unsigned ones of their size do.
    using Sum = typename std::conditional_t<std::is_integral_v<T>, std::make_unsigned<T>,
                                            std::common_type<T>>::type;
    Sum sum = 0;
    for (int64_t i = 0; i < size; ++i) {
      const int64_t at = (is_reverse_ ? size - 1 - i : i) * step;
      const Sum before = sum;
      sum += static_cast<Sum>(x[at]);
      y[at] = static_cast<T>(is_exclusive_ ? before : sum);
    }
  }

  const bool is_exclusive_;
  const bool is_reverse_;
};

DOPPIO_REGISTER_CPU_OPERATOR(CumSum, CumSumOp<CPUContext>);
DOPPIO_GRADIENT_NOT_IMPLEMENTED_YET(CumSum);

}  // namespace
}  // namespace doppio
