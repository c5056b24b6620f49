#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "ops/fill/random_filler.h"

namespace doppio {
namespace {

constexpr size_t kLeastRank = 2;
constexpr char kWhy[] = "no fan-out";

void StateMSRAFill(OpSchema& schema) { StateRandomFillerOfRank(schema, kLeastRank, kWhy); }

DOPPIO_OPERATOR_SCHEMA(MSRAFill).FillUsing(StateMSRAFill).Doc(R"DOC(
A tensor of floats drawn from the normal distribution of mean 0 and deviation sqrt(2 / fan_out),
where fan_out is the number of elements divided by the size of the second dimension.

Source: He, Zhang, Ren and Sun, Delving deep into rectifiers (2015).
)DOC");

template <class Context>
class MSRAFillOp final : public FillerOp<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit MSRAFillOp(OperatorInit* init) : FillerOp<Context>(init) {}

  absl::Status RunOnDevice() override {
    DOPPIO_ASSIGN_OR_RETURN(const Dims dims, this->OutputShape());
    DOPPIO_RETURN_IF_ERROR(CheckFillRank(dims, kLeastRank, kWhy));
    DOPPIO_ASSIGN_OR_RETURN(Tensor * y, Output(0, DataType::kFloat, dims));
    if (y->numel() == 0) return absl::OkStatus();
    FillNormal(0.0f, std::sqrt(2.0f / static_cast<float>(y->numel() / dims[1])), y, &context_);
    return absl::OkStatus();
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(MSRAFill, MSRAFillOp<CPUContext>);
DOPPIO_NO_GRADIENT(MSRAFill);

}  // namespace
}  // namespace doppio
