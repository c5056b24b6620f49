#include <cmath>
#include <limits>
#include <type_traits>

#include "doppio/gradient_maker.h"
#include "doppio/registry.h"

namespace doppio {
namespace {

using RangeTypes = TypeList<int32_t, int64_t, float, double>;

template <typename T>
struct Progression {
  T start = 0;
  T stop = 0;
  T step = 1;
};

// How many elements there are from `start` on before `stop`.
template <typename T>
absl::StatusOr<int64_t> CountElements(const Progression<T>& range) {
  const auto refuse = [&](absl::string_view why) {
    return absl::InvalidArgumentError(absl::StrCat("there is no range from ", range.start, " to ",
                                                   range.stop, " in steps of ", range.step, ": ",
                                                   why));
  };
  if (range.step == 0) return refuse("the step must not be 0");
  if constexpr (std::is_integral_v<T>) {
    if (range.step > 0 ? range.start >= range.stop : range.start <= range.stop) return 0;
    // Distances of int64 need unsigned numbers.
    const auto start = static_cast<uint64_t>(range.start);
    const auto stop = static_cast<uint64_t>(range.stop);
    const auto step = static_cast<uint64_t>(range.step);
    const uint64_t distance = range.step > 0 ? stop - start : start - stop;
    const uint64_t count = (distance - 1) / (range.step > 0 ? step : 0 - step) + 1;
    if (count > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) {
      return refuse("it has too many elements");
    }
    return static_cast<int64_t>(count);
  } else {
    if (!std::isfinite(range.start) || !std::isfinite(range.stop) || !std::isfinite(range.step)) {
      return refuse("these must be finite numbers");
    }
    const T count = std::ceil((range.stop - range.start) / range.step);
    if (!(count < T(1LL << 62))) return refuse("it has too many elements");
    return count > 0 ? static_cast<int64_t>(count) : 0;
  }
}

// What the values of 1 to 3 inputs mean.
template <typename T>
Progression<T> ReadRange(int inputs, const T (&values)[3]) {
  if (inputs == 1) return {0, values[0], 1};
  if (inputs == 2) return {values[0], values[1], 1};
  return {values[0], values[1], values[2]};
}

absl::Status CheckBound(int input, DataType type, DimsView dims, DataType first_type) {
  if (type == first_type && SizeFromDim(dims, 0) == 1) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("input ", input, " must be one element of type ",
                                                 DataTypeName(first_type), ", but is ",
                                                 DataTypeName(type), ShapeToString(dims)));
}

DOPPIO_OPERATOR_SCHEMA(Range)
    .NumInputs(1, 3)
    .NumOutputs(1)
    .Doc(R"DOC(
The numbers start, start + step, start + 2 step and so on before `stop`. With one input that is
`stop`, and `start` is 0; without a third one `step` is 1. Where `stop` does not lie ahead there is
nothing.

Examples: 4, 17 and 2 give [4,6,8,10,12,14,16]; 3 alone gives [0,1,2]; 5, 0 and -2 give [5,3,1],
where Caffe2 forgets the last of integers.

Element i is start + i * step, rounded as the type rounds.
)DOC")
    .Input(0, "start", "one element: int32, int64, float or double; `stop` where it is alone")
    .Input(1, "stop", "one element of the same type")
    .Input(2, "step", "one element of the same type, not 0")
    .Output(0, "output", "vector of the same type")
    .TensorInference([](InferenceContext* context) -> absl::Status {
      for (int i = 0; i < context->InputSize(); ++i) {
        DOPPIO_RETURN_IF_ERROR(
            CheckBound(i, context->dtype(i), context->dims(i), context->dtype(0)));
        if (context->value(i) == nullptr) return absl::OkStatus();
      }
      return DispatchType(RangeTypes(), context->dtype(0), [&](auto tag) -> absl::Status {
        using T = typename decltype(tag)::type;
        T values[3] = {};
        for (int i = 0; i < context->InputSize(); ++i) values[i] = *context->value(i)->data<T>();
        DOPPIO_ASSIGN_OR_RETURN(const int64_t count,
                                CountElements(ReadRange(context->InputSize(), values)));
        context->SetOutput(0, context->dtype(0), {count});
        return absl::OkStatus();
      });
    });

template <class Context>
class RangeOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit RangeOp(OperatorInit* init) : Operator<Context>(init) {}

  absl::Status RunOnDevice() override {
    const DataType type = Input(0).dtype();
    for (int i = 0; i < InputSize(); ++i) {
      DOPPIO_RETURN_IF_ERROR(CheckBound(i, Input(i).dtype(), Input(i).dims(), type));
    }
    return DispatchType(RangeTypes(), type, [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      T values[3] = {};
      for (int i = 0; i < InputSize(); ++i) values[i] = *Input(i).template data<T>();
      const Progression<T> range = ReadRange(InputSize(), values);
      DOPPIO_ASSIGN_OR_RETURN(const int64_t count, CountElements(range));
      DOPPIO_ASSIGN_OR_RETURN(Tensor * output, Output(0, type, {count}));
      T* to = output->mutable_data<T>();
      for (int64_t i = 0; i < count; ++i) {
        if constexpr (std::is_integral_v<T>) {
          // Every element lies between start and stop; what is in between may wrap.
          to[i] = static_cast<T>(static_cast<uint64_t>(range.start) +
                                 static_cast<uint64_t>(i) * static_cast<uint64_t>(range.step));
        } else {
          to[i] = static_cast<T>(i) * range.step + range.start;
        }
      }
      return absl::OkStatus();
    });
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(Range, RangeOp<CPUContext>);
DOPPIO_NO_GRADIENT(Range);

}  // namespace
}  // namespace doppio
