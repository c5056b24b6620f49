#include "doppio/gradient_maker.h"
#include "doppio/registry.h"

namespace doppio {
namespace {

// What operators have in common that do nothing but fail.
void State(OpSchema* schema, const char* in_caffe2, const char* message) {
  schema->NumInputs(0)
      .NumOutputs(0)
      .Doc(absl::StrCat("Makes the run fail with the error `message`, so that how a program takes "
                        "errors can be tested. ",
                        in_caffe2))
      .Arg<std::string>("message", "what the error says", message)
      .HasSideEffects()
      .TensorInference([](InferenceContext*) { return absl::OkStatus(); });
}

DOPPIO_OPERATOR_SCHEMA(Fail).FillUsing([](OpSchema& schema) {
  State(&schema, "In Caffe2 it has no message.", "the operator Fail was run");
});
DOPPIO_OPERATOR_SCHEMA(ThrowException).FillUsing([](OpSchema& schema) {
  State(&schema, "In Caffe2 it throws an exception.", "Exception from ThrowExceptionOp");
});
DOPPIO_OPERATOR_SCHEMA(ThrowChildThreadException).FillUsing([](OpSchema& schema) {
  State(&schema,
        "In Caffe2 it throws an exception on a thread where nothing catches it, which ends the "
        "process; here it fails like the others.",
        "Exception from ThrowChildThreadExceptionOp");
});
DOPPIO_OPERATOR_SCHEMA(LogFatal).FillUsing([](OpSchema& schema) {
  State(&schema, "In Caffe2 it ends the process; here it fails like the others.",
        "Logging from LogFatalOp");
});

template <class Context>
class FailOp final : public Operator<Context> {
 public:
  explicit FailOp(OperatorInit* init)
      : Operator<Context>(init), message_(init->GetSingleArgument<std::string>("message")) {}

  absl::Status RunOnDevice() override { return absl::FailedPreconditionError(message_); }

 private:
  const std::string message_;
};

DOPPIO_REGISTER_CPU_OPERATOR(Fail, FailOp<CPUContext>);
DOPPIO_REGISTER_CPU_OPERATOR(ThrowException, FailOp<CPUContext>);
DOPPIO_REGISTER_CPU_OPERATOR(ThrowChildThreadException, FailOp<CPUContext>);
DOPPIO_REGISTER_CPU_OPERATOR(LogFatal, FailOp<CPUContext>);
DOPPIO_SHOULD_NOT_DO_GRADIENT(Fail);
DOPPIO_SHOULD_NOT_DO_GRADIENT(ThrowException);
DOPPIO_SHOULD_NOT_DO_GRADIENT(ThrowChildThreadException);
DOPPIO_SHOULD_NOT_DO_GRADIENT(LogFatal);

}  // namespace
}  // namespace doppio
