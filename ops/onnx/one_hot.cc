#include <algorithm>
#include <cmath>

#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "ops/onnx/moved_elements.h"

namespace doppio {
namespace {

// A number of whatever type as a whole one; `fallback` where it is none.
template <typename T>
int64_t WholeNumber(T value, int64_t fallback) {
  if constexpr (std::is_integral_v<T>) {
    return static_cast<int64_t>(value);
  } else {
    constexpr double kMost = 9007199254740992.0;  // 2^53
    const auto number = static_cast<double>(static_cast<float>(value));
    const bool is_whole = std::trunc(number) == number && std::abs(number) <= kMost;
    return is_whole ? static_cast<int64_t>(number) : fallback;
  }
}
template <>
int64_t WholeNumber(double value, int64_t fallback) {
  const bool is_whole = std::trunc(value) == value && std::abs(value) <= 9007199254740992.0;
  return is_whole ? static_cast<int64_t>(value) : fallback;
}

absl::StatusOr<int64_t> DepthOf(const Tensor& depth) {
  int64_t size = -1;
  if (depth.numel() == 1 && IsNumeric(depth.dtype())) {
    DOPPIO_RETURN_IF_ERROR(DispatchType(AllNumericTypes(), depth.dtype(), [&](auto tag) {
      size = WholeNumber(*depth.data<typename decltype(tag)::type>(), -1);
      return absl::OkStatus();
    }));
  }
  if (size >= 0) return size;
  return absl::InvalidArgumentError(absl::StrCat(
      "depth must be one whole number that is not negative, but is ", depth.TypeAndShape()));
}

// The depth is a new dimension of what has the shape of indices.
absl::StatusOr<Dims> OneHotDims(DimsView indices, int64_t axis, int64_t depth) {
  DOPPIO_ASSIGN_OR_RETURN(const int place,
                          CanonicalAxis(axis, static_cast<int>(indices.size()) + 1));
  Dims dims(indices.begin(), indices.end());
  dims.insert(dims.begin() + place, depth);
  DOPPIO_RETURN_IF_ERROR(NumElements(dims).status());
  return dims;
}

DOPPIO_OPERATOR_SCHEMA(OnnxOneHot)
    .NumInputs(3)
    .NumOutputs(1)
    .Doc(R"DOC(
ONNX's OneHot: along a new dimension each index becomes `depth` elements, values[1] where the index says
and values[0] elsewhere; all are values[0] for an index outside of [-depth, depth), or one that is no
whole number.

Example: indices = [0,-1], depth = 3 and values = [2,5] give [[5,2,2],[2,2,5]].
)DOC")
    .Arg<int64_t>("axis", "the new dimension of the output, from the back if negative", -1)
    .Input(0, "indices", "tensor of numbers, from the back if negative")
    .Input(1, "depth", "one number")
    .Input(2, "values", "two elements of any type: what is off, and what is on")
    .Output(0, "output", "tensor of the type of values")
    .NeedsValue(1)
    .Flops(NoOperations)
    .TensorInference([](InferenceContext* context) -> absl::Status {
      DOPPIO_ASSIGN_OR_RETURN(const int64_t depth, DepthOf(*context->value(1)));
      DOPPIO_ASSIGN_OR_RETURN(
          const Dims dims,
          OneHotDims(context->dims(0), context->GetSingleArgument<int64_t>("axis"), depth));
      context->SetOutput(0, context->dtype(2), dims);
      return absl::OkStatus();
    });

template <class Context>
class OnnxOneHotOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit OnnxOneHotOp(OperatorInit* init)
      : Operator<Context>(init), axis_(init->GetSingleArgument<int64_t>("axis")) {}

  absl::Status RunOnDevice() override {
    const Tensor& indices = Input(0);
    const Tensor& values = Input(2);
    DOPPIO_ASSIGN_OR_RETURN(const int64_t depth, DepthOf(Input(1)));
    DOPPIO_ASSIGN_OR_RETURN(const Dims dims, OneHotDims(indices.dims(), axis_, depth));
    if (values.rank() != 1 || values.numel() != 2) {
      return absl::InvalidArgumentError(
          absl::StrCat(DescribeInput(2), " must be a vector of two elements"));
    }
    DOPPIO_RETURN_IF_ERROR(Resolve(indices, depth));
    DOPPIO_ASSIGN_OR_RETURN(Tensor * output, Output(0, values.dtype(), dims));
    DOPPIO_ASSIGN_OR_RETURN(const int axis, CanonicalAxis(axis_, output->rank()));
    const int64_t inner = SizeFromDim(output->dims(), axis + 1);
    return DispatchMoved(values.dtype(), [&](auto tag) {
      using T = typename decltype(tag)::type;
      const T* value = MovedElements<T>(values);
      T* y = MovedElements<T>(output);
      std::fill_n(y, output->numel(), value[0]);
      for (size_t i = 0; i < places_.size(); ++i) {
        if (places_[i] < 0) continue;
        const auto at = static_cast<int64_t>(i);
        y[(at / inner * depth + places_[i]) * inner + at % inner] = value[1];
      }
      return absl::OkStatus();
    });
  }

 private:
  // Into places_; -1 where nothing is on.
  absl::Status Resolve(const Tensor& indices, int64_t depth) {
    return DispatchType(AllNumericTypes(), indices.dtype(), [&](auto tag) {
      places_.clear();
      for (const auto& value : indices.span<typename decltype(tag)::type>()) {
        const int64_t index = WholeNumber(value, depth);
        const bool is_there = index >= -depth && index < depth;
        places_.push_back(!is_there ? -1 : index < 0 ? index + depth : index);
      }
      return absl::OkStatus();
    });
  }

  const int64_t axis_;
  std::vector<int64_t> places_;
};

DOPPIO_REGISTER_CPU_OPERATOR(OnnxOneHot, OnnxOneHotOp<CPUContext>);
DOPPIO_SHOULD_NOT_DO_GRADIENT(OnnxOneHot);

}  // namespace
}  // namespace doppio
