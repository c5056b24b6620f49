#include <algorithm>
#include <vector>

#include "doppio/gradient_maker.h"
#include "doppio/random_engine.h"
#include "doppio/registry.h"
#include "ops/sparse/replacing_dropout.h"
#include "src/operator/lengths_input.h"

namespace doppio {
namespace {

DOPPIO_OPERATOR_SCHEMA(SparseDropoutWithReplacement)
    .NumInputs(2)
    .NumOutputs(2)
    .HasSideEffects()
    .Doc(R"DOC(
Replaces all ids of an example by one replacement_value, each example with probability `ratio`; one without
ids then has that one too.

The numbers are drawn one after another from the operator's generator, which a random_seed in the device
option makes repeatable: every run goes on where the last one stopped.

Example: X [1,2,3,4,5], Lengths [2,3], ratio = 1 and replacement_value = -1 give [-1,-1] and [1,1].
)DOC")
    .Arg<float>("ratio", "the part of the examples whose ids are replaced, in [0, 1]", 0.0f)
    .Arg<int64_t>("replacement_value", "what stands in their place", 0)
    .Input(0, "X", "vector of int64: ids")
    .Input(1, "Lengths", "vector of int32: how many ids each example has")
    .Output(0, "Y", "vector of int64")
    .Output(1, "OutputLengths", "vector of int32, as long as Lengths")
    .TensorInference([](InferenceContext* context) -> absl::Status {
      DOPPIO_RETURN_IF_ERROR(CheckIsVector(context->dims(0), "X"));
      DOPPIO_RETURN_IF_ERROR(CheckIsVector(context->dims(1), "Lengths"));
      context->SetOutput(1, DataType::kInt32, context->dims(1));
      return absl::OkStatus();
    });

template <class Context>
class SparseDropoutWithReplacementOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit SparseDropoutWithReplacementOp(OperatorInit* init)
      : Operator<Context>(init), dropout_(init) {}

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(0);
    DOPPIO_RETURN_IF_ERROR(ReplacingDropout::Check(x, Input(1)));
    const auto lengths = Input(1).template span<int32_t>();
    DOPPIO_ASSIGN_OR_RETURN(Tensor * out_lengths, Output(1, DataType::kInt32, Input(1).dims()));
    auto* out_length = out_lengths->template mutable_data<int32_t>();
    auto keep = dropout_.Keep();
    auto& generator = context_.RandomGenerator();
    kept_.clear();
    int64_t total = 0;
    for (int32_t length : lengths) {
      kept_.push_back(keep(generator));
      *out_length = kept_.back() ? length : 1;
      total += *out_length++;
    }
    DOPPIO_ASSIGN_OR_RETURN(Tensor * y, Output(0, DataType::kInt64, {total}));
    const int64_t* id = x.data<int64_t>();
    auto* out = y->template mutable_data<int64_t>();
    for (size_t i = 0; i < lengths.size(); ++i) {
      if (kept_[i]) {
        out = std::copy_n(id, lengths[i], out);
      } else {
        *out++ = dropout_.replacement;
      }
      id += lengths[i];
    }
    return absl::OkStatus();
  }

 private:
  const ReplacingDropout dropout_;
  std::vector<bool> kept_;  // of each example of a run
};

DOPPIO_REGISTER_CPU_OPERATOR(SparseDropoutWithReplacement,
                             SparseDropoutWithReplacementOp<CPUContext>);
DOPPIO_NO_GRADIENT(SparseDropoutWithReplacement);

}  // namespace
}  // namespace doppio
