#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "ops/fill/random_filler.h"

namespace doppio {
namespace {

constexpr size_t kLeastRank = 1;
constexpr char kWhy[] = "no fan-in";

void StateXavierFill(OpSchema& schema) { StateRandomFillerOfRank(schema, kLeastRank, kWhy); }

DOPPIO_OPERATOR_SCHEMA(XavierFill).FillUsing(StateXavierFill).Doc(R"DOC(
A tensor of floats drawn from the uniform distribution between -s and s, where s = sqrt(3 / fan_in)
and fan_in is the number of elements divided by the size of the first dimension.

Source: Glorot and Bengio, Understanding the difficulty of training deep feedforward neural networks
(2010).
)DOC");

template <class Context>
class XavierFillOp final : public FillerOp<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit XavierFillOp(OperatorInit* init) : FillerOp<Context>(init) {}

  absl::Status RunOnDevice() override {
    DOPPIO_ASSIGN_OR_RETURN(const Dims dims, this->OutputShape());
    DOPPIO_RETURN_IF_ERROR(CheckFillRank(dims, kLeastRank, kWhy));
    DOPPIO_ASSIGN_OR_RETURN(Tensor * y, Output(0, DataType::kFloat, dims));
    if (y->numel() == 0) return absl::OkStatus();
    const float scale = std::sqrt(3.0f / static_cast<float>(y->numel() / dims[0]));
    FillUniform(-scale, scale, y, &context_);
    return absl::OkStatus();
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(XavierFill, XavierFillOp<CPUContext>);
DOPPIO_NO_GRADIENT(XavierFill);

}  // namespace
}  // namespace doppio
