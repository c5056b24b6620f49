#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "src/operator/lengths_input.h"

namespace doppio {
namespace {

absl::StatusOr<int64_t> CheckSplits(int64_t n_split) {
  if (n_split > 0) return n_split;
  return absl::InvalidArgumentError(
      absl::StrCat("n_split is ", n_split, ", but must be at least 1"));
}

int64_t ReadSplits(ArgumentReader* args) {
  if (args->def().input_size() > 1) return 1;
  const int64_t n_split = args->GetSingleArgument<int>("n_split");
  if (!args->HasArgument("n_split")) {
    args->Fail(
        absl::InvalidArgumentError("\"n_split\" is given neither as an argument nor as an input"));
  }
  args->Fail(CheckSplits(n_split).status());
  return n_split;
}

DOPPIO_OPERATOR_SCHEMA(LengthsSplit)
    .NumInputs(1, 2)
    .NumOutputs(1)
    .Doc(R"DOC(
Each length as a sum of n_split lengths that differ by 1 at most, larger ones first.

Example: LENGTHS [9,4,5] and n_split = 3 give [3,3,3,2,1,1,2,2,1].
)DOC")
    .Arg<int>("n_split", "how many parts; must be given where there is no such input", 0)
    .Input(0, "LENGTHS", "vector of int32, none negative")
    .Input(1, "n_split", "one int32 or int64, optional: takes the place of the argument")
    .Output(0, "Y", "vector of int32 with n_split elements for each length")
    .TensorInference([](InferenceContext* context) -> absl::Status {
      int64_t n_split = ReadSplits(context);
      DOPPIO_RETURN_IF_ERROR(context->status());
      DOPPIO_RETURN_IF_ERROR(CheckVector<int32_t>(context->dtype(0), context->dims(0), "LENGTHS"));
      if (context->InputSize() > 1) {
        if (context->value(1) == nullptr) return absl::OkStatus();
        DOPPIO_ASSIGN_OR_RETURN(n_split, SingleInteger(*context->value(1), "n_split"));
        DOPPIO_RETURN_IF_ERROR(CheckSplits(n_split).status());
      }
      DOPPIO_ASSIGN_OR_RETURN(int64_t size, CheckedProduct(context->dims(0)[0], n_split));
      context->SetOutput(0, DataType::kInt32, {size});
      return absl::OkStatus();
    });

template <class Context>
class LengthsSplitOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit LengthsSplitOp(OperatorInit* init)
      : Operator<Context>(init), n_split_(ReadSplits(init)) {}

  absl::Status RunOnDevice() override {
    const Tensor& lengths = Input(0);
    DOPPIO_RETURN_IF_ERROR(CheckVector<int32_t>(lengths, "LENGTHS"));
    DOPPIO_RETURN_IF_ERROR(SumOfLengths(lengths.span<int32_t>(), "LENGTHS").status());
    int64_t n_split = n_split_;
    if (InputSize() > 1) {
      DOPPIO_ASSIGN_OR_RETURN(n_split, SingleInteger(Input(1), "n_split"));
      DOPPIO_RETURN_IF_ERROR(CheckSplits(n_split).status());
    }
    DOPPIO_ASSIGN_OR_RETURN(int64_t size, CheckedProduct(lengths.numel(), n_split));
    DOPPIO_ASSIGN_OR_RETURN(Tensor * output, Output(0, DataType::kInt32, {size}));
    int32_t* y = output->template mutable_data<int32_t>();
    for (int32_t length : lengths.span<int32_t>()) {
      const int32_t each = static_cast<int32_t>(length / n_split);
      const int64_t larger = length % n_split;
      for (int64_t i = 0; i < n_split; ++i) *y++ = each + (i < larger ? 1 : 0);
    }
    return absl::OkStatus();
  }

 private:
  const int64_t n_split_;
};

DOPPIO_REGISTER_CPU_OPERATOR(LengthsSplit, LengthsSplitOp<CPUContext>);
DOPPIO_GRADIENT_NOT_IMPLEMENTED_YET(LengthsSplit);

}  // namespace
}  // namespace doppio
