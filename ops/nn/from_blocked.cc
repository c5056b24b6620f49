#include "doppio/gradient_maker.h"
#include "ops/nn/blocked_operator.h"

namespace doppio {
namespace {

DOPPIO_OPERATOR_SCHEMA(FromBlocked)
    .NumInputs(1)
    .NumOutputs(1)
    .AllowAnyInput(0)
    .Doc("A plain tensor with the elements of a blocked tensor.")
    .Input(0, "X", "blocked tensor, or tensor of float")
    .Output(0, "Y", "tensor of float, [N, C, spatial...]")
    .FillUsing(StateInputSlices)
    .TensorInference([](InferenceContext* context) -> absl::Status {
      context->SetOutput(0, context->dtype(0), DimsRead(context->def(), 0, context->dims(0)));
      return absl::OkStatus();
    });

class FromBlockedOp final : public BlockedOperator {
 public:
  explicit FromBlockedOp(OperatorInit* init) : BlockedOperator(init) {}

  absl::Status RunOnDevice() override {
    bool changed = false;
    DOPPIO_RETURN_IF_ERROR(Look(0, &changed));
    if (changed) reorder_.Reset();
    if (!reorder_.IsFor({})) {
      dims_ = dims(0);
      DOPPIO_RETURN_IF_ERROR(CallDnnl([&] {
        const dnnl::memory::desc plain = DnnlRowMajor(dims_);
        const dnnl::reorder::primitive_desc desc(DnnlEngine(), this->desc(0), DnnlEngine(), plain,
                                                 DnnlAttributes());
        return reorder_.Init(desc, {{DNNL_ARG_FROM, this->desc(0)}, {DNNL_ARG_TO, plain}});
      }));
    }
    DOPPIO_ASSIGN_OR_RETURN(Tensor * y, Output(0, DataType::kFloat, dims_));
    reorder_.Bind(0, data(0));
    reorder_.Bind(1, y->raw_mutable_data());
    return reorder_.Execute();
  }

 private:
  Dims dims_;
  DnnlPrimitive reorder_;
};

DOPPIO_REGISTER_CPU_OPERATOR(FromBlocked, FromBlockedOp);
DOPPIO_NO_GRADIENT(FromBlocked);

}  // namespace
}  // namespace doppio
