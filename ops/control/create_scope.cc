#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "ops/control/scope.h"

namespace doppio {

DOPPIO_REGISTER_BLOB_TYPE(ScopeStack);

namespace {

DOPPIO_OPERATOR_SCHEMA(CreateScope)
    .NumInputs(0)
    .NumOutputs(1)
    .Doc(R"DOC(
Makes an empty scope, in which Do keeps the blobs that its net makes for itself. Where the blob is a
scope already, it becomes empty.
)DOC")
    .Output(0, "scope", "a scope, which is no tensor")
    .HasSideEffects();

template <class Context>
class CreateScopeOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit CreateScopeOp(OperatorInit* init) : Operator<Context>(init) {}

  absl::Status RunOnDevice() override {
    OutputBlob(0)->template GetMutable<ScopeStack>()->used = 0;
    return absl::OkStatus();
  }
};

DOPPIO_OPERATOR_SCHEMA(HasScope)
    .NumInputs(1)
    .NumOutputs(1)
    .AllowAnyInput(0)
    .Doc("Whether Do has put blobs into a scope since CreateScope made it.")
    .Input(0, "scope", "a scope, made by CreateScope")
    .Output(0, "whether", "a vector of one bool")
    .HasSideEffects();

template <class Context>
class HasScopeOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit HasScopeOp(OperatorInit* init) : Operator<Context>(init) {}

  absl::Status RunOnDevice() override {
    const ScopeStack* scope = InputBlob(0).template Get<ScopeStack>();
    if (scope == nullptr) {
      return absl::InvalidArgumentError(absl::StrCat(
          "scope ", DescribeInput(0), " must be a scope that CreateScope made, but holds ",
          InputBlob(0).TypeName()));
    }
    DOPPIO_ASSIGN_OR_RETURN(Tensor * whether, Output(0, DataType::kBool, {1}));
    *whether->template mutable_data<bool>() = scope->used > 0;
    return absl::OkStatus();
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(CreateScope, CreateScopeOp<CPUContext>);
DOPPIO_SHOULD_NOT_DO_GRADIENT(CreateScope);
DOPPIO_REGISTER_CPU_OPERATOR(HasScope, HasScopeOp<CPUContext>);
DOPPIO_SHOULD_NOT_DO_GRADIENT(HasScope);

}  // namespace
}  // namespace doppio
