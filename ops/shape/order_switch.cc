#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "ops/shape/copying.h"
#include "src/kernel/transpose.h"

namespace doppio {
namespace {

using Axes = absl::InlinedVector<int, 8>;

// The permutation that takes the channels to the back, or from there to the second place.
absl::StatusOr<Axes> SwitchingAxes(DimsView x, bool to_nhwc) {
  const int rank = static_cast<int>(x.size());
  if (rank < 3) {
    return absl::InvalidArgumentError(
        absl::StrCat("a batch of images has at least 3 dimensions, but X is ", ShapeToString(x)));
  }
  Axes axes = {0};
  if (!to_nhwc) axes.push_back(rank - 1);
  for (int i = to_nhwc ? 2 : 1; i < (to_nhwc ? rank : rank - 1); ++i) axes.push_back(i);
  if (to_nhwc) axes.push_back(1);
  return axes;
}

template <bool kToNhwc>
absl::Status InferSwitch(InferenceContext* context) {
  const DimsView x = context->dims(0);
  DOPPIO_ASSIGN_OR_RETURN(const Axes axes, SwitchingAxes(x, kToNhwc));
  Dims y;
  for (int axis : axes) y.push_back(x[axis]);
  context->SetOutput(0, context->dtype(0), y);
  return absl::OkStatus();
}

template <bool kToNhwc>
void StateSwitch(OpSchema& schema) {
  schema.NumInputs(1)
      .NumOutputs(1)
      .Input(0, "data", "any type, three dimensions or more")
      .Output(0, "output", "tensor of the same type, in the other order")
      .Flops(NoFlops)
      .TensorInference(InferSwitch<kToNhwc>);
}

DOPPIO_OPERATOR_SCHEMA(NCHW2NHWC).FillUsing(StateSwitch<true>).Doc(R"DOC(
Takes the channels from the second place to the last: [N, C, H, W] becomes [N, H, W, C], and
likewise for one, three or more spatial dimensions.
)DOC");
DOPPIO_OPERATOR_SCHEMA(NHWC2NCHW).FillUsing(StateSwitch<false>).Doc(R"DOC(
Takes the channels from the last place to the second: [N, H, W, C] becomes [N, C, H, W], and
likewise for one, three or more spatial dimensions.
)DOC");

template <bool kToNhwc, class Context>
class OrderSwitchOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit OrderSwitchOp(OperatorInit* init) : Operator<Context>(init) {}

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(0);
    DOPPIO_ASSIGN_OR_RETURN(const Axes axes, SwitchingAxes(x.dims(), kToNhwc));
    Dims dims;
    for (int axis : axes) dims.push_back(x.dim(axis));
    DOPPIO_ASSIGN_OR_RETURN(Tensor * y, Output(0, x.dtype(), dims));
    if (x.Is<std::string>()) {
      Transpose(x.data<std::string>(), x.dims(), axes, y->mutable_data<std::string>(), &context_);
    } else {
      Transpose(DataTypeSize(x.dtype()), x.raw_data(), x.dims(), axes, y->raw_mutable_data(),
                &context_);
    }
    return absl::OkStatus();
  }
};

// Each is the other's gradient.
class GetOrderSwitchGradient final : public GradientMakerBase {
  using GradientMakerBase::GradientMakerBase;
  std::vector<OperatorDef> GetGradientDefs() override {
    return SingleGradientDef(Def().type() == "NCHW2NHWC" ? "NHWC2NCHW" : "NCHW2NHWC", "", {GO(0)},
                             {GI(0)});
  }
};

using ToNhwcOp = OrderSwitchOp<true, CPUContext>;
using ToNchwOp = OrderSwitchOp<false, CPUContext>;
DOPPIO_REGISTER_CPU_OPERATOR(NCHW2NHWC, ToNhwcOp);
DOPPIO_REGISTER_CPU_OPERATOR(NHWC2NCHW, ToNchwOp);
DOPPIO_REGISTER_GRADIENT(NCHW2NHWC, GetOrderSwitchGradient);
DOPPIO_REGISTER_GRADIENT(NHWC2NCHW, GetOrderSwitchGradient);

}  // namespace
}  // namespace doppio
