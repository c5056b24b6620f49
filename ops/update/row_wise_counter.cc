#include <algorithm>
#include <cmath>

#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "ops/update/update_operator.h"

namespace doppio {
namespace {

DOPPIO_OPERATOR_SCHEMA(RowWiseCounter)
    .NumInputs(4)
    .NumOutputs(2)
    .EnforceOneToOneInplace()
    .Doc(R"DOC(
Counts how often each row of a table was updated of late, for RowWiseSparseAdagrad and its kin: for
every k in turn, with r = indices[k] and d = max(0, iter - prev_iter[r]),

    update_counter[r] = 1 + update_counter[r] 2^(-d / counter_halflife)
    prev_iter[r] = max(iter, prev_iter[r])

Other rows stay as they are. Where counter_halflife is not above 0, nothing is counted.

Example: prev_iter [1,1], update_counter [4,4], indices [0], iter [3] and counter_halflife=2 give
output_prev_iter [3,1] and output_update_counter [3,4].
)DOC")
    .Arg<int64_t>("counter_halflife", "iterations in which a count becomes half of it", -1)
    .Input(0, "prev_iter", "tensor of int64: the iteration when a row was updated last")
    .Input(1, "update_counter", "double, as many elements: the counts")
    .Input(2, "indices", "tensor of int32 or int64: rows that are updated")
    .Input(3, "iter", "one int64: this iteration")
    .Output(0, "output_prev_iter", "prev_iter's shape: the new ones")
    .Output(1, "output_update_counter", "update_counter's shape: the new counts")
    .Flops(FlopsForEachOf(2, 4))
    .TensorInference(OutputsLikeInputs({0, 1}));

class RowWiseCounterOp final : public UpdateOperator {
 public:
  explicit RowWiseCounterOp(OperatorInit* init)
      : UpdateOperator(init), halflife_(init->GetSingleArgument<int64_t>("counter_halflife")) {}

  absl::Status RunOnDevice() override {
    const int64_t rows = Input(0).numel();
    DOPPIO_RETURN_IF_ERROR(CheckSizes<int64_t>({0}, rows));
    DOPPIO_RETURN_IF_ERROR(CheckSizes<double>({1}, rows));
    DOPPIO_RETURN_IF_ERROR(CheckIndexInput(2, rows));
    DOPPIO_ASSIGN_OR_RETURN(const int64_t iteration, Single<int64_t>(3));
    DOPPIO_RETURN_IF_ERROR(MakeOutputsLike({0, 1}));
    if (halflife_ <= 0) return absl::OkStatus();
    auto* previous = OutputBlob(0)->GetMutable<Tensor>()->mutable_data<int64_t>();
    auto* counter = OutputBlob(1)->GetMutable<Tensor>()->mutable_data<double>();
    return ForEachIndex(2, rows, {}, [&](int64_t row, int64_t) {
      // In double: the difference of two numbers may not fit into int64.
      const double passed =
          std::max(0.0, static_cast<double>(iteration) - static_cast<double>(previous[row]));
      counter[row] = 1 + counter[row] * std::exp2(-passed / static_cast<double>(halflife_));
      previous[row] = std::max(iteration, previous[row]);
    });
  }

 private:
  const int64_t halflife_;
};

DOPPIO_REGISTER_CPU_OPERATOR(RowWiseCounter, RowWiseCounterOp);
DOPPIO_SHOULD_NOT_DO_GRADIENT(RowWiseCounter);

}  // namespace
}  // namespace doppio
