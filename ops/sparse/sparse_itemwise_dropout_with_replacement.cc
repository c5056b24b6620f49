#include "doppio/gradient_maker.h"
#include "doppio/random_engine.h"
#include "doppio/registry.h"
#include "ops/sparse/replacing_dropout.h"

namespace doppio {
namespace {

DOPPIO_OPERATOR_SCHEMA(SparseItemwiseDropoutWithReplacement)
    .NumInputs(2)
    .NumOutputs(2)
    .HasSideEffects()
    .Doc(R"DOC(
Replaces ids by chance, each with probability `ratio`, by replacement_value. The lengths stay.

The numbers are drawn one after another from the operator's generator, which a random_seed in the device
option makes repeatable: every run goes on where the last one stopped.

Example: X [1,2,3], Lengths [1,2], ratio = 1 and replacement_value = -1 give [-1,-1,-1] and [1,2].
)DOC")
    .Arg<float>("ratio", "the part of the ids that is replaced, in [0, 1]", 0.0f)
    .Arg<int64_t>("replacement_value", "what stands in their place", 0)
    .Input(0, "X", "vector of int64: ids")
    .Input(1, "Lengths", "vector of int32, which sum to the number of ids")
    .Output(0, "Y", "vector of int64, as long as X")
    .Output(1, "OutputLengths", "Lengths")
    .OneToOneTypeAndShape();

template <class Context>
class SparseItemwiseDropoutWithReplacementOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit SparseItemwiseDropoutWithReplacementOp(OperatorInit* init)
      : Operator<Context>(init), dropout_(init) {}

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(0);
    DOPPIO_RETURN_IF_ERROR(ReplacingDropout::Check(x, Input(1)));
    DOPPIO_ASSIGN_OR_RETURN(Tensor * y, Output(0, DataType::kInt64, x.dims()));
    DOPPIO_RETURN_IF_ERROR(OutputBlob(1)->template GetMutable<Tensor>()->CopyFrom(Input(1)));
    int64_t* out = y->template mutable_data<int64_t>();
    auto keep = dropout_.Keep();
    auto& generator = context_.RandomGenerator();
    for (int64_t id : x.span<int64_t>()) *out++ = keep(generator) ? id : dropout_.replacement;
    return absl::OkStatus();
  }

 private:
  const ReplacingDropout dropout_;
};

DOPPIO_REGISTER_CPU_OPERATOR(SparseItemwiseDropoutWithReplacement,
                             SparseItemwiseDropoutWithReplacementOp<CPUContext>);
DOPPIO_NO_GRADIENT(SparseItemwiseDropoutWithReplacement);

}  // namespace
}  // namespace doppio
