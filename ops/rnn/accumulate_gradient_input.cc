#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "ops/rnn/step_net.h"
#include "src/operator/lengths_input.h"

namespace doppio {
namespace {

DOPPIO_OPERATOR_SCHEMA(rnn_internal_accumulate_gradient_input)
    .NumInputs(3)
    .NumOutputs(1, OpSchema::kMany)
    .EnforceInplace({{2, 0}})
    .Doc(R"DOC(
Part of the step nets that RecurrentNetworkGradient makes: row timestep of output_gradient is added to row
timestep + offset of state_gradient.

Example: timestep = 0, output_gradient [1,1] = [[5]], state_gradient [2,1] = [[1],[2]] and offset = 1 give
[[1],[7]].
)DOC")
    .RequiredArg<int64_t>("offset", "by how many rows state_gradient is ahead; not negative")
    .Input(0, "timestep", "a single int32 or int64")
    .Input(1, "output_gradient", "tensor of float or double, at least a vector")
    .Input(2, "state_gradient", "tensor of the same type, with rows of as many elements")
    .Output(0, "state_gradient", "the input, with what was added")
    .IdenticalTypeAndShapeOfInput(2);

template <class Context>
class AccumulateGradientInputOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit AccumulateGradientInputOp(OperatorInit* init)
      : Operator<Context>(init), offset_(init->GetSingleArgument<int64_t>("offset")) {
    if (init->status().ok() && offset_ < 0) {
      init->Fail(absl::InvalidArgumentError(
          absl::StrCat("offset is ", offset_, ", but must not be negative")));
    }
  }

  absl::Status RunOnDevice() override {
    DOPPIO_ASSIGN_OR_RETURN(const int64_t t, SingleInteger(Input(0), "timestep"));
    const Tensor& from = Input(1);
    const Tensor& to = Input(2);
    DOPPIO_RETURN_IF_ERROR(CheckNotScalar(from.dims(), "output_gradient"));
    DOPPIO_RETURN_IF_ERROR(CheckNotScalar(to.dims(), "state_gradient"));
    const int64_t size = SizeFromDim(to.dims(), 1);
    if (SizeFromDim(from.dims(), 1) != size) {
      return absl::InvalidArgumentError(
          absl::StrCat("rows of output_gradient ", from.TypeAndShape(), " and state_gradient ",
                       to.TypeAndShape(), " must have as many elements"));
    }
    if (t < 0 || t >= from.dim(0) || t >= to.dim(0) || offset_ >= to.dim(0) - t) {
      return absl::InvalidArgumentError(
          absl::StrCat("there is no row ", t, " in output_gradient ", from.TypeAndShape(),
                       ", or no row ", offset_, " after it in state_gradient ", to.TypeAndShape()));
    }
    DOPPIO_ASSIGN_OR_RETURN(Tensor * sum,
                            Output(0, to.dtype(), Dims(to.dims().begin(), to.dims().end())));
    return AddElements(from, t * size, size, (t + offset_) * size, sum);
  }

 private:
  const int64_t offset_;
};

DOPPIO_REGISTER_CPU_OPERATOR(rnn_internal_accumulate_gradient_input,
                             AccumulateGradientInputOp<CPUContext>);

}  // namespace
}  // namespace doppio
