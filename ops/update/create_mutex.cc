#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "src/operator/mutex.h"

namespace doppio {

DOPPIO_REGISTER_BLOB_TYPE(Mutex);

namespace {

DOPPIO_OPERATOR_SCHEMA(CreateMutex)
    .NumInputs(0)
    .NumOutputs(1)
    .Doc(R"DOC(
Makes a lock, not held by anyone, for operators that change one blob from several nets at the same
time (AtomicIter). Where the blob is a lock already, it stays that one.
)DOC")
    .Output(0, "mutex", "a lock, which is no tensor")
    .HasSideEffects();

template <class Context>
class CreateMutexOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit CreateMutexOp(OperatorInit* init) : Operator<Context>(init) {}

  absl::Status RunOnDevice() override {
    OutputBlob(0)->template GetMutable<Mutex>();
    return absl::OkStatus();
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(CreateMutex, CreateMutexOp<CPUContext>);
DOPPIO_SHOULD_NOT_DO_GRADIENT(CreateMutex);

}  // namespace
}  // namespace doppio
