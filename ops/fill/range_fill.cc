#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "ops/fill/filler.h"

namespace doppio {
namespace {

DOPPIO_OPERATOR_SCHEMA(RangeFill)
    .FillUsing(StateFiller)
    .Doc(R"DOC(
A tensor of the numbers 0, 1, 2 and so on, in row-major order. Numbers above 2^24 are rounded to those
that a float can hold.

Example: shape = [2,3] gives [[0,1,2],[3,4,5]].
)DOC")
    .Output(0, "Y", "tensor of float")
    .TensorInference([](InferenceContext* context) -> absl::Status {
      DOPPIO_ASSIGN_OR_RETURN(const std::optional<Dims> dims, InferFillerShape(context));
      if (dims.has_value()) context->SetOutput(0, DataType::kFloat, *dims);
      return absl::OkStatus();
    });

template <class Context>
class RangeFillOp final : public FillerOp<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit RangeFillOp(OperatorInit* init) : FillerOp<Context>(init) {}

  absl::Status RunOnDevice() override {
    DOPPIO_ASSIGN_OR_RETURN(const Dims dims, this->OutputShape());
    DOPPIO_ASSIGN_OR_RETURN(Tensor * y, Output(0, DataType::kFloat, dims));
    float* out = y->mutable_data<float>();
    for (int64_t i = 0; i < y->numel(); ++i) out[i] = static_cast<float>(i);
    return absl::OkStatus();
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(RangeFill, RangeFillOp<CPUContext>);
DOPPIO_NO_GRADIENT(RangeFill);

}  // namespace
}  // namespace doppio
