#include <atomic>

#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "src/operator/shared_state.h"

namespace doppio {
namespace {

struct AtomicBool {
  std::atomic<bool> value{false};
};

DOPPIO_REGISTER_BLOB_TYPE(AtomicBool);

DOPPIO_OPERATOR_SCHEMA(CreateAtomicBool)
    .NumInputs(0)
    .NumOutputs(1)
    .Doc(R"DOC(
Makes a truth value that several threads may read and set at the same time, a blob that is no tensor. It
is false at first; where the blob is one already, that becomes false.

Example: CheckAtomicBool then gives [false].
)DOC")
    .Output(0, "atomic_bool", "the truth value")
    .HasSideEffects();

DOPPIO_OPERATOR_SCHEMA(ConditionalSetAtomicBool)
    .NumInputs(2)
    .NumOutputs(0)
    .AllowAnyInput(0)
    .Doc(R"DOC(
Makes the truth value true where the condition is; otherwise it stays as it is.

Example: false and the condition true give true; true and the condition false stay true.
)DOC")
    .Input(0, "atomic_bool", "a truth value, made by CreateAtomicBool")
    .Input(1, "condition", "a single bool")
    .TensorInference([](InferenceContext*) { return absl::OkStatus(); })
    .HasSideEffects();

DOPPIO_OPERATOR_SCHEMA(CheckAtomicBool)
    .NumInputs(1)
    .NumOutputs(1)
    .AllowAnyInput(0)
    .Doc(R"DOC(
Copies a truth value that CreateAtomicBool made.

Example: a new one gives [false].
)DOC")
    .Input(0, "atomic_bool", "a truth value, made by CreateAtomicBool")
    .Output(0, "value", "vector of one bool")
    .TensorInference([](InferenceContext* context) {
      context->SetOutput(0, DataType::kBool, {1});
      return absl::OkStatus();
    })
    .HasSideEffects();

absl::StatusOr<AtomicBool*> AtomicBoolInput(const OperatorBase& op) {
  return SharedState<AtomicBool>(op, 0, "a truth value that CreateAtomicBool made");
}

template <class Context>
class CreateAtomicBoolOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit CreateAtomicBoolOp(OperatorInit* init) : Operator<Context>(init) {}

  absl::Status RunOnDevice() override {
    OutputBlob(0)->template GetMutable<AtomicBool>()->value = false;
    return absl::OkStatus();
  }
};

template <class Context>
class ConditionalSetAtomicBoolOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit ConditionalSetAtomicBoolOp(OperatorInit* init) : Operator<Context>(init) {}

  absl::Status RunOnDevice() override {
    DOPPIO_ASSIGN_OR_RETURN(AtomicBool * atomic, AtomicBoolInput(*this));
    const Tensor& condition = Input(1);
    if (!condition.Is<bool>() || condition.numel() != 1) {
      return absl::InvalidArgumentError(
          absl::StrCat("condition must be a single bool, but is ", DescribeInput(1)));
    }
    if (*condition.data<bool>()) atomic->value = true;
    return absl::OkStatus();
  }
};

template <class Context>
class CheckAtomicBoolOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit CheckAtomicBoolOp(OperatorInit* init) : Operator<Context>(init) {}

  absl::Status RunOnDevice() override {
    DOPPIO_ASSIGN_OR_RETURN(AtomicBool * atomic, AtomicBoolInput(*this));
    DOPPIO_ASSIGN_OR_RETURN(Tensor * output, Output(0, DataType::kBool, {1}));
    *output->template mutable_data<bool>() = atomic->value;
    return absl::OkStatus();
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(CreateAtomicBool, CreateAtomicBoolOp<CPUContext>);
DOPPIO_REGISTER_CPU_OPERATOR(ConditionalSetAtomicBool, ConditionalSetAtomicBoolOp<CPUContext>);
DOPPIO_REGISTER_CPU_OPERATOR(CheckAtomicBool, CheckAtomicBoolOp<CPUContext>);
DOPPIO_SHOULD_NOT_DO_GRADIENT(CreateAtomicBool);
DOPPIO_SHOULD_NOT_DO_GRADIENT(ConditionalSetAtomicBool);
DOPPIO_SHOULD_NOT_DO_GRADIENT(CheckAtomicBool);

}  // namespace
}  // namespace doppio
