#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "ops/nn/columns.h"

namespace doppio {
namespace {

DOPPIO_OPERATOR_SCHEMA(Col2Im)
    .NumInputs(2)
    .NumOutputs(1)
    .Doc(R"DOC(
The gradient of Im2Col: adds windows up to an image. Every element of Y is the sum of those elements
of X that Im2Col would have copied it to.

Example: X [1,27,6,6] and Z [1,3,8,8] with kernel 3 give Y [1,3,8,8].
)DOC")
    .FillUsing(StateColumnArguments)
    .Input(0, "X", "windows as Im2Col writes them, of float or double")
    .Input(1, "Z", "image [N,C,H,W] or [N,H,W,C], of which only the shape is used")
    .Output(0, "Y", "image of X's type and Z's shape")
    .Flops([](const OperatorDef&, const std::vector<TensorInfo>& inputs, const auto&) {
      return SizeFromDim(*inputs[0].dims, 0);
    })
    .TensorInference([](InferenceContext* context) -> absl::Status {
      context->SetOutput(0, context->dtype(0), context->dims(1));
      return absl::OkStatus();
    });

template <class Context>
class Col2ImOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit Col2ImOp(OperatorInit* init)
      : Operator<Context>(init), settings_(ReadColumnArguments(init)) {}

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(0);
    const Tensor& z = Input(1);
    DOPPIO_ASSIGN_OR_RETURN(const Columns columns, ColumnsOf(settings_, z.dims()));
    if (x.numel() != SizeFromDim(columns.dims, 0)) {
      return absl::InvalidArgumentError(absl::StrCat("X is ", DescribeInput(0),
                                                     ", but the windows of Z ", DescribeInput(1),
                                                     " are ", ShapeToString(columns.dims)));
    }
    return DispatchType(TypeList<float, double>(), x.dtype(), [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      DOPPIO_ASSIGN_OR_RETURN(Tensor * y, Output(0, x.dtype(), z.dims()));
      Col2Im(columns.shape, x.data<T>(), y->mutable_data<T>(), &context_);
      return absl::OkStatus();
    });
  }

 private:
  const WindowSettings settings_;
};

class GetCol2ImGradient final : public GradientMakerBase {
  using GradientMakerBase::GradientMakerBase;
  std::vector<OperatorDef> GetGradientDefs() override {
    return SingleGradientDef("Im2Col", "", {GO(0)}, {GI(0)});
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(Col2Im, Col2ImOp<CPUContext>);
DOPPIO_REGISTER_GRADIENT(Col2Im, GetCol2ImGradient);

}  // namespace
}  // namespace doppio
