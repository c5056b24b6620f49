#include <limits>

#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "ops/shape/copying.h"
#include "src/operator/element_copy.h"

namespace doppio {
namespace {

absl::Status CheckOutputCount(int inputs, int outputs) {
  if (outputs == inputs + 1) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("there must be an output for each of the ", inputs,
                                                 " inputs and one more, but there are ", outputs));
}

DOPPIO_OPERATOR_SCHEMA(UnsafeCoalesce)
    .NumInputs(1, OpSchema::kMany)
    .NumOutputs(2, OpSchema::kMany)
    .AllowOneToOneInplace()
    .Doc(R"DOC(
The elements of all inputs in one vector, one input's behind the other's, which is the last output. The
outputs before it are the inputs.

In Caffe2 these are parts of the vector: what is written to one is seen in the other. Here every output is
a value of its own, so a net that changes the vector and reads the parts has to take it apart by a Split.

Example: [1,2] and [[3],[4]] give [1,2], [[3],[4]] and [1,2,3,4].
)DOC")
    .Input(0, "X_0", "tensor of float; more may follow")
    .Output(0, "Y_0", "X_0; there is one for each input")
    .Output(1, "coalesced", "the last output: vector of float")
    .Flops(NoFlops)
    .TensorInference([](InferenceContext* context) -> absl::Status {
      DOPPIO_RETURN_IF_ERROR(CheckOutputCount(context->InputSize(), context->OutputSize()));
      int64_t size = 0;
      for (int i = 0; i < context->InputSize(); ++i) {
        context->SetOutput(i, DataType::kFloat, context->dims(i));
        // What is in memory has fewer than 2^61 elements, but inputs may be thought of only.
        const int64_t more = SizeFromDim(context->dims(i), 0);
        if (more > std::numeric_limits<int64_t>::max() - size) {
          return absl::InvalidArgumentError("the inputs have more elements than a tensor can have");
        }
        size += more;
      }
      context->SetOutput(context->InputSize(), DataType::kFloat, {size});
      return absl::OkStatus();
    });

template <class Context>
class UnsafeCoalesceOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit UnsafeCoalesceOp(OperatorInit* init) : Operator<Context>(init) {
    init->Fail(CheckOutputCount(InputSize(), OutputSize()));
  }

  absl::Status RunOnDevice() override {
    int64_t size = 0;
    for (int i = 0; i < InputSize(); ++i) {
      if (!Input(i).template Is<float>()) {
        return absl::InvalidArgumentError(
            absl::StrCat("the inputs must be float, but one is ", DescribeInput(i)));
      }
      size += Input(i).numel();
    }
    DOPPIO_ASSIGN_OR_RETURN(Tensor * all, Output(InputSize(), DataType::kFloat, {size}));
    int64_t to = 0;
    for (int i = 0; i < InputSize(); ++i) {
      ElementCopy(Input(i), all)(0, to, Input(i).numel());
      to += Input(i).numel();
      if (IsInplace(i, i)) continue;
      DOPPIO_RETURN_IF_ERROR(OutputBlob(i)->template GetMutable<Tensor>()->CopyFrom(Input(i)));
    }
    return absl::OkStatus();
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(UnsafeCoalesce, UnsafeCoalesceOp<CPUContext>);
DOPPIO_SHOULD_NOT_DO_GRADIENT(UnsafeCoalesce);

}  // namespace
}  // namespace doppio
