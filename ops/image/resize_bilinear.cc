// UpsampleBilinear, as Caffe2 calls it, and the same operator as ResizeBilinear, the name that goes
// with ResizeNearest.

#include "doppio/registry.h"
#include "ops/image/resize.h"
#include "src/kernel/bilinear.h"

namespace doppio {
namespace {

void StateForward(OpSchema& schema) {
  schema.FillUsing(StateResize)
      .Doc(R"DOC(
Resizes images by bilinear interpolation, with the corner pixels kept: pixel i of n lies at
i * (m - 1) / (n - 1) among the m pixels of X, and is the mean of the two pixels around that place,
weighted by nearness; likewise down the columns.

Example: the row 1 3 with width_scale = 1.5 becomes 1 2 3.
)DOC")
      .Input(0, "X", "four dimensions: float or double")
      .Flops([](const OperatorDef&, const auto&, const std::vector<TensorInfo>& outputs) {
        return 8 * SizeFromDim(*outputs[0].dims, 0);
      });
}

void StateBackward(OpSchema& schema) {
  schema.FillUsing(StateResizeGradient)
      .Doc("The gradient of a bilinear resize: each dY goes to four pixels, with its weights.")
      .Flops([](const OperatorDef&, const std::vector<TensorInfo>& inputs, const auto&) {
        return 12 * SizeFromDim(*inputs[0].dims, 0);
      });
}

DOPPIO_OPERATOR_SCHEMA(UpsampleBilinear).FillUsing(StateForward);
DOPPIO_OPERATOR_SCHEMA(ResizeBilinear).FillUsing(StateForward);
DOPPIO_OPERATOR_SCHEMA(UpsampleBilinearGradient).FillUsing(StateBackward);
DOPPIO_OPERATOR_SCHEMA(ResizeBilinearGradient).FillUsing(StateBackward);

template <bool kIsGradient, class Context>
class ResizeBilinearOp final : public ResizeOperator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit ResizeBilinearOp(OperatorInit* init) : ResizeOperator<Context>(init) {}

  absl::Status RunOnDevice() override {
    const Tensor& in = Input(0);
    DOPPIO_ASSIGN_OR_RETURN(const ResizeRun run, this->Prepare(kIsGradient ? 1 : 0));
    return DispatchType(TypeList<float, double>(), in.dtype(), [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      DOPPIO_ASSIGN_OR_RETURN(Tensor * out, Output(0, in.dtype(), run.output));
      if (out->numel() == 0) return absl::OkStatus();
      rows_.Assign(run.large.height, run.small.height);
      columns_.Assign(run.large.width, run.small.width);
      const auto resize = kIsGradient ? BilinearGradient<T> : Bilinear<T>;
      resize(in.data<T>(), run.small.count, run.small.height, run.small.width, run.small.inner,
             rows_, columns_, out->template mutable_data<T>(), &context_);
      return absl::OkStatus();
    });
  }

 private:
  LinearSources rows_;
  LinearSources columns_;
};

using ForwardOp = ResizeBilinearOp<false, CPUContext>;
using BackwardOp = ResizeBilinearOp<true, CPUContext>;
DOPPIO_REGISTER_CPU_OPERATOR(UpsampleBilinear, ForwardOp);
DOPPIO_REGISTER_CPU_OPERATOR(ResizeBilinear, ForwardOp);
DOPPIO_REGISTER_CPU_OPERATOR(UpsampleBilinearGradient, BackwardOp);
DOPPIO_REGISTER_CPU_OPERATOR(ResizeBilinearGradient, BackwardOp);
DOPPIO_REGISTER_GRADIENT(UpsampleBilinear, GetResizeGradient);
DOPPIO_REGISTER_GRADIENT(ResizeBilinear, GetResizeGradient);

}  // namespace
}  // namespace doppio
