#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "ops/update/counter.h"
#include "src/operator/mutex.h"

namespace doppio {
namespace {

DOPPIO_OPERATOR_SCHEMA(AtomicIter)
    .NumInputs(2)
    .NumOutputs(1)
    .EnforceInplace({{1, 0}})
    .AllowAnyInput(0)
    .Doc(R"DOC(
Counts runs as Iter does, while it holds a lock: nets that run at the same time may count in one
blob.
)DOC")
    .Input(0, "mutex", "a lock, made by CreateMutex")
    .Input(1, "iter", "one int64 or int32, not negative")
    .Output(0, "iter", "the input as int64, one larger")
    .HasSideEffects()
    .TensorInference([](InferenceContext* context) {
      context->SetOutput(0, DataType::kInt64, context->dims(1));
      return absl::OkStatus();
    });

template <class Context>
class AtomicIterOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit AtomicIterOp(OperatorInit* init) : Operator<Context>(init) {}

  absl::Status RunOnDevice() override {
    const Mutex* lock = InputBlob(0).template Get<Mutex>();
    if (lock == nullptr) {
      return absl::InvalidArgumentError(absl::StrCat(
          "mutex ", DescribeInput(0), " must be a lock that CreateMutex made, but holds ",
          InputBlob(0).TypeName()));
    }
    const std::lock_guard<std::mutex> held(lock->mutex);
    return AddOne(OutputBlob(0)->template GetMutable<Tensor>());
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(AtomicIter, AtomicIterOp<CPUContext>);
DOPPIO_NO_GRADIENT(AtomicIter);

}  // namespace
}  // namespace doppio
