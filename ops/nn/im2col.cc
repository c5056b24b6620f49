#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "ops/nn/columns.h"

namespace doppio {
namespace {

DOPPIO_OPERATOR_SCHEMA(Im2Col)
    .NumInputs(1)
    .NumOutputs(1)
    .Doc(R"DOC(
Writes out the windows of an image: Y holds what each tap of a sliding window sees in each place, so
that a convolution is a matrix product. Padding counts as 0.

Example: X [1,3,8,8] with kernel 3 gives Y [1,27,6,6]; in NHWC, X [1,8,8,3] gives Y [1,6,6,27].
)DOC")
    .FillUsing(StateColumnArguments)
    .Input(0, "X", "image of float or double, [N,C,H,W] or [N,H,W,C]")
    .Output(0, "Y",
            "[N, C kernel_h kernel_w, out_h, out_w], or [N, out_h, out_w, kernel_h kernel_w C]")
    .Flops([](const auto&, const auto&, const auto&) { return 0; })
    .TensorInference([](InferenceContext* context) -> absl::Status {
      DOPPIO_ASSIGN_OR_RETURN(const Columns columns,
                              ColumnsOf(ReadColumnArguments(context), context->dims(0)));
      context->SetOutput(0, context->dtype(0), columns.dims);
      return absl::OkStatus();
    });

template <class Context>
class Im2ColOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit Im2ColOp(OperatorInit* init)
      : Operator<Context>(init), settings_(ReadColumnArguments(init)) {}

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(0);
    DOPPIO_ASSIGN_OR_RETURN(const Columns columns, ColumnsOf(settings_, x.dims()));
    return DispatchType(TypeList<float, double>(), x.dtype(), [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      DOPPIO_ASSIGN_OR_RETURN(Tensor * y, Output(0, x.dtype(), columns.dims));
      Im2Col(columns.shape, x.data<T>(), y->mutable_data<T>(), &context_);
      return absl::OkStatus();
    });
  }

 private:
  const WindowSettings settings_;
};

class GetIm2ColGradient final : public GradientMakerBase {
  using GradientMakerBase::GradientMakerBase;
  std::vector<OperatorDef> GetGradientDefs() override {
    return SingleGradientDef("Col2Im", "", {GO(0), I(0)}, {GI(0)});
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(Im2Col, Im2ColOp<CPUContext>);
DOPPIO_REGISTER_GRADIENT(Im2Col, GetIm2ColGradient);

}  // namespace
}  // namespace doppio
