#include <algorithm>
#include <limits>

#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "src/kernel/indices.h"
#include "src/operator/lengths_input.h"

namespace doppio {
namespace {

absl::Status CheckInputCount(int count) {
  if (count % 2 == 0) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("the inputs are pairs of lengths and values, but there are ", count));
}

DOPPIO_OPERATOR_SCHEMA(MergeIdLists)
    .NumInputs(2, OpSchema::kMany)
    .NumOutputs(2)
    .Doc(R"DOC(
Merges several lists of ids for each example into one, in which no id stands twice and which is in
ascending order.

Example: lengths_0 [2,1], values_0 [4,1,3], lengths_1 [1,0] and values_1 [4] give merged_lengths [2,1] and
merged_values [1,4,3].
)DOC")
    .Input(0, "lengths_0", "vector of int32: how many ids each example has")
    .Input(1, "values_0", "vector of int32 or int64: the ids; further pairs may follow")
    .Output(0, "merged_lengths", "vector of int32")
    .Output(1, "merged_values", "vector of values_0's type")
    .Flops([](const OperatorDef&, const auto&, const auto&) { return int64_t{0}; })
    .TensorInference([](InferenceContext* context) -> absl::Status {
      DOPPIO_RETURN_IF_ERROR(CheckInputCount(context->InputSize()));
      DOPPIO_RETURN_IF_ERROR(CheckIsVector(context->dims(0), "lengths_0"));
      // How many ids are left depends on the values.
      context->SetOutput(0, DataType::kInt32, context->dims(0));
      return absl::OkStatus();
    });

template <class Context>
class MergeIdListsOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit MergeIdListsOp(OperatorInit* init) : Operator<Context>(init) {
    init->Fail(CheckInputCount(InputSize()));
  }

  absl::Status RunOnDevice() override {
    DOPPIO_RETURN_IF_ERROR(Check());
    return DispatchType(IndexTypes(), Input(1).dtype(), [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      DOPPIO_RETURN_IF_ERROR(Merge<T>());
      DOPPIO_ASSIGN_OR_RETURN(Tensor * lengths, Output(0, DataType::kInt32, Input(0).dims()));
      std::copy(lengths_.begin(), lengths_.end(), lengths->template mutable_data<int32_t>());
      const DataType type = Input(1).dtype();
      DOPPIO_ASSIGN_OR_RETURN(Tensor * values,
                              Output(1, type, {static_cast<int64_t>(merged_.size())}));
      T* out = values->template mutable_data<T>();
      for (int64_t id : merged_) *out++ = static_cast<T>(id);
      return absl::OkStatus();
    });
  }

 private:
  absl::Status Check() {
    for (int i = 0; i < InputSize(); i += 2) {
      const Tensor& lengths = Input(i);
      const Tensor& values = Input(i + 1);
      const std::string name = absl::StrCat("lengths_", i / 2);
      DOPPIO_RETURN_IF_ERROR(CheckVector<int32_t>(lengths, name));
      DOPPIO_RETURN_IF_ERROR(CheckIsVector(values.dims(), absl::StrCat("values_", i / 2)));
      if (lengths.numel() != Input(0).numel() || values.dtype() != Input(1).dtype()) {
        return absl::InvalidArgumentError(
            absl::StrCat("all lengths must be as many and all values of one type, but lists ",
                         i / 2, " are ", DescribeInput(i), " and ", DescribeInput(i + 1),
                         ", the first ones ", DescribeInput(0), " and ", DescribeInput(1)));
      }
      DOPPIO_RETURN_IF_ERROR(CheckLengths(lengths.span<int32_t>(), name, values.numel(),
                                          absl::StrCat("values_", i / 2)));
    }
    return absl::OkStatus();
  }

  template <typename T>
  absl::Status Merge() {
    merged_.clear();
    lengths_.clear();
    next_.assign(static_cast<size_t>(InputSize()), 0);
    for (int64_t example = 0; example < Input(0).numel(); ++example) {
      const auto first = static_cast<std::ptrdiff_t>(merged_.size());
      for (int i = 0; i < InputSize(); i += 2) {
        const T* values = Input(i + 1).template data<T>();
        int64_t& next = next_[static_cast<size_t>(i)];
        const int64_t end = next + Input(i).template data<int32_t>()[example];
        for (; next < end; ++next) merged_.push_back(values[next]);
      }
      std::sort(merged_.begin() + first, merged_.end());
      merged_.erase(std::unique(merged_.begin() + first, merged_.end()), merged_.end());
      const int64_t length = static_cast<int64_t>(merged_.size()) - first;
      if (length > std::numeric_limits<int32_t>::max()) {
        return absl::InvalidArgumentError(
            absl::StrCat("example ", example, " has ", length, " ids, more than int32 can say"));
      }
      lengths_.push_back(static_cast<int32_t>(length));
    }
    return absl::OkStatus();
  }

  std::vector<int64_t> merged_;
  std::vector<int32_t> lengths_;
  std::vector<int64_t> next_;
};

DOPPIO_REGISTER_CPU_OPERATOR(MergeIdLists, MergeIdListsOp<CPUContext>);
DOPPIO_NO_GRADIENT(MergeIdLists);

}  // namespace
}  // namespace doppio
