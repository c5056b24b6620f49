#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "ops/shape/copying.h"

namespace doppio {
namespace {

// What operators have in common whose output is their input, in storage of its own.
void StateCopy(OpSchema* schema, const char* doc) {
  schema->NumInputs(1)
      .NumOutputs(1)
      .Doc(doc)
      .Input(0, "X", "tensor of any type and shape")
      .Output(0, "Y", "tensor of X's type and shape")
      .Flops(NoFlops)
      .TakesPhantoms({0})
      .IdenticalTypeAndShape();
}

DOPPIO_OPERATOR_SCHEMA(EnsureCPUOutput).FillUsing([](OpSchema& schema) {
  StateCopy(&schema, "Y = X, on the CPU, where all tensors are.");
});
DOPPIO_OPERATOR_SCHEMA(CopyFromCPUInput).FillUsing([](OpSchema& schema) {
  StateCopy(&schema, "Y = X, from the CPU to the operator's device, which is the CPU too.");
});
DOPPIO_OPERATOR_SCHEMA(AliasWithName)
    .FillUsing([](OpSchema& schema) {
      StateCopy(&schema,
                "Y = X, under a name that other tools read. As for Alias, Y has storage of its "
                "own.");
    })
    .AllowInplace({{0, 0}})
    .Arg<std::string>("name", "the name; doppio makes no use of it", "invalid_name")
    .Arg<bool>("is_backward", "accepted for old nets; has no effect", false);
DOPPIO_OPERATOR_SCHEMA(EnsureDense)
    .FillUsing([](OpSchema& schema) {
      StateCopy(&schema,
                "Y = X, whose gradient is dense whatever that of Y is: a gradient that is a slice, "
                "indices and rows, becomes a tensor of X's shape. So operators before this one "
                "need not know of slices. In place nothing is done at all.");
    })
    .Input(0, "X", "tensor of any type, at least a vector")
    .AllowInplace({{0, 0}});

template <class Context>
class CopyOp final : public CopyingOperator<Context> {
 public:
  explicit CopyOp(OperatorInit* init) : CopyingOperator<Context>(init) {}
  absl::Status RunOnDevice() override { return this->Copy(); }
};

template <class Context>
class EnsureDenseOp final : public CopyingOperator<Context> {
 public:
  explicit EnsureDenseOp(OperatorInit* init) : CopyingOperator<Context>(init) {}
  absl::Status RunOnDevice() override {
    if (this->InputOperand(0).dims.empty()) {
      return absl::InvalidArgumentError(
          absl::StrCat("X ", this->DescribeInput(0), " must be at least a vector"));
    }
    return this->Copy();
  }
};

class GetEnsureDenseGradient final : public GradientMakerBase {
  using GradientMakerBase::GradientMakerBase;
  std::vector<OperatorDef> GetGradientDefs() override {
    if (GradOut(0).IsSparse()) {
      return SingleGradientDef("SparseToDense", "", {GO_I(0), GO_V(0), I(0)}, {GI(0)});
    }
    SetDense(0, GO(0));
    return {};
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(EnsureCPUOutput, CopyOp<CPUContext>);
DOPPIO_REGISTER_CPU_OPERATOR(CopyFromCPUInput, CopyOp<CPUContext>);
DOPPIO_REGISTER_CPU_OPERATOR(AliasWithName, CopyOp<CPUContext>);
DOPPIO_REGISTER_CPU_OPERATOR(EnsureDense, EnsureDenseOp<CPUContext>);
DOPPIO_NO_GRADIENT(EnsureCPUOutput);
DOPPIO_SHOULD_NOT_DO_GRADIENT(CopyFromCPUInput);
DOPPIO_SHOULD_NOT_DO_GRADIENT(AliasWithName);
DOPPIO_REGISTER_GRADIENT(EnsureDense, GetEnsureDenseGradient);

}  // namespace
}  // namespace doppio
