#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "ops/update/counter.h"

namespace doppio {
namespace {

DOPPIO_OPERATOR_SCHEMA(Iter)
    .NumInputs(0, 1)
    .NumOutputs(1)
    .EnforceInplace({{0, 0}})
    .Doc(R"DOC(
Counts runs: adds 1 to an int64 number in place; an int32 becomes int64. Without an input (an old form, which nets of 2017
have), the output counts from 0 where it does not exist yet: it is 1 after the first run.
)DOC")
    .Input(0, "iter", "one int64 or int32, not negative")
    .Output(0, "iter", "the input as int64, one larger")
    .HasSideEffects()
    .TensorInference([](InferenceContext* context) {
      // Without an input it depends on what the blob was before.
      if (context->InputSize() > 0) context->SetOutput(0, DataType::kInt64, context->dims(0));
      return absl::OkStatus();
    });

template <class Context>
class IterOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit IterOp(OperatorInit* init) : Operator<Context>(init) {}

  absl::Status RunOnDevice() override {
    Tensor* iter = OutputBlob(0)->template GetMutable<Tensor>();
    if (InputSize() == 0 && iter->dtype() == DataType::kUndefined) {
      DOPPIO_RETURN_IF_ERROR(iter->Resize(DataType::kInt64, {1}));
      *iter->mutable_data<int64_t>() = 0;
    }
    return AddOne(iter);
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(Iter, IterOp<CPUContext>);
DOPPIO_NO_GRADIENT(Iter);

}  // namespace
}  // namespace doppio
