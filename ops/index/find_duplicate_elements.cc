#include <algorithm>
#include <numeric>
#include <string>

#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "src/operator/lengths_input.h"

namespace doppio {
namespace {

DOPPIO_OPERATOR_SCHEMA(FindDuplicateElements)
    .NumInputs(1)
    .NumOutputs(1)
    .Doc(R"DOC(
The places of all elements that an earlier element is equal to, in ascending order. NaN is equal to
nothing.

Example: ["a","b","a","a","b"] gives [2,3,4].
)DOC")
    .Input(0, "data", "vector of float, double, int32, int64 or strings")
    .Output(0, "indices", "vector of int64")
    .TensorInference([](InferenceContext* context) -> absl::Status {
      // How many there are depends on the values.
      return CheckIsVector(context->dims(0), "data");
    })
    .Flops([](const OperatorDef&, const auto&, const auto&) { return int64_t{0}; });

// An order in which NaN comes last.
template <typename T>
bool IsBefore(const T& a, const T& b) {
  if constexpr (std::is_floating_point_v<T>) return a < b || (a == a && b != b);
  return a < b;
}

template <class Context>
class FindDuplicateElementsOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit FindDuplicateElementsOp(OperatorInit* init) : Operator<Context>(init) {}

  absl::Status RunOnDevice() override {
    using Types = TypeList<float, double, int32_t, int64_t, std::string>;
    const Tensor& data = Input(0);
    DOPPIO_RETURN_IF_ERROR(CheckIsVector(data.dims(), "data"));
    return DispatchType(Types(), data.dtype(), [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      const T* values = data.data<T>();
      order_.resize(static_cast<size_t>(data.numel()));
      std::iota(order_.begin(), order_.end(), 0);
      std::sort(order_.begin(), order_.end(), [&](int64_t a, int64_t b) {
        if (IsBefore(values[a], values[b])) return true;
        return !IsBefore(values[b], values[a]) && a < b;
      });
      duplicates_.clear();
      for (size_t i = 1; i < order_.size(); ++i) {
        if (values[order_[i]] == values[order_[i - 1]]) duplicates_.push_back(order_[i]);
      }
      std::sort(duplicates_.begin(), duplicates_.end());
      DOPPIO_ASSIGN_OR_RETURN(
          Tensor * output, Output(0, DataType::kInt64, {static_cast<int64_t>(duplicates_.size())}));
      std::copy(duplicates_.begin(), duplicates_.end(), output->template mutable_data<int64_t>());
      return absl::OkStatus();
    });
  }

 private:
  std::vector<int64_t> order_;
  std::vector<int64_t> duplicates_;
};

DOPPIO_REGISTER_CPU_OPERATOR(FindDuplicateElements, FindDuplicateElementsOp<CPUContext>);
DOPPIO_SHOULD_NOT_DO_GRADIENT(FindDuplicateElements);

}  // namespace
}  // namespace doppio
