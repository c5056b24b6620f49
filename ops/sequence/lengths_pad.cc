#include <algorithm>
#include <cmath>
#include <limits>

#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "src/operator/lengths_input.h"

namespace doppio {
namespace {

int64_t ReadTarget(ArgumentReader* args) {
  const int64_t target = args->GetSingleArgument<int>("target_length");
  if (target < 1 && args->status().ok()) {
    args->Fail(absl::InvalidArgumentError(
        absl::StrCat("target_length is ", target, ", but must be at least 1")));
  }
  return target;
}

absl::StatusOr<Dims> PaddedDims(DimsView data, DataType type, DimsView lengths, int64_t target) {
  DOPPIO_RETURN_IF_ERROR(CheckNotScalar(data, "DATA"));
  DOPPIO_RETURN_IF_ERROR(CheckVector<int32_t>(type, lengths, "LENGTHS"));
  Dims dims(data.begin(), data.end());
  DOPPIO_ASSIGN_OR_RETURN(dims[0], CheckedProduct(lengths[0], target));
  DOPPIO_RETURN_IF_ERROR(NumElements(dims).status());
  return dims;
}

// `value` as T, if T has it.
template <typename T>
absl::StatusOr<T> PaddingAs(float value) {
  if constexpr (std::is_integral_v<T>) {
    const double bound = std::ldexp(1.0, std::numeric_limits<T>::digits);
    if (!(value >= -bound && value < bound)) {
      return absl::InvalidArgumentError(absl::StrCat("padding_value is ", value, ", which is no ",
                                                     DataTypeName(DataTypeOf<T>::value)));
    }
  }
  return static_cast<T>(value);
}

DOPPIO_OPERATOR_SCHEMA(LengthsPad)
    .NumInputs(2)
    .NumOutputs(1)
    .Doc(R"DOC(
Segments of rows, which lie one behind the other, filled up with rows of padding_value to
target_length rows each. A longer segment is an error.

Example: DATA [3,1] = [[2],[4],[6]], LENGTHS [0,2,1] and target_length = 2 give
[[-1],[-1],[2],[4],[6],[-1]].
)DOC")
    .Arg<float>("padding_value", "what the segments are filled up with", -1.0f)
    .RequiredArg<int>("target_length", "rows of each segment in the output")
    .Input(0, "DATA", "tensor of float, double, int32 or int64, at least a vector")
    .Input(1, "LENGTHS", "vector of int32, none negative, which sum to the rows of DATA")
    .Output(0, "OUTPUT", "tensor of DATA's type with target_length rows for each segment")
    .Flops([](const OperatorDef&, const auto&, const auto&) { return int64_t{0}; })
    .TensorInference([](InferenceContext* context) -> absl::Status {
      const int64_t target = ReadTarget(context);
      DOPPIO_RETURN_IF_ERROR(context->status());
      DOPPIO_ASSIGN_OR_RETURN(
          Dims dims, PaddedDims(context->dims(0), context->dtype(1), context->dims(1), target));
      context->SetOutput(0, context->dtype(0), dims);
      return absl::OkStatus();
    });

template <class Context>
class LengthsPadOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit LengthsPadOp(OperatorInit* init)
      : Operator<Context>(init),
        padding_(init->GetSingleArgument<float>("padding_value")),
        target_(ReadTarget(init)) {}

  absl::Status RunOnDevice() override {
    using Types = TypeList<float, double, int32_t, int64_t>;
    const Tensor& data = Input(0);
    DOPPIO_ASSIGN_OR_RETURN(Dims dims,
                            PaddedDims(data.dims(), Input(1).dtype(), Input(1).dims(), target_));
    const auto lengths = Input(1).template span<int32_t>();
    DOPPIO_RETURN_IF_ERROR(CheckLengths(lengths, "LENGTHS", data.dim(0), "DATA"));
    for (size_t i = 0; i < lengths.size(); ++i) {
      if (lengths[i] > target_) {
        return absl::InvalidArgumentError(
            absl::StrCat("LENGTHS[", i, "] is ", lengths[i], ", above target_length ", target_));
      }
    }
    return DispatchType(Types(), data.dtype(), [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      DOPPIO_ASSIGN_OR_RETURN(T padding, PaddingAs<T>(padding_));
      DOPPIO_ASSIGN_OR_RETURN(Tensor * output, Output(0, data.dtype(), dims));
      const int64_t block = SizeFromDim(data.dims(), 1);
      const T* x = data.data<T>();
      T* y = output->template mutable_data<T>();
      for (int32_t length : lengths) {
        y = std::copy_n(x, length * block, y);
        x += length * block;
        y = std::fill_n(y, (target_ - length) * block, padding);
      }
      return absl::OkStatus();
    });
  }

 private:
  const float padding_;
  const int64_t target_;
};

DOPPIO_REGISTER_CPU_OPERATOR(LengthsPad, LengthsPadOp<CPUContext>);
DOPPIO_NO_GRADIENT(LengthsPad);

}  // namespace
}  // namespace doppio
