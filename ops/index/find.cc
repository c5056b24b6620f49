// Find and FindDuplicateElements.

#include <algorithm>
#include <limits>
#include <numeric>
#include <string>

#include "doppio/gradient_maker.h"
#include "doppio/parallel.h"
#include "doppio/registry.h"
#include "src/operator/lengths_input.h"

namespace doppio {
namespace {

DOPPIO_OPERATOR_SCHEMA(Find)
    .NumInputs(2)
    .NumOutputs(1)
    .Doc(R"DOC(
Where in `index` each of `query` stands: the last place, or missing_value where it does not stand
there.

Example: index [11,12,11,13] and query [[11,7],[13,12]] give [[2,-1],[3,1]].
)DOC")
    .Arg<int>("missing_value", "the answer for what is not there", -1)
    .Input(0, "index", "tensor of int32 or int64")
    .Input(1, "query", "tensor of index's type")
    .Output(0, "query_indices", "tensor of query's type and shape")
    .IdenticalTypeAndShapeOfInput(1);

template <class Context>
class FindOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit FindOp(OperatorInit* init)
      : Operator<Context>(init), missing_(init->GetSingleArgument<int>("missing_value")) {}

  absl::Status RunOnDevice() override {
    const Tensor& index = Input(0);
    const Tensor& query = Input(1);
    if (query.dtype() != index.dtype()) {
      return absl::InvalidArgumentError(absl::StrCat(
          "query ", DescribeInput(1), " must be of the type of index ", DescribeInput(0)));
    }
    return DispatchType(TypeList<int32_t, int64_t>(), index.dtype(), [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      if (index.numel() > std::numeric_limits<T>::max()) {
        return absl::InvalidArgumentError(
            absl::StrCat("places in index ", DescribeInput(0), " are more than its type holds"));
      }
      const T* values = index.data<T>();
      order_.resize(static_cast<size_t>(index.numel()));
      std::iota(order_.begin(), order_.end(), 0);
      std::sort(order_.begin(), order_.end(), [&](int64_t a, int64_t b) {
        return values[a] < values[b] || (values[a] == values[b] && a < b);
      });
      DOPPIO_ASSIGN_OR_RETURN(Tensor * output, Output(0, query.dtype(), query.dims()));
      const T* wanted = Input(1).template data<T>();
      T* found = output->template mutable_data<T>();
      constexpr int64_t kGrain = 1 << 10;
      ParallelFor(query.numel(), kGrain, [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) {
          const T value = wanted[i];
          const auto after =
              std::upper_bound(order_.begin(), order_.end(), value,
                               [&](T v, int64_t place) { return v < values[place]; });
          const bool is_there = after != order_.begin() && values[after[-1]] == value;
          found[i] = static_cast<T>(is_there ? after[-1] : missing_);
        }
      });
      return absl::OkStatus();
    });
  }

 private:
  const int64_t missing_;
  std::vector<int64_t> order_;
};

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

DOPPIO_REGISTER_CPU_OPERATOR(Find, FindOp<CPUContext>);
DOPPIO_REGISTER_CPU_OPERATOR(FindDuplicateElements, FindDuplicateElementsOp<CPUContext>);
DOPPIO_NO_GRADIENT(Find);
DOPPIO_SHOULD_NOT_DO_GRADIENT(FindDuplicateElements);

}  // namespace
}  // namespace doppio
