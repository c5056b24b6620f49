#include "doppio/registry.h"
#include "ops/sequence/row_segments.h"
#include "src/operator/element_copy.h"

namespace doppio {
namespace {

DOPPIO_OPERATOR_SCHEMA(VariableLengthSequencePadding)
    .NumInputs(2)
    .NumOutputs(1)
    .AllowInplace({{0, 0}})
    .Doc(R"DOC(
Sets to 0 what stands behind the end of segments that lie side by side: OUTPUT[t,i] is INPUT[t,i] where
t < LENS[i], and 0 elsewhere. A segment may be longer than there are places. (Caffe2's operator gives
anything where it does not run in place.)

Example: INPUT [3,2,1] = [[[1],[4]],[[2],[5]],[[3],[6]]] and LENS [3,1] give [[[1],[4]],[[2],[0]],[[3],[0]]].
)DOC")
    .Input(0, "INPUT", "tensor of any type, [places, segments, width]")
    .Input(1, "LENS", "vector of int32, none negative: the length of each segment")
    .Output(0, "OUTPUT", "tensor of INPUT's type and shape")
    .Flops([](const OperatorDef&, const auto&, const auto&) { return int64_t{0}; })
    .TensorInference([](InferenceContext* context) -> absl::Status {
      DOPPIO_RETURN_IF_ERROR(CheckSideBySide(context->dims(0), "INPUT", context->dims(1), "LENS"));
      context->SetOutput(0, context->dtype(0), context->dims(0));
      return absl::OkStatus();
    });

template <class Context>
class VariableLengthSequencePaddingOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit VariableLengthSequencePaddingOp(OperatorInit* init) : Operator<Context>(init) {}

  absl::Status RunOnDevice() override {
    DOPPIO_RETURN_IF_ERROR(CheckSideBySide(Input(0).dims(), "INPUT", Input(1).dims(), "LENS"));
    DOPPIO_RETURN_IF_ERROR(segments_.SetInt32(Input(1), "LENS"));
    const DataType dtype = Input(0).dtype();
    const Dims dims(Input(0).dims().begin(), Input(0).dims().end());
    DOPPIO_ASSIGN_OR_RETURN(Tensor * output, Output(0, dtype, dims));
    if (!IsInplace(0, 0)) ElementCopy{Input(0), output}(0, 0, output->numel());
    const ElementZero zero(output);
    for (int64_t t = 0; t < dims[0]; ++t) {
      for (int64_t i = 0; i < dims[1]; ++i) {
        if (t >= segments_.length(i)) zero((t * dims[1] + i) * dims[2], dims[2]);
      }
    }
    return absl::OkStatus();
  }

 private:
  RowSegments segments_;
};

DOPPIO_REGISTER_CPU_OPERATOR(VariableLengthSequencePadding,
                             VariableLengthSequencePaddingOp<CPUContext>);

}  // namespace
}  // namespace doppio
